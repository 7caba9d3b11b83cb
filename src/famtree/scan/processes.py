"""Many checkpoints at a time in several processes: an answer takes longer to weigh than to fetch.

Each process is `famtree.scan.worker`, which runs the same function as every other engine. The
references under way in each are remembered, so that those of a process that dies are asked again.
"""

from __future__ import annotations

import contextlib
import json
import queue
import subprocess
import sys
import threading
from collections import Counter, deque
from collections.abc import Generator, Iterable, Iterator
from dataclasses import asdict, replace
from typing import Any

from famtree.errors import FamtreeError
from famtree.scan.row import Row, make_failure
from famtree.scan.settings import ScanSettings

MAX_TRIES = 3
"""A reference under way in so many processes that died is taken for the cause."""
QUEUED = 2
"""References a process holds for each of its threads, so that none waits for the next."""

_Message = tuple["_Process", bytes | None]


class _Process:
    """One worker, what it is busy with, and the thread that listens to it."""

    def __init__(self, settings: ScanSettings, messages: queue.SimpleQueue[_Message]) -> None:
        self.busy: list[str] = []
        self.room = settings.workers * QUEUED
        # A session of its own: Ctrl-C is the parent's to handle.
        self._process = subprocess.Popen(
            [sys.executable, "-m", "famtree.scan.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        if self._process.stdin is None or self._process.stdout is None:
            raise RuntimeError("a process without pipes")
        self._asked, self._answers = self._process.stdin, self._process.stdout
        self._send(asdict(settings))
        threading.Thread(target=self._listen, args=(messages,), daemon=True).start()

    def _listen(self, messages: queue.SimpleQueue[_Message]) -> None:
        with contextlib.suppress(ValueError):  # closed by `stop`
            for line in self._answers:
                messages.put((self, line))
        messages.put((self, None))

    def ask(self, ref: str) -> None:
        """Hand over one reference; a process that is gone is noticed by its listener."""
        self.busy.append(ref)
        self._send(ref)

    def _send(self, value: object) -> None:
        with contextlib.suppress(BrokenPipeError):
            self._asked.write(json.dumps(value).encode() + b"\n")
            self._asked.flush()

    def stop(self) -> None:
        """End it at once, whatever it is doing."""
        self._process.kill()
        self._process.wait()
        for stream in (self._asked, self._answers):
            with contextlib.suppress(OSError):
                stream.close()


class ProcessPool:
    """So many processes, kept busy and replaced when they die."""

    def __init__(self, settings: ScanSettings, processes: int) -> None:
        share = max(1, settings.workers // processes)
        self._settings = replace(settings, workers=share)
        self._messages: queue.SimpleQueue[_Message] = queue.SimpleQueue()
        self._processes = [self._start() for _ in range(processes)]
        self._again: deque[str] = deque()
        self._tries: Counter[str] = Counter()

    def __enter__(self) -> ProcessPool:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            process.stop()

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

    def _start(self) -> _Process:
        return _Process(self._settings, self._messages)

    def _fill(self, waiting: Iterator[str]) -> None:
        """Give every process as much as it has room for, the least busy one first."""
        while True:
            process = min(self._processes, key=lambda one: len(one.busy))
            if len(process.busy) >= process.room:
                return
            ref: Any = self._again.popleft() if self._again else next(waiting, None)
            if ref is None:
                return
            process.ask(ref)

    def _replace(self, dead: _Process) -> list[Row]:
        """Start another process for one that ended; return rows of what was tried too often."""
        dead.stop()
        self._processes[self._processes.index(dead)] = self._start()
        failed = []
        for ref in dead.busy:
            self._tries[ref] += 1
            if self._tries[ref] < MAX_TRIES:
                self._again.append(ref)
            else:
                failed.append(make_failure(ref, _died()))
        return failed


def _died() -> FamtreeError:
    return FamtreeError(
        "the process that read this checkpoint ended every time", code="worker-lost"
    )
