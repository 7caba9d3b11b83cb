from __future__ import annotations

from pathlib import Path

import pytest

from cli.commands import Command, FakeApi

pytestmark = pytest.mark.usefixtures("fake_registry")


def test_list_names_every_family(command: Command) -> None:
    done = command("families", "list")
    assert (done.code, done.err) == (0, "")
    assert "oak" in done.out
    assert "elm" in done.out
    assert "families: 2" in done.out


def test_show_one(command: Command) -> None:
    done = command("families", "show", "oak")
    assert (done.code, done.err) == (0, "")
    assert "oak/oak-2" in done.out


def test_show_of_an_unknown_key_suggests(command: Command) -> None:
    done = command("families", "show", "oka")
    assert (done.code, done.out) == (2, "")
    assert "did you mean oak?" in done.err


def test_check_of_a_sound_registry(command: Command, fake_api: FakeApi) -> None:
    fake_api.answer = []
    done = command("families", "check")
    assert (done.code, done.out, done.err) == (0, "the registry is sound\n", "")
    assert fake_api.calls == [((None,), {"registry": ()})]


def test_check_prints_every_fault_and_exits_1(command: Command, fake_api: FakeApi) -> None:
    fake_api.answer = ["a.toml: key: missing", "b.toml: \x1b[2J"]
    done = command("families", "check", "--folder", "elsewhere")
    assert done.code == 1
    assert done.out == "a.toml: key: missing\nb.toml: \\x1b[2J\n"
    assert done.err == "failed: 2 fault(s) in the registry\n"
    assert fake_api.calls == [((Path("elsewhere"),), {"registry": ()})]


def test_draft_prints_what_the_api_wrote(command: Command, fake_api: FakeApi) -> None:
    fake_api.answer = 'key = "new"'
    done = command("families", "draft", "acme/oak", "--revision", "v1", "--offline")
    assert (done.code, done.out, done.err) == (0, 'key = "new"\n', "")
    assert fake_api.calls == [(("acme/oak",), {"revision": "v1", "offline": True, "registry": ()})]
