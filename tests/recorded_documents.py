"""JSON documents of an earlier release, over fixtures and the examples' Hub.

    python tests/recorded_documents.py SRC

writes tests/golden/documents_0.1/ with the famtree of folder SRC: the `src` of a checkout of the
release. What the documents are made from is this checkout's, so that only the code differs.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

TESTS = Path(__file__).parent
ROOT = TESTS.parent
RECORDED = TESTS / "golden" / "documents_0.1"
IDENTIFIED = (
    "bert-base-uncased", "deepseek-v3", "gemma-3-4b-it", "gpt-oss-20b", "gpt2", "hard-adapter-only",
    "hard-disguised-config", "hard-index-only", "hard-llava-wrapper", "hard-shard-missing",
    "llama-3.1-8b", "llama-3.1-8b-awq", "llama-3.1-8b-bnb-4bit", "llama-3.1-8b-gptq",
    "llama-3.1-8b-mlx-4bit", "mixtral-8x7b", "qwen2.5-7b", "r1-distill-qwen-7b", "t5-base",
    "whisper-large-v3",
)  # fmt: skip
COMPARED = (
    ("llama-3.1-8b", "llama-3.1-8b-awq"), ("llama-3.1-8b", "llama-3.1-70b"),
    ("qwen2.5-7b", "r1-distill-qwen-7b"), ("mistral-7b-v0.3", "mixtral-8x7b"), ("gpt2", "t5-base"),
    ("acme/support-7b", "mistralai/Mistral-7B-v0.3"), ("acme/support-7b", "acme/tools-7b"),
    ("acme/desk-7b", "acme/support-7b"), ("acme/desk-7b-AWQ", "mistralai/Mistral-7B-v0.3"),
    ("acme/tiny-chat", "acme/tiny"),
)  # fmt: skip
TRACED = ("acme/desk-7b", "acme/desk-7b-AWQ", "acme/desk-7b-GGUF", "acme/support-7b",
          "acme/north-7b", "acme/wiki-8b", "r1-distill-qwen-7b", "llama-3.1-8b-gptq")  # fmt: skip
CASES: dict[str, tuple[str, ...]] = {
    **{f"identify {name}": ("identify", name) for name in IDENTIFIED},
    "identify acme/desk-7b": ("identify", "acme/desk-7b"),
    "identify acme/tiny-chat --verify": ("identify", "acme/tiny-chat", "--verify"),
    **{f"compare {a} {b}": ("compare", a, b) for a, b in COMPARED},
    "compare acme/tiny-chat acme/tiny --verify": (
        "compare", "acme/tiny-chat", "acme/tiny", "--verify",
    ),
    **{f"lineage {name}": ("lineage", name) for name in TRACED},
    "lineage acme/support-7b --children": ("lineage", "acme/support-7b", "--children"),
    "lineage acme/tiny-chat --verify": ("lineage", "acme/tiny-chat", "--verify"),
    "check famtree.toml": ("check", "famtree.toml"),
}  # fmt: skip
"""Case -> arguments of famtree, beside `--json`."""
POLICY = """
schema = "famtree/policy/1"
[[checkpoint]]
ref = "./llama-3.1-8b"
expect = "llama/llama-3.1"
[[checkpoint]]
ref = "acme/desk-7b"
expect_parent = "acme/support-7b"
max_status = "declared"
[[checkpoint]]
ref = "./qwen2.5-7b"
expect = "llama"
[[checkpoint]]
ref = "acme/absent"
expect = "llama"
"""


def fill(folder: Path) -> None:
    """Write the local checkpoints that the cases name."""
    from loading import load_module

    makers = load_module(ROOT / "fixtures" / "make_fixtures.py")
    local = {name for case in CASES.values() for name in case if name in makers.FIXTURES}
    for name in sorted(local):
        makers.build_fixture(name, folder / name)
    (folder / "famtree.toml").write_text(POLICY, encoding="utf-8")


def ask(case: str, folder: Path, source: Path) -> dict[str, Any]:
    """Return the document that the famtree of `source` prints of a case; its Hub is HF_ENDPOINT."""
    done = subprocess.run(
        [sys.executable, "-m", "famtree", *CASES[case], "--json"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(source)},
        capture_output=True,
        text=True,
    )
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def name_file(case: str) -> str:
    """Return the name of the file that a case is recorded in."""
    return case.replace("/", "_").replace(" ", "__") + ".json"


def main(source: Path) -> None:
    """Record every case."""
    from documentation.world import fill_hub
    from hub.server import HubServer

    RECORDED.mkdir(exist_ok=True)
    with HubServer() as hub, tempfile.TemporaryDirectory() as place:
        fill_hub(hub)
        folder = Path(place, "work")
        folder.mkdir()
        fill(folder)
        os.environ |= {
            "HF_ENDPOINT": hub.url, "XDG_CACHE_HOME": f"{place}/cache", "NO_PROXY": "*"
        }  # fmt: skip
        for number, case in enumerate(CASES):
            os.environ["HF_HOME"] = f"{place}/hf-{number}"  # nothing is fetched before
            text = json.dumps(ask(case, folder, source), separators=(",", ":"), sort_keys=True)
            (RECORDED / name_file(case)).write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.path[:0] = [str(ROOT / "src"), str(TESTS)]
    main(Path(sys.argv[1]).resolve())
