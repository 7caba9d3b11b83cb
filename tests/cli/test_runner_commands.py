"""Under a runner of continuous integration no line that is printed or written is its command."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from cli.commands import Command, FakeApi
from comparisons import make_pair
from conftest import ROOT
from families import make_registry
from famtree.cli import output
from famtree.cli.app import make_app
from famtree.errors import NetworkError
from famtree.formats.escape import RUNNERS, break_commands
from foreign_text import fill
from formats.test_fit import make_fit
from formats.test_markdown import make_checked
from lineages import make_merge
from results import make_full_result
from scan_rows import make_row, write_rows

PAYLOADS = {
    "github, anywhere": "a ##[add-mask]x",
    "github, first": "::add-mask::x",
    "github, first in a line": "x\n  ::error file=a::b\r::warning::c",
    "github, by culture": "#\u034f#\ufe0f[error]x",
    "azure": "##vso[task.setvariable variable=a]b",
    "teamcity": "##teamcity[buildProblem description='x']",
    "gitlab": "section_start:1560896352:x[collapsed=true]",
}
ORDER = re.compile(
    r"#[\u034f\ufe0f]*#[\w.\u034f\ufe0f]*\[|(?:^|[\r\n\x0b\x0c\x85\u2028\u2029])\s*:[\u034f]*:"
    r"|section_start:"
)
"""What the runners look for. Sources: actions/runner, src/Runner.Common/ActionCommand.cs; the
logging commands of Azure Pipelines; service messages of TeamCity; sections of GitLab's logs."""


EXAMPLE = str(ROOT / "fixtures" / "example")
FORMS = ("text", "json", "markdown")


# Of every command: its lines, with ATLAS and POLICY for files, and what the work behind it returns.
def name_update(text: str) -> Any:
    """Return the registry before and one that comes from `text`."""
    return make_registry(), replace(make_registry(), version=text, sources=(text,))


COMMANDS: dict[str, tuple[list[list[str]], Callable[[str], Any]]] = {
    "identify": (
        [["identify", "a/b", "--verbose", "--format", form] for form in FORMS],
        lambda text: fill(make_full_result(), text),
    ),
    "compare": (
        [["compare", "a/b", "c/d", "--verbose", "--format", form] for form in FORMS]
        + [["compare", "a/b", "c/d", "--expect", "drop-in"]],
        lambda text: fill(make_pair(), text),
    ),
    "lineage": (
        [["lineage", "a/b", "--format", form] for form in (*FORMS, "mermaid", "dot")]
        + [["lineage", "a/b", "--html", "-"], ["lineage", "a/b", "--html", "WRITTEN"]],
        lambda text: fill(make_merge(), text),
    ),
    "fit": (
        [["fit", "a/b", "--verbose", "--format", form] for form in FORMS],
        lambda text: fill(make_fit(), text),
    ),
    "check": (
        [["check", "--format", form] for form in (*FORMS, "junit", "sarif")]
        + [["check", "--write", f"{form}=WRITTEN"] for form in (*FORMS, "junit", "sarif")],
        make_checked,
    ),
    "bom": ([["bom", "a/b"]], lambda text: {"bomFormat": text, text: [text, {"x": text}]}),
    "attest": ([["attest", "a/b"]], lambda text: {"_type": text, text: [text, {"x": text}]}),
    "families draft": ([["families", "draft", "a/b"]], lambda text: f"# {text}\n{text}\n"),
    "families check": ([["families", "check"]], lambda text: [text, f"x: {text}"]),
    "families update": ([["families", "update", "PAYLOAD"]], name_update),
    "families list": ([["families", "list", "--format", form] for form in FORMS], lambda _: None),
    "families show": (
        [["families", "show", "PAYLOAD", "--format", form] for form in FORMS], lambda _: None
    ),
    "scan": ([["scan", "a/b", "--out", "PAYLOAD"]], lambda _: None),
    "atlas build": ([["atlas", "build", "PAYLOAD", "--out", "x"]], lambda _: None),
    "atlas info": (
        [["atlas", "info", "ATLAS", "--format", form] for form in FORMS]
        + [["atlas", "info", "PAYLOAD"]],
        lambda _: None,
    ),
    "atlas query": (
        [["atlas", "query", "ATLAS", "SELECT license, [name] FROM checkpoints", "--format", form]
         for form in FORMS] + [["atlas", "query", "ATLAS", "PAYLOAD"]],
        lambda _: None,
    ),
    "atlas report": (
        [["atlas", "report", "ATLAS", "--html", name] for name in ("-", "WRITTEN")], lambda _: None
    ),
    "schema": ([["schema", "PAYLOAD"], ["schema", "check"]], lambda _: None),
    "mcp": ([["mcp", "--registry", "PAYLOAD"]], lambda _: None),
    "completion": ([["completion", "PAYLOAD"], ["completion", "bash"]], lambda _: None),
}  # fmt: skip

