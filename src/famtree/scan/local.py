"""The default engine: this machine's cores, nothing else needed."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterable
from math import ceil

from famtree.scan.references import drop_repeated
from famtree.scan.row import Row
from famtree.scan.settings import THREADS_A_PROCESS, ScanSettings


def scan_local(
    refs: Iterable[str], settings: ScanSettings, done: set[int]
) -> Generator[Row, None, None]:
    """Yield one row for each reference that is not in `done`, in the order they are finished.

    `done` holds hashes (`references.hash_reference`) and grows by what was begun. Uses one
    process for every eight workers, at most one a core.
    """
    from famtree.scan.processes import ProcessPool

    processes = min(os.cpu_count() or 1, ceil(settings.workers / THREADS_A_PROCESS))
    with ProcessPool(settings, processes) as pool:
        yield from pool.scan(drop_repeated(refs, done))
