"""Ways to start the worker processes of a scan."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass
from typing import BinaryIO, Protocol


@dataclass(frozen=True, slots=True)
class Streams:
    """The two ends of a worker: what it is asked, and what it answers."""

    asked: BinaryIO
    answers: BinaryIO

    def close(self) -> None:
        """Close both; a worker that is asked nothing more ends."""
        for stream in (self.asked, self.answers):
            with contextlib.suppress(OSError):
                stream.close()


class Starter(Protocol):
    """Starts workers, and ends them all."""

    threads: int
    """Threads of a worker when there are enough workers."""
    most: int
    """Workers beyond which more are no use."""

    def start(self) -> Streams:
        """Start one more; one that cannot be started is one whose answers end at once."""
        ...

    def stop(self) -> None:
        """End all of them at once, whatever they are doing."""
        ...


class ForkServer:
    """Has `famtree.scan.fork_server` fork workers: many, of few threads each."""

    threads = 4

    def __init__(self) -> None:
        self.most = 2 * (os.cpu_count() or 1)
        self._control: socket.socket | None = None
        self._server: subprocess.Popen[bytes] | None = None

    def start(self) -> Streams:
        """Start a worker, and the server before it where it does not run (any more)."""
        if self._control is None or self._server is None or self._server.poll() is not None:
            self.stop()
            self._control = self._launch()
        ours, theirs = socket.socketpair()
        with theirs, contextlib.suppress(OSError):
            socket.send_fds(self._control, [b"f"], [theirs.fileno()])
        with ours:
            return Streams(ours.makefile("wb"), ours.makefile("rb"))

    def _launch(self) -> socket.socket:
        control, end = socket.socketpair()
        with end:
            # A session of its own: Ctrl-C is the parent's to handle, and one signal ends them all.
            self._server = subprocess.Popen(
                [sys.executable, "-m", "famtree.scan.fork_server"],
                stdin=end.fileno(),
                start_new_session=True,
            )
        return control

    def stop(self) -> None:
        """Kill the server's process group, which its workers are in."""
        if self._control is not None:
            self._control.close()
        if self._server is not None:
            # The group's number stays taken until the server is waited for.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._server.pid, signal.SIGKILL)
            self._server.wait()


class Spawner:
    """Starts each worker in an interpreter of its own: few, of many threads each."""

    threads = 8

    def __init__(self) -> None:
        self.most = os.cpu_count() or 1
        self._started: list[subprocess.Popen[bytes]] = []

    def start(self) -> Streams:
        """Start a worker with pipes."""
        process = subprocess.Popen(
            [sys.executable, "-m", "famtree.scan.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        self._started.append(process)
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("a process without pipes")
        return Streams(process.stdin, process.stdout)  # type: ignore[arg-type]

    def stop(self) -> None:
        """Kill them one by one."""
        for process in self._started:
            process.kill()
            process.wait()


def choose_starter() -> ForkServer | Spawner:
    """Return the way that this system allows.

    Forking is for Linux: on macOS system libraries may not be used after it, Windows has none.
    """
    return ForkServer() if sys.platform == "linux" else Spawner()
