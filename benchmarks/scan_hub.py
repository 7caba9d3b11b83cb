"""A Hub of many made-up repositories on this machine, in a process of its own.

    python benchmarks/scan_hub.py --repositories N [--latency SECONDS] [--faults SHARE]

Prints its address and serves until its stdin closes. Configs and headers are those of the fixtures
(real shapes); ids, cards and hashes are made up, so that no two repositories share a file.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha1, sha256
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from hub.repository import HubFile, make_file  # noqa: E402
from hub.server import Faults, HubServer  # noqa: E402
from loading import load_module  # noqa: E402

FIXTURES = (
    "qwen2.5-7b",
    "llama-3.1-8b",
    "gemma-2-9b",
    "olmo-2-7b",
    "phi-3-mini-4k",
    "falcon3-7b",
    "granite-3.1-8b",
    "mistral-7b-v0.3",
    "llama-3.1-8b-gptq",
    "pythia-1.4b",
)
RELATIONS = ("finetune", "quantized", "merge", "adapter")
FAULTS: tuple[Callable[[], Faults], ...] = (
    lambda: Faults(statuses=deque([429]), retry_after="1"),
    lambda: Faults(statuses=deque([500])),
    lambda: Faults(reset=True),
    lambda: Faults(truncate=100),
    lambda: Faults(wrong_range=True),
    lambda: Faults(html_page=True),
)


def fill(hub: HubServer, count: int) -> None:
    """Add `count` repositories `org-N/model-M`."""
    network = load_module(ROOT / "benchmarks" / "network.py")
    makers = load_module(ROOT / "fixtures" / "make_fixtures.py")
    with tempfile.TemporaryDirectory() as folder:
        kinds = [
            network.read_folder(makers.build_fixture(name, Path(folder) / name))
            for name in FIXTURES
        ]
    for number in range(count):
        kind = number % len(kinds)
        repo = f"org-{number % 50}/model-{number}"
        card = {
            "base_model": f"org/base-{kind}",
            "base_model_relation": RELATIONS[number % len(RELATIONS)],
        }
        files = {name: _own(name, data, repo) for name, data in kinds[kind].items()}
        hub.add(repo, files, card=card, tags=["bench"])


def _own(name: str, data: bytes | HubFile, repo: str) -> HubFile:
    """Return a file that no other repository has: another name inside, or another hash."""
    if isinstance(data, HubFile):
        stamp = f"{repo}/{name}".encode()
        return replace(data, sha256=sha256(stamp).hexdigest(), blob_id=sha1(stamp).hexdigest())
    if name == "config.json":
        data = json.dumps(json.loads(data) | {"_name_or_path": f"/tmp/{repo}"}).encode()
    return make_file(name, data)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--repositories", type=int, required=True)
    parser.add_argument("--latency", type=float, default=0.02)
    parser.add_argument("--faults", type=float, default=0.0)
    arguments = parser.parse_args()
    chosen = random.Random(0)
    with HubServer() as hub:
        fill(hub, arguments.repositories)
        hub.faults.latency = arguments.latency
        if arguments.faults:
            hub.choose = lambda _: (
                chosen.choice(FAULTS)() if chosen.random() < arguments.faults else None
            )
        print(hub.url, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
