"""Every seed and every input that once crashed a reader, read again without a fuzzer."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import deque
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import document_targets
from conftest import ROOT, load_module
from famtree.fingerprints.onnx_graph import OnnxGraph
from famtree.fingerprints.vocabulary import Vocabulary
from famtree.policy.load import LoadedPolicy
from famtree.sources.pickle_archive import Storages
from famtree.types.adapter import Adapter
from famtree.types.checkpoint import Listing

FUZZ = ROOT / "fuzz"
MODULE: Any = load_module(FUZZ / "targets.py")
TARGETS: Any = MODULE.TARGETS
RUN: Any = load_module(FUZZ / "fuzz_all.py")
SEEDS: Any = load_module(FUZZ / "make_corpus.py").SEEDS
INPUTS = sorted(path for kind in ("corpus", "crashes") for path in FUZZ.glob(f"{kind}/*/*"))


@pytest.mark.parametrize("path", INPUTS, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_no_input_gets_through(path: Path) -> None:
    TARGETS[path.parent.name](path.read_bytes())


_EMPTY = Vocabulary("tekken", "byte-level", {"a": 9}, base_entries=1)
WRONG: dict[str, tuple[str, Any]] = {
    "hub-listing": ("decode_listing", lambda *_: Listing(())),
    "tekken": ("read_tekken", lambda _: _EMPTY),
    "tiktoken": ("read_tiktoken", lambda _: _EMPTY),
    "mergekit": ("load_documents", lambda _: ["x"]),
    "onnx": ("read_onnx_graph", lambda *_: OnnxGraph()),
    "archive": ("list_storages", lambda *_: Storages(1, 1)),
    "adapter": ("describe_adapter", lambda *_: Adapter(rank=7)),
    "policy": ("read_policy", lambda *_: LoadedPolicy([], [])),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_target_notices_a_wrong_answer(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document_targets, *WRONG[name])
    # Not every input is compared with a library that is slow.
    given = [seed + b" " * blanks for seed in SEEDS[name]() for blanks in range(24)]
    with pytest.raises((AssertionError, ValueError)):
        deque(map(TARGETS[name], given))


def test_time_is_bounded_and_parts_repeat(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    for number in range(999):
        MODULE.watch(lambda data: seen.append(len(data)), b"%032d" % number)
    assert min(seen) == 32
    assert max(seen) > 32 * MODULE.REPEATS // 2
    monkeypatch.setattr(MODULE, "MOST_SECONDS", -1)
    with pytest.raises(AssertionError, match="of CPU"):
        MODULE.watch(lambda data: None, b"x")


def test_the_seeds_are_those_that_are_made() -> None:
    assert set(TARGETS) == set(RUN.NAMES) == set(RUN.LONGEST) == set(SEEDS)
    for name, make in SEEDS.items():
        kept = {path.read_bytes() for path in (FUZZ / "corpus" / name).iterdir()}
        assert kept == set(make()), "run fuzz/make_corpus.py"


@pytest.mark.property
@settings(deadline=None, max_examples=60)
@given(st.sampled_from(sorted(TARGETS)), st.binary(max_size=120), st.integers(0, 99))
def test_damaged_seeds(name: str, noise: bytes, at: int) -> None:
    for seed in SEEDS[name]():
        TARGETS[name](seed[:at] + noise + seed[at + len(noise) :])


def test_the_seconds_are_for_all_targets_together(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr(RUN.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(sys, "argv", ["fuzz_all.py", "--seconds", "230"])
    shares = []

    def run(name: str, seconds: float, *_: object) -> dict[str, object]:
        shares.append(seconds)
        clock[0] += 4 + seconds  # a start takes time as well
        return {"target": name, "exit_code": 0, "crashes": []}

    monkeypatch.setattr(RUN, "run", run)
    assert RUN.main() == 0
    assert len(shares) == len(RUN.NAMES)
    assert min(shares) > 0
    assert clock[0] <= 230 + 4


def test_the_bounded_run_takes_at_most_four_minutes() -> None:
    text = (FUZZ / "bounded.sh").read_text(encoding="utf-8")
    [seconds] = re.findall(r'--seconds "\$\{2:-(\d+)\}"', text)
    assert int(seconds) + 10 <= 240


def test_executions_are_added_up(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text('{"target": "gguf", "executions": 3}\n{"target": "gguf", "executions": 4}\n')
    done = subprocess.run(
        [sys.executable, FUZZ / "fuzz_all.py", "--total", log],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split()[-1] == "7"


@pytest.mark.skipif(
    sys.platform != "linux" or sys.version_info >= (3, 14),
    reason="atheris has wheels for Linux and CPython 3.11 to 3.13",
)
def test_a_crash_fails_the_run_and_is_kept(tmp_path: Path) -> None:
    pytest.importorskip("atheris")
    folder = tmp_path / "fuzz"
    folder.mkdir()
    for path in FUZZ.glob("*.py"):
        (folder / path.name).write_bytes(path.read_bytes())
    (folder / "corpus" / "card").mkdir(parents=True)
    text = (folder / "targets.py").read_text(encoding="utf-8")
    broken = text.replace("    card = parse_card(data)\n", "    card = {}[len(data)]\n")
    assert broken != text
    (folder / "targets.py").write_text(broken)
    done = subprocess.run(
        [sys.executable, folder / "fuzz_all.py", "card", "--seconds", "20"],
        env={"PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert list((folder / "crashes" / "card").iterdir())
