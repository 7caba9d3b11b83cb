"""What pip makes of the project: built as a user's pip builds it, installed where nothing else is.

Asks a package index, and takes minutes: `pytest -m packaging`, which `.ci/run` does.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from email.parser import HeaderParser
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

import famtree
from conftest import ROOT
from loading import load_module
from without_extras import COMMANDS, fill

pytestmark = pytest.mark.packaging
MOST_BYTES = 5_000_000
LEFT_BEHIND = shutil.ignore_patterns(
    ".git", ".venv", "*_cache", "__pycache__", ".hypothesis", "dist", "build", "compiled.json"
)
PYTHONS = ("3.11", "3.12", "3.13", "3.14")


@dataclass
class Built:
    """The two distributions of the project."""

    sdist: Path
    wheel: Path


@pytest.fixture(scope="module")
def outside() -> dict[str, str]:
    """Return this environment without what makes the checkout visible."""
    hidden = ("PYTHON", "VIRTUAL_ENV", "FAMTREE_")
    return {name: value for name, value in os.environ.items() if not name.startswith(hidden)}


def pip(python: str | Path, environment: dict[str, str], *arguments: str | Path) -> None:
    """Run pip; skip where no index answers, fail where one does and it fails all the same."""
    done = subprocess.run(
        [str(python), "-m", "pip", *map(str, arguments)],
        capture_output=True,
        text=True,
        env=environment,
    )
    if done.returncode and re.search(
        r"Failed to establish a new connection|NameResolution|ConnectTimeout|Network is unreach",
        done.stdout + done.stderr,
    ):
        pytest.skip("no package index answers")
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, outside: dict[str, str]) -> Built:
    """Build an sdist from a copy without its history, and a wheel from that sdist alone."""
    source = tmp_path_factory.mktemp("source") / "project"
    shutil.copytree(ROOT, source, ignore=LEFT_BEHIND)
    out = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", str(out)],
        cwd=source,
        env=outside,
        check=True,
        capture_output=True,
    )
    [sdist] = out.iterdir()
    pip(sys.executable, outside, "wheel", "-q", "--no-deps", "-w", out, sdist)
    [wheel] = out.glob("*.whl")
    return Built(sdist, wheel)


@dataclass
class Installed:
    """An environment of its own, and how to run what is in it."""

    folder: Path
    environment: dict[str, str]

    @property
    def programs(self) -> Path:
        return self.folder / ("Scripts" if os.name == "nt" else "bin")

    def run(self, program: str, *arguments: str, code: int = 0) -> str:
        done = subprocess.run(
            [str(self.programs / program), *arguments],
            cwd=self.folder,
            env=self.environment | {"HF_HOME": str(self.folder / "huggingface")},
            capture_output=True,
            text=True,
        )
        assert done.returncode == code, done.stderr
        return done.stdout if code == 0 else done.stderr

    def install(self, *arguments: str | Path) -> None:
        pip(self.programs / "python", self.environment, "install", "-q", *arguments)


@pytest.fixture(scope="module")
def installed(
    built: Built, outside: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Installed:
    folder = tmp_path_factory.mktemp("installed")
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    made = Installed(folder, outside)
    made.install(built.wheel)
    return made


def read_metadata(wheel: Path) -> dict[str, list[str]]:
    with zipfile.ZipFile(wheel) as archive:
        [name] = [one for one in archive.namelist() if one.endswith(".dist-info/METADATA")]
        message = HeaderParser().parsestr(archive.read(name).decode())
    found: dict[str, list[str]] = {}
    for key, value in message.items():
        found.setdefault(key, []).append(value)
    return found


def check_it_answers(made: Installed) -> None:
    version = made.run("famtree", "--version")
    assert version == f"famtree {famtree.__version__}\n"
    # Neither a commit nor a date: the same whatever it was built from.
    assert re.fullmatch(r"famtree \d+\.\d+\.\d+((a|b|rc)\d+)?\n", version)
    example = str(ROOT / "fixtures" / "example")
    found = json.loads(made.run("famtree", "identify", example, "--json"))
    assert (found["outcome"], found["famtree"]) == ("identified", famtree.__version__)
    assert "Usage: hf famtree" in made.run("hf-famtree", "--help")
    where = made.run("python", "-c", "import famtree; print(famtree.__file__)").strip()
    assert Path(where).is_relative_to(made.folder)


def test_the_wheel_is_small_and_whole(built: Built) -> None:
    assert built.wheel.stat().st_size <= MOST_BYTES
    with zipfile.ZipFile(built.wheel) as archive:
        names = archive.namelist()
    held = {name for name in names if name.startswith("famtree/")}
    assert [name for name in names if name.endswith("/share/man/man1/famtree.1")] != []
    source = ROOT / "src"
    wanted = {
        path.relative_to(source).as_posix()
        for path in (source / "famtree").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert held == wanted | {"famtree/registry/compiled.json"}
    assert "famtree/py.typed" in held


def test_the_sdist_has_what_its_tests_need(built: Built) -> None:
    with tarfile.open(built.sdist) as archive:
        held = {name.partition("/")[2] for name in archive.getnames()}
    for name in ("README.md", "LICENSE", "CHANGELOG.md", "pyproject.toml", "hatch_build.py",
                 "fixtures/make_fixtures.py", "tests/conftest.py", "docs/cli.md",
                 "action.yml", ".pre-commit-hooks.yaml", ".ci/run", "SECURITY.md",
                 ".github/workflows/ci.yml", "requirements/action.txt"):  # fmt: skip
        assert name in held, name


def test_metadata(built: Built) -> None:
    metadata = read_metadata(built.wheel)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert metadata["Version"] == [famtree.__version__]
    assert metadata["Requires-Python"] == [">=3.11"]
    classifiers = metadata["Classifier"]
    assert {f"Programming Language :: Python :: {one}" for one in PYTHONS} <= set(classifiers)
    assert "Typing :: Typed" in classifiers
    assert set(metadata["Provides-Extra"]) == set(project["optional-dependencies"])
    assert metadata["License-Expression"] == ["Apache-2.0"]
    _check_bounds(metadata["Requires-Dist"])


def _check_bounds(lines: Sequence[str]) -> None:
    """Each has a lower bound, which `.ci/lowest` tests, and no upper one."""
    for line in lines:
        operators = {one.operator for one in Requirement(line).specifier}
        assert operators == {">="}, line


def test_a_wheel_answers_where_nothing_else_is(installed: Installed) -> None:
    check_it_answers(installed)


def test_what_is_installed_is_small(installed: Installed) -> None:
    size = load_module(ROOT / "benchmarks" / "installed_size.py")
    sizes = size.list_sizes(str(installed.programs / "python"))
    assert {"famtree", "huggingface_hub", "safetensors", "numpy"} <= sizes.keys()
    assert not {"transformers", "pip"} & sizes.keys()
    assert 20 < sum(sizes.values()) <= size.MOST


@pytest.mark.parametrize(("arguments", "hint"), COMMANDS)
def test_every_command_without_any_extra(
    installed: Installed, tmp_path: Path, arguments: list[str], hint: str | None
) -> None:
    fill(tmp_path)
    told = installed.run(
        "famtree", *(one.format(tmp_path) for one in arguments), code=0 if hint is None else 2
    )
    assert hint is None or f"pip install '{hint}'" in told


def test_types_reach_whoever_checks_against_it(installed: Installed, tmp_path: Path) -> None:
    user = tmp_path / "user.py"
    whole = ROOT / "tests" / "python_user.py"
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--python-executable",
         installed.programs / "python", "--config-file", os.devnull, str(whole)],
        cwd=tmp_path, env=installed.environment, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    user.write_text(
        "import famtree\n"
        "session = famtree.Session(token=False)\n"
        "reveal_type(session.identify('a/b'))\n"
        "reveal_type(famtree.lineage('a/b').edges[0].status)\n"
        "reveal_type(famtree.scan(['a/b']))\n"
        "famtree.identify(3)\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--python-executable", installed.programs / "python",
         "--config-file", os.devnull, str(user)],
        cwd=tmp_path, env=installed.environment, capture_output=True, text=True,
    )  # fmt: skip
    told = done.stdout
    assert "famtree.types.identification.Identification" in told
    assert 'Literal["verified"]' in told.replace("'", '"')
    assert "Iterator[" in told
    assert "[arg-type]" in told
    assert done.returncode == 1, told


def test_extras_bring_what_they_promise(installed: Installed, built: Built) -> None:
    example = str(ROOT / "fixtures" / "example")
    assert "pip install 'cyclonedx-python-lib'" in installed.run("famtree", "bom", example, code=2)
    installed.install(f"{built.wheel}[bom,parquet]")
    assert json.loads(installed.run("famtree", "bom", example))["bomFormat"] == "CycloneDX"
    installed.run("famtree", "scan", example, "--out", str(installed.folder / "rows.parquet"))
    assert (installed.folder / "rows.parquet").read_bytes()[:4] == b"PAR1"


def test_the_action_installs_itself_from_its_lock(outside: dict[str, str], tmp_path: Path) -> None:
    source = tmp_path / "action"
    shutil.copytree(ROOT, source, ignore=LEFT_BEHIND)
    action = yaml.safe_load((source / "action.yml").read_text(encoding="utf-8"))
    [_, install, check] = [step["run"] for step in action["runs"]["steps"] if "run" in step]
    python = str(Path(sys.executable).parent)
    environment = outside | {
        "PATH": f"{python}{os.pathsep}{os.environ['PATH']}",
        "RUNNER_TEMP": str(tmp_path),
        "FAMTREE_ACTION_PATH": str(source),
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md"),
        "GITHUB_OUTPUT": str(tmp_path / "output"),
        "INPUT_VERIFY": "false",
        "INPUT_POLICY": str(ROOT / "fixtures" / "famtree.toml"),
        **dict.fromkeys(("INPUT_SARIF", "INPUT_JUNIT", "INPUT_TOKEN"), ""),
    }
    for script in (install, check):
        subprocess.run(["bash", "-eo", "pipefail", "-c", script], env=environment, check=True)
    assert "famtree check: passed" in (tmp_path / "summary.md").read_text(encoding="utf-8")


def test_an_sdist_answers_too(installed: Installed, built: Built) -> None:
    installed.install("--force-reinstall", "--no-deps", built.sdist)
    check_it_answers(installed)
