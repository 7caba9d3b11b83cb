"""The moment by which all that one command fetches must be there."""

from __future__ import annotations

import time
from math import inf

from msgspec import Struct

from famtree.errors import DeadlineError


class Deadline(Struct, frozen=True):
    """A moment on the monotonic clock; the same one holds for every file and every ancestor."""

    seconds: float
    """How long was allowed in all."""
    at: float

    @classmethod
    def after(cls, seconds: float | None) -> Deadline:
        """Return the deadline `seconds` from now; None is never."""
        allowed = inf if seconds is None else seconds
        return cls(allowed, time.monotonic() + allowed)

    @property
    def left(self) -> float:
        """Seconds that remain, never negative; infinite where there is no deadline."""
        return max(0.0, self.at - time.monotonic())

    def check(self, what: str) -> None:
        """Raise DeadlineError once the moment has come; `what` is still to be fetched."""
        if not self.left:
            raise self.missed(what)

    def missed(self, what: str) -> DeadlineError:
        """Return the error that says `what` was not there in time."""
        return DeadlineError(
            f"{what} was not there within the {self.seconds:g} seconds allowed",
            hint="allow more with --timeout; what did arrive is cached",
        )


NEVER = Deadline.after(None)
