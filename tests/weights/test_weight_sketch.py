"""Sketches of weights, and the relatives they find."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from famtree.weights.pair import compare_weights
from famtree.weights.sketched_kin import find_kin, find_parent
from famtree.weights.weight_sketch import MAX_TEXT, Sketch, compare_signs, read_sketch, take_sketch
from tiny_models import Arrays, make_model, open_model, tune

BASE = make_model(1)


def sketch(folder: Path, name: str, arrays: Arrays, **config: Any) -> Sketch:
    found = take_sketch(open_model(folder / name, arrays, **config))
    assert found is not None
    return found


def test_text_gives_the_sketch_back(tmp_path: Path) -> None:
    own = sketch(tmp_path, "base", BASE)
    text = own.to_text()
    again = read_sketch(text)
    assert again is not None
    assert again.to_text() == text
    assert len(text) < MAX_TEXT


@pytest.mark.parametrize(
    "text",
    ["", "1.1.128.4", "1.1.128.4.", "1.1.128.4.****", "1.1.128.4.AAAA", "2.1.128.4.AAAA",
     "1.1.0.4.AAAA", "1.1.-8.4.AAAA", "1.1.99999999999.4.AAAA", "1.1.8.4." + "A" * MAX_TEXT,
     "x.1.128.4.AAAA", "1.1.1e9.4.AAAA"],
)  # fmt: skip
def test_what_is_no_sketch_is_none(text: str) -> None:
    assert read_sketch(text) is None


def test_signs_tell_what_the_values_tell(tmp_path: Path) -> None:
    tuned = tune(BASE, 3, 0.5)
    own, other = sketch(tmp_path, "base", BASE), sketch(tmp_path, "tuned", tuned)
    found = compare_signs(own, other)
    values = compare_weights(
        open_model(tmp_path / "base", BASE), open_model(tmp_path / "tuned", tuned)
    ).column
    assert found is not None
    assert values is not None
    assert found.z > 6
    assert found.cosine == pytest.approx(values.cosine, abs=0.03)


def test_strangers_have_a_standard_normal_z(tmp_path: Path) -> None:
    sketches = [sketch(tmp_path, str(seed), make_model(seed)) for seed in range(16)]
    scores = [
        found.z
        for at, left in enumerate(sketches)
        for right in sketches[at + 1 :]
        if (found := compare_signs(left, right)) is not None
    ]
    assert len(scores) == 120
    assert abs(np.mean(scores)) < 0.3
    assert 0.8 < np.std(scores) < 1.2
    assert max(scores) < 4


def test_the_way_down_is_followed_as_far_as_it_is_proven(tmp_path: Path) -> None:
    child = tune(BASE, 3, 0.3)
    others = {
        "base": sketch(tmp_path, "base", BASE),
        "child": sketch(tmp_path, "child", child),
        "sibling": sketch(tmp_path, "sibling", tune(BASE, 4, 0.3)),
        "stranger": sketch(tmp_path, "stranger", make_model(2)),
    }
    known = {"child": ["base"], "sibling": ["base"]}
    own = sketch(tmp_path, "own", tune(child, 5, 0.1))
    kin = find_kin(own, others)
    assert [one.name for one in kin] == ["child", "base", "sibling"]
    parent = find_parent(own, kin, others, known)
    assert parent is not None
    assert parent.name == "child"
    third = sketch(tmp_path, "third", tune(BASE, 6, 0.3))
    kin = find_kin(third, others)
    parent = find_parent(third, kin, others, known)
    assert parent is not None
    assert parent.name == "base"


def test_without_known_links_no_relative_is_the_parent(tmp_path: Path) -> None:
    others = {
        "base": sketch(tmp_path, "base", BASE),
        "child": sketch(tmp_path, "child", tune(BASE, 3, 0.3)),
    }
    own = sketch(tmp_path, "own", tune(BASE, 5, 0.1))
    kin = find_kin(own, others)
    assert len(kin) == 2
    assert find_parent(own, kin, others, {}) is None


def test_a_shared_initialisation_is_no_descent(tmp_path: Path) -> None:
    others = {"far": sketch(tmp_path, "far", tune(BASE, 3, 3.0))}
    own = sketch(tmp_path, "own", tune(BASE, 5, 1.0))
    (kin,) = find_kin(own, others)
    assert kin.z > 6
    assert not kin.derived
    assert find_parent(own, [kin], others, {}) is None


def test_equal_values_are_told(tmp_path: Path) -> None:
    others = {"base": sketch(tmp_path, "base", BASE), "near": sketch(tmp_path, "n", tune(BASE, 3))}
    kin = find_kin(sketch(tmp_path, "own", BASE), others)
    assert [(one.name, one.same) for one in kin] == [("base", True), ("near", False)]
