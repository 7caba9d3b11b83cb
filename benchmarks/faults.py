"""What becomes of answers when every third request goes wrong, in every way a network can.

    python benchmarks/faults.py [--identifies 300] [--kind NAME]

For each kind of fault, so many repositories are identified one after the other at a Hub on this
machine. Every answer has to be the one of a sound network, or an error that is the network's
(exit code 3); afterwards the cache holds whole entries only, and the same cache gives the clean
answers once the network is sound. Exits with 1 otherwise.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "benchmarks")]

from famtree.errors import FamtreeError  # noqa: E402
from famtree.identification.subject import examine_opened  # noqa: E402
from famtree.lineage.opener import Opener  # noqa: E402
from famtree.registry.load import load_registry  # noqa: E402
from famtree.sources import hub_cache, hub_pauses  # noqa: E402
from famtree.sources.hub import HubSource  # noqa: E402
from famtree.sources.open import open_source  # noqa: E402
from famtree.sources.reference import parse_reference  # noqa: E402
from hub.fixture import close_session, point_at  # noqa: E402
from hub.server import Faults, HubServer  # noqa: E402
from loading import load_module  # noqa: E402
from network import read_folder  # noqa: E402
from scan_hub import _own  # noqa: E402

SHARE = 1 / 3
FIXTURE = "pythia-1.4b"
SAMPLES = (9_000, 50_000_000, 2_000_000_000)
"""Where the weights are sampled: what lies far in cannot be had of who ignores ranges."""
PHASE_SECONDS = 0.5
"""HF_HUB_DOWNLOAD_TIMEOUT of the runs."""

KINDS: dict[str, Callable[[], Faults]] = {
    "429": lambda: Faults(statuses=deque([429])),
    "429, Retry-After": lambda: Faults(statuses=deque([429]), retry_after="2"),
    "500": lambda: Faults(statuses=deque([500])),
    "503, Retry-After": lambda: Faults(statuses=deque([503]), retry_after="1"),
    "reset": lambda: Faults(reset=True),
    "truncated": lambda: Faults(truncate=40),
    "said to be longer": lambda: Faults(length_off=7),
    "said to be shorter": lambda: Faults(length_off=-7),
    "another range": lambda: Faults(wrong_range=True),
    "range ignored": lambda: Faults(ignore_range=True),
    "HTML with 200": lambda: Faults(html_page=True),
    "slow drip": lambda: Faults(drip=0.004),
    "stalled": lambda: Faults(slow_body=3 * PHASE_SECONDS),
    "redirects in circles": lambda: Faults(redirect="loop"),
    "redirects to a file": lambda: Faults(redirect="file:///etc/hostname"),
    "redirects to nobody": lambda: Faults(redirect="http://127.0.0.1:9/"),
    "another version": lambda: Faults(other_version=True),
}
"""What one faulty request meets with."""
LATER_ONLY = frozenset({"another version"})
"""Kinds that say nothing about the first answer of a file: a change takes two."""


@dataclass
class Outcome:
    """What became of the runs of one kind."""

    kind: str
    runs: int = 0
    equal: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    """What must not be: another answer, a failure that is not the network's, a spoilt cache."""
    faulty: int = 0
    """Requests that met with the fault."""
    requests: int = 0
    """Everything the server was asked, redirects included."""

    @property
    def told(self) -> str:
        """One line of a table."""
        errors = ", ".join(f"{code} {count}" for code, count in sorted(self.errors.items()))
        return (
            f"{self.kind:22} {self.faulty:5} of {self.requests:5} faulty, {self.runs} runs: "
            f"{self.equal} equal; {errors or 'no error'}; {len(self.wrong)} wrong"
        )


def run(kinds: Iterable[str], count: int, *, seed: int = 0) -> Iterator[Outcome]:
    """Identify `count` repositories for each kind with every third request faulty, then without."""
    with (
        tempfile.TemporaryDirectory() as held,
        HubServer() as hub,
        pytest.MonkeyPatch.context() as patch,
    ):
        place = Path(held)
        names = fill(hub, place, count)
        hurry(patch)
        registry = load_registry()
        point_at(hub, place / "clean", patch)
        clean = {name: examine(name, registry) for name in names}
        for name, said in clean.items():
            if said.get("outcome") != "identified" or len(said["samples"]) != len(SAMPLES):
                raise SystemExit(f"no clean answer of {name}: {str(said)[:300]}")
        for number, kind in enumerate(kinds):
            outcome = Outcome(kind)
            home = place / str(number)
            point_at(hub, home, patch)
            hub.choose = make_chooser(outcome, random.Random(seed))
            hub.seen.clear()
            for name in names:
                judge(outcome, name, examine(name, registry), clean[name])
            outcome.requests = hub.seen.with_redirects
            hub.choose = None
            outcome.wrong += check_cache(home)
            outcome.wrong += [
                f"{name}: another answer once the network was sound"
                for name in names
                if examine(name, registry) != clean[name]
            ]
            yield outcome
        close_session()


