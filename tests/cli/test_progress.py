from __future__ import annotations

import io
import sys
import time

import pytest

from famtree.cli.progress import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def _install_terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    # Not a fixture: between set-up and call pytest puts its own stderr back.
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "30")
    return screen


def _wait_for(screen: io.StringIO, text: str) -> None:
    deadline = time.monotonic() + 10
    while text not in screen.getvalue():
        assert time.monotonic() < deadline, screen.getvalue()
        time.sleep(0.005)


def test_quick_answer_shows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = _install_terminal(monkeypatch)
    with Progress(delay=30) as progress:
        progress.show("reading")
    assert terminal.getvalue() == ""


def test_slow_answer_shows_the_latest_message_and_clears_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    terminal = _install_terminal(monkeypatch)
    with Progress(delay=0.01) as progress:
        _wait_for(terminal, "working")
        progress.show("reading config.json")
    assert terminal.getvalue().endswith("\r\x1b[Kreading config.json\r\x1b[K")


def test_line_is_cleared_after_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = _install_terminal(monkeypatch)
    progress = Progress(delay=0.01)
    progress.__enter__()
    _wait_for(terminal, "working")
    progress.__exit__(ValueError, ValueError("x"), None)
    assert terminal.getvalue().endswith("\r\x1b[K")


def test_message_is_escaped_and_fits_the_line(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = _install_terminal(monkeypatch)
    with Progress(delay=0.01) as progress:
        _wait_for(terminal, "working")
        progress.show("\x1b[2J" + "x" * 500)
    shown = terminal.getvalue().split("\r\x1b[K")[-2]
    assert shown.startswith("\\x1b[2Jxx")
    assert len(shown) < 30


@pytest.mark.parametrize("name", ["pipe", "dumb terminal"])
def test_nothing_where_a_line_cannot_be_cleared(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    screen = io.StringIO() if name == "pipe" else Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("TERM", "xterm" if name == "pipe" else "dumb")
    with Progress(delay=0.001) as progress:
        progress.show("reading")
        time.sleep(0.05)
    assert screen.getvalue() == ""
