"""GET requests to a Hub: bounded bodies and times, ranges, redirects without the token, retries.

Built on huggingface_hub's pooled session, so its proxies, certificates and client factory count.
Its `build_hf_headers` is not used: that may ask the server for a list of agent programs first,
one more round trip before the first answer.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from msgspec import Struct

from famtree import __version__
from famtree.errors import FetchError, NetworkError
from famtree.sources.daemon_threads import THREADS
from famtree.sources.hub_access import OWN, HubAccess
from famtree.sources.hub_errors import translate
from famtree.sources.hub_pauses import Gate, pause_after, read_limit

if TYPE_CHECKING:
    from httpx2 import Request, Response, Timeout

MAX_CONNECTIONS = 16
"""Requests in flight at a time in this process, whatever the number of sources."""
MAX_TRIES = 4
MAX_PAUSE = 30.0
"""Seconds that all pauses between the tries of one request may take together, when a person waits
for the answer."""
CONNECT_SECONDS = 10
"""For a connection to stand, of a host that is reached at all. For every other phase (sending, each
wait for the next bytes) HF_HUB_DOWNLOAD_TIMEOUT counts, which is 10 as well where it is not set."""
MAX_SECONDS = 600
"""Seconds of one try, redirects and body included: a server that sends a byte now and then is quick
in every phase. Enough for the largest file that is read whole (48 MiB) at 80 kB a second."""
MAX_SKIP = 64 * 1024 * 1024
"""Bytes read in vain when a server ignores a byte range that does not start at 0."""

SHORTEST_PHASE = 0.05
_MAX_REDIRECTS = 6
_MAX_ERROR_BYTES = 64 * 1024
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_slots = threading.BoundedSemaphore(MAX_CONNECTIONS)
_gate = Gate()


class Answer(Struct, frozen=True):
    """One final answer: `body` holds the bytes asked for, from `start` on."""

    status: int
    headers: Mapping[str, str]
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


class HubClient:
    """Fetches from one endpoint and counts what it cost."""

    def __init__(self, *, patience: float = MAX_PAUSE, access: HubAccess = OWN) -> None:
        self._patience = patience
        self._access = access
        self._deadline = access.deadline
        self._owner = access.find_owner()
        self.endpoint = access.find_endpoint()
        self.requests = 0
        """Answers received, errors and 304 included, redirects not."""
        self.bytes = 0
        """Body bytes as they came over the wire, before any decompression."""
        self._lock = threading.Lock()
        self._own_headers: dict[str, str] | None = None

    def get(
        self,
        url: str,
        *,
        stop: int,
        start: int | None = None,
        what: str,
        page: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Return bytes [start, stop) of `url`; all of it, up to `stop`, when `start` is None.

        Raises the error `hub_errors.translate` makes of any failure, after a few tries of those
        that may pass: 429, 5xx, time-outs, broken connections. Raises DeadlineError when the
        deadline comes first.
        """
        paused, attempt = 0.0, 0
        while True:
            attempt += 1
            paused += _gate.wait(url, self._owner, most=self._deadline.left)
            self._deadline.check(what)
            try:
                return self._get_in_time(url, start, stop, dict(headers or {}), what)
            except FetchError:
                raise
            except Exception as fault:
                if not self._deadline.left:
                    raise self._deadline.missed(what) from fault
                pause = pause_after(fault, attempt)
                # A server that counts requests is not broken: ask again as long as patience lasts.
                tried = attempt >= MAX_TRIES and not (pause and pause.limited)
                patience = min(self._patience - paused, self._deadline.left)
                if pause is None or tried or pause.seconds > patience:
                    raise translate(fault, what=what, page=page) from fault
                if pause.limited:
                    _gate.close(url, pause.seconds, self._owner)
                else:
                    paused += _gate.sleep(pause.seconds)

    def _get_in_time(
        self, url: str, start: int | None, stop: int, headers: dict[str, str], what: str
    ) -> Answer:
        """Make one try, and leave it to itself when it takes too long.

        No read of a socket can be told to end at a moment: its time-out starts anew with every
        byte, and a server may send one in each. So a thread of its own reads, which ends by the
        time-outs of the phases or with the process.
        """
        if not _slots.acquire(timeout=min(self._deadline.left, threading.TIMEOUT_MAX)):
            raise self._deadline.missed(what)

        def work() -> Answer:
            try:
                return self._get_once(url, start, stop, headers)
            finally:
                _slots.release()

        try:
            return THREADS.start(work).result(min(self._deadline.left, MAX_SECONDS))
        except TimeoutError:
            self._deadline.check(what)
            raise NetworkError(
                f"{url.partition('?')[0]}: the answer takes too long", hint="try again later"
            ) from None

    def _get_once(self, url: str, start: int | None, stop: int, headers: dict[str, str]) -> Answer:
        from huggingface_hub import get_session, hf_raise_for_status

        session = get_session()
        if start is not None:
            # A range counts encoded bytes, so nothing may be compressed on the way.
            headers |= {"range": f"bytes={start}-{stop - 1}", "accept-encoding": "identity"}
        request = session.build_request(
            "GET", url, headers=self._headers_for(url) | headers, timeout=self._limit_phases()
        )
        linked = ""
        for _ in range(_MAX_REDIRECTS):
            # The session is everybody's: what one token's cookie opens is not another's to see.
            request.headers.pop("cookie", None)
            response = session.send(request, stream=True, follow_redirects=False)
            try:
                if response.has_redirect_location:
                    linked = response.headers.get("x-linked-etag", linked)
                    request = _follow(response)
                    url = str(request.url)
                    request.headers.pop("authorization", None)
                    request.headers.update(self._headers_for(url))
                    request.extensions["timeout"] = self._limit_phases().as_dict()
                    _read_small(response)
                    continue
                if response.status_code >= 400:
                    hf_raise_for_status(_small_copy(response))
                if limit := read_limit(response.headers):
                    _gate.close(url, min(limit, self._patience), self._owner)
                return _read_answer(response, url, start, stop, linked)
            finally:
                self._count(response)
                response.close()
        raise NetworkError(f"{url} redirects in circles", hint="check HF_ENDPOINT")

    def _limit_phases(self) -> Timeout:
        from httpx2 import Timeout
        from huggingface_hub import constants

        # No phase outlasts the deadline, so that a try that was left alone ends soon after it.
        left = max(self._deadline.left, SHORTEST_PHASE)
        each = min(float(constants.HF_HUB_DOWNLOAD_TIMEOUT), left)
        return Timeout(each, connect=min(CONNECT_SECONDS, left))

    def _headers_for(self, url: str) -> dict[str, str]:
        """Return own headers; the token only for the endpoint itself, never for a CDN."""
        if self._own_headers is None:
            self._own_headers = _make_headers(self._access)
        try:
            own = _origin(url) == _origin(self.endpoint)
        except ValueError as fault:
            raise NetworkError(
                f"{url[:200]} is not a valid address", hint="check HF_ENDPOINT"
            ) from fault
        if own:
            return dict(self._own_headers)
        return {"user-agent": self._own_headers["user-agent"]}

    def _count(self, response: Response) -> None:
        with self._lock:
            self.bytes += response.num_bytes_downloaded
            self.requests += response.status_code not in _REDIRECTS


