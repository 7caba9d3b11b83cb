"""Forks the workers of a scan off one process that has loaded everything.

Its stdin is a Unix socket. With every byte comes the end of another socket, which a new worker
reads references from and writes rows to, as `famtree.scan.worker` does. A forked worker starts in a
hundredth of the time that a fresh interpreter takes and shares its memory, so that there can be
many: of two threads that weigh evidence in one interpreter, one waits.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys

from famtree.scan.worker import prepare, work


def serve_forks(control: socket.socket) -> None:
    """Fork a worker for every socket that comes over `control`, until that is closed."""
    _import_what_is_lazy()
    with contextlib.suppress(OSError):  # a container may forbid it
        # Weighing evidence is not to be interrupted by every answer that comes in.
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    registry = prepare()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # dead workers leave no zombies
    while True:
        try:
            word, ends, _, _ = socket.recv_fds(control, 1, 1)
        except OSError:  # the parent was killed
            return
        if not word:
            return
        if os.fork() == 0:
            control.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            end = socket.socket(fileno=ends[0])
            work(registry, end.makefile("rb"), end.makefile("wb"))
        os.close(ends[0])


def _import_what_is_lazy() -> None:
    """Import what a worker would on its first reference of the Hub."""
    import urllib3  # noqa: F401
    from huggingface_hub import get_token  # noqa: F401

    import famtree.sources.hub  # noqa: F401


if __name__ == "__main__":
    serve_forks(socket.socket(fileno=sys.stdin.fileno()))
