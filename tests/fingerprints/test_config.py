from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from famtree.fingerprints.config import (
    MAX_WORD,
    compress_pattern,
    find_text_config,
    id_list,
    normalise_config,
)
from famtree.fingerprints.defaults import load_dialects
from fingerprints.json_strategies import OBJECTS
from fingerprints.vocabularies import UNHURRIED


def traits_of(**config: Any) -> dict[str, Any]:
    return dict(normalise_config(config, load_dialects()).values)


def test_spellings_of_one_fact_are_one_trait() -> None:
    modern = traits_of(num_hidden_layers=12, hidden_size=768, num_attention_heads=12)
    early = traits_of(n_layer=12, n_embd=768, n_head=12)
    assert modern == early == {"layers": 12, "hidden_size": 768, "heads": 12}


def test_current_spelling_goes_before_an_early_one() -> None:
    assert traits_of(n_layer=3, num_hidden_layers=12)["layers"] == 12


def test_value_of_a_wrong_type_falls_back_to_the_next_spelling() -> None:
    assert traits_of(num_hidden_layers="twelve", n_layer=12)["layers"] == 12


@pytest.mark.parametrize("value", [True, "12", [12], {}, None, 12.5, 2**60, float("nan")])
def test_odd_integer_is_unknown(value: Any) -> None:
    assert "layers" not in traits_of(num_hidden_layers=value)


def test_integral_float_is_an_integer() -> None:
    assert traits_of(num_hidden_layers=12.0)["layers"] == 12


@pytest.mark.parametrize("value", [1e-05, "1e-05", "0.00001"])
def test_number_written_as_text_is_read(value: Any) -> None:
    assert traits_of(rms_norm_eps=value)["norm_eps"] == 1e-05


@pytest.mark.parametrize("value", ["nan", float("inf"), "x", True, 10**400, [1.0]])
def test_odd_number_is_unknown(value: Any) -> None:
    assert "norm_eps" not in traits_of(rms_norm_eps=value)


def test_words_are_bounded_and_cleaned() -> None:
    assert len(traits_of(model_type="x" * 10_000)["model_type"]) == MAX_WORD
    assert traits_of(torch_dtype="torch.bfloat16")["dtype"] == "bfloat16"
    assert traits_of(hidden_act="swish")["activation"] == "silu"


@pytest.mark.parametrize("classes", [["OakForCausalLM", "Other"], "OakForCausalLM"])
def test_class_name(classes: Any) -> None:
    assert traits_of(architectures=classes)["class_name"] == "OakForCausalLM"


@pytest.mark.parametrize("classes", [[], [3], {}, 7, None])
def test_odd_class_list_is_unknown(classes: Any) -> None:
    assert "class_name" not in traits_of(architectures=classes)


@pytest.mark.parametrize("key", ["text_config", "llm_config", "language_config"])
def test_language_tower_of_a_wrapper_is_what_counts(key: str) -> None:
    found = traits_of(
        model_type="oak_vl",
        hidden_size=99,
        vocab_size=500,
        vision_config={"depth": 4, "embed_dim": 64},
        **{key: {"model_type": "oak", "hidden_size": 8, "num_hidden_layers": 2}},
    )
    assert found["wrapper"] == found["model_type"] == "oak_vl"
    assert found["text_model_type"] == "oak"
    assert found["hidden_size"] == 8, "the outer width may be the vision tower's"
    assert found["vocab_rows"] == 500, "rows belong to the language tower wherever they stand"
    assert (found["vision_layers"], found["vision_hidden_size"]) == (4, 64)


def test_width_of_the_wrapper_never_stands_in_for_the_tower_s() -> None:
    found = traits_of(hidden_size=99, text_config={"num_hidden_layers": 2})
    assert found["layers"] == 2
    assert "hidden_size" not in found


def test_empty_or_odd_nested_table_is_no_tower() -> None:
    config: dict[str, Any] = {"text_config": {}, "llm_config": 3, "language_config": {"a": 1}}
    assert find_text_config(config) == {"a": 1}
    assert find_text_config({"text_config": {}}) == {"text_config": {}}


