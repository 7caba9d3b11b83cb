from __future__ import annotations

import pytest
from msgspec.structs import replace

from famtree.interchange.adapter_fit import fit_adapter
from famtree.interchange.adapters import highest_rank, saves_whole_modules
from famtree.interchange.engine import GENERAL
from famtree.interchange.facts import FactReader
from famtree.interchange.load import load_engines
from famtree.interchange.rules import answer_rules
from famtree.interchange.side import Side
from interchange.sides import make_index, make_pair, make_side

STEM = "base_model.model.model.layers.0."


def make_adapter(module: str, wide: int, tall: int, rank: int = 8, **config: object) -> Side:
    index = make_index(
        {
            f"{STEM}{module}.lora_A.weight": (rank, wide),
            f"{STEM}{module}.lora_B.weight": (tall, rank),
        }
    )
    return make_side(
        index=index, form="adapter", side_files={"adapter_config.json": {"r": rank, **config}}
    )


@pytest.mark.parametrize(
    ("module", "wide", "tall", "fits"),
    [
        ("self_attn.q_proj", 4096, 4096, True),
        ("self_attn.k_proj", 4096, 1024, True),
        ("mlp.down_proj", 14336, 4096, True),
        ("self_attn.k_proj", 4096, 4096, False),
        ("self_attn.q_proj", 3584, 3584, False),
        ("self_attn.qkv_proj", 4096, 6144, False),
    ],
)
def test_every_module_must_be_there_in_its_size(
    module: str, wide: int, tall: int, fits: bool
) -> None:
    assert fit_adapter(make_adapter(module, wide, tall), make_side()).fits is fits


def test_unseen_tensors_are_unknown() -> None:
    adapter = make_adapter("self_attn.q_proj", 4096, 4096)
    assert fit_adapter(adapter, make_side(form="config-only")).fits is None
    pickled = make_side(index=make_index({}), form="adapter")
    assert fit_adapter(pickled, make_side()).fits is None


def test_rank_pattern_counts() -> None:
    assert highest_rank(make_adapter("q", 1, 1, 8, rank_pattern={"q_proj": 64})) == 64
    assert highest_rank(make_adapter("q", 1, 1, 8, rank_pattern="odd")) == 8
    assert highest_rank(make_side()) is None


@pytest.mark.parametrize(
    ("saved", "whole"),
    [(None, False), ([], False), (["score"], False), (["lm_head"], True), ([3], True)],
)
def test_a_classifier_is_no_whole_module(saved: object, whole: bool) -> None:
    assert saves_whole_modules(make_adapter("q", 1, 1, modules_to_save=saved)) is whole


def test_a_resized_embedding_is_seen_though_no_config_names_it() -> None:
    adapter = make_adapter("self_attn.q_proj", 4096, 4096, modules_to_save=None)
    table = make_index({
        **{name: one.shape for name, one in adapter.index.tensors.items()},
        "base_model.model.model.embed_tokens.weight": (9, 4096),
    })  # fmt: skip
    whole = replace(adapter, index=table)
    assert saves_whole_modules(whole) is True
    assert fit_adapter(whole, make_side()).saved_same is False
    assert fit_adapter(adapter, make_side()).saved_same is None


@pytest.mark.parametrize(
    "stem",
    ["base_model.model.base_model.model.model.layers.0.", "base_model.model.blocks.h.x.",
     "base_model.model.model.language_model.layers.0."],
)  # fmt: skip
def test_names_that_match_nothing_load_and_change_nothing(stem: str) -> None:
    index = make_index({
        f"{stem}self_attn.q_proj.lora_A.weight": (8, 4096),
        f"{stem}self_attn.q_proj.lora_B.weight": (4096, 8),
    })  # fmt: skip
    adapter = make_side(index=index, form="adapter", side_files={"adapter_config.json": {"r": 8}})
    found = fit_adapter(adapter, make_side())
    assert found.misfit in ("prefix", None)
    assert found.fits is not True


