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
from functools import partial
from math import inf
from typing import TYPE_CHECKING, TypeVar

from famtree.errors import FetchError, NetworkError
from famtree.sources.connections import CONNECTIONS, KEPT, Exchange
from famtree.sources.daemon_threads import THREADS
from famtree.sources.hub_access import OWN, HubAccess
from famtree.sources.hub_answer import HubAnswer, raise_for_status, read_answer, read_small
from famtree.sources.hub_errors import RefusalError, translate
from famtree.sources.hub_headers import HubHeaders
from famtree.sources.hub_pauses import Gate, Lane, find_lane, pause_after, read_limits
from famtree.sources.hub_redirects import MAX_REDIRECTS, REDIRECTS, Trail
from famtree.sources.hub_settings import find_read_timeout

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
wait for the next bytes) HF_HUB_DOWNLOAD_TIMEOUT counts, and HF_HUB_ETAG_TIMEOUT for a description;
both are 10 as well where they are not set."""
MAX_SECONDS = 600
"""Seconds of one try, redirects and body included: a server that sends a byte now and then is quick
in every phase. Enough for the largest file that is read whole (48 MiB) at 80 kB a second."""

SHORTEST_PHASE = 0.05
_EXPECTED = frozenset({200, 203, 206})
"""Statuses that a body of what was asked for comes with."""
_slots = threading.BoundedSemaphore(MAX_CONNECTIONS)
_gate = Gate()
_T = TypeVar("_T")


class _ClosedError(Exception):
    """A redirect leads to where nothing may be asked at this moment."""


class _Request:
    """What one thread asks for at this moment."""

    def __init__(self, url: str, what: str, lane: Lane, silence: float) -> None:
        self.url = url
        self.what = what
        self.silence = silence
        """Seconds that a server may keep silent."""
        self.lanes = {lane}
        """What has to be open for another try, as far as is known."""
        self.left = inf
        """Seconds of pauses that may still be taken."""
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
        self._headers = HubHeaders(access, self.endpoint)
        self.dialect = access.find_dialect()

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
        silence = find_read_timeout(described=True)
        fetch = partial(
            self.fetch, url, stop=stop, what=what, page=page, headers=headers, silence=silence
        )
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
        silence: float | None = None,
    ) -> HubAnswer:
        """Return bytes [start, stop) of `url`; all of it, up to `stop`, when `start` is None.

        In this thread, however long the server takes. Raises the error `hub_errors.translate`
        makes of any failure, after a few tries of those that may pass: 429, 5xx, time-outs, broken
        connections. Raises DeadlineError when the deadline has come before a try.
        """
        lane = find_lane(url, self._owner)
        request = _Request(url, what, lane, silence or find_read_timeout())
        with self._lock:
            self._under_way.add(request)
        paused, attempt = 0.0, 1
        try:
            while True:
                request.left = max(0.0, min(self._patience - paused, self._deadline.left))
                paused += _gate.wait(request.lanes, most=request.left)
                self._deadline.check(what)
                try:
                    answer = self._try(start, stop, dict(headers or {}), request)
                    if request.exchange.ended:
                        raise _given_up(request)  # it may have been cut
                    return answer
                except _ClosedError:
                    continue
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
                    attempt += 1
                    if pause.limited and isinstance(fault, RefusalError):
                        refusing = find_lane(fault.address or url, self._owner)
                        request.lanes.add(refusing)
                        _gate.close(refusing, pause.seconds)
                    else:
                        paused += _gate.sleep(pause.seconds)
        finally:
            with self._lock:
                self._under_way.discard(request)

    def _try(
        self, start: int | None, stop: int, headers: dict[str, str], request: _Request
    ) -> HubAnswer:
        """Make one try, as soon as this process may have another request in flight."""
        if not _slots.acquire(timeout=min(self._deadline.left, threading.TIMEOUT_MAX)):
            raise self._deadline.missed(request.what)
        request.since = time.monotonic()
        try:
            return self._follow(start, stop, headers, request)
        finally:
            request.since = inf
            _slots.release()

    def _follow(
        self, start: int | None, stop: int, headers: dict[str, str], request: _Request
    ) -> HubAnswer:
        """Send the request, and what its redirects lead to."""
        if start is not None:
            # A range counts encoded bytes, so nothing may be compressed on the way.
            headers |= {"range": f"bytes={start}-{stop - 1}", "accept-encoding": "identity"}
        exchange = request.exchange
        trail = Trail(request.url, self._headers.home, self.dialect)
        for _ in range(MAX_REDIRECTS):
            address = trail.address
            own = self._headers.find(address) | trail.list_cookies()
            timeout = self._limit_phases(request.silence)
            response = CONNECTIONS.send(address, own | headers, timeout, exchange)
            try:
                leads_on = trail.leads_on(response)
                closed = leads_on and self._is_closed(str(trail.address), request)
                self._heed(response.headers, response.status, str(address))
                if leads_on:
                    read_small(response)
                    if closed:
                        raise _ClosedError
                    continue
                if response.status >= 400:
                    trusted = self._headers.trusts(address)
                    raise_for_status(
                        response, str(address), own=trusted, sent="authorization" in own
                    )
                unchanged = response.status == 304 and "if-none-match" in headers
                if response.status not in _EXPECTED and not unchanged:
                    raise NetworkError(
                        f"{address.shown}: the server answered with status {response.status}",
                        hint="check HF_ENDPOINT and any proxy in between",
                    )
                return read_answer(response, str(address), start, stop, trail.linked)
            finally:
                self._count(response)
                exchange.leave()
                response.close()
                response.release_conn()
        raise NetworkError(f"{trail.address.shown} redirects in circles", hint="check HF_ENDPOINT")

    def _is_closed(self, url: str, request: _Request) -> bool:
        """Return whether a redirect has to wait: not there, with a place in use."""
        lane = find_lane(url, self._owner)
        if request.left <= 0 or _gate.left([lane]) <= 0:
            return False
        request.lanes.add(lane)
        return True

    def _heed(self, headers: Mapping[str, str], status: int, url: str) -> None:
        """Keep to limits that came with a good answer or a redirect, as far as patience lasts.

        One beyond that is left to the server to enforce: to wait for it in part would be no use.
        """
        if status >= 400:
            return  # why it was refused is another matter
        for bucket, limit in read_limits(headers):
            with self._lock:
                if limit > self._courtesy:
                    continue
                self._courtesy -= limit
            _gate.close(find_lane(url, self._owner, bucket), limit)

    def _limit_phases(self, silence: float) -> Timeout:
        from urllib3 import Timeout

        # No phase outlasts the deadline, so that a try that was left alone ends soon after it.
        left = max(self._deadline.left, SHORTEST_PHASE)
        return Timeout(connect=min(CONNECT_SECONDS, left), read=min(silence, left))

    def _count(self, response: BaseHTTPResponse) -> None:
        with self._lock:
            self.bytes += response.tell()
            self.requests += response.status not in REDIRECTS


def _given_up(request: _Request) -> NetworkError:
    address = request.url.partition("?")[0]
    return NetworkError(f"{address}: the answer takes too long", hint="try again later")
