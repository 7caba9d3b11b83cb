from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from famtree.fingerprints.build import CheckpointFacts, build_fingerprint
from famtree.fingerprints.from_traits import fingerprint_traits
from famtree.types.traits import flatten

TRAITS: dict[str, Any] = {
    "architecture.text_model_type": "oak",
    "architecture.layers": 3,
    "recipe.rope_theta": 1e4,
    "recipe.eos_ids": (1, 2),
    "tokenizer.entries": 10,
}


def test_known_traits_are_exactly_those_given() -> None:
    found = {name: trait.value for name, trait in flatten(fingerprint_traits(TRAITS)).items()}
    assert found == TRAITS


def test_without_tokenizer_traits_there_is_no_tokenizer() -> None:
    assert fingerprint_traits({"architecture.layers": 3}).tokenizer is None


def test_digests_are_those_of_the_checkpoint_itself() -> None:
    config = {
        "model_type": "oak", "num_hidden_layers": 3, "hidden_size": 64, "num_attention_heads": 8,
        "rope_theta": 1e6, "rms_norm_eps": 1e-6, "bos_token_id": 1,
    }  # fmt: skip
    made = build_fingerprint(CheckpointFacts(config))
    again = fingerprint_traits({name: one.value for name, one in flatten(made).items()})
    assert again.architecture.digest == made.architecture.digest
    assert again.recipe.digest == made.recipe.digest


@pytest.mark.parametrize(
    "traits", [{"architecture.storeys": 3}, {"architecture.layers": "many"}, {"recipe.eos_ids": 3}]
)
def test_wrong_name_or_type_is_refused(traits: dict[str, Any]) -> None:
    with pytest.raises((ValidationError, TypeError)):
        fingerprint_traits(traits)
