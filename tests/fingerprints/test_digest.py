from __future__ import annotations

from hashlib import sha256
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from famtree.fingerprints.digest import canonical_json, digest
from fingerprints.json_strategies import OBJECTS
from fingerprints.vocabularies import UNHURRIED


def test_form_is_pinned() -> None:
    """Recorded digests rest on it: keys sorted, no blanks, UTF-8."""
    data = {"b": [1, 2.5, True, None], "a": "ä"}
    assert canonical_json(data) == '{"a":"ä","b":[1,2.5,true,null]}'.encode()
    assert digest(data) == sha256(canonical_json(data)).hexdigest()


def test_integral_floats_are_integers_and_flags_are_not() -> None:
    assert digest({"a": 10000.0}) == digest({"a": 10000})
    assert digest({"a": True}) != digest({"a": 1})
    assert digest((1, 2)) == digest([1, 2])


@pytest.mark.parametrize("odd", [float("nan"), float("inf"), float("-inf"), "\ud800", 10**400])
def test_odd_values_have_a_digest(odd: Any) -> None:
    assert digest({"a": odd}) == digest({"a": odd})


def shuffled(data: Any, random: Random) -> Any:
    if isinstance(data, dict):
        keys = list(data)
        random.shuffle(keys)
        return {key: shuffled(data[key], random) for key in keys}
    return [shuffled(item, random) for item in data] if isinstance(data, list) else data


@pytest.mark.property
@UNHURRIED
@given(OBJECTS, st.integers(0, 9))
def test_order_of_keys_does_not_count(table: dict[str, Any], seed: int) -> None:
    assert digest(table) == digest(shuffled(table, Random(seed)))