def test_a_module_that_is_not_there_is_told_from_one_of_another_size() -> None:
    tensors = {
        f"{STEM}self_attn.q_proj.lora_A.weight": (8, 4096),
        f"{STEM}self_attn.q_proj.lora_B.weight": (4096, 8),
        f"{STEM}self_attn.gate.lora_A.weight": (8, 4096),
        f"{STEM}self_attn.gate.lora_B.weight": (64, 8),
    }
    adapter = make_side(index=make_index(tensors), form="adapter",
                        side_files={"adapter_config.json": {"r": 8}})  # fmt: skip
    found = fit_adapter(adapter, make_side())
    assert (found.misfit, found.missing) == ("missing", 1)
    assert fit_adapter(make_adapter("self_attn.k_proj", 4096, 64), make_side()).misfit == "size"


def make_experts(*, fused: bool) -> Side:
    stem = "model.layers.0.mlp.experts."
    tensors: dict[str, tuple[int, ...]] = {"model.embed_tokens.weight": (8, 64)}
    for layer in ("model.layers.0.", "model.layers.1."):
        tensors[f"{layer}self_attn.q_proj.weight"] = (64, 64)
        stem = f"{layer}mlp.experts."
        if fused:
            tensors |= {f"{stem}gate_up_proj": (4, 32, 64), f"{stem}down_proj": (4, 64, 16)}
        else:
            for one in range(4):
                tensors |= {f"{stem}{one}.gate_proj.weight": (16, 64),
                            f"{stem}{one}.up_proj.weight": (16, 64),
                            f"{stem}{one}.down_proj.weight": (64, 16)}  # fmt: skip
    return make_side(
        index=make_index(tensors), architectures=["Qwen3MoeForCausalLM"], model_type="qwen3_moe",
        hidden_size=64, moe_intermediate_size=16, intermediate_size=128, num_experts=4,
        num_experts_per_tok=2, num_hidden_layers=2, vocab_size=8, num_attention_heads=4,
        num_key_value_heads=4,
    )  # fmt: skip


@pytest.mark.parametrize("fused", [True, False])
@pytest.mark.parametrize("stacked", [True, False])
def test_experts_fit_whether_they_stand_apart_or_stacked(fused: bool, stacked: bool) -> None:
    stem = "base_model.model.model.layers.0.mlp.experts"
    pairs = (
        {f"{stem}.base_layer": ((32, 32), (64, 32)), stem: ((32, 64), (16, 32))} if stacked
        else {f"{stem}.3.gate_proj": ((8, 64), (16, 8)), f"{stem}.3.down_proj": ((8, 16), (64, 8))}
    )  # fmt: skip
    tensors = {f"{path}.lora_{part}.weight": shape for path, shapes in pairs.items()
               for part, shape in zip("AB", shapes, strict=True)}  # fmt: skip
    adapter = make_side(index=make_index(tensors), form="adapter",
                        side_files={"adapter_config.json": {"r": 8}})  # fmt: skip
    assert fit_adapter(adapter, make_experts(fused=fused)).misfit == "none"
    wide = {name: (shape[0], shape[1] * 3) if ".lora_A" in name else shape
            for name, shape in tensors.items()}  # fmt: skip
    assert fit_adapter(
        replace(adapter, index=make_index(wide)), make_experts(fused=fused)
    ).fits is (False)


@pytest.mark.parametrize(("rows", "rule"), [(9, "rows-differ"), (128_256, "no-descent")])
def test_whole_rows_of_another_vocabulary_do_not_load_without_a_word(rows: int, rule: str) -> None:
    adapter = make_adapter("self_attn.q_proj", 4096, 4096, modules_to_save=None)
    table = make_index({
        **{name: one.shape for name, one in adapter.index.tensors.items()},
        "base_model.model.model.embed_tokens.weight": (rows, 4096),
    })  # fmt: skip
    general = load_engines()[GENERAL]
    facts = FactReader(make_pair(replace(adapter, index=table), make_side()))
    [found] = answer_rules(facts, general, general.version, ["lora"])
    assert (found.rule, found.answer) == (f"any/lora.{rule}", "conditional")
    assert ("without a word" in found.reason) is (rule == "no-descent")
