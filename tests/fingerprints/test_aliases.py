from __future__ import annotations

from typing import Any

import pytest

from famtree.fingerprints.aliases import (
    ACTIVATION_SYNONYMS,
    FLAGS,
    INTEGERS,
    NUMBERS,
    WORDS,
    look_up,
)
from famtree.types.fingerprint import Architecture, Recipe

TABLES = (INTEGERS, NUMBERS, FLAGS, WORDS)


def test_every_alias_is_of_a_trait() -> None:
    fields = Architecture.model_fields.keys() | Recipe.model_fields.keys()
    assert {name for table in TABLES for name in table} <= fields


def test_a_trait_stands_in_one_table() -> None:
    names = [name for table in TABLES for name in table]
    assert len(names) == len(set(names))


def test_no_spelling_means_two_traits() -> None:
    keys = [key for table in TABLES for keys in table.values() for key in keys]
    assert {key for key in keys if keys.count(key) > 1} <= {"encoder_layers", "decoder_layers"}


def test_synonyms_are_settled_in_one_step() -> None:
    assert not ACTIVATION_SYNONYMS.keys() & set(ACTIVATION_SYNONYMS.values())


@pytest.mark.parametrize(
    ("key", "found"),
    [("a", 1), ("b.c", 2), ("b.d", None), ("a.c", None), ("b", {"c": 2}), ("x.y.z", None)],
)
def test_look_up(key: str, found: Any) -> None:
    assert look_up({"a": 1, "b": {"c": 2}}, key) == found
