from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from famtree.formats.escape import UNSAFE
from famtree.formats.json_report import render_json
from results import make_full_result


def test_document_is_golden(golden: Callable[[str, str], None]) -> None:
    golden("full.json", render_json(make_full_result().to_document()))


def test_keys_are_sorted_at_every_depth() -> None:
    text = render_json({"b": {"d": 1, "c": 2}, "a": [{"f": 1, "e": 2}]})
    assert list(json.loads(text)) == ["a", "b"]
    assert text.index('"c"') < text.index('"d"')
    assert text.index('"e"') < text.index('"f"')


def test_letters_stay_readable_and_controls_do_not() -> None:
    value = "通义 ü \x1b[31m \x7f \x9b \u202e \u200b \ud800 \U000e0041 \n"
    text = render_json({"a": value})
    assert "通义 ü" in text
    assert UNSAFE.findall(text) == ["\n"] * text.count("\n")
    assert "\\ud800" in text
    text.encode("utf-8")
    assert json.loads(text) == {"a": value}


@pytest.mark.parametrize(
    "value",
    [float("nan"), float("inf"), float("-inf"), 10**5000],
    ids=["nan", "infinity", "minus infinity", "too many digits"],
)
def test_what_json_cannot_say_is_null(value: float) -> None:
    assert json.loads(render_json({"a": [value, {"b": value}], "c": 1.5})) == {
        "a": [None, {"b": None}],
        "c": 1.5,
    }


TEXT = st.text(st.characters(exclude_categories=[]), max_size=20)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=10,
)


@pytest.mark.property
@given(st.dictionaries(TEXT, JSON, max_size=4))
def test_any_document_survives(document: dict[str, Any]) -> None:
    text = render_json(document)
    text.encode("utf-8")
    assert set(UNSAFE.findall(text)) <= {"\n"}
    assert json.loads(text) == document
