"""What `famtree identify org/name` costs on the network, measured at a Hub on this machine.

    python benchmarks/network.py [--latency SECONDS]

Requests, bytes and dependent round trips are counted by the server, which answers every request
late (100 ms by default). Exits with 1 if a budget is exceeded. Seconds are shown, not judged.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from hub.repository import HubFile, make_file, make_sparse  # noqa: E402
from hub.server import HubServer  # noqa: E402
from loading import load_module  # noqa: E402

LATENCY = 0.1
DENSE = "org/dense-8b"
SPARSE = "org/moe-671b"
OFFLINE = ("--offline",)
CLEARED = ("HF_", "HUGGING", "TRANSFORMERS_", "FAMTREE_", "HTTP_", "HTTPS_", "ALL_PROXY")


@dataclass(frozen=True)
class Case:
    """One command line and what it may cost."""

    name: str
    repo: str
    most_requests: int
    """Answers, redirects not counted."""
    most_bytes: int
    most_round_trips: int
    arguments: tuple[str, ...] = ()
    pinned: bool = False
    """Ask for the commit instead of the default branch."""
    cached: bool = True
    """After the same repository was identified before."""
    exit_code: int = 0


CASES = (
    Case("8B, 4 shards, cold", DENSE, 9, 200_000, 5, cached=False),
    Case("8B, warm", DENSE, 1, 10_000, 1),
    Case("8B, warm, pinned commit", DENSE, 0, 0, 0, pinned=True),
    Case("8B, warm, --offline", DENSE, 0, 0, 0, OFFLINE),
    Case("8B, cold, --offline", DENSE, 0, 0, 0, OFFLINE, cached=False, exit_code=3),
    Case("MoE, 163 shards, cold", SPARSE, 9, 1_000_000, 5, cached=False),
    Case("MoE, warm", SPARSE, 1, 100_000, 1),
    Case("MoE, warm, pinned commit", SPARSE, 0, 0, 0, pinned=True),
)


@dataclass(frozen=True)
class Measurement:
    """What the server saw of one case, and what the command said."""

    case: Case
    requests: int
    with_redirects: int
    bytes: int
    round_trips: int
    seconds: float
    exit_code: int
    document: dict[str, Any] = field(default_factory=dict)

    @property
    def excesses(self) -> list[str]:
        """Everything that is over budget or otherwise not as it should be."""
        case = self.case
        found = [
            f"{word} {seen}, {most} allowed"
            for word, seen, most in (
                ("requests", self.requests, case.most_requests),
                ("bytes", self.bytes, case.most_bytes),
                ("round trips", self.round_trips, case.most_round_trips),
            )
            if seen > most
        ]
        if self.exit_code != case.exit_code:
            said = self.document.get("error", {}).get("message", "no error message")
            found.append(f"exit code {self.exit_code}, {case.exit_code} expected: {said}")
        elif self.exit_code == 0:
            cost = self.document["cost"]
            if (cost["requests"], cost["bytes"]) != (self.requests, self.bytes):
                found.append(f"reported {cost['requests']} requests and {cost['bytes']} bytes")
        return found


def measure(latency: float = LATENCY) -> Iterator[Measurement]:
    """Run every case in an own process against an own server and yield what it cost."""
    with tempfile.TemporaryDirectory() as folder, HubServer() as hub:
        place = Path(folder)
        commits = fill(hub, place)
        environment = make_environment(hub, place)
        run(hub, Case("first start", "org/none", 9, 0, 9), "org/none", environment)
        hub.faults.latency = latency
        for number, case in enumerate(CASES):
            reference = f"{case.repo}@{commits[case.repo]}" if case.pinned else case.repo
            home = place / (case.repo if case.cached else f"empty-{number}")
            environment["HF_HOME"] = str(home)
            if case.cached and not home.exists():
                run(hub, case, case.repo, environment)
            yield run(hub, case, reference, environment)


def run(hub: HubServer, case: Case, reference: str, environment: dict[str, str]) -> Measurement:
    """Run the command once."""
    hub.seen.clear()
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "famtree", "identify", reference, "--json", *case.arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    elapsed = time.perf_counter() - started
    seen = hub.seen
    document = json.loads(done.stdout) if done.stdout else {}
    return Measurement(
        case,
        seen.requests,
        seen.with_redirects,
        seen.bytes,
        seen.round_trips,
        elapsed,
        done.returncode,
        document,
    )


def make_environment(hub: HubServer, folder: Path) -> dict[str, str]:
    """Return surroundings without the user's tokens, caches and proxies."""
    environment = {
        name: value for name, value in os.environ.items() if not name.upper().startswith(CLEARED)
    }
    return environment | {
        "HF_ENDPOINT": hub.url,
        "HF_HOME": str(folder / "first"),
        "NO_PROXY": "*",
        "PYTHONPATH": str(ROOT / "src"),
        "XDG_CACHE_HOME": str(folder / "cache"),
    }


