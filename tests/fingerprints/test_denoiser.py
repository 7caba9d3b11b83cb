"""Configs that diffusers wrote."""

from __future__ import annotations

from typing import Any

import pytest

from famtree.fingerprints.config import normalise_config

UNET = {
    "_class_name": "UNet2DConditionModel",
    "attention_head_dim": 8,
    "block_out_channels": [320, 640, 1280, 1280],
    "cross_attention_dim": 768,
}


def traits_of(**config: Any) -> dict[str, Any]:
    return dict(normalise_config(config, {}).values)


def test_a_u_net_has_stages_and_the_width_of_the_last() -> None:
    assert traits_of(**UNET) == {
        "class_name": "UNet2DConditionModel",
        "layers": 4,
        "hidden_size": 1280,
        "context_width": 768,
    }


def test_text_states_are_as_wide_as_before_their_projection() -> None:
    assert traits_of(**UNET, encoder_hid_dim=4096)["context_width"] == 4096


def test_a_transformer_is_as_wide_as_its_heads() -> None:
    found = traits_of(
        _class_name="SD3Transformer2DModel",
        num_attention_heads=38,
        attention_head_dim=64,
        num_layers=38,
        joint_attention_dim=4096,
        qk_norm="rms_norm",
    )
    assert (found["hidden_size"], found["layers"], found["head_dim"]) == (2432, 38, 64)
    assert (found["context_width"], found["qk_norm"]) == (4096, True)


def test_no_norm_of_queries_is_said() -> None:
    assert traits_of(_class_name="SD3Transformer2DModel", qk_norm=None)["qk_norm"] is False


@pytest.mark.parametrize("value", [None, "768", -1, True, [768], 1.5])
def test_odd_values_are_unknown(value: Any) -> None:
    odd = traits_of(**{**UNET, "cross_attention_dim": value, "block_out_channels": [value]})
    assert "context_width" not in odd
    assert "hidden_size" not in odd


def test_keys_of_diffusers_mean_nothing_elsewhere() -> None:
    assert "context_width" not in traits_of(model_type="oak", cross_attention_dim=768)
