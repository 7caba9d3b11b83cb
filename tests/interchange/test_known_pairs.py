"""Pairs with known answers: known_pairs.toml has each with its place in a source."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from famtree.fingerprints.quantization import read_quantization
from famtree.interchange.answer import answer_pair, choose_engines
from famtree.interchange.load import load_engines
from famtree.interchange.side import Plan, Side
from famtree.types.checkpoint import FileEntry, TensorIndex
from famtree.types.quantization import Quantization
from interchange.sides import make_index, make_pair, make_side, make_words
from interchange.test_engine_truths import adapt

TABLE = tomllib.loads(Path(__file__).with_name("known_pairs.toml").read_text(encoding="utf-8"))
ENGINES = load_engines()


@cache
def make(name: str) -> Side:
    """Return a released checkpoint as far as an answer depends on it."""
    row = dict(TABLE["model"][name])
    if "adapter" in row:
        return adapt(r=row["adapter"])
    words, files, stored = row.pop("words", None), row.pop("files", None), row.pop("stored", None)
    template, tensors = row.pop("template", None), row.pop("tensors", None)
    config: dict[str, Any] = {
        key: None if value == "absent" else value for key, value in row.items()
    }
    if "quantization_config" in config:
        quantization, _ = read_quantization(config, {}, TensorIndex())
    else:
        quantization = Quantization.model_construct(**stored) if stored else None
    if not config.pop("headers", False) and config.get("form", "safetensors") == "safetensors":
        shapes = {key: tuple(shape) for key, shape in (tensors or {}).items()}
        config["index"] = make_index(shapes, complete=bool(shapes))
    side = make_side(
        quantization=quantization,
        vocabulary=make_words("a", "b", "c", added=TABLE["words"][words]) if words else None,
        side_files={"tokenizer_config.json": {"chat_template": template}} if template else {},
        **config,
    )
    if files is None:
        return side
    return replace(side, weight_files=(FileEntry("model.gguf", files),))


def list_pairs() -> list[Any]:
    return [
        pytest.param(row, id=f"{row['a']}-{row['b']}-{row['question']}") for row in TABLE["pair"]
    ]


@pytest.mark.parametrize("row", list_pairs())
def test_a_pair_is_answered_as_is_known(row: dict[str, Any]) -> None:
    a, b = make(row["a"]), make(row["b"])
    if row.get("other"):
        a = make("llama-8b")
    names = [name for name in row["answers"] if name != "any"]
    chosen, _ = choose_engines(names or ["vllm"], ENGINES)
    plan = Plan(
        context=row.get("context"), gpu_memory=row.get("gpu_memory"),
        capability=row.get("capability"),
    )  # fmt: skip
    answers = {
        one.engine or "any": one
        for one in answer_pair(make_pair(a, b), chosen, ENGINES, plan)
        if one.question == row["question"]
    }
    told = {name: answers[name].answer if name in answers else None for name in row["answers"]}
    assert told == row["answers"], {key: one.reason for key, one in answers.items()}
    if "says" in row:
        first = answers[next(iter(row["answers"]))]
        assert row["says"] in f"{first.reason} {first.condition}"


def test_all_pairs_have_a_source() -> None:
    assert len(TABLE["pair"]) >= 21
    assert all(row["source"] for row in TABLE["pair"])
