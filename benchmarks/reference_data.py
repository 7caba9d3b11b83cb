"""Published figures of real checkpoints, as configurations; and what each of them truly is.

The figures are read from the folder `shared` beside the project (or FAMTREE_SHARED); what is true
of a checkpoint is decided by `truth.toml` here, never by what famtree says.
"""

from __future__ import annotations

import csv
import json
import os
import re
import sys
import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from famtree.fingerprints.build import CheckpointFacts, build_fingerprint
from famtree.fingerprints.defaults import known_model_type
from famtree.matchers.classify import Classification, classify
from famtree.matchers.observation import observe
from famtree.registry.registry import Registry

HERE = Path(__file__).parent
Row = Mapping[str, str]
CONFIDENT = 0.9


def find_shared() -> Path:
    """Return the folder of published figures; exit with a message where there is none."""
    folder = Path(os.environ.get("FAMTREE_SHARED") or HERE.parents[1] / "shared")
    if not (folder / "knowledge").is_dir():
        sys.exit(f"no published figures: {folder} is absent (FAMTREE_SHARED names another folder)")
    return folder


def read_rows(path: Path) -> list[dict[str, str]]:
    """Return the rows of a CSV file with a header."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def number(text: str | None) -> int | float | None:
    """Return the number a cell holds; None for an empty or unreadable one."""
    try:
        value = float(text or "")
    except ValueError:
        return None
    return int(value) if value.is_integer() else value


_DIALECTS: dict[str, dict[str, str]] = {
    "gpt2": {"layers": "n_layer", "hidden": "n_embd", "heads": "n_head", "ffn": "n_inner",
             "context": "n_positions"},
    "gptj": {"layers": "n_layer", "hidden": "n_embd", "heads": "n_head", "ffn": "n_inner",
             "context": "n_positions"},
    "gpt_bigcode": {"layers": "n_layer", "hidden": "n_embd", "heads": "n_head", "ffn": "n_inner",
                    "context": "n_positions"},
    "bloom": {"layers": "n_layer", "heads": "n_head", "context": "seq_length"},
    "t5": {"layers": "num_layers", "hidden": "d_model", "heads": "num_heads", "ffn": "d_ff"},
    "mt5": {"layers": "num_layers", "hidden": "d_model", "heads": "num_heads", "ffn": "d_ff"},
    "mpt": {"layers": "n_layers", "hidden": "d_model", "heads": "n_heads",
            "context": "max_seq_len"},
    "opt": {"ffn": "ffn_dim"},
    "chatglm": {"layers": "num_layers", "ffn": "ffn_hidden_size", "vocab": "padded_vocab_size",
                "context": "seq_length"},
}  # fmt: skip
"""How early classes spell what later ones call `num_hidden_layers`, by model_type."""
_KEYS = {
    "layers": "num_hidden_layers",
    "hidden": "hidden_size",
    "heads": "num_attention_heads",
    "kv_heads": "num_key_value_heads",
    "head_dim": "head_dim",
    "ffn": "intermediate_size",
    "vocab": "vocab_size",
    "context": "max_position_embeddings",
    "theta": "rope_theta",
    "experts": "num_experts",
    "experts_used": "num_experts_per_tok",
    "bos": "bos_token_id",
    "eos": "eos_token_id",
}


def build_config(
    model_type: str | None, class_name: str | None, figures: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the least config.json that states `figures` (named as in `_KEYS`).

    An absent model_type is completed from the class, as transformers would save it.
    """
    config: dict[str, Any] = {}
    if class_name:
        config["architectures"] = [class_name]
        model_type = model_type or known_model_type(None, class_name)
    if model_type:
        config["model_type"] = model_type
    spelling = {**_KEYS, **_DIALECTS.get(model_type or "", {})}
    config.update(
        {spelling[name]: value for name, value in figures.items() if value not in (None, "")}
    )
    return config


