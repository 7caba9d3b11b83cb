"""What every checkpoint of one scan is asked with."""

from __future__ import annotations

from dataclasses import dataclass, field

from famtree.sources.hub_access import HubAccess

THREADS_A_PROCESS = 8
"""Answers wait for the network most of the time, and share one interpreter the rest."""


@dataclass(frozen=True, slots=True)
class ScanSettings:
    """How to scan: the same for every checkpoint, so that any worker gives the same row."""

    workers: int = 2 * THREADS_A_PROCESS
    """Checkpoints under way at a time."""
    offline: bool = False
    endpoint: str | None = None
    token: str | bool | None = field(default=None, repr=False)
    """These two as in `HubAccess`."""
    timeout: float | None = None
    """Seconds that fetching one checkpoint may take in all."""

    sketch: bool = False
    """Read the weight samples of `--verify` as well, once, and keep them as a sketch."""

    def make_access(self) -> HubAccess:
        """Return whom the Hub is asked as; nothing is remembered, a scan sees each model once."""
        return HubAccess(self.endpoint, self.token).until(self.timeout)
