"""Documented parent links as a Hub: each checkpoint with files its relation leaves it with.

Of most checkpoints only the id and the parent are documented. So every family tree gets the design
of one of its members where one is on record (hparams.csv), else that of another documented model,
drawn by seed. Children have their parent's design, changed as their relation changes it.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from famtree.fingerprints.gguf import load_table
from gguf_files import design_of, write_gguf
from hub.repository import HubFile, make_file, make_sparse
from reference_data import config_of_figures

Corruption = Literal[
    "none", "removed", "impossible", "local path", "renamed", "cycle", "other case", "untold"
]
CORRUPTIONS: tuple[tuple[Corruption, float], ...] = (
    ("none", 0.3),
    ("removed", 0.12),
    ("impossible", 0.18),
    ("local path", 0.1),
    ("renamed", 0.1),
    ("cycle", 0.08),
    ("other case", 0.06),
    ("untold", 0.06),
)
"""What happens to a child's card, and how often. `removed`: no claim at all is left; `untold`: the
parent is named, the relation is not; `impossible`: another design's checkpoint is named."""
RELATIONS = {"reupload": "copy", "continued_pretrain": "continued-pretrain"}
"""Words of edges.csv that are others in famtree."""
CARD_RELATIONS = {"quantized", "adapter", "merge", "finetune"}
_QUANTIZATIONS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("gptq", {"quant_method": "gptq", "bits": 4, "group_size": 128, "desc_act": False}),
    ("awq", {"quant_method": "awq", "bits": 4, "group_size": 128, "version": "gemm"}),
    ("fp8", {"quant_method": "fp8", "activation_scheme": "dynamic"}),
    ("mlx", {"group_size": 64, "bits": 4}),
    ("", {"quant_method": "bitsandbytes", "load_in_4bit": True, "bnb_4bit_quant_type": "nf4"}),
)


@dataclass(frozen=True)
class Edge:
    """One documented link."""

    child: str
    parent: str
    relation: str


@dataclass
class Checkpoint:
    """One repository of the replay."""

    id: str
    config: dict[str, Any]
    weights: str
    """Equal for copies: what the weight file's hash is made from."""
    parents: list[Edge] = field(default_factory=list)
    corruption: Corruption = "none"
    claimed: str | None = None
    """Who the card names in place of the parent."""


def read_edges(rows: Sequence[Mapping[str, str]]) -> list[Edge]:
    """Return the links between checkpoints a Hub can hold, under ids of its form."""
    found = []
    for row in rows:
        child, parent = _make_id(row["child_hub_id"]), _make_id(row["parent_hub_id"])
        relation = RELATIONS.get(row["relation"], row["relation"])
        if child.lower() != parent.lower():
            found.append(Edge(child, parent, relation))
    return found


def _make_id(text: str) -> str:
    parts = [re.sub(r"[^\w.-]+", "-", part) for part in text.removeprefix("github:").split("/")]
    name = re.sub(r"(?:\.git|\.ipynb)$", "", parts[-1])[:90].strip("-.") or "model"
    name = re.sub(r"(--|[.][.])+", "-", name)
    return f"{parts[0].strip('-.')}/{name}" if len(parts) > 1 else name


def plan(
    edges: Sequence[Edge], figures: Sequence[Mapping[str, str]], seed: int
) -> dict[str, Checkpoint]:
    """Return every checkpoint with its design, its true parents and its corruption."""
    drawn = random.Random(seed)
    designs = {
        row["hub_id"].lower(): config
        for row in figures
        if (config := _read_design(row)) is not None
    }
    parents: dict[str, list[Edge]] = {}
    for edge in edges:
        # Two sources of a copy or a conversion are one too many; a merge has several.
        if edge.relation == "merge" or edge.child not in parents:
            parents.setdefault(edge.child, []).append(edge)
    trees = _draw_trees(edges, designs, drawn)
    checkpoints: dict[str, Checkpoint] = {}

    def make(name: str, way: tuple[str, ...] = ()) -> Checkpoint:
        if name in checkpoints:
            return checkpoints[name]
        above = [edge for edge in parents.get(name, ()) if edge.parent not in (*way, name)]
        bases = [make(edge.parent, (*way, name)) for edge in above]
        if bases:
            config = _derive(bases[0].config, name, above[0].relation)
            copied = above[0].relation == "copy"
            made = Checkpoint(name, config, bases[0].weights if copied else name, above)
        else:
            made = Checkpoint(name, trees[name], name)
        checkpoints[name] = made
        return made

    for edge in edges:
        make(edge.parent)
        make(edge.child)
    for one in checkpoints.values():
        if one.parents:
            kinds, shares = zip(*CORRUPTIONS, strict=True)
            one.corruption = drawn.choices(kinds, shares)[0]
            _corrupt(one, checkpoints, drawn)
    return checkpoints


def _draw_trees(
    edges: Sequence[Edge], designs: Mapping[str, dict[str, Any]], drawn: random.Random
) -> dict[str, dict[str, Any]]:
    """Return each checkpoint's design: one for all that hang together."""
    near: dict[str, list[str]] = {}
    for edge in edges:
        near.setdefault(edge.child, []).append(edge.parent)
        near.setdefault(edge.parent, []).append(edge.child)
    choices = list(designs.values())
    found: dict[str, dict[str, Any]] = {}
    for name in near:
        if name in found:
            continue
        tree: dict[str, None] = {name: None}
        waiting = [name]
        while waiting:
            for other in near[waiting.pop()]:
                if other not in tree:
                    tree[other] = None
                    waiting.append(other)
        known = [designs[one.lower()] for one in tree if one.lower() in designs]
        found |= dict.fromkeys(tree, known[0] if known else drawn.choice(choices))
    return found