def config_of_figures(row: Row) -> dict[str, Any] | None:
    """Return the config of one row of hparams.csv; None where it says too little."""
    columns = {
        "layers": "n_layer", "hidden": "hidden", "heads": "heads", "kv_heads": "kv_heads",
        "ffn": "ffn", "vocab": "vocab", "head_dim": "head_dim", "theta": "rope_theta",
        "context": "context", "experts": "n_expert", "experts_used": "n_expert_used",
    }  # fmt: skip
    figures = {name: number(row[column]) or None for name, column in columns.items()}
    if not figures["layers"] or not figures["vocab"]:
        return None
    if not (figures["hidden"] or figures["heads"]):
        return None
    if not (row["architecture"] or row["model_type"]):
        return None
    config = build_config(row["model_type"] or None, row["architecture"] or None, figures)
    if row["tie_embeddings"]:
        config["tie_word_embeddings"] = row["tie_embeddings"] == "True"
    return config


def config_of_reference(row: Row) -> dict[str, Any]:
    """Return the config of one row of reference_models.csv."""
    columns = {
        "layers": "num_hidden_layers", "hidden": "hidden_size", "heads": "num_attention_heads",
        "kv_heads": "num_key_value_heads", "head_dim": "head_dim", "ffn": "intermediate_size",
        "vocab": "vocab_size", "context": "max_position_embeddings",
    }  # fmt: skip
    # A zero stands for "not found" there.
    figures: dict[str, Any] = {
        name: number(row[column]) or None for name, column in columns.items()
    }
    figures["bos"] = number(row["bos_token_id"])
    figures["eos"] = _decoded(row["eos_token_id"])
    config = build_config(row["model_type"] or None, row["architectures"] or None, figures)
    if row["hidden_act"] not in ("", "null"):
        config["hidden_act"] = row["hidden_act"]
    rope = _decoded(row["rope"])
    if isinstance(rope, dict):
        config["rope_parameters"] = rope
    if row["tie_word_embeddings"]:
        config["tie_word_embeddings"] = row["tie_word_embeddings"] == "True"
    return config


