from __future__ import annotations

import pytest

from famtree.fingerprints.defaults import (
    default_traits,
    known_model_type,
    load_defaults,
    load_dialects,
)
from famtree.types.fingerprint import Architecture, Recipe


def test_defaults_are_traits() -> None:
    fields = Architecture.model_fields.keys() | Recipe.model_fields.keys()
    for model_type, entry in load_defaults().items():
        assert entry["traits"].keys() <= fields, model_type
        assert all(isinstance(name, str) for name in entry["classes"]), model_type


def test_dialects_say_why() -> None:
    assert all(entry["why"].strip() for entry in load_dialects().values())


@pytest.mark.parametrize(
    ("model_type", "class_name", "known"),
    [
        ("llama", None, "llama"),
        ("LLaMA", "LlamaForCausalLM", "llama"),
        (None, "LlamaForCausalLM", "llama"),
        ("no_such_model", None, None),
        ("no_such_model", "NoSuchForCausalLM", None),
        (None, None, None),
    ],
)
def test_known_model_type(
    model_type: str | None, class_name: str | None, known: str | None
) -> None:
    assert known_model_type(model_type, class_name) == known


def test_default_traits() -> None:
    assert default_traits("llama")["rope_theta"] == 10000.0
    assert default_traits("no_such_model") == {}
    assert default_traits(None) == {}
