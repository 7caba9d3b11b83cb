"""What every checkpoint of one scan is asked with."""

from __future__ import annotations

from dataclasses import dataclass, field

from famtree.sources.hub_access import HubAccess


@dataclass(frozen=True, slots=True)
class ScanSettings:
    """How to scan: the same for every checkpoint, so that any worker gives the same row."""

    workers: int = 24
    """Checkpoints under way at a time."""
    offline: bool = False
    endpoint: str | None = None
    token: str | bool | None = field(default=None, repr=False)
    """These two as in `HubAccess`."""
    timeout: float | None = None
    """Seconds that fetching one checkpoint may take in all."""

    registry: tuple[str, ...] = ()
    """Folders of family files laid over famtree's own, absolute."""

    sketch: bool = False
    """Read the weight samples of `--verify` as well, once, and keep them as a sketch."""

    def make_access(self) -> HubAccess:
        """Return whom the Hub is asked as; little is remembered, as a scan sees each model once.

        Seven files and folders for each of three million would use up a disk's inodes.
        """
        return HubAccess(self.endpoint, self.token, only_shared=True).until(self.timeout)
