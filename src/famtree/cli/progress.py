"""One line on stderr while an answer takes its time."""

from __future__ import annotations

import os
import shutil
import sys
import threading

from famtree.cli.output import write_stderr

DELAY = 0.5
"""Seconds an answer may take before the line appears: most need less, and a flash only disturbs."""

_CLEAR = "\r\x1b[K"


class Progress:
    """Shows the latest message after `DELAY`, on a terminal only, and clears it on leaving."""

    def __init__(self, delay: float = DELAY) -> None:
        self._message = "working"
        self._shown = False
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None
        if sys.stderr.isatty() and os.environ.get("TERM") != "dumb":
            self._timer = threading.Timer(delay, self._appear)
            self._timer.daemon = True

    def __enter__(self) -> Progress:
        if self._timer is not None:
            self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._timer is not None:
            self._timer.cancel()
        with self._lock:
            # A timer that fires from now on must find nothing to do.
            self._timer = None
            if self._shown:
                write_stderr(_CLEAR)

    def show(self, message: str) -> None:
        """Remember `message`, and show it if the line is up."""
        with self._lock:
            self._message = message
            if self._shown:
                self._draw()

    def _appear(self) -> None:
        with self._lock:
            if self._timer is not None:
                self._shown = True
                self._draw()

    def _draw(self) -> None:
        from famtree.formats.escape import clip_text

        room = max(shutil.get_terminal_size((80, 24)).columns - 1, 10)
        # Clipped after escaping: an escape is longer than what it stands for.
        write_stderr(f"{_CLEAR}{clip_text(self._message, room)[:room]}")
