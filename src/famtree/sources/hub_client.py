"""GET requests to a Hub: bounded bodies and times, ranges, redirects without the token, retries.

The token, the endpoint and the words for a refusal are huggingface_hub's. Its `build_hf_headers` is
not used: that may ask the server for a list of agent programs first, one more round trip before the
first answer.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from concurrent import futures
from functools import cached_property, partial
from math import inf
from typing import TYPE_CHECKING, TypeVar

from famtree import __version__
from famtree.errors import FetchError, NetworkError
from famtree.redaction import holds_secret
from famtree.sources.addresses import Address, AddressError, follow_address, parse_address
from famtree.sources.connections import CONNECTIONS, KEPT, Exchange
from famtree.sources.daemon_threads import THREADS
from famtree.sources.hub_access import OWN, HubAccess
from famtree.sources.hub_answer import HubAnswer, raise_for_status, read_answer, read_small
from famtree.sources.hub_errors import translate
from famtree.sources.hub_pauses import Gate, pause_after, read_limit
from famtree.sources.hub_settings import find_origin, find_read_timeout

if TYPE_CHECKING:
    from concurrent.futures import Future

    from urllib3 import BaseHTTPResponse, Timeout

MAX_CONNECTIONS = KEPT
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

SHORTEST_PHASE = 0.05
_MAX_REDIRECTS = 6
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_EXPECTED = frozenset({200, 203, 206})
"""Statuses that a body of what was asked for comes with."""
_slots = threading.BoundedSemaphore(MAX_CONNECTIONS)
_gate = Gate()
_T = TypeVar("_T")


class _Request:
    """What one thread asks for at this moment."""

    def __init__(self, address: str, what: str) -> None:
        self.address = address
        self.what = what
        self.since = inf
        """When the present try began; infinite in pauses."""
        self.exchange = Exchange()


class HubClient:
    """Fetches from one endpoint and counts what it cost."""

    def __init__(self, *, patience: float = MAX_PAUSE, access: HubAccess = OWN) -> None:
        self._patience = patience
        self._courtesy = patience
        """Seconds of limits that are still heeded where the answer itself was good."""
        self._access = access
        self._deadline = access.deadline
        self._owner = access.find_owner()
        self.endpoint = access.find_endpoint()
        """As it is sent, without a slash at its end."""
        self.requests = 0
        """Answers received, errors and 304 included, redirects not."""
        self.bytes = 0
        """Body bytes as they came over the wire, before any decompression."""
        self._lock = threading.Lock()
        self._under_way: set[_Request] = set()
        self._own_headers: dict[str, str] | None = None

    def get(
        self,
        url: str,
        *,
        stop: int,
        what: str,
        page: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> HubAnswer:
        """Return what `fetch` does of a whole document, in time: see `wait`.

        Raises NetworkError also for one that is longer than `stop`.
        """
        fetch = partial(self.fetch, url, stop=stop, what=what, page=page, headers=headers)
        answer = self.wait([THREADS.start(fetch)], what)[0]
        if not answer.complete:
            raise NetworkError(
                f"{what}: the server's answer is longer than the {stop} bytes that are read",
                hint="check HF_ENDPOINT and any proxy in between",
            )
        return answer

    def wait(self, work: Sequence[Future[_T]], what: str) -> list[_T]:
        """Return what each of `work` returns, which other threads do and which may `fetch`.

        No read of a socket can be told to end at a moment: its time-out starts anew with every
        byte, and a server may send one in each. So all is given up when the deadline comes
        (DeadlineError) or a try takes more than MAX_SECONDS (NetworkError): sockets are shut, which
        ends those threads and frees their places for other requests.
        """
        while futures.wait(work, timeout=self._find_patience()).not_done:
            self._check_requests(what)
        return [done.result() for done in work]

    def _find_patience(self) -> float:
        """Return the seconds until a try has taken too long or the deadline comes."""
        with self._lock:
            since = min((request.since for request in self._under_way), default=inf)
        taken = max(0.0, time.monotonic() - since)
        return max(0.0, min(self._deadline.left, MAX_SECONDS - taken))

    def _check_requests(self, what: str) -> None:
        with self._lock:
            requests = sorted(self._under_way, key=lambda request: request.what)
        now = time.monotonic()
        slow = [request for request in requests if now - request.since >= MAX_SECONDS]
        if slow or not self._deadline.left:
            with self._lock:
                self._under_way.clear()  # what is given up is no matter of the next call
            for request in requests:
                request.exchange.end()
        self._deadline.check(requests[0].what if requests else what)
        if slow:
            raise _given_up(slow[0])

    def fetch(
        self,
        url: str,
        *,
        stop: int,
        start: int | None = None,
        what: str,
        page: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> HubAnswer:
        """Return bytes [start, stop) of `url`; all of it, up to `stop`, when `start` is None.

        In this thread, however long the server takes. Raises the error `hub_errors.translate`
        makes of any failure, after a few tries of those that may pass: 429, 5xx, time-outs, broken
        connections. Raises DeadlineError when the deadline has come before a try.
        """
        request = _Request(url.partition("?")[0], what)
        with self._lock:
            self._under_way.add(request)
        paused, attempt = 0.0, 0
        try:
            while True:
                attempt += 1
                most = max(0.0, min(self._patience - paused, self._deadline.left))
                paused += _gate.wait(url, self._owner, most=most)
                self._deadline.check(what)
                try:
                    answer = self._try(url, start, stop, dict(headers or {}), request)
                    if request.exchange.ended:
                        raise _given_up(request)  # it may have been cut
                    return answer
                except FetchError:
                    raise
                except Exception as fault:
                    if request.exchange.ended:
                        raise _given_up(request) from fault
                    if not self._deadline.left:
                        raise self._deadline.missed(what) from fault
                    pause = pause_after(fault, attempt)
                    # A server that counts requests is not broken: ask as long as patience lasts.
                    tried = attempt >= MAX_TRIES and not (pause and pause.limited)
                    patience = min(self._patience - paused, self._deadline.left)
                    if pause is None or tried or pause.seconds > patience:
                        raise translate(fault, what=what, page=page) from fault
                    if pause.limited:
                        _gate.close(url, pause.seconds, self._owner)
                    else:
                        paused += _gate.sleep(pause.seconds)
        finally:
            with self._lock:
                self._under_way.discard(request)

    def _try(
        self, url: str, start: int | None, stop: int, headers: dict[str, str], request: _Request
    ) -> HubAnswer:
        """Make one try, as soon as this process may have another request in flight."""
        if not _slots.acquire(timeout=min(self._deadline.left, threading.TIMEOUT_MAX)):
            raise self._deadline.missed(request.what)
        request.since = time.monotonic()
        try:
            return self._follow(url, start, stop, headers, request.exchange)
        finally:
            request.since = inf
            _slots.release()

    def _follow(
        self,
        url: str,
        start: int | None,
        stop: int,
        headers: dict[str, str],
        exchange: Exchange,
    ) -> HubAnswer:
        """Send the request, and what its redirects lead to."""
        if start is not None:
            # A range counts encoded bytes, so nothing may be compressed on the way.
            headers |= {"range": f"bytes={start}-{stop - 1}", "accept-encoding": "identity"}
        linked, address = "", _parse_own(url)
        for _ in range(_MAX_REDIRECTS):
            own = self._headers_for(address)
            response = CONNECTIONS.send(address, own | headers, self._limit_phases(), exchange)
            try:
                place = response.headers.get("location")
                if place is not None and response.status in _REDIRECTS:
                    linked = response.headers.get("x-linked-etag", linked)
                    address = _find_next(address, place)
                    read_small(response)
                    continue
                if response.status >= 400:
                    own_host = address.origin == self._home.origin
                    raise_for_status(response, str(address), own=own_host)
                self._heed(read_limit(response.headers), str(address))
                unchanged = response.status == 304 and "if-none-match" in headers
                if response.status not in _EXPECTED and not unchanged:
                    raise NetworkError(
                        f"{address.shown}: the server answered with status {response.status}",
                        hint="check HF_ENDPOINT and any proxy in between",
                    )
                return read_answer(response, str(address), start, stop, linked)
            finally:
                self._count(response)
                exchange.leave()
                response.close()
                response.release_conn()
        raise NetworkError(f"{address.shown} redirects in circles", hint="check HF_ENDPOINT")

    def _heed(self, limit: float | None, url: str) -> None:
        """Keep to a limit that came with a good answer, as far as patience lasts.

        One beyond that is left to the server to enforce: to wait for it in part would be no use.
        """
        with self._lock:
            if not limit or limit > self._courtesy:
                return
            self._courtesy -= limit
        _gate.close(url, limit, self._owner)

    def _limit_phases(self) -> Timeout:
        from urllib3 import Timeout

        # No phase outlasts the deadline, so that a try that was left alone ends soon after it.
        left = max(self._deadline.left, SHORTEST_PHASE)
        each = min(find_read_timeout(), left)
        return Timeout(connect=min(CONNECT_SECONDS, left), read=each)

    def _headers_for(self, address: Address) -> dict[str, str]:
        """Return own headers; the token only for the endpoint itself, never for a CDN.

        `address` is what is sent, and was taken apart by the parser that took the endpoint apart.
        """
        if self._own_headers is None:
            self._own_headers = _make_headers(self._access)
        own = address.origin == self._home.origin
        if own:
            return dict(self._own_headers)
        return {name: value for name, value in self._own_headers.items() if name != "authorization"}

    @cached_property
    def _home(self) -> Address:
        """The endpoint: whom the token belongs to. Parsed late, as it takes the HTTP client."""
        return _parse_own(self.endpoint)

    def _count(self, response: BaseHTTPResponse) -> None:
        with self._lock:
            self.bytes += response.tell()
            self.requests += response.status not in _REDIRECTS


def _make_headers(access: HubAccess) -> dict[str, str]:
    import platform

    from huggingface_hub import __version__ as library
    from urllib3 import make_headers

    agent = f"famtree/{__version__}; hf_hub/{library}; python/{platform.python_version()}"
    if origin := find_origin():
        agent += f"; origin/{origin}"
    token = access.find_token()
    headers = {"user-agent": agent, **make_headers(accept_encoding=True)}
    return headers | ({"authorization": f"Bearer {token}"} if token else {})


def _given_up(request: _Request) -> NetworkError:
    return NetworkError(f"{request.address}: the answer takes too long", hint="try again later")


def _parse_own(url: str) -> Address:
    """Take apart what famtree has put together from the endpoint."""
    try:
        return parse_address(url)
    except AddressError as fault:
        raise NetworkError(
            f"{url.partition('?')[0][:200]} is {fault}", hint="check HF_ENDPOINT"
        ) from fault


def _find_next(here: Address, place: str) -> Address:
    """Return where a redirect leads: see `follow_address`; never elsewhere with a secret in it."""
    try:
        there = follow_address(here, place)
        # As it was sent too: a host's name is put in lower case.
        if there.origin != here.origin and holds_secret(f"{place} {there}".encode()):
            raise AddressError("another host with the token or a password in the address")
    except AddressError as fault:
        raise NetworkError(
            f"{here.shown} redirects to {fault}",
            hint="a proxy or mirror sends famtree elsewhere; check HF_ENDPOINT",
        ) from fault
    return there
