"""Other tools and famtree on the same local checkpoints of known truth, one after the other.

Each tool lives in an environment of its own, `FOLDER/<package>` (made with `python -m venv` and
`pip install <package>`); those that are absent are left out. Imported by benchmarks/run.py.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "benchmarks")]

from hub.server import HubServer  # noqa: E402
from loading import load_module  # noqa: E402
from startup import Spent, run_program  # noqa: E402
from tiny_models import make_model, tune, write_model  # noqa: E402

Read = Callable[[str], str]
"""Picks the answer out of what a tool printed."""
FULL_CONFIG: dict[str, Any] = {
    "rms_norm_eps": 1e-5, "max_position_embeddings": 512, "rope_theta": 1e4, "bos_token_id": 1,
    "eos_token_id": 2, "hidden_act": "silu", "torch_dtype": "bfloat16",
}  # fmt: skip
FIXTURE = "gpt2"
# hf-mem asks huggingface.co whatever HF_ENDPOINT says.
_HF_MEM = """
import os, sys, httpx2
asked = httpx2.AsyncClient.build_request
def build_request(self, method, url, **more):
    url = str(url).replace("https://huggingface.co", os.environ["HF_ENDPOINT"])
    return asked(self, method, url, **more)
httpx2.AsyncClient.build_request = build_request
from hf_mem.cli import main
sys.exit(main())
"""


@dataclass(frozen=True)
class Question:
    """What is asked of every tool about one or two folders, and the right answer."""

    name: str
    folders: tuple[str, ...]
    truth: str
    right: frozenset[str]
    """Answers, as `Tool` reads them, that fit the truth."""


@dataclass(frozen=True)
class Tool:
    """One tool: how it is asked, and how its answer is read."""

    name: str
    identify: Callable[[str], list[str]] | None
    compare: Callable[[str, str], list[str]] | None
    read_identify: Read
    read_compare: Read
    note: str = ""


DERIVED, UNRELATED, UNDECIDED = "derived", "unrelated", "undecided"
NO_FAMILY = "no family"
QUESTIONS = (
    Question("compare: fine-tune", ("base", "tuned"), "derived", frozenset({DERIVED})),
    Question(
        "compare: equal config, other weights", ("base", "stranger"), "unrelated",
        frozenset({UNRELATED}),
    ),
    Question(
        "identify: random weights", ("base",), "no released model", frozenset({NO_FAMILY})
    ),
    Question("identify: GPT-2", ("gpt2",), "gpt2", frozenset({"gpt2", "gpt-2"})),
)  # fmt: skip


def make_folders(place: Path) -> dict[str, Path]:
    """Write checkpoints of known truth: a base, its fine-tune, a stranger, a released design."""
    base = make_model(1)
    weights = {"base": base, "tuned": tune(base, 2), "stranger": make_model(3)}
    found = {}
    for name, arrays in weights.items():
        folder = write_model(place / name, arrays, **FULL_CONFIG)
        table = json.loads((folder / "tokenizer.json").read_bytes())
        blocks = (
            "truncation",
            "padding",
            "normalizer",
            "pre_tokenizer",
            "post_processor",
            "decoder",
        )
        whole = {"version": "1.0"} | dict.fromkeys(blocks) | table
        (folder / "tokenizer.json").write_text(json.dumps(whole))
        (folder / "tokenizer_config.json").write_text(
            json.dumps(
                {"tokenizer_class": "PreTrainedTokenizerFast", "unk_token": "t0",
                 "bos_token": "t1", "eos_token": "t2"}
            )
        )  # fmt: skip
        found[name] = folder
    makers = load_module(ROOT / "fixtures" / "make_fixtures.py")
    found[FIXTURE] = makers.build_fixture(FIXTURE, place / FIXTURE)
    return found


def _document(text: str) -> Any:
    """Return the JSON object in `text`, whatever stands before it."""
    return json.loads(text[text.index("{") :])


def _famtree_identify(text: str) -> str:
    family = _document(text)["family"]
    return family["key"] if family else NO_FAMILY


def _famtree_compare(text: str) -> str:
    verdict = _document(text)["relation"]["lineage"]["verdict"]
    if verdict in ("a-derives-from-b", "b-derives-from-a", "same-weights"):
        return DERIVED
    return UNRELATED if verdict == "independent" else UNDECIDED


def _cisco_identify(text: str) -> str:
    matches = [
        one for one in _document(text)["matches"] if "Not Matched" not in one["provenance_decision"]
    ]
    return matches[0]["family_name"].lower() if matches else NO_FAMILY


def _cisco_compare(text: str) -> str:
    decision = _document(text)["scores"]["provenance_decision"]
    return UNRELATED if "Not Matched" in decision else DERIVED


def _modelsig_identify(text: str) -> str:
    (model,) = _document(text)["models"].values()
    return str(model["arch_fingerprint"].get("model_type", "")).lower()


def _modelsig_compare(text: str) -> str:
    (pair,) = _document(text)["coverage_matrix"].values()
    return f"{pair['verdict']} (no lineage question)"


def _modeldna_identify(text: str) -> str:
    verdict = _document(text)["verdict"]
    named = verdict["verdict"] not in ("NO_MATCH", "INCONCLUSIVE", "UNKNOWN")
    return str(verdict["best_candidate"]).lower() if named else NO_FAMILY


def _modeldna_compare(text: str) -> str:
    verdict = _document(text)["verdict"]["verdict"]
    if verdict in ("NO_MATCH", "INCONCLUSIVE"):
        return UNRELATED if verdict == "NO_MATCH" else UNDECIDED
    return DERIVED


def list_tools(peers: Path) -> list[Tool]:
    """Return famtree and the peers that are installed below `peers`."""
    famtree = [sys.executable, "-m", "famtree"]
    cisco, sig, dna, mem = (
        peers / package / "bin" / name
        for package, name in (
            ("cisco-ai-provenance-kit", "provenancekit"),
            ("modelsig", "modelsig"),
            ("modeldna", "modeldna"),
            ("hf-mem", "python"),
        )
    )
    flags = ["--no-fx-trace", "--no-hook-capture", "--output", "json"]
    tools = [
        Tool(
            "famtree",
            lambda one: [*famtree, "identify", one, "--json"],
            lambda a, b: [*famtree, "compare", a, b, "--verify", "--json"],
            _famtree_identify,
            _famtree_compare,
        )
    ]
    if cisco.is_file():
        tools.append(
            Tool(
                "cisco-ai-provenance-kit",
                lambda one: [str(cisco), "scan", one, "--json", "--no-cache"],
                lambda a, b: [str(cisco), "compare", a, b, "--json", "--no-cache"],
                _cisco_identify,
                _cisco_compare,
                "an equal config alone is a Confirmed Match",
            )
        )
    if sig.is_file():
        tools.append(
            Tool(
                "modelsig",
                lambda one: [str(sig), f"local:{one}", *flags],
                lambda a, b: [str(sig), f"local:{a}", f"local:{b}", "--compare", *flags],
                _modelsig_identify,
                _modelsig_compare,
                "repeats the config's model_type; does not ask about descent",
            )
        )
    if dna.is_file():
        tools.append(
            Tool(
                "modeldna",
                lambda one: [str(dna), "scan", one, "--json"],
                lambda a, b: [str(dna), "compare", b, a, "--json"],
                _modeldna_identify,
                _modeldna_compare,
                "asks about descent alone: no tokenizer, no engines, no network but the Hub's",
            )
        )
    if mem.is_file():
        tools.append(
            Tool(
                "hf-mem",
                lambda one: [str(mem), "-c", _HF_MEM, "--model-id", f"org/{one}", "--json-output"],
                None,
                lambda text: "memory alone" if _document(text) else "",
                lambda _: "",
                "asks about memory; reads from a Hub only, here one on this machine",
            )
        )
    return tools


def versions(peers: Path) -> dict[str, str]:
    """Return the installed version of every peer."""
    found = {}
    for path in sorted(peers.glob("*/bin/python")):
        name = path.parents[1].name
        program = f"from importlib.metadata import version; print(version({name!r}))"
        spent = run_program([str(path), "-c", program], dict(os.environ))
        if not spent.code:
            found[name] = spent.out.strip()
    return found


def ask_all(place: Path, peers: Path, runs: int) -> Iterator[dict[str, Any]]:
    """Yield a row for each question and tool: answer, time, memory of `runs` interleaved runs."""
    folders = make_folders(place)
    tools = list_tools(peers)
    environment = os.environ | {
        "HOME": str(place / "home"), "HF_HOME": str(place / "home"), "NO_COLOR": "1",
        "XDG_CACHE_HOME": str(place / "home"), "PYTHONPATH": "", "HF_HUB_OFFLINE": "1",
    }  # fmt: skip
    own = environment | {"PYTHONPATH": str(ROOT / "src")}
    with HubServer() as hub:
        for name, folder in folders.items():
            hub.add(f"org/{name}", folder)
        hubbed = environment | {"HF_ENDPOINT": hub.url, "HF_HUB_OFFLINE": "0", "NO_PROXY": "*"}
        for question in QUESTIONS:
            paths = [str(folders[name]) for name in question.folders]
            asked: list[tuple[Tool, list[str], dict[str, str]]] = []
            for tool in tools:
                if len(paths) == 2 and tool.compare:
                    asked.append(
                        (tool, tool.compare(*paths), own if tool is tools[0] else environment)
                    )
                elif len(paths) == 1 and tool.identify:
                    on_hub = tool.name == "hf-mem"
                    target = question.folders[0] if on_hub else paths[0]
                    surroundings = own if tool is tools[0] else hubbed if on_hub else environment
                    asked.append((tool, tool.identify(target), surroundings))
            spent: dict[str, list[Spent]] = {tool.name: [] for tool, *_ in asked}
            for number in range(runs + 1):
                for tool, command, surroundings in asked:
                    one = run_program(command, surroundings)
                    if number:  # the first run warms bytecode and caches
                        spent[tool.name].append(one)
            for tool, command, _ in asked:
                yield _row(question, tool, command, spent[tool.name], str(place))


def _row(
    question: Question, tool: Tool, command: list[str], spent: list[Spent], place: str
) -> dict[str, Any]:
    read = tool.read_compare if len(question.folders) == 2 else tool.read_identify
    last, answer = spent[-1], ""
    with suppress(ValueError, KeyError, TypeError, AttributeError):
        answer = read(last.out)
    if not answer:
        answer = f"exit code {last.code}: {(last.err.strip().splitlines() or [''])[-1][:90]}"
    shown = [word.replace(place, "DIR") for word in command[1:] if "\n" not in word]
    return {
        "question": question.name,
        "truth": question.truth,
        "tool": tool.name,
        "command": " ".join([Path(command[0]).name, *shown]),
        "answer": answer,
        "correct": answer in question.right,
        "spent": spent,
        "note": tool.note,
    }
