"""Daemon threads that are kept for the next piece of work.

A `ThreadPoolExecutor` waits for its threads when the process ends, and a new thread for every
request takes a third of the time that a small answer does.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from typing import TypeVar

_T = TypeVar("_T")
_Work = Callable[[], None]


class DaemonThreads:
    """As many threads as there was work at one time; none of them keeps the process alive."""

    def __init__(self) -> None:
        self._idle: list[SimpleQueue[_Work]] = []

    def start(self, work: Callable[[], _T]) -> Future[_T]:
        """Run `work` beside the caller; the future holds what it returns or raises."""
        future: Future[_T] = Future()

        def run() -> None:
            try:
                result = work()
            except BaseException as fault:  # noqa: BLE001 - raised again where it is waited for
                future.set_exception(fault)
            else:
                future.set_result(result)

        try:
            desk = self._idle.pop()
        except IndexError:
            desk = SimpleQueue()
            threading.Thread(target=self._serve, args=(desk,), daemon=True).start()
        desk.put(run)
        return future

    def _serve(self, desk: SimpleQueue[_Work]) -> None:
        while True:
            desk.get()()
            self._idle.append(desk)


THREADS = DaemonThreads()
"""Those of this process."""
