"""Every failure of a request to a Hub, in famtree's own words.

What the server refused is a `RefusalError`, told apart by the code in its headers, else by its
status. Failures of the HTTP client and of huggingface_hub's `get_token` go by class name, so that
neither library is imported to read the tables.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from famtree.errors import (
    AccessError,
    FamtreeError,
    NetworkError,
    NotFoundError,
    UsageError,
)

ABSENT = "does not exist, or is private and needs a token (HF_TOKEN / hf auth login)"

_LOGIN_HINT = "set HF_TOKEN or run `hf auth login` with a token that may read the repository"
_RETRY_HINT = "try again later; --offline answers from what is already cached"
_NO_OWNER = r"[\w.-]+"
"""What is asked for by a name alone, as the oldest models are."""
_REPORT_HINT = "famtree does not know this failure; please report it"

_EXPIRED = frozenset({400, 401, 403, 410})
"""What stores of files say of an address whose signature is wrong or too old."""
_HUB_PATH = r"/api/models(?:/|$)|/resolve/|/api/resolve-cache/"

_Row = tuple[type[FamtreeError], str, str]


class RefusalError(Exception):
    """A server's answer with status 400 or more; its `headers`' names are in lower case."""

    def __init__(
        self,
        status: int,
        headers: Mapping[str, str],
        said: str,
        code: str = "",
        *,
        address: str = "",
        own: bool = True,
        sent: bool = True,
    ) -> None:
        self.status = status
        self.headers = headers
        self.said = said
        """The words of the page."""
        self.code = code
        """The Hub's own word for the refusal (`X-Error-Code`)."""
        self.address = address
        """What was asked, query and all."""
        self.own = own
        """Whether the endpoint or the Hub refused, and not another host that they lead to."""
        self.sent = sent
        """Whether the token went with the request."""
        super().__init__(f"status {status}")

    @property
    def expired(self) -> bool:
        """Whether a host that the Hub leads to refuses the very address it was given."""
        return not self.own and self.status in _EXPIRED and not self.asks_elsewhere

    @property
    def asks_elsewhere(self) -> bool:
        """Whether it is another Hub that refuses, which a mirror hands the question on to."""
        return not self.own and re.search(_HUB_PATH, urlsplit(self.address).path) is not None


_CODES: dict[str, _Row] = {
    "RepoNotFound": (
        NotFoundError,
        ABSENT,
        f"check the spelling; if it is private, {_LOGIN_HINT}",
    ),
    "GatedRepo": (AccessError, "is gated and access was not granted", _LOGIN_HINT),
    "Disabled": (
        AccessError,
        "was disabled by the Hub or its owner",
        "look at the model page for the reason",
    ),
    "RevisionNotFound": (
        NotFoundError,
        "has no such revision",
        "check the branch, tag or commit on the model page",
    ),
    "EntryNotFound": (NotFoundError, "has no such file", "look at the model page's files"),
}
"""By `X-Error-Code`; "Disabled" is told by words alone (`hub_answer.raise_for_status`)."""

_KINDS = {
    "GatedRepoError": "GatedRepo",
    "DisabledRepoError": "Disabled",
    "RepositoryNotFoundError": "RepoNotFound",
    "RevisionNotFoundError": "RevisionNotFound",
}
"""huggingface_hub's exception -> `X-Error-Code`; it knows answers without one by their words."""
_UNCACHED = {"LocalEntryNotFoundError", "OfflineModeIsEnabled"}

_FAILURES: dict[str, _Row] = {
    "OIDCError": (AccessError, "the keyless token exchange failed", "check HF_OIDC_RESOURCE"),
    "ProxyError": (
        NetworkError,
        "the proxy refused the connection",
        "check HTTP_PROXY, HTTPS_PROXY and NO_PROXY",
    ),
    "NewConnectionError": (
        NetworkError,
        "no connection could be made",
        "check the network and HF_ENDPOINT; --offline answers from what is already cached",
    ),
    "ConnectTimeoutError": (NetworkError, "the connection timed out", _RETRY_HINT),
    "TimeoutError": (
        NetworkError,
        "the answer did not arrive in time",
        "raise HF_HUB_DOWNLOAD_TIMEOUT (seconds) or try again later",
    ),
    "ProtocolError": (NetworkError, "the server broke off its answer", _RETRY_HINT),
    "SSLError": (
        NetworkError,
        "no encrypted connection could be made",
        "check the network, the proxy and SSL_CERT_FILE",
    ),
    "DecodeError": (NetworkError, "the answer was damaged on its way", _RETRY_HINT),
    "URLSchemeUnknown": (UsageError, "HF_ENDPOINT is not an http(s) address", "check it"),
    "LocationValueError": (UsageError, "the address is not valid", "check HF_ENDPOINT"),
    "HTTPError": (NetworkError, "the request failed", _RETRY_HINT),
    "OSError": (
        NetworkError,
        "the connection could not be set up",
        "check the network, the proxy and SSL_CERT_FILE",
    ),
}

_NAME_FAULTS = (
    "name or service not known",
    "name resolution",
    "nodename nor servname",
    "getaddrinfo failed",
    "no address associated",
)


