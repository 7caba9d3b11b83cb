from __future__ import annotations

import errno
import os

import pytest
import typer

from cli.commands import Command, FakeApi
from famtree.cli.app import make_app
from famtree.cli.run import run, wants_json
from famtree.errors import ConfigError, UsageError

REF = "acme/oak"


def test_bug_is_one_line_a_hint_and_70(command: Command, fake_api: FakeApi) -> None:
    fake_api.answer = KeyError("rope\x1b[31m\ntheta")
    done = command("identify", REF, "--json")
    assert done.code == 70
    assert done.document["error"]["code"] == "internal"
    first, second = done.err.splitlines()
    assert first.startswith("error: famtree failed unexpectedly: KeyError: ")
    assert second.startswith("hint: please report it")
    assert "\x1b" not in done.err


@pytest.mark.parametrize("fault", [RecursionError("deep"), MemoryError(), AssertionError()])
def test_any_exception_is_caught(command: Command, fake_api: FakeApi, fault: Exception) -> None:
    fake_api.answer = fault
    assert command("identify", REF).code == 70


@pytest.mark.parametrize("fault", [KeyError("x"), ConfigError("broken")])
def test_traceback_only_in_debug_mode(
    command: Command, fake_api: FakeApi, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    fake_api.answer = fault
    assert "Traceback" not in command("identify", REF).err
    monkeypatch.setenv("FAMTREE_DEBUG", "1")
    done = command("identify", REF, "--json")
    assert "Traceback" in done.err
    assert done.document["schema"] == "famtree/error/1"


def test_a_traceback_holds_no_secret(
    command: Command, fake_api: FakeApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even of a library's own error, which saw an address whole."""
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    monkeypatch.setenv("HTTPS_PROXY", "http://me:pa%24sword@proxy")
    monkeypatch.setenv("FAMTREE_DEBUG", "1")
    fake_api.answer = UsageError("of no use")
    fake_api.answer.__cause__ = ValueError("hf_secret via http://me:pa%24sword@proxy, pa$sword")
    shown = command("identify", REF).err
    assert "ValueError: [redacted] via http://[redacted]@proxy, [redacted]" in shown


def test_interrupt_is_quiet_and_130(command: Command, fake_api: FakeApi) -> None:
    fake_api.answer = KeyboardInterrupt()
    done = command("identify", REF)
    assert (done.code, done.out, done.err.strip()) == (130, "", "")


def test_interrupt_while_starting_is_130(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(typer.Typer, "__call__", interrupt)
    assert run(make_app(), ["--help"]) == 130


def test_long_message_of_many_lines_is_one_short_line(command: Command, fake_api: FakeApi) -> None:
    fake_api.answer = ConfigError("a\nb\r\x1b[2J\u202e" + "c" * 100_000)
    done = command("identify", REF)
    assert len(done.err.splitlines()) == 1
    assert done.err.startswith("error: a b \\x1b[2J\\u202ecc")
    assert len(done.err) < 3000


@pytest.mark.parametrize(
    "arguments",
    [
        ["identify"],
        ["identify", REF, "--no-such-option"],
        ["identify", REF, "--min-confidence"],
        ["identify", REF, "--revision"],
        ["no-such-command"],
        ["families"],
        ["families", "show"],
        ["schema", "no-such-document"],
        [],
    ],
    ids=" ".join,
)
def test_usage_errors_exit_2(command: Command, fake_api: FakeApi, arguments: list[str]) -> None:
    plain = command(*arguments)
    assert (plain.code, plain.out) == (2, "")
    *_, line, hint = plain.err.splitlines()
    assert line.startswith("error: ")
    assert hint.startswith("hint: ")
    coded = command(*arguments[:1], "--json", *arguments[1:])
    assert coded.code == coded.document["error"]["exit_code"] == 2
    assert coded.document["error"]["code"] == "usage"
    assert coded.document["error"]["hint"]
    assert fake_api.calls == []


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["identify", "--json", "x"], True),
        (["identify", "x"], False),
        (["identify", "--", "--json"], False),
        (["identify", "--json", "--", "x"], True),
        (["identify", "x", "--format", "json"], True),
        (["identify", "x", "--format=json"], True),
        (["identify", "--format", "text", "json"], False),
        (["identify", "--", "--format", "json"], False),
    ],
)
def test_json_is_recognised_among_options_only(arguments: list[str], expected: bool) -> None:
    assert wants_json(arguments) is expected


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EMFILE, errno.EROFS, errno.EIO])
def test_what_the_system_refuses_is_no_bug(
    command: Command, fake_api: FakeApi, number: int
) -> None:
    fake_api.answer = OSError(number, os.strerror(number), "/some/file")
    done = command("identify", REF, "--json")
    assert done.code == done.document["error"]["exit_code"] == 2
    assert f"{os.strerror(number)}: /some/file" in done.err
    assert "report it" not in done.err
