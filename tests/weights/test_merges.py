"""Merges are found by their arithmetic, and nothing else is taken for one."""

from __future__ import annotations

import pytest

from famtree.weights import merges
from famtree.weights.merges import find_merge
from famtree.weights.results import MergeFit
from tiny_families import Family, narrow, quantize
from tiny_merges import merge_dare, merge_ties, mix, turn
from tiny_models import adapt, to_bfloat16, tune


def find(family: Family, child: str, base: str | None = "root") -> MergeFit | None:
    others = {name: one for name, one in family.weights.items() if name != child}
    return find_merge(family.weights[child], others, base=base)


def test_a_spherical_merge_is_found_beside_the_linear_one(family: Family) -> None:
    a, b = (tune(family.arrays["root"], seed, 0.4) for seed in (21, 22))
    family.add("far", a)
    family.add("further", b)
    family.add("linear", mix(a, b, 0.7))
    family.add("child", turn(a, b, 0.7))
    found = find(family, "child")
    assert found is not None
    assert set(found.parents) == {"far", "further"}


def test_linear_merges_name_parents_and_shares(family: Family) -> None:
    a, b = family.arrays["aa"], family.arrays["b"]
    family.add("child", mix(a, b, 0.3))
    found = find(family, "child")
    assert found is not None
    assert (found.kind, set(found.parents)) == ("linear", {"aa", "b"})
    assert dict(zip(found.parents, found.weights, strict=True))["aa"] == pytest.approx(
        0.3, abs=0.02
    )


@pytest.mark.parametrize("drop", [0.3, 0.5, 0.7, 0.9])
def test_dropped_deltas_are_seen_whatever_scales_them(family: Family, drop: float) -> None:
    sides = [family.arrays[name] for name in ("aa", "b")]
    family.add("child", merge_dare(family.arrays["root"], sides, drop))
    found = find(family, "child", None)
    assert found is not None
    assert (found.kind, set(found.parents), found.base) == ("sparse", {"aa", "b"}, "root")


@pytest.mark.parametrize("density", [0.3, 0.7])
def test_elected_deltas_are_seen_over_a_base_of_their_own(family: Family, density: float) -> None:
    family.add("ab", tune(family.arrays["a"], 21, 0.2))
    sides = [family.arrays[name] for name in ("aa", "ab")]
    family.add("child", merge_ties(family.arrays["a"], sides, density))
    found = find(family, "child")
    assert found is not None
    assert (found.kind, set(found.parents), found.base) == ("sparse", {"aa", "ab"}, "a")


def test_a_cast_does_not_stand_for_the_parent(family: Family) -> None:
    rounded = {name: to_bfloat16(values) for name, values in family.arrays["aa"].items()}
    family.weights = {"0": family.add("0", rounded, "F32"), **family.weights}
    family.add("child", mix(family.arrays["aa"], family.arrays["b"], 0.4))
    found = find(family, "child")
    assert found is not None
    assert set(found.parents) == {"aa", "b"}


def test_two_merges_of_one_pair_name_the_pair(family: Family) -> None:
    for name, share in (("m3", 0.3), ("m5", 0.5), ("m6", 0.6)):
        family.add(name, mix(family.arrays["aa"], family.arrays["b"], share))
    for name in ("m3", "m5", "m6"):
        found = find(family, name)
        assert found is not None
        assert set(found.parents) == {"aa", "b"}


def test_members_of_another_shape_hide_nothing(family: Family) -> None:
    family.add("narrow", narrow(family.arrays["a"]), intermediate_size=96)
    family.add("child", mix(family.arrays["aa"], family.arrays["b"], 0.4))
    found = find(family, "child")
    assert found is not None
    assert set(found.parents) == {"aa", "b"}


def test_a_parent_is_no_merge_of_its_descendants(family: Family) -> None:
    family.add("low", adapt(family.arrays["aa"], 31))
    sides = [family.arrays[name] for name in ("low", "b")]
    family.add("ties", merge_ties(family.arrays["root"], sides, 0.5))
    family.add("copy", quantize(family.arrays["low"]))
    for name in ("low", "aa", "b"):
        assert find(family, name) is None
    found = find(family, "ties")
    assert found is not None
    assert set(found.parents) == {"low", "b"}


@pytest.mark.parametrize(("other", "stands"), [(0.02, True), (0.003, False)])
def test_of_two_that_name_each_other_the_better_explained_stands(
    family: Family, monkeypatch: pytest.MonkeyPatch, other: float, stands: bool
) -> None:
    # "a" looks like a merge of the child as well, and leaves `other` unexplained.
    claims = [
        (MergeFit(("a", "b"), (0.5, 0.5), "linear", 0.0), 0.001),
        (MergeFit(("", "b"), (0.5, 0.5), "linear", 0.0), other),
        None,
    ]
    monkeypatch.setattr(merges, "_fit", lambda *_: claims.pop(0) if claims else None)
    found = find(family, "aa")
    assert (found is not None) is stands


def test_a_fit_that_leaves_rounding_unexplained_is_no_merge(family: Family) -> None:
    # Nearly between two members, as one that went on from a merge for a while.
    between = mix(family.arrays["aa"], family.arrays["b"], 0.5)
    family.add("child", tune(between, 41, 0.02))
    assert find(family, "child") is None


def test_a_chain_is_no_merge(family: Family) -> None:
    assert find(family, "aa") is None
