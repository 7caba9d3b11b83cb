"""Every command line of the README and the pages is run, and prints what the page shows."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from documentation.console import Example, Surroundings, find_blocks, run_command, run_examples
from documentation.console import shows as shows_all
from documentation.session import refresh_sessions
from documentation.world import PAGES, ROOT

_FENCE = re.compile(r"^(?P<fence>`{3,})(?P<kind>[^\n`]*)\n(?P<body>.*?)^(?P=fence)$", re.S | re.M)
_INLINE = re.compile(r"(?<!`)`(famtree [^`]+)`(?!`)")
RUN = {"console", "python", "pycon"}
DATA = {"toml", "json", "yaml", "text"}
DIRECTIVES = {"{toctree}", "{eval-rst}"}

NOT_RUN = {
    ("README.md", "python3 -m venv .venv && "): "installs from a package index; .ci/run runs it",
    ("docs/quickstart.md", "python3 -m venv .venv"): "the README's installation, step by step",
    ("CONTRIBUTING.md", ".ci/run"): "runs this test",
    ("docs/add-a-family.md", "pytest tests/registry"): "is part of the run this test is in",
    ("docs/add-an-engine.md", "pytest tests/interchange"): "the engine is to be written first",
    (
        "docs/add-an-engine.md",
        "python scripts/update_engines.py",
    ): "fetches wheels; tests/test_engine_facts.py runs it on folders",
    ("docs/verify-figures.md", "python benchmarks/make_zoo.py"): "trains for hours",
}
"""Page and beginning of each shell block that is not run, with the reason."""
NOT_RUN_INSIDE = {
    ("docs/ci.md", "- famtree check --write junit=famtree.xml"): "tests/integrations runs the job",
}
"""Page and line of a command inside a file that is shown."""


def name_page(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def read_fences(path: Path) -> Iterator[tuple[str, str]]:
    """Yield kind and content of each fenced block."""
    for match in _FENCE.finditer(path.read_text(encoding="utf-8")):
        yield match["kind"], match["body"]


def pages_with(*kinds: str) -> list[Path]:
    return [path for path in PAGES if any(kind in kinds for kind, _ in read_fences(path))]


@pytest.mark.parametrize("path", pages_with("console"), ids=name_page)
def test_commands_print_what_the_page_shows(path: Path, surroundings: Surroundings) -> None:
    text = path.read_text(encoding="utf-8")
    examples = [example for block in find_blocks(text) for example in block]
    runs = run_examples(examples, surroundings)
    wrong = [
        "\n".join([f"$ {example.command}", *run.printed])
        for example, run in zip(examples, runs, strict=True)
        if not shows_all(example.shown, run.printed)
    ]
    assert not wrong, "run scripts/update_docs_output.py\n" + "\n".join(wrong)
    failed = [
        example.command
        for example, run, after in zip(examples, runs, [*examples[1:], None], strict=True)
        if run.code and (after is None or after.command != "echo $?")
    ]
    assert failed == [], "a command that fails is followed by `echo $?`"


@pytest.mark.parametrize("path", pages_with("python"), ids=name_page)
def test_python_runs(path: Path, surroundings: Surroundings) -> None:
    for number, (kind, body) in enumerate(read_fences(path)):
        if kind == "python":
            file = surroundings.folder / f"example_{number}.py"
            file.write_text(body, encoding="utf-8")
            run = run_command(f"python {file.name}", surroundings)
            assert run.code == 0, "\n".join(run.printed)
            assert run.printed, "an example shows something"


@pytest.mark.parametrize("path", pages_with("pycon"), ids=name_page)
def test_python_sessions_print_what_the_page_shows(path: Path, surroundings: Surroundings) -> None:
    text = path.read_text(encoding="utf-8")
    assert text == refresh_sessions(text, surroundings), "run scripts/update_docs_output.py"


# docs/cli.md is generated from --help, and compared with it.
WRITTEN = [path for path in PAGES if name_page(path) != "docs/cli.md"]


@pytest.mark.parametrize("path", WRITTEN, ids=name_page)
def test_what_is_not_run_is_listed_with_its_reason(path: Path) -> None:
    page = name_page(path)
    for kind, body in read_fences(path):
        assert kind in RUN | DATA | DIRECTIVES | {"sh"}, f"a block of {kind!r} in {page}"
        if kind == "sh":
            known = [one for one in NOT_RUN if one[0] == page and body.startswith(one[1])]
            assert known, f"neither run nor listed: {page}: {body}"
        if kind in DATA:
            for line in body.splitlines():
                if re.match(r"\s*(?:[$-] )?(?:famtree|\$) ", line):
                    assert (page, line.strip()) in NOT_RUN_INSIDE, f"not run: {page}: {line}"


def test_nothing_is_listed_in_vain() -> None:
    blocks = [(name_page(path), body) for path in PAGES for _, body in read_fences(path)]
    for page, start in NOT_RUN:
        assert any(one == page and body.startswith(start) for one, body in blocks), (page, start)
    for page, line in NOT_RUN_INSIDE:
        assert any(one == page and line in body for one, body in blocks), (page, line)


@pytest.mark.parametrize("path", PAGES, ids=name_page)
def test_commands_in_a_sentence_exist(path: Path) -> None:
    """In `famtree X --option` the command and its options are those of the command line."""
    known = read_options()
    prose = _FENCE.sub("", path.read_text(encoding="utf-8"))
    for text in _INLINE.findall(prose):
        words = shlex.split(" ".join(text.split()))[1:]
        command = next(
            (one for n in (2, 1, 0) if (one := " ".join(words[:n])) in known and len(words) >= n),
            "",
        )
        if not command:
            assert words[0].startswith("--"), f"no such command: {text}"
        options = {word.partition("=")[0] for word in words if word.startswith("--")}
        assert options <= known[command], f"no such option: {text}"


def read_options() -> dict[str, set[str]]:
    """Return the options of every command, read from the reference."""
    text = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    sections = re.findall(r"^## `famtree ?([^`]*)`\n(.*?)(?=^## |\Z)", text, re.S | re.M)
    return {name: set(re.findall(r"--[a-z-]+", body)) for name, body in sections}


def test_every_command_has_an_example() -> None:
    run: list[str] = [
        example.command
        for path in PAGES
        for block in find_blocks(path.read_text(encoding="utf-8"))
        for example in block
    ]
    lacking = [
        name
        for name in read_options()
        if name and name != "families" and not any(f"famtree {name}" in one for one in run)
    ]
    assert lacking == []


def test_an_elision_stands_for_lines_and_nothing_else() -> None:
    printed = ["a", "b", "c", "d"]
    assert shows_all(["a", "...", "d"], printed)
    assert shows_all(["...", "b", "...", "d"], printed)
    assert shows_all(["..."], printed)
    assert not shows_all(["a", "...", "c"], printed)
    assert not shows_all(["a", "...", "b", "c", "d"], printed)
    assert not shows_all(["...", "c", "...", "b", "..."], printed)
    assert not shows_all(["a", "b", "c"], printed)
    assert not shows_all(["..."], [])


def test_a_page_that_shows_something_else_is_noticed(surroundings: Surroundings) -> None:
    examples = [Example("echo one; exit 3", []), Example("echo $?", [])]
    first, second = run_examples(examples, surroundings)
    assert (first.printed, first.code) == (["one"], 3)
    assert (second.printed, second.code) == (["3"], 0)
    assert not shows_all(["two"], first.printed)
