from __future__ import annotations

import pytest

from famtree.interchange.adapter_fit import fit_adapter
from famtree.interchange.adapters import highest_rank, saves_whole_modules
from famtree.interchange.side import Side
from interchange.sides import make_index, make_side

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
