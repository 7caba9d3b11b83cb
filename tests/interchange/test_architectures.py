"""Caches of 52 architectures against first principles, and their states in each engine's type."""

from __future__ import annotations

import ast
import json
import tomllib
from math import ceil
from operator import add, mul, truediv
from pathlib import Path
from typing import Any

import pytest

from famtree.interchange.cache_layout import (
    KvLayout,
    bytes_per_token,
    fixed_bytes,
    sequence_bytes,
    state_bytes,
)
from famtree.interchange.footprint import measure_footprint
from famtree.interchange.kv_cache import find_layout
from famtree.interchange.load import load_engines
from famtree.interchange.side import Plan
from interchange.sides import make_config_side

HERE = Path(__file__).parent
ARCHITECTURES = tomllib.loads((HERE / "architectures.toml").read_text())["architecture"]
CONFIGS = {
    model["repo"]: model["config"]
    for model in tomllib.loads((HERE / "caches.toml").read_text())["model"]
}
NAMES = [one["name"] for one in ARCHITECTURES]
WITH_STATES = [one for one in ARCHITECTURES if "convolution" in one or "recurrent" in one]
_OPERATORS = {ast.Add: add, ast.Mult: mul, ast.Div: truediv}


def count(formula: str) -> float:
    """Work out a formula of whole numbers, sums, products and quotients."""

    def walk(node: ast.expr) -> float:
        if isinstance(node, ast.Constant) and isinstance(node.value, int):
            return node.value
        assert isinstance(node, ast.BinOp), ast.dump(node)
        operator = _OPERATORS[type(node.op)]
        return float(operator(walk(node.left), walk(node.right)))

    return walk(ast.parse(formula, mode="eval").body)


def find_config(one: dict[str, Any]) -> dict[str, Any]:
    config = one.get("config") or CONFIGS[one["repo"]]
    return {key: None if value == "null" else value for key, value in config.items()}


def check(one: dict[str, Any], config: dict[str, Any]) -> None:
    layout = find_layout(make_config_side(config))
    assert isinstance(layout, KvLayout), layout
    assert bytes_per_token(layout) == ceil(count(one["token"]))
    assert fixed_bytes(layout) == count(one.get("fixed", "0"))


def test_all_are_named() -> None:
    assert len(set(NAMES)) == len(NAMES) == 52
    assert {"DeepSeek-V4-Flash", "DeepSeek-V4-Pro", "MiniMax-M3"} <= set(NAMES)


@pytest.mark.parametrize("one", ARCHITECTURES, ids=NAMES)
def test_bytes_are_those_of_first_principles(one: dict[str, Any]) -> None:
    check(one, find_config(one))


@pytest.mark.corpus
@pytest.mark.parametrize("one", [one for one in ARCHITECTURES if "recorded" in one])
def test_the_published_config_says_the_same(one: dict[str, Any], shared: Path) -> None:
    path = shared / "corpus" / "checkpoints" / one["recorded"] / "config.json"
    check(one, json.loads(path.read_text()))


@pytest.mark.parametrize("one", WITH_STATES, ids=[one["name"] for one in WITH_STATES])
def test_states_are_as_wide_as_each_engine_keeps_them(one: dict[str, Any]) -> None:
    """16-bit convolutions but in llama.cpp; recurrences by engine, class and config."""
    side = make_config_side(find_config(one))
    widths = {"float32": 4, "bfloat16": 2}
    own = widths[one.get("vllm", "bfloat16")]
    expected = {"vllm": (2, own), "sglang": (2, 4), "llama.cpp": (4, 4)}
    engines = load_engines()
    for name, (convolution, recurrent) in expected.items():
        load = measure_footprint(side, engines[name], Plan())
        assert isinstance(load.layout, KvLayout)
        assert state_bytes(load.layout, load.cells) == (
            count(one.get("convolution", "0")) * convolution
            + count(one.get("recurrent", "0")) * recurrent
        ), name


def test_latents_of_sparse_attention_have_scales_in_eight_bits() -> None:
    """584 bytes of 512 numbers, 656 of 576, where vLLM and SGLang store them in 8 bits."""
    by_name = {one["name"]: find_config(one) for one in ARCHITECTURES}
    engines = load_engines()

    def ask(name: str, engine: str, kind: str | None = None) -> int:
        plan = Plan(cache_type=kind)
        load = measure_footprint(make_config_side(by_name[name]), engines[engine], plan)
        assert isinstance(load.layout, KvLayout)
        return bytes_per_token(load.layout, load.cells)

    flash = ceil(21 * (584 + 132) / 4 + 20 * 584 / 128)
    assert ask("DeepSeek-V4-Flash", "vllm") == flash
    assert ask("DeepSeek-V4-Flash", "sglang") == flash
    assert ask("DeepSeek-V3.2", "vllm", "fp8") == 61 * (656 + 132)
    assert ask("DeepSeek-V3.2", "vllm") == 61 * (576 * 2 + 132)
    assert ask("DeepSeek-V3", "vllm", "fp8") == 61 * 576


def test_under_tensor_parallelism_heads_are_dealt_out_and_latents_are_kept_whole() -> None:
    by_name = {one["name"]: find_config(one) for one in ARCHITECTURES}

    def ask(name: str, ranks: int) -> int:
        load = measure_footprint(make_config_side(by_name[name]), None, Plan(), ranks)
        assert isinstance(load.layout, KvLayout)
        return bytes_per_token(load.layout, load.cells)

    assert ask("Llama 3.1 8B", 4) == 131_072 // 4
    assert ask("Qwen2.5-7B", 14) == 57_344 // 4  # four heads: each rank has one
    assert ask("DeepSeek-V3", 8) == 70_272
    assert ask("DeepSeek-V4-Flash", 8) == 6_229


def test_the_table_of_the_docs_is_true() -> None:
    page = (HERE.parents[1] / "docs" / "memory.md").read_text(encoding="utf-8")
    table = page.partition("| model | famtree | hf-mem")[2].partition("\n\n")[0]
    rows = [line.strip("| ").split(" | ") for line in table.splitlines()[2:]]
    assert len(rows) >= 20
    by_name = {one["name"]: find_config(one) for one in ARCHITECTURES}
    for name, ours, *_ in rows:
        layout = find_layout(make_config_side(by_name[name]))
        assert isinstance(layout, KvLayout)
        assert f"{sequence_bytes(layout, 32768):,}" == ours, name