IN_PROCESS = {
    "identify", "compare", "lineage", "fit", "check", "bom", "attest", "families draft",
    "families check", "families update",
}  # fmt: skip
"""Those whose work is replaced here. The others take longer, and see fewer payloads."""


def list_commands() -> set[str]:
    app = make_app()
    names = {str(one.name or one.callback.__name__) for one in app.registered_commands
             if one.callback}  # fmt: skip
    for group in app.registered_groups:
        inner = group.typer_instance
        assert inner is not None
        names |= {f"{group.name} {one.name}" for one in inner.registered_commands}
    return names


def test_every_command_is_walked() -> None:
    assert set(COMMANDS) == list_commands()


@pytest.fixture(scope="module")
def atlases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    pytest.importorskip("duckdb")
    from famtree.atlas.build import build_atlas

    made = {}
    for number, (name, payload) in enumerate(PAYLOADS.items()):
        folder = tmp_path_factory.mktemp(f"atlas{number}")
        rows = write_rows(
            folder / "rows.jsonl",
            make_row("org/base", weight_files=["aa"], license="cc-by-nc-4.0"),
            make_row(payload, (f"{payload}2",), license=payload, family=payload,
                     quantization=payload, bits=4.0),
        )  # fmt: skip
        build_atlas([rows], folder / "built.duckdb")
        made[name] = str(folder / "built.duckdb")
    return made


@pytest.mark.usefixtures("fake_registry")
@pytest.mark.parametrize("kind", PAYLOADS)
@pytest.mark.parametrize("name", COMMANDS)
def test_nothing_is_an_order(
    name: str, kind: str, atlases: dict[str, str], command: Command, fake_api: FakeApi,
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
) -> None:  # fmt: skip
    lines, answer = COMMANDS[name]
    payload = PAYLOADS[kind]
    written = tmp_path / "written"
    fill_in = {"PAYLOAD": payload, "ATLAS": atlases[kind], "WRITTEN": str(written)}
    in_process = name in IN_PROCESS
    if not in_process and kind not in ("github, anywhere", "github, first"):
        return
    # Narrow, so that a drawing wraps within the payload and a line begins in its midst.
    for columns in ("100", "24") if in_process else ("24",):
        monkeypatch.setenv("COLUMNS", columns)
        for line in lines:
            arguments = [fill_in.get(one) or one.replace("WRITTEN", str(written)) for one in line]
            for fault in (None, NetworkError(payload, hint=payload)) if in_process else (None,):
                fake_api.answer = fault or answer(payload)
                monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
                outside = command(*arguments)
                kept = written.read_text() if written.exists() else ""
                monkeypatch.setenv("GITHUB_ACTIONS", "true")
                done = command(*arguments)
                texts = [done.out, done.err, written.read_text() if written.exists() else ""]
                for text in texts:
                    assert not ORDER.search(text), (arguments, text)
                # Nothing but that: JSON is the same document, and the code the same.
                assert done.code == outside.code
                assert (done.out, done.err) == (
                    break_commands(outside.out), break_commands(outside.err)
                )  # fmt: skip
                for before, now in ((outside.out, done.out), (kept, texts[2])):
                    if before.startswith("{"):
                        assert json.loads(now) == json.loads(before)
                written.unlink(missing_ok=True)


@pytest.mark.parametrize("name", RUNNERS)
@pytest.mark.parametrize("value", ["true", "1", "2024.03", "", "false", "0"])
def test_a_runner_is_known_by_its_environment(
    name: str, value: str, capfdbinary: pytest.CaptureFixture[bytes],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv(name, value)
    output.write_stdout("a ##[x]\n")
    expected = b"a ##[x]\n" if value in ("", "false", "0") else b"a \\u0023#[x]\n"
    assert capfdbinary.readouterr().out == expected


def test_one_module_alone_prints() -> None:
    """What does not pass `famtree.cli.output` is no report: versions, help, and pipes of ours."""
    found = set()
    for path in (ROOT / "src" / "famtree").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                called = ast.unparse(node.func)
                if called in ("print", "typer.echo", "typer.secho") or re.search(
                    r"\b(stdout|stderr|buffer)\.write$", called
                ):
                    found.add(f"{path.relative_to(ROOT / 'src' / 'famtree')}: {called}")
    assert found == {
        "cli/app.py: typer.echo",
        "cli/output.py: buffer.write",
        "atlas/reader.py: sys.stdout.buffer.write",
    }


def test_ordinary_text_is_left_as_it_is() -> None:
    for text in (
        "## Heading [x](y)",
        "a::b",
        "#[x]",
        "| --- |\n|---|---|",
        "x ::y::",
        "# #[x",
        "C#",
    ):
        assert break_commands(text) == text


@pytest.mark.parametrize(
    "text", ["#" * 10**6, "##" + "a" * 10**6, " " * 10**6, "#\ufe0f" * 10**6, "\n " * 10**6]
)
def test_it_takes_no_longer_than_the_text(text: str) -> None:
    import time

    started = time.process_time()
    break_commands(text)
    assert time.process_time() - started < 3
