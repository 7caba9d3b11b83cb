"""The default engine: this machine's cores, nothing else needed."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from math import ceil

from famtree.scan.references import drop_repeated
from famtree.scan.row import Row
from famtree.scan.settings import ScanSettings


def scan_local(
    refs: Iterable[str], settings: ScanSettings, done: set[int]
) -> Generator[Row, None, None]:
    """Yield one row for each reference that is not in `done`, in the order they are finished.

    `done` holds hashes (`references.hash_reference`) and grows by what was begun.
    """
    from famtree.scan.processes import ProcessPool
    from famtree.scan.starters import choose_starter

    starter = choose_starter()
    processes = min(starter.most, ceil(settings.workers / starter.threads))
    with ProcessPool(settings, starter, processes) as pool:
        yield from pool.scan(drop_repeated(refs, done))
