"""What the documentation's examples run against: a Hub and a folder made from facts.

`fixtures/examples.toml` describes both. Repositories have the headers of full-size checkpoints and
no weights, but for those with `weights`, which are tiny and random. Usable outside pytest.
"""

from __future__ import annotations

import os
import tomllib
from dataclasses import replace
from hashlib import sha256
from math import prod
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from gguf_files import TYPES, write_gguf
from hub.repository import LFS_SUFFIXES, HubFile, make_file, make_sparse
from hub.server import HubServer
from loading import load_module
from tiny_merges import mix
from tiny_models import files_of, make_model, tune

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "fixtures" / "examples.toml"
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
_FIELDS = ("card", "gated", "created_at")
"""Keys of an entry that describe the repository, not its files."""


def load_examples() -> dict[str, Any]:
    """Return the tables `repository`, `folder` and `file` of fixtures/examples.toml."""
    return tomllib.loads(EXAMPLES.read_text(encoding="utf-8"))


def fill_hub(hub: HubServer) -> None:
    """Add every repository of the examples to a Hub."""
    for name, entry in load_examples()["repository"].items():
        fields = {key: entry[key] for key in _FIELDS if key in entry}
        fields["tags"] = _tag(entry.get("card", {}))
        commit = hub.add(name, _make_files(name, entry), **fields)
        hub.repositories[name].refs |= dict.fromkeys(entry.get("refs", ()), commit)


def fill_folder(folder: Path) -> None:
    """Write the files and checkpoints that the examples find in their working folder.

    `fixtures` and `src` are links to the project's own, so that commands work as in a clone.
    """
    examples = load_examples()
    folder.mkdir(parents=True, exist_ok=True)
    for part in ("fixtures", "src"):
        (folder / part).symlink_to(ROOT / part)
    for name, entry in examples["folder"].items():
        if "weights" in entry:
            (folder / name).mkdir(parents=True)
            for file, data in _make_tiny(entry["weights"]).items():
                (folder / name / file).write_bytes(data)
        elif "gguf" in entry:
            plan = examples["repository"][entry["gguf"]["same_as"]]["gguf"]
            header, size = _make_gguf(plan)
            (folder / name).write_bytes(header)
            os.truncate(folder / name, size)
        else:
            _write_checkpoint(entry, folder / name)
    for name, text in examples["file"].items():
        (folder / name).write_text(text, encoding="utf-8")


def _tag(card: dict[str, Any]) -> list[str]:
    """Return the tags that the Hub itself makes of a card's parents."""
    named = card.get("base_model", [])
    parents = [named] if isinstance(named, str) else named
    relation = card.get("base_model_relation")
    tags = [f"base_model:{parent}" for parent in parents]
    return tags + [f"base_model:{relation}:{parent}" for parent in parents if relation]


def _make_files(name: str, entry: dict[str, Any]) -> dict[str, bytes | HubFile]:
    files: dict[str, bytes | HubFile] = {
        file: text.encode() for file, text in entry.get("text", {}).items()
    }
    if "weights" in entry:
        return {**_make_tiny(entry["weights"]), **files}
    if "gguf" in entry:
        file = entry["gguf"]["file"]
        header, size = _make_gguf(entry["gguf"])
        made = make_file(file, header) if size == len(header) else make_sparse(file, size, header)
        return {file: made, **files}
    with TemporaryDirectory() as scratch:
        for path in sorted(_write_checkpoint(entry, Path(scratch)).iterdir()):
            files[path.name] = _read_file(name, path)
    return files


def _write_checkpoint(entry: dict[str, Any], folder: Path) -> Path:
    makers = load_module(ROOT / "fixtures" / "make_fixtures.py")
    facts = makers.load_facts(entry["like"]) if "like" in entry else {}
    own = {key: value for key, value in entry.items() if key not in (*_FIELDS, "like", "refs")}
    written: Path = makers.write_checkpoint(makers.overlay(facts, own), folder)
    return written


def _read_file(owner: str, path: Path) -> HubFile:
    """Return a file as the Hub holds it: of weights the header, and a hash that is the owner's."""
    if not path.name.endswith(LFS_SUFFIXES):
        return make_file(path.name, path.read_bytes())
    with path.open("rb") as stream:
        start = stream.read(8)
        start += stream.read(int.from_bytes(start, "little"))
    made = make_sparse(path.name, path.stat().st_size, start)
    return replace(made, sha256=sha256(f"{owner}/{path.name}".encode()).hexdigest())


def _make_tiny(plan: dict[str, Any]) -> dict[str, bytes]:
    """Return a checkpoint of four narrow layers: random from `seed`, moved on by `tuned`.

    With `blended` it is a merge: `share` of that one, the rest of the one moved on by `blended`.
    """
    model = make_model(plan["seed"])
    made = tune(model, plan["tuned"]) if "tuned" in plan else model
    if "blended" in plan:
        made = mix(made, tune(model, plan["blended"]), plan["share"])
    return files_of(made)


def _make_gguf(plan: dict[str, Any]) -> tuple[bytes, int]:
    """Return the header of a GGUF, and the size of the file with its weights."""
    metadata = plan["metadata"]
    shapes = _mix_types(metadata) if "mix" in plan else {}
    size = sum(
        -(-(prod(shape) // TYPES[kind][1] * TYPES[kind][2]) // 32) * 32
        for kind, shape in shapes.values()
    )
    header = write_gguf(metadata, shapes, data=False)
    return header, len(header) + size


def _mix_types(metadata: dict[str, Any]) -> dict[str, tuple[str, tuple[int, ...]]]:
    """Return the tensors of a llama, of the types that llama-quantize gives a Q4_K_M.

    Value and down projections of every third block, and of the first and last eighth, are Q6_K.
    """
    blocks, hidden, inner, rows, heads, kv = (
        metadata[f"llama.{name}"]
        for name in ("block_count", "embedding_length", "feed_forward_length", "vocab_size",
                     "attention.head_count", "attention.head_count_kv")
    )  # fmt: skip
    width, eighth = hidden // heads * kv, blocks // 8
    made: dict[str, tuple[str, tuple[int, ...]]] = {
        "token_embd.weight": ("Q4_K", (rows, hidden)),
        "output_norm.weight": ("F32", (hidden,)),
        "output.weight": ("Q6_K", (rows, hidden)),
    }
    for number in range(blocks):
        ends = number < eighth or number >= 7 * eighth
        better = "Q6_K" if ends or (number - eighth) % 3 == 2 else "Q4_K"
        made |= {
            f"blk.{number}.{name}.weight": (kind, shape)
            for name, kind, shape in (
                ("attn_norm", "F32", (hidden,)),
                ("attn_q", "Q4_K", (hidden, hidden)),
                ("attn_k", "Q4_K", (width, hidden)),
                ("attn_v", better, (width, hidden)),
                ("attn_output", "Q4_K", (hidden, hidden)),
                ("ffn_norm", "F32", (hidden,)),
                ("ffn_gate", "Q4_K", (inner, hidden)),
                ("ffn_up", "Q4_K", (inner, hidden)),
                ("ffn_down", better, (hidden, inner)),
            )
        }
    return made
