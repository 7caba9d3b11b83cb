from __future__ import annotations

import os
import re
import sys
import tomllib
from pathlib import Path

import pytest

from famtree import errors
from loading import load_module

ROOT = Path(__file__).parents[1]
sys.path.append(str(ROOT / "scripts"))
UPDATER = load_module(ROOT / "scripts" / "update_cli_docs.py")
MANUAL = load_module(ROOT / "scripts" / "update_man_page.py")
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


def test_command_reference_is_current() -> None:
    path = ROOT / "docs" / "cli.md"
    text = path.read_text(encoding="utf-8")
    assert text == UPDATER.render_reference(), "run scripts/update_cli_docs.py"


def test_reference_has_every_command() -> None:
    from famtree.cli.app import make_app

    app = make_app()
    names = {command.name for command in app.registered_commands}
    for group in app.registered_groups:
        assert group.typer_instance is not None
        names |= {group.name}
        names |= {f"{group.name} {one.name}" for one in group.typer_instance.registered_commands}
    assert names == set(UPDATER.COMMANDS) - {""}


def test_the_man_page_is_current_and_goes_with_the_wheel() -> None:
    assert MANUAL.PAGE.read_text(encoding="utf-8") == MANUAL.render_page(), (
        "run scripts/update_man_page.py"
    )
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    shared = project["tool"]["hatch"]["build"]["targets"]["wheel"]["shared-data"]
    assert (ROOT / next(iter(shared))) == MANUAL.PAGE
    assert list(shared.values()) == ["share/man/man1/famtree.1"]


def test_the_man_page_has_every_command_and_option_and_no_macro_of_a_text() -> None:
    page = MANUAL.PAGE.read_text(encoding="utf-8")
    plain = re.sub(r"\\f[BIR]|\\&", "", page).replace("\\-", "-")
    for part in re.split(r"^## `", UPDATER.REFERENCE.read_text(encoding="utf-8"), flags=re.M)[1:]:
        name, _, text = part.partition("`")
        if "Commands:" not in text:
            section = plain.split(f'.SS "{name}', 1)[1].split('\n.SS "')[0]
            options = set(re.findall(r"^  (?:-\w, )?(--[a-z-]+)", text, re.M))
            assert {one for one in options if one not in section} == set(), name
    macros = set(re.findall(r"^[.'](\S+)", page, re.M))
    assert macros <= {'\\"', "TH", "SH", "SS", "B", "BR", "I", "RI", "TP", "PP", "EX", "EE"}
    assert MANUAL._escape(".TH a-b \\") == r"\&.TH a\-b \e"


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_links_lead_somewhere(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    targets = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text)
    local = [target for target in targets if "://" not in target]
    assert [target for target in local if not (path.parent / target).exists()] == []


def test_readme_sets_up_in_two_commands_of_one_line() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    commands = re.findall(r"```sh\n(.*?)\n```", text, re.DOTALL)[:2]
    install, test = commands
    for command in commands:
        assert "\n" not in command
        assert command.startswith("python3 -m venv .venv && ")
        # `--group` came with pip 25.1; Python 3.11 and 3.12 bring an older one.
        assert "pip install -q --upgrade pip" in command
    assert install.endswith("famtree identify fixtures/example")
    assert "--group dev" in test
    assert test.endswith("python -m pytest -n auto")


def test_ci_runs_the_readme_s_test_command() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    text = script.read_text(encoding="utf-8")
    assert "grep -m 1 -- '--group dev' README.md" in text
    for tool in ("ruff", "mypy", "lint-imports"):
        assert f'check "$venv/bin/{tool}"' in text
    assert 'check "$venv/bin/python" -m pytest -m packaging' in text
    for name in ("lowest", "readme"):
        assert os.access(ROOT / ".ci" / name, os.X_OK)
        assert f"check .ci/{name}" in text


def _list_errors() -> list[type[errors.FamtreeError]]:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    return [kind for kind in kinds if issubclass(kind, errors.FamtreeError)]


def test_exit_codes_are_documented_alike() -> None:
    codes = {kind.exit_code for kind in _list_errors()}
    for page in ("README.md", "docs/ci.md"):
        text = (ROOT / page).read_text(encoding="utf-8")
        assert codes | {0, 1} <= {int(code) for code in re.findall(r"^\| (\d+) \|", text, re.M)}


def test_error_codes_are_documented() -> None:
    text = (ROOT / "docs" / "warnings.md").read_text(encoding="utf-8")
    assert [kind.code for kind in _list_errors() if f"`{kind.code}`" not in text] == []