def translate(
    error: BaseException, *, what: str = "the Hub", page: str = "", repository: bool = False
) -> FamtreeError:
    """Return famtree's error for `error`, met on the way to a Hub's answer.

    `what` names the repository or file the message is about, `page` its model page; `repository`
    tells that huggingface_hub was asked for one. An error that is not known becomes a plain
    FamtreeError (exit 70); one of famtree's own is returned as is.
    """
    if isinstance(error, FamtreeError):
        return error
    response: Any = getattr(error, "response", None)
    if isinstance(status := getattr(response, "status_code", None), int):
        # huggingface_hub's, of the server that it asked for a token
        kinds = [_KINDS.get(kind.__name__, "") for kind in type(error).__mro__]
        if repository and status == 401 and "authorization" not in response.request.headers:
            kinds.append("RepoNotFound")  # as the Hub answers for what does not exist
        said = getattr(error, "server_message", None) or ""
        error = RefusalError(status, response.headers, said, next(filter(None, kinds), ""))
    if isinstance(error, RefusalError) and error.code not in _CODES:
        return _by_status(error, what)
    made, words, hint = _CODES[error.code] if isinstance(error, RefusalError) else _row(error)
    lowered = str(error).lower()
    if made is NetworkError and "certificate" in lowered:
        words, hint = (
            "the server's certificate is not trusted",
            "a proxy may intercept TLS: set SSL_CERT_FILE to its certificate",
        )
    elif made is NetworkError and any(fault in lowered for fault in _NAME_FAULTS):
        words = "the host name could not be resolved"
    if isinstance(error, RefusalError) and error.code == "GatedRepo" and page:
        hint = f"request access at {page}, then {_LOGIN_HINT}"
        if error.sent:
            hint = f"request access at {page} for the account whose token was sent"
    if made is NotFoundError and re.fullmatch(_NO_OWNER, what):
        hint = f"{what} names no organisation: a model is org/name"
    joint = " " if words.startswith(("is ", "has ", "was ", "does ")) else ": "
    return made(f"{what}{joint}{words}", hint=hint)


def is_uncached(error: BaseException) -> bool:
    """True where huggingface_hub would have had to ask the Hub, and was not to."""
    return any(kind.__name__ in _UNCACHED for kind in type(error).__mro__)


def translate_login(error: Exception) -> FamtreeError:
    """Return famtree's error for what huggingface_hub's `get_token` raises.

    It exchanges tokens with a server and reads files that people edit: whatever comes of that is
    the login's, and none of famtree's faults.
    """
    made = translate(error, what="the login")
    if made.exit_code != FamtreeError.exit_code:
        return made
    return AccessError(
        f"the login could not be used: {type(error).__name__}: {error}"[:300],
        hint="run `hf auth login` again, or set HF_TOKEN",
    )


def _row(error: BaseException) -> _Row:
    for kind in type(error).__mro__:
        row = _FAILURES.get(kind.__name__)
        if row is not None:
            return row
    return FamtreeError, f"{type(error).__name__}: {error}"[:300], _REPORT_HINT


def _by_status(refusal: RefusalError, what: str) -> FamtreeError:
    status, said = refusal.status, " ".join(refusal.said.split())[:200]
    tail = f" ({said})" if said else ""
    if refusal.expired:
        host = urlsplit(refusal.address).netloc
        return NetworkError(
            f"{what}: {host} refused the address that the Hub gave for it{tail}",
            hint="it has expired, or was handed out by a cache in between; run again, check this "
            "machine's clock and HF_ENDPOINT. The token is not sent there",
        )
    if status == 400:
        return NetworkError(
            f"{what}: the server rejected the request as malformed",
            hint="check the repository id, the revision, HF_ENDPOINT and any proxy in between",
        )
    if status in (401, 403) and refusal.asks_elsewhere:
        host = urlsplit(refusal.address).netloc
        return AccessError(
            f"{what}: the endpoint redirects to {host}, which wants a token{tail}",
            hint="a token is sent to the endpoint and to the Hub alone; set HF_ENDPOINT to that "
            "host if it is trusted",
        )
    if status in (401, 403) and not refusal.sent:
        return AccessError(
            f"{what} may only be read with a token, and none was sent{tail}", hint=_LOGIN_HINT
        )
    if status == 401:
        return AccessError(f"{what}: the token was not accepted{tail}", hint=_LOGIN_HINT)
    if status == 403:
        return AccessError(f"{what} may not be read with this token{tail}", hint=_LOGIN_HINT)
    if status == 404:
        hint = "check the reference and HF_ENDPOINT"
        if re.fullmatch(_NO_OWNER, what):
            hint = f"{what} names no organisation: a model is org/name"
        return NotFoundError(f"{what} was not found{tail}", hint=hint)
    if status == 429:
        return NetworkError(
            f"{what}: the Hub's rate limit is reached",
            hint=f"wait {_asked_pause(refusal)} and try again; a token (HF_TOKEN) raises the limit",
        )
    if status >= 500:
        return NetworkError(f"{what}: the server failed with status {status}", hint=_RETRY_HINT)
    return NetworkError(
        f"{what}: the server answered with status {status}{tail}",
        hint="check HF_ENDPOINT and any proxy in between",
    )


def _asked_pause(refusal: RefusalError) -> str:
    asked = refusal.headers.get("retry-after", "").strip()
    plain = asked.isascii() and asked.isdecimal() and len(asked) <= 6
    return f"{asked} seconds" if plain and int(asked) else "some minutes"