def fill(hub: HubServer, folder: Path) -> dict[str, str]:
    """Add both repositories; return the commit of each."""
    makers = load_module(ROOT / "fixtures" / "make_fixtures.py")
    dense = makers.build_fixture("llama-3.1-8b", folder / "dense")
    moe = makers.build_fixture("deepseek-v3", folder / "moe")
    return {
        DENSE: hub.add(DENSE, read_folder(dense) | side_files(128_000, 9_000_000)),
        SPARSE: hub.add(SPARSE, read_folder(moe) | text_files() | tokenizer(128_000, 7_800_000)),
    }


def read_folder(folder: Path) -> dict[str, bytes | HubFile]:
    """Return a fixture's files; of its weights only the headers, the rest reads as zeros."""
    files: dict[str, bytes | HubFile] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix == ".safetensors":
            with path.open("rb") as stream:
                length = stream.read(8)
                header = length + stream.read(int.from_bytes(length, "little"))
            files[path.name] = make_sparse(path.name, path.stat().st_size, header)
        else:
            files[path.name] = path.read_bytes()
    return files


def side_files(vocabulary: int, size: int) -> dict[str, bytes | HubFile]:
    """Return what lies beside the weights of a released 8B model, at real sizes.

    tokenizer_config.json spells out 256 added tokens (some 50 kB), tokenizer.json lies outside
    git, and a second copy of the weights in another format is there too.
    """
    added = {
        str(vocabulary + number): {
            "content": f"<|reserved_special_token_{number}|>",
            "lstrip": False,
            "normalized": False,
            "rstrip": False,
            "single_word": False,
            "special": True,
        }
        for number in range(256)
    }
    config = {
        "added_tokens_decoder": added,
        "bos_token": "<|begin_of_text|>",
        "chat_template": "{% for message in messages %}{{ message['content'] }}{% endfor %}" * 60,
        "clean_up_tokenization_spaces": True,
        "eos_token": "<|end_of_text|>",
        "model_max_length": 131072,
        "tokenizer_class": "PreTrainedTokenizerFast",
    }
    names = {"bos_token": "<|begin_of_text|>", "eos_token": "<|end_of_text|>"}
    return {
        "tokenizer_config.json": json.dumps(config, indent=2).encode(),
        "special_tokens_map.json": json.dumps(names).encode(),
        "original/consolidated.00.pth": make_sparse("original/consolidated.00.pth", 16 << 30),
        "original/params.json": b"{}",
        "original/tokenizer.model": make_sparse("original/tokenizer.model", 2_183_982),
        **text_files(),
        **tokenizer(vocabulary, size),
    }


def text_files() -> dict[str, bytes | HubFile]:
    """Return card, licence and attributes, which are never read."""
    return {
        ".gitattributes": b"*.safetensors filter=lfs diff=lfs merge=lfs -text\n" * 35,
        "LICENSE": b"terms " * 1300,
        "README.md": b"---\nlicense: other\n---\n" + b"words " * 7000,
    }


def tokenizer(entries: int, size: int) -> dict[str, bytes | HubFile]:
    """Return a well-formed tokenizer.json of about `size` bytes that no registry knows."""
    vocabulary = {f"t{number:07d}": number for number in range(entries)}
    document = {"version": "1.0", "model": {"type": "BPE", "vocab": vocabulary, "merges": []}}
    data = json.dumps(document, indent=1).encode()
    data += b"\n" * max(0, size - len(data))
    return {"tokenizer.json": make_file("tokenizer.json", data, lfs=True)}


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--latency", type=float, default=LATENCY, help="seconds before an answer")
    latency = parser.parse_args().latency
    print(
        f"{'case':26} {'requests':>8} {'most':>5} {'redirects too':>14} {'bytes':>9} {'most':>9} "
        f"{'round trips':>12} {'most':>5} {'seconds':>8}"
    )
    failed = False
    for seen in measure(latency):
        case = seen.case
        print(
            f"{case.name:26} {seen.requests:8} {case.most_requests:5} {seen.with_redirects:14} "
            f"{seen.bytes:9} {case.most_bytes:9} {seen.round_trips:12} {case.most_round_trips:5} "
            f"{seen.seconds:8.2f}",
            flush=True,
        )
        for excess in seen.excesses:
            failed = True
            print(f"  over budget: {excess}", file=sys.stderr)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
