"""Descent is not claimed where an initialisation explains what is alike."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from famtree.weights import learned_directions
from famtree.weights.open import Weights
from famtree.weights.pair import compare_weights
from tiny_models import Arrays, make_model, open_model, tune


def learn(model: Arrays, seed: int, strength: float = 0.02) -> Arrays:
    """Return `model` after a training: strong directions of every matrix, and noise."""
    draw = np.random.default_rng([seed, 9])
    found = {}
    for name, values in tune(model, seed, 0.1).items():
        added = np.zeros(values.shape)
        if values.ndim == 2:
            rows, columns = values.shape
            added = strength * draw.normal(size=(rows, 2)) @ draw.normal(size=(2, columns))
        found[name] = (values + added).astype(np.float32)
    return found


@pytest.fixture(scope="module")
def sides(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Weights]:
    place = tmp_path_factory.mktemp("learned")
    start = make_model(1)
    one, other = learn(start, 3), learn(start, 4)
    far = tune(one, 5, 0.4)
    slight = {name: one[name] if "v_proj" in name else values for name, values in start.items()}
    models = {
        "slight": slight, "from slight": tune(slight, 8, 0.15),
        "one": one, "other": other, "far": far,
        "child": learn(one, 6, 0.003), "sibling": learn(one, 7, 0.003),
        "decayed": {name: 0.7 * values for name, values in far.items()},
        "start": start,
    }  # fmt: skip
    return {name: open_model(place / name, arrays) for name, arrays in models.items()}


@pytest.mark.parametrize(
    ("child", "parent", "verdict"),
    [
        ("one", "other", "shared-init"),
        ("other", "child", "shared-init"),
        ("child", "one", "derived"),
        ("one", "child", "derived"),
        ("sibling", "child", "derived"),
        ("far", "one", "derived"),
        ("decayed", "one", "derived"),
        ("one", "start", "derived"),
        ("from slight", "slight", "shared-init"),
    ],
)
def test_what_one_start_explains_is_no_descent(
    sides: dict[str, Weights], child: str, parent: str, verdict: str
) -> None:
    found = compare_weights(sides[child], sides[parent])
    assert found.verdict == verdict, found.reason


def test_weights_without_structure_tell_nothing(tmp_path: Path) -> None:
    models = tune(make_model(1), 3, 0.5), tune(make_model(1), 4, 0.5)
    child, parent = (open_model(tmp_path / str(at), one) for at, one in enumerate(models))
    draw = compare_weights(child, parent).draw
    assert draw is not None
    learned = learned_directions.compare_learned(child, parent, draw)
    assert learned is None or not learned.only_began_alike
