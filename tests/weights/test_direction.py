"""Which of two looks like the earlier one: said where it can be told, whatever was done."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from famtree.weights.direction import find_direction
from famtree.weights.operation import describe_operation
from tiny_models import HIDDEN, Arrays, make_model, open_model, tune

WRITERS = ("o_proj", "down_proj")


def ablate(model: Arrays) -> Arrays:
    """Project one direction out of all that is written to the residual stream."""
    direction = np.random.default_rng(4).normal(size=HIDDEN)
    direction /= np.linalg.norm(direction)
    found = dict(model)
    for name, values in model.items():
        if any(part in name for part in WRITERS):
            found[name] = (values - np.outer(direction, direction @ values)).astype(np.float32)
    return found


def decay(model: Arrays) -> Arrays:
    return tune({name: values * np.float32(0.998) for name, values in model.items()}, 3, 0.02)


def scale(model: Arrays) -> Arrays:
    return {name: values * np.float32(0.9) if any(part in name for part in WRITERS) else values
            for name, values in model.items()}  # fmt: skip


def mix_in(model: Arrays) -> Arrays:
    other = make_model(7)
    return {name: (0.8 * values + 0.2 * other[name]).astype(np.float32)
            for name, values in model.items()}  # fmt: skip


def trim(model: Arrays) -> Arrays:
    found = tune(model, 3, 0.001)
    for name in ("model.embed_tokens.weight", "lm_head.weight"):
        found[name] = found[name][:-256]
    return found


CHANGES: dict[str, Callable[[Arrays], Arrays]] = {
    "ablated": ablate, "decayed": decay, "scaled": scale, "mixed with a stranger": mix_in,
    "vocabulary trimmed": trim,
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_no_change_turns_the_arrow(tmp_path: Path, change: str) -> None:
    parent = open_model(tmp_path / "parent", make_model(1))
    child = open_model(tmp_path / "child", CHANGES[change](make_model(1)))
    assert find_direction(parent, child).parent in (None, "a")
    assert find_direction(child, parent).parent in (None, "b")


def test_growth_is_a_hint(tmp_path: Path) -> None:
    parent = open_model(tmp_path / "parent", make_model(1))
    child = open_model(tmp_path / "child", tune(make_model(1), 3, 0.1))
    found = find_direction(parent, child)
    assert (found.parent, found.arrow) in (("a", "growth"), ("a", "decay"))


def test_an_ablated_direction_is_told(tmp_path: Path) -> None:
    parent = open_model(tmp_path / "parent", make_model(1))
    child = open_model(tmp_path / "child", ablate(make_model(1)))
    assert describe_operation(child, parent).name == "ablated direction"
    tuned = open_model(tmp_path / "tuned", tune(make_model(1), 3))
    assert describe_operation(tuned, parent).name != "ablated direction"
