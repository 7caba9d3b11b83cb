from __future__ import annotations

from typing import Any

import pytest

from famtree.fingerprints.config import normalise_config

ROPE = (
    "rope_theta", "rope_type", "rope_factor", "rope_original_context", "rope_local_theta",
    "partial_rotary", "position",
)  # fmt: skip
SCALED = {
    "rope_theta": 5e5,
    "rope_type": "llama3",
    "rope_factor": 8.0,
    "rope_original_context": 8192,
    "position": "rope",
}


def rope_of(**config: Any) -> dict[str, Any]:
    values = normalise_config(config, {"ratio": {"rope_ratio": True}}).values
    return {name: values[name] for name in ROPE if name in values}


@pytest.mark.parametrize("word", ["rope_type", "type"])
def test_three_generations_of_spelling_agree(word: str) -> None:
    scaling = {word: "llama3", "factor": 8.0, "original_max_position_embeddings": 8192}
    assert rope_of(rope_theta=5e5, rope_scaling=scaling) == SCALED
    assert rope_of(rope_parameters={"rope_theta": 5e5, **scaling}) == SCALED


def test_no_scaling_is_the_default_type() -> None:
    plain = {"rope_theta": 1e4, "rope_type": "default", "position": "rope"}
    assert rope_of(rope_theta=1e4) == plain
    assert rope_of(rope_theta=1e4, rope_scaling=None) == plain
    assert rope_of(rotary_emb_base=10000) == plain
    assert rope_of(rope_theta=1e4, rope_scaling={"type": "mrope", "mrope_section": [1]}) == plain


def test_base_as_a_ratio() -> None:
    assert rope_of(model_type="ratio", rope_ratio=50)["rope_theta"] == 500000.0
    assert rope_of(model_type="ratio")["rope_theta"] == 10000.0


def test_base_of_each_layer_type() -> None:
    found = rope_of(
        rope_parameters={
            "full_attention": {"rope_theta": 1e6, "rope_type": "linear", "factor": 8.0},
            "sliding_attention": {"rope_theta": 1e4, "rope_type": "default"},
        }
    )
    assert (found["rope_theta"], found["rope_local_theta"]) == (1e6, 1e4)
    assert (found["rope_type"], found["rope_factor"]) == ("linear", 8.0)


def test_share_of_rotated_dimensions() -> None:
    assert rope_of(rotary_pct=0.25)["partial_rotary"] == 0.25
    assert rope_of(rotary_dim=64, head_dim=256)["partial_rotary"] == 0.25
    assert "partial_rotary" not in rope_of(rotary_dim=64, head_dim=0)


@pytest.mark.parametrize("theta", [True, float("nan"), float("inf"), [1], {}, 10**400])
def test_odd_base_is_unknown(theta: Any) -> None:
    assert rope_of(rope_theta=theta) == {}


@pytest.mark.parametrize("scaling", [3, "linear", [], [1], {}, {"type": 4}, {"factor": "x"}])
def test_odd_scaling_is_no_scaling(scaling: Any) -> None:
    assert rope_of(rope_theta=1e4, rope_scaling=scaling)["rope_type"] == "default"