def _decoded(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return None


def classify_config(config: dict[str, Any], registry: Registry) -> Classification:
    """Classify a checkpoint of which only this configuration is known."""
    fingerprint = build_fingerprint(CheckpointFacts(config=config))
    return classify(observe(fingerprint, registry.generic), registry)


class Truth:
    """The families that are a right answer for a checkpoint, by sources in order of trust."""

    def __init__(self, shared: Path, registry: Registry) -> None:
        table = tomllib.loads((HERE / "truth.toml").read_text(encoding="utf-8"))
        self._registry = registry
        self._exact: dict[str, list[str]] = {
            hub_id.lower(): entry["families"] for hub_id, entry in table["checkpoint"].items()
        }
        self._words = [
            (re.compile(word["pattern"]), re.compile(word.get("class", "")), word["families"])
            for word in table["word"]
        ]
        self._class_default: dict[str, list[str]] = table["class"]
        self._silent = set(table["silent"])
        self._labels = {
            row["hub_id"]: row["family"]
            for row in read_rows(shared / "corpus" / "labels.csv")
            if row["family"]
        }
        self._listed: dict[str, set[str]] = {}
        for row in read_rows(shared / "knowledge" / "families.csv"):
            if row["family"]:
                self._listed.setdefault(row["hub_id"], set()).add(row["family"].lower())

    def of(self, hub_id: str, class_name: str) -> tuple[frozenset[str], str] | None:
        """Return (families that are right, what says so), or None when it cannot be told.

        An empty set means: a design of its own, which no registered family is.
        """
        name = hub_id.lower()
        if name in self._exact:
            return frozenset(self._exact[name]), "checkpoint"
        if hub_id in self._labels:
            return frozenset({self._labels[hub_id]}), "label"
        listed = {
            frozenset(families)
            for value in self._listed.get(hub_id, set()) - self._silent
            if (families := self._by_word(value, class_name)) is not None
        }
        if len(listed) == 1:
            return listed.pop(), "list"
        if class_name in self._class_default:
            families = self._by_word(name, class_name)
            return frozenset(families or self._class_default[class_name]), "class"
        if len(self._by_class.get(class_name, ())) == 1:
            return frozenset(self._by_class[class_name]), "class"
        families = self._by_word(name, class_name)
        return None if families is None else (frozenset(families), "word")

    def _by_word(self, name: str, class_name: str) -> list[str] | None:
        for pattern, of_class, families in self._words:
            if pattern.search(name) and of_class.search(class_name):
                return families if families != ["?"] else None
        return None

    @cached_property
    def _by_class(self) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for family, generation in self._registry.walk_generations():
            for rule in generation.rules:
                condition = rule.when.get("architecture.class_name")
                if condition is None:
                    continue
                for name in condition.one_of or (condition.equals,):
                    found.setdefault(str(name), set()).add(family.key)
        return found


@dataclass(slots=True)
class Tally:
    """Answers counted against the truth."""

    cases: int = 0
    right: int = 0
    """The family is right, or none was named."""
    identified: int = 0
    """A family was named."""
    confident: int = 0
    confidently_wrong: int = 0
    opinions: list[tuple[float, bool]] = field(default_factory=list)
    """(confidence, right) of every named family."""
    mistakes: list[tuple[float, str]] = field(default_factory=list)
    by_source: Counter[str] = field(default_factory=Counter)

    def add(self, name: str, result: Classification, right: Iterable[str], source: str) -> None:
        """Count one answer; `right` are the family keys that are right."""
        self.cases += 1
        self.by_source[source] += 1
        if result.family is None:
            self.right += 1
            return
        self.identified += 1
        fits = result.family.key in set(right)
        self.right += fits
        self.opinions.append((result.confidence, fits))
        self.confident += result.confidence >= CONFIDENT
        if not fits:
            self.confidently_wrong += result.confidence >= CONFIDENT
            generation = result.generation.key if result.generation else "?"
            wanted = "/".join(sorted(right)) or "none"
            self.mistakes.append(
                (result.confidence, f"{name}: {wanted}, not {result.family.key}/{generation}")
            )

    def figures(self) -> dict[str, float | int]:
        """Return the counted shares by name."""
        named = len(self.opinions)
        return {
            "cases": self.cases,
            "right": _share(self.right, self.cases),
            "identified": _share(self.identified, self.cases),
            "right_of_identified": _share(sum(fits for _, fits in self.opinions), named),
            "mean_confidence": _share(sum(one for one, _ in self.opinions), named),
            "confident": _share(self.confident, self.cases),
            "confidently_wrong": _share(self.confidently_wrong, self.cases),
            "confidently_wrong_of_confident": _share(self.confidently_wrong, self.confident),
        }


def _share(part: float, whole: int) -> float:
    return round(part / whole, 4) if whole else 0.0


def report(tally: Tally, targets: Mapping[str, tuple[str, float]], **extra: Any) -> int:
    """Print mistakes, the table and one JSON line; return 1 when a target is missed.

    `targets` maps a figure to ("at least" or "at most", bound).
    """
    figures = tally.figures()
    for confidence, text in sorted(tally.mistakes, reverse=True):
        print(f"{confidence:.2f} {text}")
    missed = False
    for name, value in figures.items():
        kind, bound = targets.get(name, ("", 0.0))
        kept = not kind or (value >= bound if kind == "at least" else value <= bound)
        missed |= not kept
        goal = f"{kind} {bound}" + ("" if kept else "  MISSED") if kind else ""
        print(f"{name:32} {value:10} {goal}")
    print(json.dumps({**figures, "truth_from": dict(sorted(tally.by_source.items())), **extra}))
    return int(missed)
