"""Many checkpoints at a time in several processes: an answer takes longer to weigh than to fetch.

Each process does what `famtree.scan.worker` says: the same function as every other engine. The
references under way in each are remembered, so that those of a process that dies are asked again.
"""

from __future__ import annotations

import contextlib
import json
import queue
import threading
import time
from collections import Counter, deque
from collections.abc import Generator, Iterable, Iterator
from dataclasses import asdict, replace
from typing import Any

from famtree.errors import FamtreeError
from famtree.scan.row import Row, make_failure
from famtree.scan.settings import ScanSettings
from famtree.scan.starters import Starter, Streams

MAX_TRIES = 3
"""A reference under way in so many processes that died is taken for the cause."""
MAX_STARTS = 5
"""So many processes in a row that never stood are no checkpoint's fault, but the system's."""
PAUSE = 0.05
"""Seconds after the first of them; longer after each further one."""
QUEUED = 2
"""References a process holds for each of its threads, so that none waits for the next."""

_Message = tuple["_Process", bytes | None]


class _Process:
    """One worker, what it is busy with, and the thread that listens to it."""

    def __init__(
        self,
        streams: Streams,
        settings: ScanSettings,
        messages: queue.SimpleQueue[_Message],
    ) -> None:
        self.busy: list[str] = []
        self.stood = False
        """Whether it began to work."""
        self.settings = settings
        self.room = settings.workers * QUEUED
        self._streams = streams
        self._send(asdict(settings))
        threading.Thread(target=self._listen, args=(messages,), daemon=True).start()

    def _listen(self, messages: queue.SimpleQueue[_Message]) -> None:
        with contextlib.suppress(ValueError, OSError):  # closed by `leave`, or broken off
            self.stood = bool(self._streams.answers.readline())
            for line in self._streams.answers:
                messages.put((self, line))
        messages.put((self, None))

    def ask(self, ref: str) -> None:
        """Hand over one reference; a process that is gone is noticed by its listener."""
        self.busy.append(ref)
        self._send(ref)

    def _send(self, value: object) -> None:
        with contextlib.suppress(OSError):
            self._streams.asked.write(json.dumps(value).encode() + b"\n")
            self._streams.asked.flush()

    def leave(self) -> None:
        """Ask nothing more of it."""
        self._streams.close()


class ProcessPool:
    """So many processes, kept busy and replaced when they die."""

    def __init__(self, settings: ScanSettings, starter: Starter, processes: int) -> None:
        self._starter = starter
        self._messages: queue.SimpleQueue[_Message] = queue.SimpleQueue()
        share, more = divmod(settings.workers, processes)
        self._processes = [
            self._start(replace(settings, workers=max(1, share + (number < more))))
            for number in range(processes)
        ]
        self._again: deque[str] = deque()
        self._tries: Counter[str] = Counter()
        self._failed_starts = 0

    def __enter__(self) -> ProcessPool:
        return self

    def __exit__(self, *_: object) -> None:
        self._starter.stop()
        for process in self._processes:
            process.leave()

    def scan(self, refs: Iterable[str]) -> Generator[Row, None, None]:
        """Yield one row a reference, in the order they are finished."""
        waiting = iter(refs)
        while True:
            self._fill(waiting)
            if not any(process.busy for process in self._processes):
                return
            process, line = self._messages.get()
            if line is None:
                yield from self._replace(process)
                continue
            row: Row = json.loads(line)
            process.busy.remove(row["ref"])
            yield row

    def _start(self, settings: ScanSettings) -> _Process:
        return _Process(self._starter.start(), settings, self._messages)

    def _fill(self, waiting: Iterator[str]) -> None:
        """Give every process as much as it has room for, the least busy one first."""
        while True:
            process = max(self._processes, key=lambda one: one.room - len(one.busy))
            if len(process.busy) >= process.room:
                return
            ref: Any = self._again.popleft() if self._again else next(waiting, None)
            if ref is None:
                return
            process.ask(ref)

    def _replace(self, dead: _Process) -> list[Row]:
        """Start another process for one that ended; return rows of what was tried too often."""
        dead.leave()
        self._failed_starts = 0 if dead.stood else self._failed_starts + 1
        blameless = 0 < self._failed_starts <= MAX_STARTS
        if blameless:
            # A server that is being killed takes a moment to be gone.
            time.sleep(PAUSE * self._failed_starts)
        self._processes[self._processes.index(dead)] = self._start(dead.settings)
        failed = []
        for ref in dead.busy:
            self._tries[ref] += not blameless
            if self._tries[ref] < MAX_TRIES:
                self._again.append(ref)
            else:
                failed.append(make_failure(ref, _died()))
        return failed


def _died() -> FamtreeError:
    return FamtreeError(
        "the process that read this checkpoint ended every time", code="worker-lost"
    )
