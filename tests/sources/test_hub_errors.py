from __future__ import annotations

import httpx2
import pytest
from huggingface_hub import errors as library
from urllib3 import exceptions as urllib3

from famtree.errors import (
    AccessError,
    FamtreeError,
    NetworkError,
    NotFoundError,
    UsageError,
)
from famtree.sources.hub_errors import _CODES, _FAILURES, RefusalError, translate


@pytest.mark.parametrize(
    ("status", "code", "expected", "words"),
    [
        (401, "RepoNotFound", NotFoundError, "does not exist, or is private"),
        (403, "GatedRepo", AccessError, "is gated"),
        (403, "Disabled", AccessError, "was disabled"),
        (404, "RevisionNotFound", NotFoundError, "no such revision"),
        (404, "EntryNotFound", NotFoundError, "no such file"),
        (400, "", NetworkError, "malformed"),
        (401, "", AccessError, "the token was not accepted (words of the page)"),
        (403, "", AccessError, "may not be read with this token (words of the page)"),
        (404, "", NotFoundError, "was not found"),
        (404, "BucketNotFound", NotFoundError, "was not found"),
        (429, "", NetworkError, "rate limit"),
        (503, "", NetworkError, "failed with status 503"),
        (418, "", NetworkError, "answered with status 418 (words of the page)"),
    ],
)
def test_refusals(status: int, code: str, expected: type[FamtreeError], words: str) -> None:
    made = translate(RefusalError(status, {}, "words of\n  the page", code), what="org/name")
    assert type(made) is expected
    assert made.message.startswith("org/name")
    assert words in made.message
    assert "\n" not in made.message
    assert made.hint


@pytest.mark.parametrize("code", _CODES)
def test_every_code_has_words(code: str) -> None:
    made = translate(RefusalError(404, {}, "", code), what="org/name")
    assert made.message != translate(RefusalError(404, {}, ""), what="org/name").message


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (library.OIDCError, AccessError),
        (urllib3.NewConnectionError, NetworkError),
        (urllib3.NameResolutionError, NetworkError),
        (urllib3.ConnectTimeoutError, NetworkError),
        (urllib3.ReadTimeoutError, NetworkError),
        (urllib3.ProtocolError, NetworkError),
        (urllib3.ProxyError, NetworkError),
        (urllib3.SSLError, NetworkError),
        (urllib3.DecodeError, NetworkError),
        (urllib3.InvalidHeader, NetworkError),
        (urllib3.LocationParseError, UsageError),
        (urllib3.URLSchemeUnknown, UsageError),
        (httpx2.ConnectError, NetworkError),
        (OSError, NetworkError),
        (ZeroDivisionError, FamtreeError),
    ],
)
def test_failures(kind: type[BaseException], expected: type[FamtreeError]) -> None:
    # Without __init__: each class has its own arguments, and the class alone decides.
    error = kind.__new__(kind)
    error.args = ("message",)
    made = translate(error)
    assert type(made) is expected
    assert made.hint


def test_no_row_is_stale() -> None:
    known = {*vars(urllib3), *vars(library), "OSError"}
    assert set(_FAILURES) <= known


@pytest.mark.parametrize(("status", "expected"), [(401, AccessError), (503, NetworkError)])
def test_a_refused_exchange_of_tokens(status: int, expected: type[FamtreeError]) -> None:
    """huggingface_hub asks a server for a token by its own client."""
    response = httpx2.Response(status, request=httpx2.Request("POST", "https://hub/oauth/token"))
    error = library.HfHubHTTPError("refused", response=response, server_message="no such subject")
    made = translate(error, what="org/name")
    assert type(made) is expected
    if status == 401:
        assert "no such subject" in made.message


def test_gated_names_the_page() -> None:
    made = translate(RefusalError(403, {}, "", "GatedRepo"), what="a/b", page="https://hub/a/b")
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
