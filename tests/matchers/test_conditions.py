from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from famtree.matchers.conditions import Fit, judge
from famtree.registry.conditions import describe, fits, same, show
from famtree.types.family import Condition, TraitPolicy
from famtree.types.traits import Trait

FIXED = TraitPolicy(group="g", edit_rate=0.01, reason="test")
GROWING = TraitPolicy(group="g", edit_rate=0.01, grows=True, reason="test")


@pytest.mark.parametrize(
    ("condition", "value", "expected"),
    [
        (Condition(equals=32000), 32000, True),
        (Condition(equals=32000), 32001, False),
        (Condition(equals=1e-05), 9.99999974e-06, True),
        (Condition(equals=1), True, False),
        (Condition(equals=True), 1, False),
        (Condition(equals=2), (1, 2), True),
        (Condition(one_of=(5, 7)), 7, True),
        (Condition(one_of=(5, 7)), 6, False),
        (Condition(between=(10, 20)), 20, True),
        (Condition(between=(10, 20)), 21, False),
        (Condition(between=(0, 1)), "word", False),
        (Condition(contains=("a", "b")), ("a", "b", "c"), True),
        (Condition(contains=("a", "z")), ("a", "b"), False),
    ],
)
def test_fits(condition: Condition, value: object, expected: bool) -> None:
    assert fits(condition, value) is expected  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("rows", "fit"),
    [
        (32000, Fit.FITS),
        (32001, Fit.EXTENDED),
        (32512, Fit.EXTENDED),
        (32900, Fit.MISFITS),
        (31950, Fit.EXTENDED),
        (31000, Fit.MISFITS),
    ],
)
def test_rows_may_be_appended_or_trimmed(rows: int, fit: Fit) -> None:
    condition = Condition(equals=32000)
    assert judge(condition, Trait(rows, "header"), GROWING) is fit
    if fit is Fit.EXTENDED:
        assert judge(condition, Trait(rows, "header"), FIXED) is Fit.MISFITS


def test_absent() -> None:
    condition = Condition(absent=True)
    assert judge(condition, None, FIXED) is Fit.FITS
    assert judge(condition, Trait(1, "config"), FIXED) is Fit.MISFITS
    assert judge(Condition(equals=1), None, FIXED) is None


def test_words() -> None:
    assert describe(Condition(equals=True)) == "true"
    assert describe(Condition(one_of=(1, 2))) == "1 or 2"
    assert describe(Condition(absent=True)) == "absent"
    assert describe(Condition(between=(1, 2.5))) == "1 to 2.5"
    assert show(1000000.0) == "1000000"
    assert show(1e-05) == "1e-05"


@pytest.mark.property
@given(st.floats(allow_nan=False, allow_infinity=False), st.floats(allow_nan=False))
def test_same_is_symmetric(left: float, right: float) -> None:
    assert same(left, right) == same(right, left)
    assert same(left, left)