def _make_headers(access: HubAccess) -> dict[str, str]:
    import platform

    from huggingface_hub import __version__ as library
    from huggingface_hub import constants

    agent = f"famtree/{__version__}; hf_hub/{library}; python/{platform.python_version()}"
    if constants.HF_HUB_USER_AGENT_ORIGIN:
        agent += f"; origin/{constants.HF_HUB_USER_AGENT_ORIGIN}"
    token = access.find_token()
    return {"user-agent": agent} | ({"authorization": f"Bearer {token}"} if token else {})


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    port = parts.port or {"https": 443, "http": 80}.get(parts.scheme)
    return parts.scheme, parts.hostname, port


def _follow(response: Response) -> Request:
    """Return the request a redirect leads to; only http(s), and never from encrypted to plain."""
    here, request = response.request.url, response.next_request
    there = request.url.scheme if request is not None else ""
    allowed = {"https"} if here.scheme == "https" else {"http", "https"}
    if request is None or there not in allowed:
        told = str(here).partition("?")[0]
        raise NetworkError(
            f"{told} redirects from {here.scheme} to {there[:20] or 'nowhere'}",
            hint="a proxy or mirror sends famtree elsewhere; check HF_ENDPOINT",
        )
    return request


def _read_answer(response: Response, url: str, start: int | None, stop: int, linked: str) -> Answer:
    """Read what was asked for and no more; a server that ignores the range sends all from 0."""
    first = 0
    encoded = response.headers.get("content-encoding", "identity") != "identity"
    length = response.headers.get("content-length", "")
    total = None if encoded else _read_count(length)
    if response.status_code == 206:
        first, total = _parse_content_range(response.headers.get("content-range", ""), url)
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
    ends = response.status_code == 206
    complete = True
    for chunk in response.iter_bytes():
        body += chunk
        if len(body) > wanted:
            complete = False
            break
        if len(body) == wanted and start is not None and not ends:
            complete = total == stop
            break
    if ends:
        complete = complete and total is not None and total <= stop
    return Answer(
        status=response.status_code,
        headers=response.headers,
        body=bytes(body[skipped:wanted]),
        url=url,
        total=total,
        complete=complete,
        linked=_read_etag(linked),
        etag=_read_etag(response.headers.get("etag", "")),
    )


def _read_etag(text: str) -> str | None:
    return None if text.startswith("W/") else text.strip().strip('"')[:200] or None


def _parse_content_range(text: str, url: str) -> tuple[int, int | None]:
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


def _small_copy(response: Response) -> Response:
    """Return `response` with a bounded body: the library would read an error page to its end."""
    from httpx2 import Response as Copy

    body = _read_small(response)
    headers = {
        name: value
        for name, value in response.headers.items()
        if name not in {"content-encoding", "content-length", "transfer-encoding"}
    }
    return Copy(
        response.status_code,
        headers=headers,
        content=body,
        request=response.request,
    )


def _read_small(response: Response) -> bytes:
    """Return a bounded body. One that is read to its end leaves the connection to the next."""
    body = bytearray()
    for chunk in response.iter_bytes():
        body += chunk
        if len(body) > _MAX_ERROR_BYTES:
            break
    return bytes(body[:_MAX_ERROR_BYTES])
