"""When to ask a server again: when it says, else after longer and longer pauses.

A limit is the whole process's: what one thread is told keeps all from asking as that user.
"""

from __future__ import annotations

import random
import re
import threading
import time
from collections.abc import Mapping
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
PATIENCE = 900.0
"""Seconds of pauses a request may take where nobody waits for the one answer: the Hub counts
requests by windows of five minutes."""
_TOO_MANY = 429
_RETRIED = frozenset({408, _TOO_MANY, 500, 502, 503, 504})
# `"api";r=0;t=55` (draft-ietf-httpapi-ratelimit-headers): none remaining, reset in 55 s.
_RATE_LIMIT = re.compile(r";\s*r\s*=\s*0\s*;\s*t\s*=\s*(\d{1,6})")


class Pause(Struct, frozen=True):
    """Seconds before the next try."""

    seconds: float
    limited: bool = False
    """The server counts requests and this one was too many: it holds for all of this process."""


class Gate:
    """Keeps requests to a host back until the time it asked for."""

    def __init__(self) -> None:
        self._opens: dict[tuple[str, str | None], float] = {}
        self._lock = threading.Lock()

    def close(self, url: str, seconds: float, owner: str | None = None) -> None:
        """Let nothing of `owner` through to the host of `url` for so long."""
        with self._lock:
            lane = urlsplit(url).netloc, owner
            self._opens[lane] = max(self._opens.get(lane, 0.0), _now() + seconds)

    def wait(self, url: str, owner: str | None = None, *, most: float = inf) -> float:
        """Return when the host may be asked, or after `most` seconds; and how many it took."""
        if not self._opens:
            return 0.0
        with self._lock:
            left = self._opens.get((urlsplit(url).netloc, owner), 0.0) - _now()
        # All come at once when the gate opens, unless each waits a little longer.
        return self.sleep(min(left * _spread(), most)) if left > 0 else 0.0

    @staticmethod
    def sleep(seconds: float) -> float:
        """Sleep, and return `seconds`."""
        _sleep(seconds)
        return seconds


def pause_after(fault: Exception, attempt: int) -> Pause | None:
    """Return the pause after the failed try `attempt` (from 1), or None when another is no use."""
    from urllib3 import exceptions as urllib3

    backoff = Pause(FIRST_PAUSE * 2.0 ** min(attempt - 1, _DOUBLINGS) * _spread())
    if isinstance(fault, RefusalError):
        if fault.status not in _RETRIED:
            return None
        asked = retry_after(fault.headers)
        if asked is None:
            return backoff
        limited = fault.status == _TOO_MANY
        return Pause(max(asked, backoff.seconds), limited=limited)
    if isinstance(fault, (urllib3.NewConnectionError, urllib3.SSLError)) and attempt > 1:
        return None  # a name that does not resolve, a closed port: one more try is enough
    passing = (urllib3.TimeoutError, urllib3.ProtocolError, urllib3.SSLError)
    return backoff if isinstance(fault, passing) else None


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds a server asks to wait: `Retry-After`, or `RateLimit` with none left."""
    limit = read_limit(headers)
    if limit is not None:
        return limit
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


def read_limit(headers: Mapping[str, str]) -> float | None:
    """Return the seconds until the next request is allowed, when `RateLimit` says none is left."""
    limit = _RATE_LIMIT.search(headers.get("ratelimit", ""))
    return float(limit.group(1)) if limit else None


def _spread() -> float:
    """Return 1 to 1.25: clients that failed together shall not all come back together."""
    return random.uniform(1.0, 1.25)  # noqa: S311 - no secret


_sleep = time.sleep
_now = time.monotonic
