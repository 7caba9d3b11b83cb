"""What every command has alike: short options, files, colours, examples, several references."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cli.commands import Command, FakeApi
from conftest import ROOT
from famtree.cli.app import COMMANDS
from famtree.cli.manners import DOCUMENTATION
from famtree.cli.output import find_width, use_color
from famtree.errors import NotFoundError
from results import make_result

EXAMPLE = str(ROOT / "fixtures" / "example")
GROUPS = ("atlas", "families")
LEAVES = [
    *(one for one in COMMANDS if one not in GROUPS),
    *(f"atlas {one}" for one in ("build", "info", "query", "report")),
    *(f"families {one}" for one in ("list", "show", "check", "draft", "update")),
]


@pytest.mark.parametrize("name", LEAVES)
def test_every_help_has_examples_and_says_where_the_pages_are(command: Command, name: str) -> None:
    short, long = command(*name.split(), "-h"), command(*name.split(), "--help")
    assert (short.code, short.out) == (0, long.out)
    assert f"Documentation: {DOCUMENTATION}" in short.out
    assert "--no-color" in short.out
    if name != "families check":
        assert f"\n    famtree {name}" in short.out.replace('eval "$(', "").split("Examples:")[1]


def test_short_options(command: Command) -> None:
    assert command("-V").out == command("--version").out
    assert command("-h").out == command("--help").out


def test_an_answer_goes_to_a_file(
    command: Command, fake_api: FakeApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_api.answer = make_result()
    monkeypatch.setenv("COLUMNS", "40")
    target = tmp_path / "answer.txt"
    done = command("identify", "a/b", "--output", str(target))
    assert (done.code, done.out) == (0, "")
    monkeypatch.delenv("COLUMNS")
    assert target.read_text(encoding="utf-8") == command("identify", "a/b").out, "and undrawn"


def test_the_file_is_there_though_a_condition_fails(command: Command, tmp_path: Path) -> None:
    target = tmp_path / "answer.json"
    done = command("identify", EXAMPLE, "--json", "--expect", "llama", "-o", str(target))
    assert done.code == 1
    assert json.loads(target.read_text())["family"]["key"] == "mistral"


def test_no_answer_makes_no_file(command: Command, fake_api: FakeApi, tmp_path: Path) -> None:
    fake_api.answer = NotFoundError("gone")
    target = tmp_path / "answer.txt"
    assert command("identify", "a/b", "-o", str(target)).code == 3
    assert not target.exists()
    assert command("identify", "a/b", "-o", str(tmp_path)).code == 2


def test_who_says_whether_there_are_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.delenv("COLUMNS", raising=False)
    assert not use_color()
    assert find_width() is None
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert use_color()
    assert find_width() is not None
    monkeypatch.setenv("NO_COLOR", "1")
    assert not use_color()
    monkeypatch.setenv("FORCE_COLOR", "0")
    monkeypatch.delenv("NO_COLOR")
    assert not use_color()


def test_no_color_goes_before_all(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("FORCE_COLOR", "1")
    policy = str(ROOT / "fixtures" / "famtree.toml")
    assert "\x1b[32m" in command("check", policy).out
    assert "\x1b" not in command("check", policy, "--no-color").out


def test_several_references_are_answered_in_turn(command: Command) -> None:
    done = command("identify", EXAMPLE, "/no/such/place", EXAMPLE, "--json")
    lines = [json.loads(line) for line in done.out.splitlines()]
    assert done.code == 3, "the highest"
    assert [one["schema"] for one in lines] == [
        "famtree/identification/1", "famtree/error/1", "famtree/identification/1"
    ]  # fmt: skip
    assert "no such file" in done.err
    failed = command("identify", EXAMPLE, EXAMPLE, "--expect", "llama")
    assert (failed.code, failed.err.count("failed:")) == (1, 2)


@pytest.mark.parametrize("key", ["Mistral", "MISTRAL/Mistral-7B-v0.3"])
def test_case_of_keys_does_not_count(command: Command, key: str) -> None:
    assert command("identify", EXAMPLE, "--expect", key).code == 0
    assert command("families", "show", key).code == 0


def test_a_family_is_denied_in_any_case(command: Command) -> None:
    assert command("identify", EXAMPLE, "--deny-family", "Mistral").code == 1
    assert command("identify", EXAMPLE, "--allow-family", "Mistral").code == 0


def test_one_generation_is_shown_alone(command: Command) -> None:
    whole = command("families", "show", "llama", "--json").document
    one = command("families", "show", "llama/llama-3.1", "--json").document
    assert len(whole["generation"]) > len(one["generation"]) == 1
    assert one["generation"][0]["key"] == "llama-3.1"
