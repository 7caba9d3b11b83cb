"""Nothing of a checkpoint is fetched or parsed twice, whatever the command and its options."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cli.commands import Command, make_command
from famtree import session
from famtree.checkpoint import gguf as gguf_form
from famtree.fingerprints import tokenizer
from famtree.identification import subject
from famtree.sources import tensor_index
from famtree.weights import open as weights_open
from forged_folders import BASE
from hub.server import HubServer
from judged_links import CHILD, related
from packed_models import make_gguf
from tiny_models import make_model, tune
from weighty_hubs import publish

COMMANDS: dict[str, list[str]] = {
    "identify": ["identify", CHILD],
    "lineage": ["lineage", CHILD],
    "compare": ["compare", CHILD, BASE, "--engine", "vllm"],
    "bom": ["bom", CHILD],
    "expect": ["identify", CHILD, "--expect-parent", BASE],
}


@pytest.fixture
def famtree(capsys: pytest.CaptureFixture[str]) -> Command:
    return make_command(capsys)


def count(
    monkeypatch: pytest.MonkeyPatch, place: Any, name: str, key: Callable[..., Any]
) -> Counter[Any]:
    """Count the calls of a function by what it is called for."""
    calls: Counter[Any] = Counter()
    real = getattr(place, name)

    def counted(*arguments: Any, **named: Any) -> Any:
        calls[key(*arguments, **named)] += 1
        return real(*arguments, **named)

    monkeypatch.setattr(place, name, counted)
    return calls


@pytest.fixture
def forgetful(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without what is remembered between checkpoints, parsing twice shows."""
    monkeypatch.setattr(tensor_index, "_SHORT", 0)


@pytest.mark.usefixtures("forgetful")
@pytest.mark.parametrize("verify", [False, True], ids=["", "verify"])
@pytest.mark.parametrize("command", COMMANDS)
def test_a_safetensors_header_is_parsed_once(
    hub: HubServer, famtree: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    command: str, verify: bool,
) -> None:  # fmt: skip
    publish(hub, BASE, make_model(1))
    related(hub, tmp_path)

    def key(data: bytes, file: str, *, file_size: int | None) -> bytes:
        return data[:2000] + data[-2000:]

    calls = [
        count(monkeypatch, place, "parse_header", key) for place in (tensor_index, weights_open)
    ]
    line = COMMANDS[command] + (["--verify"] if verify else [])
    assert famtree(*line).code == 0
    both = calls[0] + calls[1]
    assert set(both.values()) == {1}
    assert len(both) == (2 if verify or command == "compare" else 1)


@pytest.mark.parametrize("verify", [False, True], ids=["", "verify"])
@pytest.mark.parametrize("command", COMMANDS)
def test_a_gguf_header_is_fetched_once(
    hub: HubServer, famtree: Command, monkeypatch: pytest.MonkeyPatch, command: str, verify: bool
) -> None:
    publish(hub, BASE, make_model(1))
    data = make_gguf(tune(make_model(1), 3))
    hub.add(CHILD, {"model-Q8_0.gguf": data}, card={"base_model": BASE})
    opened = count(monkeypatch, gguf_form, "open_gguf", lambda _, entry, *__: entry.name)
    line = COMMANDS[command] + (["--verify"] if verify else [])
    assert famtree(*line).code == 0
    assert opened == {"model-Q8_0.gguf": 1}
    read = Counter(
        (seen.path.partition("?")[0], seen.headers.get("range"))
        for seen in hub.seen.all
        if seen.host == "cdn"
    )
    assert set(read.values()) == {1}


@pytest.mark.parametrize("asked", [["--expect-parent", BASE], ["--max-status", "unresolved"]])
@pytest.mark.parametrize("verify", [False, True], ids=["", "verify"])
def test_conditions_cost_one_session_and_one_examination(
    hub: HubServer, famtree: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    asked: list[str], verify: bool,
) -> None:  # fmt: skip
    publish(hub, BASE, make_model(1))
    related(hub, tmp_path)
    sessions = count(monkeypatch, session.Session, "__init__", lambda *_, **__: "session")
    examined = count(
        monkeypatch, subject, "trace_ancestry", lambda checkpoint, *_, **__: checkpoint.ref
    )
    line = ["identify", CHILD, *asked, *(["--verify"] if verify else [])]
    assert famtree(*line).code == 0
    assert (sessions, examined) == ({"session": 1}, {CHILD: 1})
    listings = [path for path in hub.seen.paths if f"api/models/{CHILD}" in path]
    assert len(listings) == 1


def test_unlike_vocabularies_are_parsed_once(
    famtree: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are compared token by token, which takes more than their signatures."""
    for name, extra in (("a", 0), ("b", 7)):
        folder = tmp_path / name
        folder.mkdir()
        tokens = {f"token{at + extra}": at for at in range(40)}
        (folder / "config.json").write_text(json.dumps({"model_type": "llama", "vocab_size": 40}))
        (folder / "tokenizer.json").write_text(
            json.dumps(
                {
                    "model": {"type": "BPE", "vocab": tokens, "merges": []},
                    "added_tokens": [{"id": 40, "content": f"<{name}>", "special": True}],
                }
            )
        )
    parsed = count(monkeypatch, tokenizer, "parse_vocabulary", lambda _, files: str(files))
    done = famtree("compare", str(tmp_path / "a"), str(tmp_path / "b"), "--json")
    assert done.document["relation"]["vocabulary"]["shared"] == 33
    assert done.document["relation"]["vocabulary"]["a"] == 41
    assert list(parsed.values()) == [1, 1]
