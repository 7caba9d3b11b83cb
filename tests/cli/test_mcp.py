"""`famtree mcp`: its tools, asked by the protocol's own client, answer what the commands print."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from cli.commands import Command, FakeApi, install_fake_api
from conftest import ROOT
from famtree.errors import NetworkError
from tiny_models import make_model, write_model

pytest.importorskip("termios", reason="POSIX only")  # as the SDK itself, on this side
mcp = pytest.importorskip("mcp")

EXAMPLE = str(ROOT / "fixtures" / "example")
TOOLS = ["compare", "families", "fit", "identify", "lineage"]


def ask(server: Any, work: Callable[[Any], Awaitable[Any]]) -> Any:
    """Return what `work` returns with a client of `server`."""

    async def run() -> Any:
        async with mcp.Client(server) as client:
            return await work(client)

    return asyncio.run(run())


def ask_here(name: str, arguments: dict[str, Any], *, timeout: float = 60.0) -> Any:
    """Call one tool of a server in this process."""
    from famtree.cli.agent_server import make_server
    from famtree.cli.agent_tools import Bounds

    server = make_server(Bounds(timeout))
    return ask(server, lambda client: client.call_tool(name, arguments))


def drop_cost(document: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in document.items() if key != "cost"}


def test_a_client_over_stdio_gets_the_documents_of_the_commands(
    command: Command, tmp_path: Path
) -> None:
    other = str(write_model(tmp_path / "tiny", make_model(1)))
    asked: list[tuple[str, dict[str, Any], list[str]]] = [
        ("identify", {"reference": EXAMPLE}, ["identify", EXAMPLE]),
        ("lineage", {"reference": EXAMPLE, "depth": 2}, ["lineage", EXAMPLE, "--depth", "2"]),
        ("compare", {"references": [EXAMPLE, other], "context": "2k"},
         ["compare", EXAMPLE, other, "--context", "2k"]),
        ("fit", {"reference": EXAMPLE, "gpu": "L4", "engines": ["vllm"]},
         ["fit", EXAMPLE, "--gpu", "L4", "--engine", "vllm"]),
        ("families", {}, ["families", "list"]),
        ("families", {"key": "qwen"}, ["families", "show", "qwen"]),
    ]  # fmt: skip

    async def work(client: Any) -> Any:
        listed = [one.name for one in (await client.list_tools()).tools]
        answers = [await client.call_tool(name, given) for name, given, _ in asked]
        return listed, answers, await client.call_tool("identify", {"reference": "/no/such/place"})

    environment = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    server = mcp.StdioServerParameters(
        command=sys.executable, args=["-m", "famtree", "mcp", "--offline"], env=environment
    )
    with (tmp_path / "stderr").open("w+") as told:
        listed, answers, failed = ask(mcp.stdio_client(server, errlog=told), work)
        told.seek(0)
        assert told.read() == ""
    assert sorted(listed) == TOOLS
    for (name, _, line), answer in zip(asked, answers, strict=True):
        assert not answer.is_error, answer
        offline = [] if name == "families" else ["--offline"]
        printed = command(*line, *offline, "--json").document
        assert drop_cost(answer.structured_content) == drop_cost(printed)
        assert json.loads(answer.content[0].text) == answer.structured_content
    assert failed.is_error
    assert failed.structured_content["error"]["exit_code"] == 3
    assert failed.content[0].text.startswith("error: ")


@pytest.mark.parametrize(
    ("name", "arguments", "told"),
    [
        ("identify", {}, "reference: is missing"),
        ("identify", {"reference": 3}, "reference: input should be a valid string"),
        ("identify", {"reference": "a/b", "revison": "x"}, "did you mean revision?"),
        ("identify", {"reference": "x" * 5000}, "at most 4096"),
        ("identify", {"reference": "a/b/c"}, "too many parts"),
        ("lineage", {"reference": "a/b", "depth": 65}, "less than or equal to 64"),
        ("compare", {"references": ["a/b"]}, "at least 2"),
        ("compare", {"references": ["a/b"] * 33}, "at most 32"),
        ("fit", {"reference": "a/b", "context": "many"}, "no number of tokens"),
        ("fit", {"reference": "a/b", "gpu": "H1"}, "H1"),
        ("families", {"key": "qwem"}, "no family 'qwem'"),
        ("delete", {}, "no tool 'delete'"),
    ],
)
def test_what_cannot_be_asked_is_told_in_words(
    name: str, arguments: dict[str, Any], told: str
) -> None:
    found = ask_here(name, arguments)
    assert found.is_error
    assert told in found.content[0].text
    error = found.structured_content
    assert (error["schema"], error["error"]["exit_code"]) == ("famtree/error/1", 2)


def test_a_report_to_be_read(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    found = ask_here("identify", {"reference": EXAMPLE, "format": "text", "offline": True})
    assert found.content[0].text == command("identify", EXAMPLE).out
    assert found.structured_content is None


def test_no_question_goes_beyond_the_server_s_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    from famtree.cli import agent_tools
    from famtree.cli.agent_tools import Bounds, answer

    fake = install_fake_api(monkeypatch)
    monkeypatch.setattr(agent_tools, "api", fake)
    fake.answer = NetworkError("gone")
    bounds = Bounds(9.0, offline=True, registry=("own",))
    for asked, seconds in ((None, 9.0), (2.0, 2.0), (900.0, 9.0)):
        with pytest.raises(NetworkError):
            answer("identify", {"reference": "a/b", "timeout": asked}, bounds)
        _, given = fake.calls[-1]
        assert (given["timeout"], given["offline"], given["registry"]) == (seconds, True, ("own",))
        assert given["verify"] is False


def test_a_bug_is_an_answer_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    from famtree.cli import agent_tools

    fake = FakeApi()
    fake.answer = ZeroDivisionError("oops")
    monkeypatch.setattr(agent_tools, "api", fake)
    found = ask_here("identify", {"reference": "a/b"})
    assert found.is_error
    assert found.structured_content["error"]["exit_code"] == 70
    assert "Traceback" not in found.content[0].text
