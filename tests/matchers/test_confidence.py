from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from famtree.matchers.confidence import (
    CEILING,
    CONFLICT_FACTORS,
    CUSTOM_CEILING,
    DISPUTED_FACTOR,
    OWN_NAME_CEILING,
    calibrate,
)

shares = st.floats(0, 1)
counts = st.integers(0, 40)


def test_belief_passes_through_below_the_ceiling() -> None:
    assert calibrate(0.6, conflicts=0, custom=False) == 0.6
    assert calibrate(0.6, conflicts=0, custom=True) == 0.6


def test_nothing_is_certain() -> None:
    assert calibrate(1.0, conflicts=0, custom=False) == CEILING < 1


def test_a_shape_nobody_published_is_never_confident() -> None:
    assert calibrate(1.0, conflicts=0, custom=True) == CUSTOM_CEILING < 0.9


def test_a_name_of_its_own_vouches_for_a_shape_nobody_published() -> None:
    assert calibrate(1.0, conflicts=0, custom=True, own_name=True) == OWN_NAME_CEILING < CEILING
    assert calibrate(1.0, conflicts=1, custom=True, own_name=True) < 0.9


@pytest.mark.parametrize("conflicts", [1, 2, 3, 30])
def test_a_contradicted_answer_is_never_confident(conflicts: int) -> None:
    assert calibrate(1.0, conflicts=conflicts, custom=False) < 0.9


def test_contradictions_count_up_to_the_last_factor() -> None:
    values = [calibrate(1.0, conflicts=count, custom=False) for count in range(6)]
    known = len(CONFLICT_FACTORS)
    assert values[:known] == sorted(set(values), reverse=True)
    assert set(values[known - 1 :]) == {values[-1]}


def test_a_disputed_generation_is_never_confident() -> None:
    assert 0.5 < CEILING * DISPUTED_FACTOR < 0.9


@pytest.mark.parametrize("share", [-1.0, 2.0])
def test_a_share_out_of_range_is_cut(share: float) -> None:
    assert 0 <= calibrate(share, conflicts=0, custom=False) <= CEILING


@pytest.mark.property
@given(shares, shares, counts, st.booleans())
def test_more_belief_is_never_less_confidence(
    one: float, other: float, conflicts: int, custom: bool
) -> None:
    low, high = sorted((one, other))
    assert calibrate(low, conflicts=conflicts, custom=custom) <= calibrate(
        high, conflicts=conflicts, custom=custom
    )


@pytest.mark.property
@given(shares, counts, st.booleans())
def test_a_contradiction_never_helps(share: float, conflicts: int, custom: bool) -> None:
    more = calibrate(share, conflicts=conflicts + 1, custom=custom)
    assert more <= calibrate(share, conflicts=conflicts, custom=custom)
