"""What the test server saw: every request with its headers, bytes and times."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass


@dataclass
class Seen:
    """One request and what was answered."""

    host: str
    """`hub` or `cdn`."""
    method: str
    path: str
    headers: dict[str, str]
    """Names in lower case."""
    started: float
    ended: float = 0.0
    status: int = 0
    sent: int = 0
    """Body bytes."""

    @property
    def is_redirect(self) -> bool:
        return 300 <= self.status < 400 and self.status != 304


class Record:
    """All requests since the start or the last `clear`; safe to read while serving."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: list[Seen] = []
        self._flying = 0
        self.most_at_once = 0
        self.connections: list[str] = []
        """Host of each connection that was opened."""

    def connect(self, host: str) -> None:
        with self._lock:
            self.connections.append(host)

    def begin(self, host: str, method: str, path: str, headers: dict[str, str]) -> Seen:
        seen = Seen(host, method, path, headers, time.monotonic())
        with self._lock:
            self._seen.append(seen)
            self._flying += 1
            self.most_at_once = max(self.most_at_once, self._flying)
        return seen

    def end(self, seen: Seen) -> None:
        with self._lock:
            seen.ended = time.monotonic()
            self._flying -= 1

    def clear(self) -> None:
        with self._lock:
            self._seen.clear()
            self.connections.clear()
            self.most_at_once = 0

    @property
    def all(self) -> list[Seen]:
        with self._lock:
            return list(self._seen)

    @property
    def requests(self) -> int:
        """Number of requests that were answered, redirects not counted."""
        return sum(not seen.is_redirect for seen in self.all)

    @property
    def with_redirects(self) -> int:
        return len(self.all)

    @property
    def bytes(self) -> int:
        """Body bytes sent."""
        return sum(seen.sent for seen in self.all)

    @property
    def paths(self) -> dict[str, int]:
        """Number of requests of each path, queries left out."""
        counted: dict[str, int] = {}
        for seen in self.all:
            path = seen.path.partition("?")[0]
            counted[path] = counted.get(path, 0) + 1
        return counted

    @property
    def round_trips(self) -> int:
        """Length of the longest chain of requests each of which began after the one before ended.

        Taken from the server's own clock, so with a latency well above scheduling noise it is
        the number of dependent round trips, however many requests each of them had.
        """
        depth, free_from = 0, float("-inf")
        for seen in sorted(self.all, key=lambda seen: seen.ended):
            if seen.started >= free_from:
                depth += 1
                free_from = seen.ended
        return depth
