"""Classes that make another feed-forward width of the one in their config."""

from __future__ import annotations

from typing import Any

import pytest

from famtree.fingerprints.config import normalise_config
from famtree.fingerprints.defaults import load_dialects


@pytest.mark.parametrize(
    ("config", "width"),
    [
        ({"intermediate_size": 12288}, 8192),
        ({"intermediate_size": 2560, "block_ff_dim": 12288}, 8192),
        ({"intermediate_size": 6656}, 4608),
        ({"intermediate_size": 10240}, 6912),
        ({"intermediate_size": 12288, "block_ffn_dim_multiplier": 0.5}, 4096),
        ({"intermediate_size": 10000, "block_multiple_of": 100}, 6700),
        ({"intermediate_size": 10752, "block_auto_adjust_ff_dim": False}, 10752),
    ],
)
def test_two_thirds_up_to_a_whole_multiple(config: dict[str, Any], width: int) -> None:
    """As transformers' Lfm2MLP computes it."""
    stated = {"model_type": "lfm2", "architectures": ["Lfm2ForCausalLM"], **config}
    assert normalise_config(stated, load_dialects()).values["ffn"] == width


def test_other_classes_have_the_width_that_they_state() -> None:
    stated = {"model_type": "llama", "intermediate_size": 12288}
    assert normalise_config(stated, load_dialects()).values["ffn"] == 12288
