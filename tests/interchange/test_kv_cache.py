"""Bytes of caches against figures worked out by hand from released configs."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from famtree.fingerprints.build import CheckpointFacts, build_fingerprint
from famtree.interchange.cache_layout import (
    CELL_BYTES,
    Cells,
    KvLayout,
    bytes_per_token,
    constant_bytes,
    fixed_bytes,
    sequence_bytes,
)
from famtree.interchange.kv_cache import UnknownLayout, find_kv_layout, read_layout
from interchange.sides import make_config_side, make_side

# TOML has no null: "null" in a recorded config is one.
MODELS = tomllib.loads((Path(__file__).parent / "caches.toml").read_text())["model"]
BY_REPO = {model["repo"]: model for model in MODELS}


def find(config: dict[str, Any]) -> KvLayout | UnknownLayout:
    config = {key: None if value == "null" else value for key, value in config.items()}
    fingerprint = build_fingerprint(CheckpointFacts(config=config))
    return find_kv_layout(config, fingerprint.architecture, fingerprint.recipe)


def read(repo: str) -> KvLayout:
    found = find(BY_REPO[repo]["config"])
    assert isinstance(found, KvLayout), found
    return found


@pytest.mark.parametrize("model", MODELS, ids=BY_REPO)
def test_bytes_are_exact(model: dict[str, Any]) -> None:
    layout = read(model["repo"])
    assert bytes_per_token(layout) == model["token"]
    assert constant_bytes(layout) == model.get("constant", 0)
    if "expanded" in model:
        assert bytes_per_token(layout.unpack()) == model["expanded"]
    if "float32_state" in model:
        assert constant_bytes(layout, Cells(recurrent=4.0)) == model["float32_state"]


def find_recorded(shared: Path, repo: str) -> Path:
    return shared / "corpus" / "checkpoints" / repo.replace("/", "__") / "config.json"


@pytest.mark.corpus
@pytest.mark.parametrize("repo", [name for name, model in BY_REPO.items() if "recorded" in model])
def test_recorded_facts_are_those_of_the_published_config(repo: str, shared: Path) -> None:
    found = find(json.loads(find_recorded(shared, repo).read_text()))
    assert isinstance(found, KvLayout), found
    assert bytes_per_token(found) == BY_REPO[repo]["token"]
    assert constant_bytes(found) == BY_REPO[repo].get("constant", 0)


@pytest.mark.corpus
def test_every_config_of_the_corpus_is_compared(shared: Path) -> None:
    there = {name for name in BY_REPO if find_recorded(shared, name).is_file()}
    assert there == {name for name, model in BY_REPO.items() if model.get("recorded")}


@pytest.mark.corpus
def test_nearly_every_published_config_tells_its_layout(shared: Path) -> None:
    unknown, count = {}, 0
    for path in sorted((shared / "corpus" / "checkpoints").glob("*/config.json")):
        config = json.loads(path.read_text())
        count += 1
        found = find(config)
        if isinstance(found, UnknownLayout):
            unknown[path.parent.name] = found.missing
    assert len(unknown) <= count // 10, unknown


def test_an_8_bit_cache_is_half_as_large() -> None:
    layout = read("meta-llama/Llama-3.1-8B")
    assert bytes_per_token(layout, Cells(attention=CELL_BYTES["fp8"])) == 65536
    assert bytes_per_token(layout, Cells(attention=CELL_BYTES["nvfp4"])) == 36864


def test_a_window_is_paid_as_it_fills() -> None:
    layout = read("openai/gpt-oss-20b")
    assert sequence_bytes(layout, 1) == 24 * 2 * 8 * 64 * 2
    assert sequence_bytes(layout, 128) == 128 * 24 * 2 * 8 * 64 * 2
    assert sequence_bytes(layout, 1000) == 1000 * 24576 + 3145728
    assert sequence_bytes(layout.lift_windows(), 1000) == 1000 * 2 * 24576


def test_an_encoder_of_free_length_counts_as_much_as_the_text() -> None:
    layout = read("google-t5/t5-base")
    assert sequence_bytes(layout, 10) == 2 * 10 * 36864


def test_a_long_context_in_gigabytes() -> None:
    tokens = 131072
    assert sequence_bytes(read("meta-llama/Llama-3.1-8B"), tokens) == 17179869184
    assert sequence_bytes(read("deepseek-ai/DeepSeek-V3"), tokens) == 9210691584
    assert sequence_bytes(read("openai/gpt-oss-20b"), tokens) == 3224371200


@pytest.mark.parametrize(
    ("config", "missing"),
    [
        ({}, "config.json"),
        ({"model_type": "llama"} | {"hidden_size": 64}, "number of layers"),
        ({"model_type": "new", "num_hidden_layers": 2, "hidden_size": 64}, "heads"),
        (
            {"model_type": "new", "num_hidden_layers": 2, "hidden_size": 64,
             "num_attention_heads": 4, "sliding_window": 16},
            "which layers have the sliding window",
        ),
        (
            {"model_type": "new", "num_hidden_layers": 2, "hidden_size": 64,
             "num_attention_heads": 4, "layer_types": ["full_attention", "telepathy"]},
            "telepathy",
        ),
        (
            {"model_type": "new", "num_hidden_layers": 3, "hidden_size": 64,
             "num_attention_heads": 4, "layer_types": ["linear_attention"] * 3},
            "recurrent state",
        ),
        (
            {"model_type": "new", "num_hidden_layers": 2, "hidden_size": 64,
             "num_attention_heads": 4, "mamba_d_state": 16, "mamba_d_conv": 4},
            "which layers keep keys",
        ),
        (
            {"model_type": "new", "num_hidden_layers": 2, "hidden_size": 64,
             "num_attention_heads": 4, "compress_ratios": [0, 4]},
            "sliding window",
        ),
        (
            {"model_type": "new", "num_hidden_layers": 3, "hidden_size": 64,
             "num_attention_heads": 4, "sliding_window": 8, "compress_ratios": [0, 4]},
            "how far each layer compresses",
        ),
        (
            {"model_type": "new", "num_hidden_layers": 2, "hidden_size": 64,
             "num_attention_heads": 4, "sparse_attention_config": {"sparse_index_dim": 8}},
            "which layers have its sparse index",
        ),
        (
            {"model_type": "new", "num_hidden_layers": 2, "hidden_size": 64,
             "num_attention_heads": 4, "cross_attention_layers": [1]},
            "size of its images",
        ),
        (
            {"model_type": "new", "num_hidden_layers": 2, "hidden_size": 64,
             "num_attention_heads": 4, "kv_lora_rank": 16},
            "rotary width",
        ),
    ],
)  # fmt: skip
def test_what_is_missing_is_named(config: dict[str, Any], missing: str) -> None:
    found = find(config)
    assert isinstance(found, UnknownLayout)
    assert missing in found.missing


@pytest.mark.parametrize("value", [None, "x", -1, 0, 1.5, True, [], {}, [None], 10**30, ["x"]])
@pytest.mark.parametrize(
    "key",
    ["layer_types", "block_configs", "attn_type_list", "full_attn_idxs", "num_hidden_layers",
     "linear_attn_config", "attn_layer_period", "sliding_window_pattern", "num_key_value_heads",
     "attention_chunk_size", "no_rope_layers", "num_kv_shared_layers", "hybrid_override_pattern",
     "index_head_dim", "kv_lora_rank", "num_kv_heads", "block_types", "sliding_window",
     "compress_ratios", "sparse_attention_config", "cross_attention_layers", "vision_config"],
)  # fmt: skip
def test_odd_values_are_survived(key: str, value: Any) -> None:
    config = {
        "model_type": "new", "num_hidden_layers": 2, "hidden_size": 64, "num_attention_heads": 4,
        "attention_chunk_size": 8, key: value,
    }  # fmt: skip
    assert find(config) is not None


def test_a_window_the_config_leaves_to_its_class() -> None:
    config = dict(BY_REPO["mistralai/Mistral-7B-v0.1"]["config"])
    del config["sliding_window"]
    assert find(config) == read("mistralai/Mistral-7B-v0.1")
    layout = find({**config, "sliding_window": None})
    assert isinstance(layout, KvLayout)
    assert bytes_per_token(layout) == 131072


def test_layouts_are_equal_only_where_the_bytes_fit() -> None:
    config = BY_REPO["meta-llama/Llama-3.1-8B"]["config"]
    same, other = find(dict(config)), find({**config, "num_key_value_heads": 4})
    assert find(config) == same
    assert find(config) != other
    turned = find({**config, "rope_theta": 500000.0})
    assert find(config) != turned


def test_unknown_is_none_for_those_who_only_compare() -> None:
    assert read_layout(make_config_side({})) is None
    assert read_layout(make_side()) is not None


LATENT = {"kv_lora_rank": 512, "qk_rope_head_dim": 64, "num_attention_heads": 64}
GATED = {"hidden_size": 4096, "num_attention_heads": 16, "num_key_value_heads": 1, "head_dim": 256,
         "lru_width": 4096, "conv1d_width": 4}  # fmt: skip
GROUPED = {"hidden_size": 5120, "num_attention_heads": 40, "num_key_value_heads": 8,
           "head_dim": 128, "max_position_embeddings": 131072}  # fmt: skip


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        # LongCat-Flash: 28 layers of two attentions each; a saved config may count 56.
        ({**LATENT, "model_type": "longcat_flash", "num_layers": 28}, (28 * 2 * 576 * 2, 0)),
        ({**LATENT, "model_type": "longcat_flash", "num_layers": 28, "num_hidden_layers": 56},
         (28 * 2 * 576 * 2, 0)),
        # EXAONE 4.0 32B spells its pattern with letters.
        ({**GROUPED, "model_type": "exaone4", "num_hidden_layers": 64, "sliding_window": 4096,
          "sliding_window_pattern": "LLLG"},
         (16 * 2 * 8 * 128 * 2, 48 * 2 * 8 * 128 * 2 * 4096)),
        # RecurrentGemma 9B as published: the key has an underscore.
        ({**GATED, "model_type": "recurrent_gemma", "num_hidden_layers": 38,
          "attention_window_size": 2048,
          "_block_types": ["recurrent", "recurrent", "attention"]},
         (0, 12 * 2 * 256 * 2 * 2048)),
        # SmallThinker 21B: a number a layer.
        ({**GROUPED, "model_type": "smallthinker", "num_hidden_layers": 52,
          "num_key_value_heads": 4, "sliding_window": 4096,
          "sliding_window_layout": [0, 1, 1, 1] * 13},
         (13 * 2 * 4 * 128 * 2, 39 * 2 * 4 * 128 * 2 * 4096)),
    ],
    ids=["longcat", "longcat-saved", "exaone4", "recurrentgemma", "smallthinker"],
)  # fmt: skip
def test_designs_that_spell_their_layers_otherwise(
    config: dict[str, Any], expected: tuple[int, int]
) -> None:
    layout = find(config)
    assert isinstance(layout, KvLayout), layout
    assert (bytes_per_token(layout), fixed_bytes(layout)) == expected


def test_layers_of_a_recurrence_that_is_not_described_are_not_counted_as_attention() -> None:
    """Apriel-H: half of its layers recur; the state's size is spelled in a way of its own."""
    kinds = {"hybrid_block_layout": ["t", "m2", "t", "m2"], "ssm_cfg": {"d_state": 16}}
    config = {**GROUPED, **kinds, "model_type": "apriel_h", "num_hidden_layers": 4}
    assert isinstance(find(config), UnknownLayout)
