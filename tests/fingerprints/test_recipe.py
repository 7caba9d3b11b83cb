from __future__ import annotations

from typing import Any

import pytest

from famtree.fingerprints.config import normalise_config
from famtree.fingerprints.recipe import DIGESTED, build_recipe
from famtree.types.fingerprint import Recipe

CONFIG = {"rope_theta": 1e4, "rms_norm_eps": 1e-5, "bos_token_id": 1, "eos_token_id": 2}


def recipe_of(config: dict[str, Any], **generation: Any) -> Recipe:
    side = {"generation_config.json": generation} if generation else {}
    return build_recipe(normalise_config(config, {}), side)


def test_values_and_where_they_were_seen() -> None:
    found = recipe_of(CONFIG)
    assert (found.rope_theta, found.norm_eps, found.bos_id, found.eos_ids) == (1e4, 1e-5, 1, [2])
    assert found.seen_in["rope_theta"] == ["config"]


def test_end_tokens_of_both_files_are_one_list() -> None:
    found = recipe_of(CONFIG, eos_token_id=[7, 2])
    assert found.eos_ids == [2, 7]
    assert found.seen_in["eos_ids"] == ["config", "generation_config"]


def test_sampling_defaults_that_are_numbers_are_kept() -> None:
    found = recipe_of(
        CONFIG, temperature=0.6, top_k=20, do_sample=True, bos_token_id=1, note="x", huge=1e300
    )
    assert found.generation == {"temperature": 0.6, "top_k": 20.0}


def test_start_token_may_stand_in_the_generation_file_alone() -> None:
    assert recipe_of({}, bos_token_id=5).bos_id == 5
    assert recipe_of(CONFIG, bos_token_id=5).bos_id == 1
    assert recipe_of({}, bos_token_id=True).bos_id is None


def test_choices_of_conversion_and_fine_tuning_are_not_digested() -> None:
    plain = recipe_of(CONFIG).digest
    same = CONFIG | {"torch_dtype": "float32", "pad_token_id": 0, "eos_token_id": [9]}
    assert recipe_of(same, temperature=1.0).digest == plain
    assert recipe_of(CONFIG | {"rope_theta": 2e4}).digest != plain
    assert not {"dtype", "pad_id", "eos_ids", "chat_template"} & set(DIGESTED)


@pytest.mark.parametrize("odd", [[], "x", 3, None])
def test_odd_generation_file_is_ignored(odd: Any) -> None:
    found = build_recipe(normalise_config(CONFIG, {}), {"generation_config.json": odd})
    assert found == recipe_of(CONFIG)


def test_template_is_digested_and_searched() -> None:
    side = {"tokenizer_config.json": {"chat_template": "<|im_start|>{{ x }}<|im_end|>"}}
    found = build_recipe(normalise_config({}, {}), side)
    assert found.chat_markers == ["<|im_end|>", "<|im_start|>"]
    assert found.chat_template is not None
