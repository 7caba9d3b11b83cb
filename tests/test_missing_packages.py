"""A package that is not installed: an answer without it, or exit 2 with what to install."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from cli.commands import make_command
from conftest import ROOT
from famtree.errors import PACKAGES, UsageError, missing_package, require_package
from tiny_models import make_model, write_model
from without_extras import COMMANDS, EXAMPLE, EXTRAS, fill


@pytest.fixture
def lacking(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def hide(*modules: str) -> None:
        for name in list(sys.modules):
            if name.partition(".")[0] in modules or name.startswith("famtree.bom"):
                monkeypatch.delitem(sys.modules, name)
        for name in modules:
            monkeypatch.setitem(sys.modules, name, None)

    return hide


@pytest.mark.parametrize(
    ("arguments", "hint"),
    COMMANDS,
    ids=lambda value: " ".join(value[:2]).replace(EXAMPLE, "") if isinstance(value, list) else "",
)
def test_every_command_without_any_extra(
    lacking: Callable[..., None],
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    arguments: list[str],
    hint: str | None,
) -> None:
    fill(tmp_path)
    lacking(*EXTRAS)
    done = make_command(capsys)(*(one.format(tmp_path) for one in arguments))
    assert done.code == (0 if hint is None else 2), done.err
    if hint is not None:
        assert f"pip install '{hint}'" in done.err


@pytest.mark.parametrize("package", ["numpy", "safetensors"])
def test_weights_without_what_reads_them(
    lacking: Callable[..., None],
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    package: str,
) -> None:
    folders = [str(write_model(tmp_path / str(seed), make_model(seed))) for seed in (1, 2)]
    lacking(package)
    assert make_command(capsys)("compare", *folders, "--offline").code == 0
    done = make_command(capsys)("compare", *folders, "--offline", "--verify", "--json")
    assert done.code == 2
    assert json.loads(done.out)["error"]["code"] == "usage"
    assert f"pip install '{package}'" in done.err


def test_a_module_that_is_there_is_returned() -> None:
    assert require_package("json", "nothing") is json


@pytest.mark.parametrize("module", PACKAGES)
def test_each_hint_names_what_pyproject_calls_it(module: str) -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    package, extra = PACKAGES[module]
    lines = project["optional-dependencies"][extra] if extra else project["dependencies"]
    assert any(line.startswith((f"{package}>", f"{package}[")) for line in lines)
    error = missing_package(module, "it", ", or not")
    assert isinstance(error, UsageError)
    assert error.hint.startswith(f"pip install '{package}'")
    assert error.hint.endswith(", or not")
