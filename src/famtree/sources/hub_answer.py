"""What a Hub answers, read no further than asked for."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, NoReturn

from msgspec import Struct

from famtree.errors import NetworkError
from famtree.redaction import holds_secret, redact
from famtree.sources.hub_errors import RefusalError

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

MAX_SKIP = 64 * 1024 * 1024
"""Bytes read in vain when a server ignores a byte range that does not start at 0."""

_CHUNK = 64 * 1024
"""Bytes read at a time: so much more than was asked for may come over the wire."""
_MAX_ERROR_BYTES = 64 * 1024
_ETAG = re.compile(r'(?:W/)?"[!#-~]{0,200}"')
_TOLD_HEADERS = (
    "x-error-code",
    "x-error-message",
    "retry-after",
    "ratelimit",
    "date",
)
"""Of a refusal: what it is, and when to come again."""
_LONGEST_HEADER = 1000
_DISABLED = "Access to this resource is disabled."
_REPOSITORY = re.compile(r"/api/models/.|./resolve/.")


class HubAnswer(Struct, frozen=True):
    """One final answer: `body` holds the bytes asked for, from `start` on."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case; one that was sent several times has all its values, with commas."""
    body: bytes
    url: str
    """Address that served it, after redirects."""
    total: int | None
    """Size of the whole file, where the server told."""
    complete: bool
    """False when the body went on after the bytes asked for."""
    linked: str | None
    """The Hub's own name for the content: the `X-Linked-Etag` of its redirect, without quotes."""
    etag: str | None
    """The name of who served it, without quotes; None for a weak one, which other content may
    share."""


def read_answer(
    response: BaseHTTPResponse, url: str, start: int | None, stop: int, linked: str
) -> HubAnswer:
    """Read what was asked for and no more; a server that ignores the range sends all from 0."""
    first = 0
    # A dict, as the library's own kind makes a name of each one that is looked up.
    headers = {name.lower(): value for name, value in response.headers.itermerged()}
    encoded = headers.get("content-encoding", "identity") != "identity"
    total = None if encoded else _read_count(headers.get("content-length", ""))
    if response.status == 206:
        first, total = parse_content_range(headers.get("content-range", ""), url)
        if first != (start or 0):
            raise NetworkError(
                f"{url.partition('?')[0]}: the server sent another range than asked",
                hint="a proxy in between mishandles byte ranges",
            )
    skipped = (start or 0) - first
    if skipped > MAX_SKIP:
        raise NetworkError(
            f"{url.partition('?')[0]}: the server ignores byte ranges",
            hint="a proxy in between drops the Range header; fetch the file and give its path",
        )
    wanted = stop - first
    body = bytearray()
    # A range that is served as one ends by itself, and its connection can be used again.
    ends = response.status == 206
    complete = True
    while chunk := response.read(_CHUNK):
        body += chunk
        if len(body) > wanted:
            complete = False
            break
        if len(body) == wanted and start is not None and not ends:
            complete = total == stop
            break
    if holds_secret(body):
        raise NetworkError(
            f"{url.partition('?')[0]}: the answer holds the token or a password that was sent",
            hint="do not trust this server, or the proxy in between; make a new token",
        )
    if ends:
        complete = complete and total is not None and total <= stop
    return HubAnswer(
        status=response.status,
        headers=headers,
        body=bytes(memoryview(body)[skipped:wanted]),
        url=url,
        total=total,
        complete=complete,
        linked=_read_etag(linked),
        etag=_read_etag(headers.get("etag", "")),
    )


def _read_etag(text: str) -> str | None:
    return None if text.startswith("W/") else text.strip().strip('"')[:200] or None


def read_sent_etag(value: object) -> str | None:
    """Return an `ETag` that may be kept and sent back; None for what is none (RFC 9110, 8.8.3)."""
    sound = isinstance(value, str) and _ETAG.fullmatch(value) is not None
    return value if isinstance(value, str) and sound and redact(value) == value else None


def parse_content_range(text: str, url: str) -> tuple[int, int | None]:
    """Return the first byte of a `Content-Range` and the size of the whole, where it is told."""
    unit, _, rest = text.strip().partition(" ")
    span, _, total = rest.partition("/")
    first = _read_count(span.partition("-")[0])
    if unit != "bytes" or first is None:
        raise NetworkError(
            f"{url.partition('?')[0]}: the server sent a range without saying which",
            hint="a proxy in between mishandles byte ranges",
        )
    return first, _read_count(total)


def _read_count(text: str) -> int | None:
    """Return a number of bytes; None for anything else, which a header may hold as well."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 18 else None


def raise_for_status(response: BaseHTTPResponse, url: str, *, own: bool, sent: bool) -> NoReturn:
    """Raise RefusalError for a status of 400 or more, made of the start of its page at most.

    Only of the Hub's `own` refusals the code counts: another host knows of no repositories. Headers
    and words are kept without secrets, on one line and in characters that a header can hold. `sent`
    tells whether the token went with the request.

    The Hub says 401 also of what does not exist, or is private, without a code on some of its
    addresses, to whom `sent` no token; and of a disabled repository in words alone
    (huggingface_hub 2.4, `utils/_http.py:hf_raise_for_status`).
    """
    said = redact(_read_words(response.headers.get("content-type", ""), read_small(response)))
    headers = {
        name: _clean(redact(response.headers[name]))
        for name in _TOLD_HEADERS
        if name in response.headers
    }
    message = headers.get("x-error-message", "")
    code = headers.get("x-error-code", "") if own else ""
    if not code and message == _DISABLED:
        code = "Disabled"
    elif not code and own and not sent and response.status == 401:
        code = "RepoNotFound" if _REPOSITORY.search(url.partition("?")[0]) else ""
    words = "; ".join(dict.fromkeys(text for text in (message, said) if text))
    raise RefusalError(response.status, headers, words, code, address=url, own=own, sent=sent)


def _clean(value: str) -> str:
    """Return a header as ASCII: UTF-8 is what others send, if anything, and is spelled out."""
    text = value.encode("latin-1", "replace").decode("utf-8", "backslashreplace")
    return " ".join(text.encode("ascii", "backslashreplace").decode().split())[:_LONGEST_HEADER]


def _read_words(kind: str, page: bytes) -> str:
    """Return what a server says of its refusal: in JSON as the Hub does, or as text; no HTML."""
    try:
        found = json.loads(page)
    except (ValueError, RecursionError):
        is_text = "html" not in kind.lower() and page.lstrip()[:1] != b"<"
        return " ".join(page.decode("utf-8", "replace").split()) if is_text else ""
    words: list[object] = []
    if isinstance(found, dict):
        for key in ("error", "error_description", "errors"):
            value = found.get(key)
            words += value if isinstance(value, list) else [value]
    texts = [word.get("message") if isinstance(word, dict) else word for word in words]
    return "; ".join(dict.fromkeys(text for text in texts if isinstance(text, str)))


def read_small(response: BaseHTTPResponse) -> bytes:
    """Return a bounded body. One that is read to its end leaves the connection to the next."""
    return response.read(_MAX_ERROR_BYTES)
