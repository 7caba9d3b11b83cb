"""The last few results of a costly pure function, for what comes again and again.

Of the checkpoints of a scan most are made from few: their headers are the same bytes, and their
traits the same values.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

V = TypeVar("V")


class Recent(Generic[V]):
    """Holds the results asked for last, up to a total size; safe in several threads.

    The last one is held whatever its size. Results are shared, so they must not be changed by
    whoever gets them.
    """

    def __init__(self, room: int) -> None:
        self._room = room
        self._held: OrderedDict[Hashable, tuple[V, int]] = OrderedDict()
        self._lock = threading.Lock()

    def find(self, key: Hashable, make: Callable[[], V], size: int = 1) -> V:
        """Return the result held for `key`, or that of `make`, which is held from then on."""
        with self._lock:
            if key in self._held:
                self._held.move_to_end(key)
                return self._held[key][0]
        # Not under the lock: two threads may do the same work once, none waits for the other.
        made = make()
        with self._lock:
            self._held[key] = made, size
            self._held.move_to_end(key)
            total = sum(one for _, one in self._held.values())
            while total > self._room and len(self._held) > 1:
                total -= self._held.popitem(last=False)[1][1]
        return made