def make_chooser(outcome: Outcome, drawn: random.Random) -> Callable[[str], Faults | None]:
    """Return what gives a fault to every third request, and counts them."""
    lock = threading.Lock()
    asked: set[str] = set()

    def choose(path: str) -> Faults | None:
        address = path.partition("?")[0]  # a large file's address is signed anew each time
        with lock:
            again = address in asked
            asked.add(address)
            if drawn.random() >= SHARE or (outcome.kind in LATER_ONLY and not again):
                return None
            outcome.faulty += 1
        return KINDS[outcome.kind]()

    return choose


def judge(outcome: Outcome, name: str, said: dict[str, Any], clean: dict[str, Any]) -> None:
    """Count one answer."""
    outcome.runs += 1
    error = said.get("error")
    if error is None and said == clean:
        outcome.equal += 1
    elif error is None:
        outcome.wrong.append(f"{name}: another answer")
    elif error["exit_code"] != 3:
        outcome.wrong.append(f"{name}: {error}")
    else:
        outcome.errors[error["code"]] += 1


def examine(name: str, registry: Any) -> dict[str, Any]:
    """Return the answer without its cost, or the error; then three samples of the weights.

    Identifying reads the beginning of the weights; the samples are what a verification reads of
    the same file later on.
    """
    source = open_source(parse_reference(name))
    assert isinstance(source, HubSource)
    try:
        opener = Opener(registry, reach=0)
        subject = examine_opened(opener.adopt(source), opener)
        document = subject.identification.to_document()
        weights = "model.safetensors"
        spans = [(weights, start, start + 64) for start in SAMPLES]
        document["samples"] = [
            data if isinstance(data, bytes) else repr(data)
            for span in spans
            for data in source.read_spans([span]).values()
        ]
    except FamtreeError as fault:
        return {"error": {"code": fault.code, "exit_code": fault.exit_code, "says": str(fault)}}
    except Exception as fault:  # noqa: BLE001 - told of as what must not be
        return {"error": {"code": "crash", "exit_code": 70, "says": repr(fault)}}
    del document["cost"]
    return json.loads(json.dumps(document, default=bytes.hex))  # type: ignore[no-any-return]


def fill(hub: HubServer, folder: Path, count: int) -> list[str]:
    """Add whole repositories of real shapes and sizes, no two of which share a file."""
    makers = load_module(ROOT / "fixtures" / "make_fixtures.py")
    files = read_folder(makers.build_fixture(FIXTURE, folder / FIXTURE))
    names = [f"org-{number}/model" for number in range(count)]
    for name in names:
        hub.add(name, {file: _own(file, data, name) for file, data in files.items()})
    return names


def hurry(patch: pytest.MonkeyPatch) -> None:
    """Let pauses between tries take no time, and servers little."""
    from huggingface_hub import constants

    patch.setattr(hub_pauses, "_sleep", lambda _: None)
    # These two end by the clock.
    patch.setattr(hub_pauses.Gate, "close", lambda *_: None)
    patch.setattr("famtree.sources.hub.DOWN_SECONDS", 0.0)
    patch.setattr(constants, "HF_HUB_DOWNLOAD_TIMEOUT", PHASE_SECONDS)


def check_cache(home: Path) -> Iterable[str]:
    """Yield what is wrong with the files of the cache: unfinished ones, damaged ones."""
    for path in sorted((home / "famtree").rglob("*")):
        if path.is_file() and (path.name.startswith(".") or hub_cache._read(str(path)) is None):
            yield f"{path.name} in the cache is not whole"


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--identifies", type=int, default=300)
    parser.add_argument("--kind", choices=KINDS, action="append")
    options = parser.parse_args()
    failed = False
    for outcome in run(options.kind or KINDS, options.identifies):
        print(outcome.told, flush=True)
        for line in outcome.wrong[:5]:
            print(f"    {line}")
        failed |= bool(outcome.wrong) or not outcome.faulty
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