@pytest.mark.parametrize(
    ("config", "kv_heads"),
    [
        ({"multi_query_attention": True, "multi_query_group_num": 2}, 2),
        ({"multi_query_attention": False, "multi_query_group_num": 2}, 32),
        ({"multi_query": True}, 1),
        ({"multi_query": True, "new_decoder_architecture": True, "num_kv_heads": 8}, 8),
        ({"num_key_value_heads": 4}, 4),
    ],
)
def test_key_value_heads_given_by_flags(config: dict[str, Any], kv_heads: int) -> None:
    assert traits_of(num_attention_heads=32, **config)["kv_heads"] == kv_heads


def test_window_that_is_switched_off_is_none() -> None:
    assert traits_of(sliding_window=4096)["sliding_window"] == 4096
    assert "sliding_window" not in traits_of(sliding_window=4096, use_sliding_window=False)


def test_depth_and_pattern_from_layer_kinds() -> None:
    kinds = ["sliding_attention"] * 5 + ["full_attention"]
    found = traits_of(layer_types=kinds * 4)
    assert (found["layers"], found["layer_pattern"]) == (24, "5S1F")
    assert "layer_pattern" not in traits_of(layer_types=["full_attention"] * 4)
    assert traits_of(hybrid_override_pattern="M-M*")["layers"] == 4


def test_doubled_width_of_early_configs_is_halved() -> None:
    assert traits_of(model_type="qwen", intermediate_size=22016)["ffn"] == 11008
    assert traits_of(model_type="qwen2", intermediate_size=22016)["ffn"] == 22016
    assert traits_of(model_type="molmo", intermediate_size=37888)["ffn"] == 18944


@pytest.mark.parametrize(
    ("value", "ids"),
    [
        (2, [2]),
        ([2, 7], [2, 7]),
        ([2, "x", None, True], [2]),
        (None, []),
        (False, []),
        (list(range(99)), list(range(32))),
    ],
)
def test_id_list(value: Any, ids: list[int]) -> None:
    assert id_list(value) == ids


@pytest.mark.parametrize(
    ("word", "short"),
    [
        ("SSSSSFSSSSSF", "5S1F"),
        ("SSSSSFSSSSSFSS", "5S1F"),
        ("MMMF" * 9, "3M1F"),
        ("FFFF", "1F"),
        ("F", "1F"),
        ("", ""),
        ("AAB", "2A1B"),
    ],
)
def test_compress_pattern(word: str, short: str) -> None:
    assert compress_pattern(word) == short


@pytest.mark.property
@given(st.text("SFM", min_size=1, max_size=12), st.integers(2, 6))
def test_pattern_does_not_depend_on_depth(word: str, times: int) -> None:
    assert compress_pattern(word * times) == compress_pattern(word * (times + 1))


@pytest.mark.property
@UNHURRIED
@given(OBJECTS)
def test_any_object_is_survived(config: dict[str, Any]) -> None:
    found = normalise_config(config, load_dialects())
    assert found.values.keys() == found.source.keys()
    assert all(value is not None for value in found.values.values())


def test_depth_of_a_backbone_is_that_of_its_stages() -> None:
    found = traits_of(num_layers=4, depths=[2, 2, 6, 2], hidden_sizes=[96, 192, 384, 768])
    assert (found["layers"], found["hidden_size"]) == (12, 768)


@pytest.mark.parametrize("depths", [[], [2, "2"], [2, None], "2222", [2.5]])
def test_odd_stages_are_no_depth(depths: Any) -> None:
    assert traits_of(depths=depths, hidden_sizes=[96]) == {}


def test_two_towers_are_named_by_both() -> None:
    config = {
        "model_type": "vision-encoder-decoder",
        "encoder": {"model_type": "donut-swin", "hidden_size": 1024},
        "decoder": {"model_type": "mbart", "decoder_layers": 4, "d_model": 512},
    }
    found = traits_of(**config)
    assert found["text_model_type"] == "donut-swin+mbart"
    assert (found["model_type"], found["decoder_layers"]) == ("vision-encoder-decoder", 4)
    assert found["hidden_size"] == 512


def test_a_library_is_known_by_its_keys_where_no_model_type_is_named() -> None:
    stated = {"architecture": "resnet50", "pretrained_cfg": {}, "num_features": 2048}
    found = traits_of(**stated)
    assert (found["model_type"], found["hidden_size"]) == ("timm_wrapper", 2048)
    assert traits_of(**stated, model_type="oak")["model_type"] == "oak"
    assert "model_type" not in traits_of(architecture="resnet50")
