"""`--format` and `--json`, alike in every command, and what a pipe gets."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import pytest

from cli.commands import Command, FakeApi
from comparisons import make_pair
from conftest import ROOT
from famtree.formats.table import FORMATS
from lineages import make_merge
from results import make_result

pytestmark = pytest.mark.usefixtures("fake_registry")
EXAMPLE = str(ROOT / "fixtures" / "example")
COMMANDS: dict[str, tuple[list[str], Any]] = {
    "identify": (["identify", "acme/oak"], make_result),
    "compare": (["compare", "acme/oak", "acme/elm"], make_pair),
    "lineage": (["lineage", "acme/oak"], make_merge),
    "families list": (["families", "list"], None),
    "families show": (["families", "show", "oak"], None),
}
KINDS = {
    "identify": "identification",
    "compare": "comparison",
    "lineage": "lineage",
    "families list": "families",
    "families show": "family",
}
"""Documents that the commands print."""


@pytest.fixture(params=COMMANDS)
def arguments(request: pytest.FixtureRequest, fake_api: FakeApi) -> list[str]:
    arguments, answer = COMMANDS[request.param]
    fake_api.answer = answer and answer()
    return arguments


def test_json_in_both_ways(command: Command, arguments: list[str]) -> None:
    short = command(*arguments, "--json")
    for asked in (["--format", "json"], ["--format=json"], ["--json", "--format", "json"]):
        long = command(*arguments, *asked)
        assert (long.code, long.out) == (0, short.out)
    assert short.document["schema"].startswith("famtree/")


def test_text_is_the_default(command: Command, arguments: list[str]) -> None:
    assert command(*arguments, "--format", "text").out == command(*arguments).out


def test_markdown(command: Command, arguments: list[str]) -> None:
    done = command(*arguments, "--format", "markdown")
    assert (done.code, done.err) == (0, "")
    assert "**" in done.out or "|---|" in done.out
    assert not set(done.out) & set("╭│─└")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_format_of_the_table_can_be_asked_for(
    command: Command, fake_api: FakeApi, name: str
) -> None:
    arguments, answer = COMMANDS[name]
    fake_api.answer = answer and answer()
    kind = KINDS[name]
    for form in {form for formats in FORMATS.values() for form in formats}:
        done = command(*arguments, "--format", form)
        assert done.code == (0 if form in FORMATS[kind] else 2), form
        assert bool(done.out) == (done.code == 0)


@pytest.mark.parametrize("form", ["json", "mermaid", "dot", "html"])
def test_a_shorthand_is_the_format(command: Command, fake_api: FakeApi, form: str) -> None:
    fake_api.answer = make_merge()
    short = command("lineage", "acme/oak", f"--{form}", *(["-"] if form == "html" else []))
    assert (short.code, short.out) == (0, command("lineage", "acme/oak", "--format", form).out)


def test_two_forms_exclude_each_other(command: Command, arguments: list[str]) -> None:
    done = command(*arguments, "--json", "--format", "markdown")
    assert done.code == done.document["error"]["exit_code"] == 2
    assert "exclude each other" in done.err


def test_an_unknown_form_is_usage(command: Command, arguments: list[str]) -> None:
    assert command(*arguments, "--format", "xml").code == 2


@pytest.mark.parametrize(
    "asked", [["--format", "json"], ["--format=json"], ["--json"]], ids=" ".join
)
def test_errors_are_json_too(command: Command, fake_api: FakeApi, asked: list[str]) -> None:
    done = command("identify", "a/b", *asked, "--no-such-option")
    assert done.document["schema"] == "famtree/error/1"


@pytest.mark.parametrize(
    ("command_line", "columns", "drawn"),
    [(["identify", EXAMPLE], None, "╭"), (["lineage", EXAMPLE], None, ""),
     (["identify", EXAMPLE], "60", "╭")],
)  # fmt: skip
def test_a_pipe_gets_plain_text_unless_columns_are_told(
    command_line: list[str], columns: str | None, drawn: str
) -> None:
    environment = {**os.environ, "TERM": "xterm"}
    del environment["COLUMNS"], environment["NO_COLOR"]
    if columns:
        environment["COLUMNS"] = columns
    program = [sys.executable, "-m", "famtree", *command_line]
    piped = subprocess.run(program, capture_output=True, env=environment, check=True).stdout
    assert b"\x1b" not in piped
    if columns:
        assert drawn.encode() in piped
    else:
        assert not set(piped.decode()) & set("╭│─└├")


def test_a_terminal_gets_a_drawing() -> None:
    pty = pytest.importorskip("pty", reason="POSIX only")
    parent, child = pty.openpty()
    environment = {**os.environ, "TERM": "xterm"}
    del environment["COLUMNS"], environment["NO_COLOR"]
    program = [sys.executable, "-m", "famtree", "identify", EXAMPLE]
    with subprocess.Popen(program, stdout=child, env=environment) as process:
        os.close(child)
        seen = b""
        while b"\xe2\x95\xaf" not in seen:  # the frame's last corner
            seen += os.read(parent, 4096)
        process.wait()
    os.close(parent)
    assert b"\x1b[" in seen