def _read_design(row: Mapping[str, str]) -> dict[str, Any] | None:
    """Return the config of a decoder that says enough to be compared."""
    config = config_of_figures(row)
    stated = ("model_type", "num_hidden_layers", "hidden_size", "num_attention_heads")
    return config if config and all(key in config for key in stated) else None


def _derive(config: Mapping[str, Any], name: str, relation: str) -> dict[str, Any]:
    derived = {key: value for key, value in config.items() if key != "quantization_config"}
    if relation == "quantized":
        words = name.lower()
        derived["quantization_config"] = next(
            dict(table) for word, table in _QUANTIZATIONS if word in words
        )
    return derived


def _corrupt(one: Checkpoint, checkpoints: Mapping[str, Checkpoint], drawn: random.Random) -> None:
    parent = checkpoints[one.parents[0].parent]
    if len(one.parents) > 1 and one.corruption not in ("none", "removed", "untold"):
        one.corruption = "none"  # a merge names several; what befalls one is covered by the rest
    if one.corruption == "impossible":
        others = [
            other
            for other in checkpoints.values()
            if _differs(other.config, parent.config) and "/" in other.id
        ]
        one.claimed = drawn.choice(others).id
    elif one.corruption == "local path":
        one.claimed = f"/workspace/models/{parent.id.rpartition('/')[2]}"
    elif one.corruption == "other case":
        one.claimed = parent.id.swapcase()
    elif one.corruption == "renamed":
        organisation, _, name = parent.id.rpartition("/")
        one.claimed = f"{organisation or 'old'}-old/{name}"


def _differs(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """True where width and kind differ, and the one is not the other cut smaller."""
    keys = ("model_type", "hidden_size", "num_attention_heads")
    return all(one[key] != other[key] for key in keys)


def list_repositories(
    checkpoints: Mapping[str, Checkpoint],
) -> Iterator[tuple[str, dict[str, bytes | HubFile], dict[str, Any]]]:
    """Yield id, files and further fields (card, tags, new address) of every repository."""
    cyclic = {one.parents[0].parent: one.id for one in checkpoints.values() if _is_cycle(one)}
    for one in checkpoints.values():
        card = _make_card(one)
        if one.id in cyclic and not one.parents:
            card = {"base_model": cyclic[one.id]}
        yield one.id, _make_files(one), {"card": card, "tags": _make_tags(card)}
        if one.corruption in ("renamed", "other case") and one.claimed:
            # The Hub answers for old names, and for any spelling, with the way to the right one.
            moved = {"moved_to": one.parents[0].parent}
            yield one.claimed, {"config.json": b"{}"}, moved


def _is_cycle(one: Checkpoint) -> bool:
    return one.corruption == "cycle"


def _make_card(one: Checkpoint) -> dict[str, Any]:
    if not one.parents or one.corruption == "removed":
        return {}
    named = [one.claimed] if one.claimed else [edge.parent for edge in one.parents]
    relation = one.parents[0].relation
    card: dict[str, Any] = {"base_model": named if len(named) > 1 else named[0]}
    if one.corruption != "untold":
        # The Hub has four words; what else a child is counts as fine-tuned there.
        card["base_model_relation"] = relation if relation in CARD_RELATIONS else "finetune"
        if relation == "copy":
            del card["base_model_relation"]
    return card


def _make_tags(card: Mapping[str, Any]) -> list[str]:
    named = card.get("base_model", [])
    return [f"base_model:{one}" for one in ([named] if isinstance(named, str) else named)]


def _make_files(one: Checkpoint) -> dict[str, bytes | HubFile]:
    config = one.config
    relation = one.parents[0].relation if one.parents else None
    if relation == "adapter":
        adapter = {"peft_type": "LORA", "r": 8, "base_model_name_or_path": _name_base(one)}
        return {
            "adapter_config.json": json.dumps(adapter).encode(),
            "adapter_model.bin": make_sparse("adapter_model.bin", 20 << 20, one.id.encode()),
        }
    if relation == "quantized" and "gguf" in one.id.lower():
        return {"model-Q4_K_M.gguf": make_file("model-Q4_K_M.gguf", _make_gguf(config, one.id))}
    weights = make_sparse("pytorch_model.bin", 1 << 30, one.weights.encode())
    return {"config.json": json.dumps(config).encode(), "pytorch_model.bin": weights}


def _name_base(one: Checkpoint) -> str | None:
    if one.corruption == "removed":
        return None
    return one.claimed or one.parents[0].parent


def _find_architecture(config: Mapping[str, Any]) -> str:
    """Return llama.cpp's word for a design, by the project's own table of its converters."""
    kind = "types_with_experts" if config.get("num_experts") else "types"
    for name, entry in load_table()["architectures"].items():
        if config["model_type"] in entry.get(kind, entry.get("types", ())):
            return str(name)
    return str(config["model_type"]).replace("_", "-")


def _make_gguf(config: Mapping[str, Any], name: str) -> bytes:
    figures = {
        key.replace(".", "__"): config[spelled]
        for key, spelled in load_table()["keys"].items()
        if isinstance(config.get(spelled), int | float)
    }
    table = design_of(_find_architecture(config), **figures)
    return write_gguf(table | {"general.file_type": 15, "general.author": name})
