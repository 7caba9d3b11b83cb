"""What a start may import: reading help or a local folder needs no HTTP client and no numpy."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tiny_models import make_model, write_model

HEAVY = {
    "aiohttp",
    "httpx",
    "httpx2",
    "huggingface_hub.hf_api",
    "numpy",
    "requests",
    "torch",
    "transformers",
    "urllib3",
}
HELP_NEEDS_NOT = {"famtree.api", "famtree.registry.load", "msgspec", "pydantic", "rich", "yaml"}

_PROGRAM = """
import sys
sys.argv = ["famtree", *sys.argv[1:]]
from famtree.cli.app import main
try:
    main()
except SystemExit as stopped:
    code = stopped.code
sys.stdout.flush()
print("\\n".join(sorted(sys.modules)), file=sys.stderr)
sys.exit(code)
"""


def list_imports(*arguments: str, columns: str = "") -> set[str]:
    """Return the modules loaded once `famtree ARGUMENTS...` has answered, on a screen or a pipe."""
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, "COLUMNS": columns},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout
    return set(done.stderr.split())


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_help_imports_next_to_nothing(option: str) -> None:
    imported = list_imports(option)
    assert "typer" in imported
    assert imported & (HEAVY | HELP_NEEDS_NOT) == set()


def test_help_of_a_command_imports_nothing_heavy() -> None:
    # Describing typed options makes typer itself import pydantic; nothing else may come along.
    imported = list_imports("identify", "--help")
    assert imported & (HEAVY | HELP_NEEDS_NOT - {"pydantic"}) == set()


FORMS = [["--format", form] for form in ("text", "json", "markdown")]


@pytest.mark.parametrize("form", FORMS, ids=" ".join)
def test_local_identify_imports_nothing_heavy(
    fixture_checkpoints: dict[str, Path], form: list[str]
) -> None:
    imported = list_imports("identify", str(fixture_checkpoints["qwen2.5-7b"]), *form)
    assert "famtree.api" in imported
    assert imported & (HEAVY | {"rich"}) == set()


@pytest.mark.parametrize("form", FORMS, ids=" ".join)
def test_local_compare_imports_nothing_heavy(
    fixture_checkpoints: dict[str, Path], form: list[str]
) -> None:
    folders = [str(fixture_checkpoints[name]) for name in ("qwen2.5-7b", "llama-3.1-8b")]
    imported = list_imports("compare", *folders, *form)
    assert imported & (HEAVY | {"rich", "yaml"}) == set()


@pytest.mark.parametrize("command", ["identify", "lineage"])
def test_only_a_screen_needs_rich(fixture_checkpoints: dict[str, Path], command: str) -> None:
    asked = (command, str(fixture_checkpoints["qwen2.5-7b"]), "--offline")
    assert "rich" not in list_imports(*asked)
    assert "rich" in list_imports(*asked, columns="80")


def test_only_verification_opens_weights(tmp_path: Path) -> None:
    folders = [str(write_model(tmp_path / str(seed), make_model(seed))) for seed in (1, 2)]
    asked = ("compare", *folders, "--offline")
    assert {"numpy", "famtree.weights.open"} & list_imports(*asked) == set()
    assert "famtree.weights.open" in list_imports(*asked, "--verify")


def test_package_import_is_light() -> None:
    program = "import sys, famtree; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    heavy = HEAVY | HELP_NEEDS_NOT | {"typer", "famtree.types.identification"}
    assert set(done.stdout.split()) & heavy == set()
