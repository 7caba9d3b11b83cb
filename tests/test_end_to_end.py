"""The real command against a Hub on this machine: faults, their words and codes, and no traces."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from conftest import ROOT, load_module
from famtree.registry.load import load_registry
from hub.repository import HubFile, make_file, make_sparse
from hub.server import Faults, HubServer

NETWORK: Any = load_module(ROOT / "benchmarks" / "network.py")
MAKERS = ROOT / "fixtures" / "make_fixtures.py"
Files = dict[str, bytes | HubFile]
REPO = "org/name"


@dataclass
class Done:
    """What one run of the command left behind."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        found = json.loads(self.out)
        assert isinstance(found, dict)
        return found


def identify(*arguments: str) -> Done:
    return run_command("identify", *arguments, "--json")


def run_command(*arguments: str) -> Done:
    done = subprocess.run(
        [sys.executable, "-m", "famtree", *arguments],
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    return Done(done.returncode, done.stdout, done.stderr)


def fails(code: str, exit_code: int, *arguments: str) -> dict[str, Any]:
    """Run and check that the failure is told exactly as promised; return the error."""
    done = identify(*arguments)
    assert done.code == exit_code, done.err
    assert set(done.document) == {"schema", "error"}
    error: dict[str, Any] = done.document["error"]
    assert done.document["schema"] == "famtree/error/1"
    assert set(error) == {"code", "message", "hint", "exit_code"}
    assert (error["code"], error["exit_code"]) == (code, exit_code)
    assert done.err.splitlines() == [f"error: {error['message']}", f"hint: {error['hint']}"]
    assert list(error) == sorted(error)
    return error


def succeeds(*arguments: str) -> dict[str, Any]:
    done = identify(*arguments)
    assert (done.code, done.err) == (0, "")
    return done.document


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """A small sound checkpoint."""
    folder: Path = load_module(MAKERS).build_fixture("gpt2", tmp_path_factory.mktemp("sound"))
    found: Files = NETWORK.read_folder(folder)
    return found


def test_a_sound_repository(hub: HubServer, files: Files) -> None:
    commit = hub.add(REPO, files)
    answer = succeeds(REPO)
    assert answer["family"]["key"] == "gpt-2"
    assert answer["checkpoint"] == {
        "bytes": 548_105_232,
        "files": 1,
        "format": "safetensors",
        "ref": REPO,
        "revision": commit,
        "source": "hub",
        "weights_read": False,
    }
    again = succeeds(REPO)
    assert (again.pop("cost")["bytes"], answer.pop("cost")["bytes"] > 0) == (0, True)
    assert again == answer


@pytest.mark.parametrize("fields", [{"gated": "manual"}, {"private": True}])
def test_no_access(
    hub: HubServer, files: Files, fields: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.add(REPO, files, **fields)
    error = fails("access" if "gated" in fields else "not-found", 3, REPO)
    assert REPO in error["message"]
    assert "HF_TOKEN" in error["hint"]
    hub.tokens = {"hf_good": {REPO}}
    monkeypatch.setenv("HF_TOKEN", "hf_good")
    assert succeeds(REPO)["outcome"] == "identified"


def test_absent_repository_and_revision(hub: HubServer, files: Files) -> None:
    assert "org/absent" in fails("not-found", 3, "org/absent")["message"]
    hub.add(REPO, files)
    assert "v9" in fails("not-found", 3, f"{REPO}@v9")["message"]
    fails("not-found", 3, f"hf://{REPO}/absent.gguf")
    hub.add(REPO, files, ref="v9")
    assert succeeds(f"{REPO}@v9")["outcome"] == "identified"


def test_offline_with_nothing_cached(hub: HubServer, files: Files) -> None:
    hub.add(REPO, files)
    assert REPO in fails("offline", 3, REPO, "--offline")["message"]
    assert hub.seen.with_redirects == 0
    online = succeeds(REPO)
    hub.seen.clear()
    offline = succeeds(REPO, "--offline")
    assert hub.seen.with_redirects == 0
    assert offline["family"] == online["family"]


WEIGHTS = "/xet/"
IN_TRANSIT: dict[str, Faults] = {
    "the listing fails": Faults(only="^/api/models", retry_after="0"),
    "a file fails": Faults(only="config.json", retry_after="0"),
    "the weights' host fails": Faults(only=WEIGHTS, retry_after="0"),
    "a page in place of the listing": Faults(only="^/api/models", html_page=True),
    "a page in place of config.json": Faults(only="/config.json", html_page=True),
    "a page in place of the weights": Faults(only=WEIGHTS, html_page=True),
    "the weights break off": Faults(only=WEIGHTS, truncate=100),
    "config.json is altered": Faults(only="resolve-cache.*/config.json", corrupt=True),
}


@pytest.mark.parametrize("name", IN_TRANSIT)
def test_faults_on_the_way_leave_nothing_behind(hub: HubServer, files: Files, name: str) -> None:
    hub.add(REPO, files)
    fault = IN_TRANSIT[name]
    hub.faults = replace(fault, statuses=deque([500] * 40) if fault.retry_after else deque())
    error = fails("network", 3, REPO)
    assert REPO in error["message"]
    hub.faults = Faults()
    assert succeeds(REPO)["family"]["key"] == "gpt-2"


def test_a_passing_failure_is_not_noticed(hub: HubServer, files: Files) -> None:
    hub.add(REPO, files)
    hub.faults.statuses.extend([500, 503])
    hub.faults.retry_after = "0"
    assert succeeds(REPO)["outcome"] == "identified"


def _html_config(files: Files) -> Files:
    return files | {"config.json": b"<!doctype html><title>Sign in</title>"}


def _cut_json(files: Files) -> Files:
    config = files["config.json"]
    assert isinstance(config, bytes)
    return files | {"config.json": config[: len(config) // 2]}


def _cut_header(files: Files) -> Files:
    whole = files["model.safetensors"]
    assert isinstance(whole, HubFile)
    return files | {"model.safetensors": make_file("model.safetensors", whole.read(0, 4000))}


def _cut_weights(files: Files) -> Files:
    whole = files["model.safetensors"]
    assert isinstance(whole, HubFile)
    head = whole.read(0, 8 + int.from_bytes(whole.read(0, 8), "little"))
    return files | {"model.safetensors": make_sparse("model.safetensors", whole.size - 8, head)}


def _nothing(files: Files) -> Files:
    return {".gitattributes": b"*.bin filter=lfs\n", "README.md": b"soon\n"}


@pytest.mark.parametrize(
    ("damage", "code", "named"),
    [
        (_html_config, "bad-config", "config.json"),
        (_cut_json, "bad-config", "config.json"),
        (_cut_header, "bad-header", "model.safetensors"),
        (_cut_weights, "bad-header", "model.safetensors"),
        (_nothing, "nothing-readable", REPO),
    ],
)
def test_damaged_repositories(
    hub: HubServer, files: Files, damage: Callable[[Files], Files], code: str, named: str
) -> None:
    hub.add(REPO, damage(files))
    assert named in fails(code, 4, REPO)["message"]
    assert named in fails(code, 4, REPO, "--offline")["message"]
    hub.add(REPO, files)
    assert succeeds(REPO)["family"]["key"] == "gpt-2"


def _odd_checkpoint() -> Files:
    """Return a checkpoint of a design nobody knows."""
    config = {"architectures": ["OddForCausalLM"], "model_type": "odd", "hidden_size": 1000}
    table = {"odd": {"dtype": "BF16", "shape": [2], "data_offsets": [0, 4]}}
    header = json.dumps(table).encode()
    weights = len(header).to_bytes(8, "little") + header + bytes(4)
    return {"config.json": json.dumps(config).encode(), "model.safetensors": weights}


def test_an_unknown_tokenizer_is_read_where_it_could_settle(hub: HubServer, files: Files) -> None:
    tokenizer = NETWORK.tokenizer(500, 1 << 20)
    hub.add("org/odd", _odd_checkpoint() | tokenizer)
    answer = succeeds("org/odd")
    assert answer["outcome"] == "unknown"
    assert answer["fingerprint"]["tokenizer"]["status"] == "read"
    assert answer["fingerprint"]["tokenizer"]["entries"] == 500
    assert answer["cost"]["bytes"] > 1 << 20
    hub.add(REPO, files | tokenizer)
    assert succeeds(REPO)["cost"]["bytes"] < 1 << 20


def test_a_tokenizer_known_by_its_hash_is_not_read(hub: HubServer) -> None:
    known = next(one for one in load_registry().tokenizers_by_file if len(one) == 64)
    stored = replace(make_sparse("tokenizer.json", 9_000_000), sha256=known)
    hub.add("org/odd", _odd_checkpoint() | {"tokenizer.json": stored})
    answer = succeeds("org/odd")
    assert answer["fingerprint"]["tokenizer"]["status"] == "recognised"
    assert answer["fingerprint"]["tokenizer"]["files"] == {"tokenizer.json": known}
    assert not any("tokenizer.json" in path for path in hub.seen.paths)


@pytest.mark.parametrize(
    ("weights", "kind", "said"),
    [
        ("pytorch_model.bin", "pickle", "pytorch_model.bin"),
        ("unet/model.safetensors", "config-only", "no config.json"),
    ],
)
def test_weights_alone_are_unknown_not_an_error(
    hub: HubServer, weights: str, kind: str, said: str
) -> None:
    hub.add(REPO, {"README.md": b"x", weights: make_sparse(weights, 4 << 30)})
    answer = succeeds(REPO)
    assert (answer["outcome"], answer["family"], answer["candidates"]) == ("unknown", None, [])
    assert answer["checkpoint"]["format"] == kind
    assert said in answer["reason"]
    assert hub.seen.requests == 1


def test_an_adapter_is_known_by_a_base_of_its_widths(hub: HubServer, tmp_path: Path) -> None:
    folder = load_module(MAKERS).build_fixture("hard-adapter-only", tmp_path)
    hub.add(REPO, NETWORK.read_folder(folder))
    answer = succeeds(REPO)
    assert (answer["outcome"], answer["checkpoint"]["format"]) == ("identified", "adapter")
    assert "meta-llama/Llama-3.1-8B" in answer["reason"]
    assert (answer["decided_by"], answer["adapter"]["base_check"]) == ("declared", "consistent")
    assert identify(REPO, "--expect", "llama/llama-3.1").code == 0


def test_timeout_of_every_command_that_fetches(hub: HubServer, files: Files) -> None:
    hub.add(REPO, files)
    hub.faults.latency = 0.6
    error = fails("timeout", 3, REPO, "--timeout", "0.5")
    assert "0.5 seconds" in error["message"]
    assert "--timeout" in error["hint"]
    for command in (["compare", REPO, "org/other"], ["lineage", REPO]):
        done = run_command(*command, "--timeout", "0.5", "--json")
        assert (done.code, done.document["error"]["code"]) == (3, "timeout"), done.err
    hub.faults.latency = 0.0
    succeeds(REPO, "--timeout", "60")


def test_timeout_of_a_scan_is_that_of_each_row(
    hub: HubServer, files: Files, tmp_path: Path
) -> None:
    hub.add(REPO, files)
    hub.add("org/slow", files)
    hub.choose = lambda path: Faults(slow_headers=0.5) if "org/slow" in path else None
    out = tmp_path / "rows.jsonl"
    done = run_command("scan", REPO, "org/slow", "--out", str(out), "--timeout", "5")
    assert done.code == 0, done.err
    rows = {row["ref"]: row["error_code"] for row in map(json.loads, out.read_text().splitlines())}
    assert rows == {REPO: None, "org/slow": "timeout"}


@pytest.mark.parametrize("seconds", ["0", "-1", "soon", "nan"])
def test_timeout_is_a_positive_number(seconds: str) -> None:
    assert run_command("identify", REPO, "--timeout", seconds).code == 2
