"""When to ask a server again: when it says, else after longer and longer pauses.

A limit is the whole process's: what one thread is told keeps all from asking as that user.
"""

from __future__ import annotations

import random
import re
import threading
import time
from collections.abc import Iterable, Mapping
from email.utils import parsedate_to_datetime
from math import inf
from urllib.parse import urlsplit

from msgspec import Struct

from famtree.sources.hub_errors import RefusalError

FIRST_PAUSE = 0.5
"""Seconds before the second try; each further one waits twice as long, whatever a server asks for
that is shorter: `Retry-After: 0` is no leave to ask without end."""
_DOUBLINGS = 6
"""So that the longest of them is half a minute."""
LONGEST_GUESS = 8.0
"""The longest where a server counts requests and names no time, as in huggingface_hub: it may be
over in any second, and a whole scan stands still."""
PATIENCE = 900.0
"""Seconds of pauses a request may take where nobody waits for the one answer: the Hub counts
requests by windows of five minutes."""
_TOO_MANY = 429
_UNAVAILABLE = 503
_RETRIED = frozenset({408, _TOO_MANY, 500, 502, _UNAVAILABLE, 504})
BUCKETS = frozenset({"api", "resolvers", "pages"})
"""What the Hub counts apart (https://huggingface.co/docs/hub/rate-limits)."""
_RESOLVER = re.compile(r"/resolve/|/api/resolve-cache/")
# One item of `"api";r=0;t=55, "resolvers";r=12;t=55` (draft-ietf-httpapi-ratelimit-headers).
_ITEM = re.compile(
    r'(?:"([^"]{1,40})"|([\w*.-]{1,40}))((?:\s*;\s*[a-z]{1,8}\s*=\s*[^;,\s]{1,40})*)'
)
_PARAMETER = re.compile(r";\s*([a-z]+)\s*=\s*([^;,\s]+)")
_MAX_SECONDS = 6
"""Digits of a number of seconds; more are no time to wait for."""

Lane = tuple[str, str | None, str]
"""What a server counts together: its host, whose requests, and the bucket they fall into."""


class Pause(Struct, frozen=True):
    """Seconds before the next try."""

    seconds: float
    limited: bool = False
    """The server counts requests and this one was too many: it holds for all of this process."""


class Gate:
    """Keeps requests back until the time a server asked for, each of its buckets by itself."""

    def __init__(self) -> None:
        self._opens: dict[Lane, float] = {}
        self._lock = threading.Lock()

    def close(self, lane: Lane, seconds: float) -> None:
        """Let nothing through on `lane` for so long."""
        with self._lock:
            self._opens[lane] = max(self._opens.get(lane, 0.0), _now() + seconds)

    def left(self, lanes: Iterable[Lane]) -> float:
        """Return the seconds until all of `lanes` are open."""
        if not self._opens:
            return 0.0
        with self._lock:
            until = max((self._opens.get(lane, 0.0) for lane in lanes), default=0.0)
        return max(0.0, until - _now())

    def wait(self, lanes: Iterable[Lane], *, most: float = inf) -> float:
        """Return when all of `lanes` are open, or after `most` seconds; and how many it took."""
        left = self.left(lanes)
        # All come at once when the gate opens, unless each waits a little longer.
        return self.sleep(min(left * _spread(), most)) if left > 0 else 0.0

    @staticmethod
    def sleep(seconds: float) -> float:
        """Sleep, and return `seconds`."""
        _sleep(seconds)
        return seconds


def find_lane(url: str, owner: str | None, bucket: str | None = None) -> Lane:
    """Return the lane of a request to `url`; of a `bucket` that the server named, its lane.

    A name that is none of the Hub's is a server's own word for whatever was asked.
    """
    parts = urlsplit(url)
    if bucket not in BUCKETS:
        resolver = _RESOLVER.search(parts.path)
        bucket = "resolvers" if resolver else "api" if "/api/" in parts.path else "pages"
    return parts.netloc, owner, bucket


def pause_after(fault: Exception, attempt: int) -> Pause | None:
    """Return the pause after the failed try `attempt` (from 1), or None when another is no use.

    A limit often comes without a time: what stands in front of the Hub counts too, and tells none.
    """
    from urllib3 import exceptions as urllib3

    backoff = FIRST_PAUSE * 2.0 ** min(attempt - 1, _DOUBLINGS) * _spread()
    if isinstance(fault, RefusalError):
        if fault.status not in _RETRIED:
            return None
        asked = retry_after(fault.headers, fault.address)
        limited = fault.status == _TOO_MANY or (fault.status == _UNAVAILABLE and asked is not None)
        if limited and "retry-after" not in fault.headers and asked is None:
            backoff = min(backoff, LONGEST_GUESS)
        return Pause(max(asked or 0.0, backoff), limited=limited)
    # The way to a proxy fails as any other does; what the proxy itself refuses is no such fault.
    cause = fault.original_error if isinstance(fault, urllib3.ProxyError) else fault
    if isinstance(cause, (urllib3.NewConnectionError, urllib3.SSLError)) and attempt > 1:
        return None  # a name that does not resolve, a closed port: one more try is enough
    passing = (
        urllib3.TimeoutError, urllib3.ProtocolError, urllib3.SSLError, ConnectionError,
    )  # fmt: skip
    return Pause(backoff) if isinstance(cause, passing) else None


def retry_after(headers: Mapping[str, str], url: str = "") -> float | None:
    """Return the seconds a server asks to wait before the next request of the kind of `url`.

    By `RateLimit` where that says that none is left of its bucket, else by `Retry-After`. The Hub
    sends `RateLimit` with every answer, so what it says of others is no reason for a refusal.
    """
    own = find_lane(url, None)
    for bucket, seconds in read_limits(headers):
        if not url or find_lane(url, None, bucket) == own:
            return seconds
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdecimal():
        return float(text)
    until = _read_date(text)
    if until is None:
        return None
    # Counted on the server's own clock where it tells the time: this machine's may be wrong.
    now = _read_date(headers.get("date", ""))
    return max(0.0, until - (time.time() if now is None else now))


def _read_date(text: str) -> float | None:
    """Return an HTTP date as seconds since 1970."""
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None


def read_limits(headers: Mapping[str, str]) -> list[tuple[str, float]]:
    """Return the buckets of which `RateLimit` says none is left, and the seconds until some are."""
    text = headers.get("ratelimit", "")
    found = []
    for quoted, token, rest in _ITEM.findall(text[:1000]) if text else ():
        told = dict(_PARAMETER.findall(rest))
        left, reset = told.get("r", ""), told.get("t", "")
        counted = reset.isascii() and reset.isdecimal() and len(reset) <= _MAX_SECONDS
        if counted and left.isascii() and left.isdecimal() and not int(left):
            found.append((quoted or token, float(reset)))
    return found


def _spread() -> float:
    """Return 1 to 1.25: clients that failed together shall not all come back together."""
    return random.uniform(1.0, 1.25)  # noqa: S311 - no secret


_sleep = time.sleep
_now = time.monotonic
