"""One process of a scan: references in, rows out, one JSON text a line.

The first line in holds the settings: a token among the arguments would show in the list of
processes. The first line out is empty and tells that the process stands. How many references are
under way is up to who sends them.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import BinaryIO, NoReturn

from famtree.registry.places import load_places
from famtree.registry.registry import Registry
from famtree.scan.checkpoint import scan_checkpoint
from famtree.scan.settings import ScanSettings

COLLECT_AFTER = 20_000
"""New objects between two collections; one checkpoint makes some thousands."""


class Worker:
    """Answers references with `settings.workers` threads."""

    def __init__(self, settings: ScanSettings, registry: Registry, answers: BinaryIO) -> None:
        self._settings = settings
        self._registry = registry
        self._answers = answers
        self._lock = threading.Lock()

    def serve(self, asked: BinaryIO) -> None:
        """Answer every reference of `asked`; return as soon as that ends."""
        pool = ThreadPoolExecutor(self._settings.workers)
        for line in asked:
            pool.submit(self._answer, json.loads(line))

    def _answer(self, ref: str) -> None:
        row = scan_checkpoint(ref, self._registry, self._settings)
        line = json.dumps(row).encode() + b"\n"
        with self._lock:
            self._answers.write(line)
            self._answers.flush()


def prepare() -> Registry:
    """Load what every process of a scan needs."""
    registry = load_places()
    # The registry lives as long as the process; walking it again and again is a third of the work.
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER)
    return registry


def work(registry: Registry, asked: BinaryIO, answers: BinaryIO) -> NoReturn:
    """Read the settings, answer references until `asked` ends, then end this process.

    At once, for nobody reads what is still under way.
    """
    # A parent that was killed is nobody to tell of it.
    with contextlib.suppress(OSError):
        answers.write(b"\n")
        answers.flush()
        if settings := asked.readline():
            asked_for = ScanSettings(**json.loads(settings))
            known = load_places(asked_for.registry) if asked_for.registry else registry
            Worker(asked_for, known, answers).serve(asked)
    os._exit(0)


if __name__ == "__main__":
    work(prepare(), sys.stdin.buffer, sys.stdout.buffer)
