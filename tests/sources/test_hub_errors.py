import inspect

import httpx2
import pytest
from huggingface_hub import errors as library
from urllib3 import exceptions as urllib3

from famtree.errors import (
    AccessError,
    FamtreeError,
    NetworkError,
    NotFoundError,
    OfflineError,
    UnreadableError,
    UsageError,
)
from famtree.sources import hub_errors
from famtree.sources.hub_errors import is_mapped, translate

ALL = [
    kind
    for kind in vars(library).values()
    if inspect.isclass(kind)
    and issubclass(kind, BaseException)
    and kind.__module__ == library.__name__
]


def make(kind: type[BaseException], status: int = 500) -> BaseException:
    """Return an instance without knowing the constructor."""
    error = kind.__new__(kind)
    if issubclass(kind, library.HfHubHTTPError):
        request = httpx2.Request("GET", "http://127.0.0.1/api/models/org/name")
        vars(error)["response"] = httpx2.Response(status, request=request)
        vars(error)["server_message"] = None
    error.args = ("message",)
    return error


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__name__)
def test_every_error_of_the_library_is_mapped(kind: type[BaseException]) -> None:
    assert is_mapped(kind), f"huggingface_hub.errors.{kind.__name__} needs a row in hub_errors"
    made = translate(make(kind), what="org/name")
    assert isinstance(made, FamtreeError)
    assert made.exit_code in {2, 3, 4, 70}
    assert "org/name" in made.message
    assert "\n" not in made.message


def test_no_row_is_stale() -> None:
    assert len(ALL) > 30
    known = {kind.__name__ for kind in ALL}
    assert set(hub_errors._LIBRARY) <= known


@pytest.mark.parametrize(
    ("kind", "status", "expected"),
    [
        (library.RepositoryNotFoundError, 401, NotFoundError),
        (library.GatedRepoError, 403, AccessError),
        (library.DisabledRepoError, 403, AccessError),
        (library.RevisionNotFoundError, 404, NotFoundError),
        (library.RemoteEntryNotFoundError, 404, NotFoundError),
        (library.LocalEntryNotFoundError, 0, OfflineError),
        (library.OfflineModeIsEnabled, 0, OfflineError),
        (library.LocalTokenNotFoundError, 0, AccessError),
        (library.BadRequestError, 400, NetworkError),
        (library.HFValidationError, 0, UsageError),
        (library.SafetensorsParsingError, 0, UnreadableError),
        (library.HfHubHTTPError, 401, AccessError),
        (library.HfHubHTTPError, 403, AccessError),
        (library.HfHubHTTPError, 404, NotFoundError),
        (library.HfHubHTTPError, 429, NetworkError),
        (library.HfHubHTTPError, 503, NetworkError),
        (library.HfHubHTTPError, 418, NetworkError),
        (urllib3.NewConnectionError, 0, NetworkError),
        (urllib3.NameResolutionError, 0, NetworkError),
        (urllib3.ConnectTimeoutError, 0, NetworkError),
        (urllib3.ReadTimeoutError, 0, NetworkError),
        (urllib3.ProtocolError, 0, NetworkError),
        (urllib3.ProxyError, 0, NetworkError),
        (urllib3.SSLError, 0, NetworkError),
        (urllib3.DecodeError, 0, NetworkError),
        (urllib3.InvalidHeader, 0, NetworkError),
        (urllib3.LocationParseError, 0, UsageError),
        (urllib3.URLSchemeUnknown, 0, UsageError),
        (OSError, 0, NetworkError),
        (ZeroDivisionError, 0, FamtreeError),
    ],
)
def test_kinds(kind: type[BaseException], status: int, expected: type[FamtreeError]) -> None:
    made = translate(make(kind, status))
    assert type(made) is expected
    assert made.hint


def test_gated_names_the_page() -> None:
    made = translate(make(library.GatedRepoError), what="a/b", page="https://hub/a/b")
    assert "https://hub/a/b" in made.hint


def test_causes_hidden_in_messages() -> None:
    def hint_of(text: str) -> str:
        made = translate(urllib3.SSLError(text))
        return made.message + made.hint

    assert "SSL_CERT_FILE" in hint_of("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed")
    assert "resolved" in hint_of("[Errno -2] Name or service not known")
    assert "resolved" in hint_of("[Errno 11001] getaddrinfo failed")


def test_own_errors_pass_through() -> None:
    own = NetworkError("x", hint="y")
    assert translate(own) is own
