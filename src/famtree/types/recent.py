"""The last few results of a costly pure function, for what comes again and again.

Of the checkpoints of a scan most are made from few: their headers are the same bytes, and their
traits the same values.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from functools import wraps
from typing import Concatenate, Generic, ParamSpec, TypeVar

T = TypeVar("T")
V = TypeVar("V")
P = ParamSpec("P")


class Recent(Generic[V]):
    """Holds the results asked for last, up to a total size; safe in several threads.

    The last one is held whatever its size. Results are shared, so they must not be changed by
    whoever gets them.
    """

    def __init__(self, room: int) -> None:
        self._room = room
        self._held: OrderedDict[Hashable, tuple[V, int]] = OrderedDict()
        self._size = 0
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
            if key in self._held:
                self._size -= self._held[key][1]
            self._held[key] = made, size
            self._held.move_to_end(key)
            self._size += size
            while self._size > self._room and len(self._held) > 1:
                self._size -= self._held.popitem(last=False)[1][1]
        return made


def remember(
    room: int, size: Callable[[T], int]
) -> Callable[[Callable[Concatenate[T, P], V]], Callable[Concatenate[T, P], V]]:
    """Make a pure function remember its last results, up to `room` in the sum of `size`s.

    They are known by the identity of the first argument, which is held so that no other object
    takes its place, and by the value of the others, which have to be hashable.
    """

    def wrap(make: Callable[Concatenate[T, P], V]) -> Callable[Concatenate[T, P], V]:
        recent: Recent[tuple[T, V]] = Recent(room)

        @wraps(make)
        def find(subject: T, /, *rest: P.args, **named: P.kwargs) -> V:
            key = (id(subject), rest, *named.items())
            held = recent.find(key, lambda: (subject, make(subject, *rest, **named)), size(subject))
            return held[1]

        return find

    return wrap
