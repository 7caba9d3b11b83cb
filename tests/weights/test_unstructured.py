"""Models without blocks: where is looked is drawn, and copied values are no descent."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from famtree.weights.draw import Draw
from famtree.weights.open import Weights
from famtree.weights.pair import compare_weights
from famtree.weights.unstructured import MAX_BYTES, MAX_TENSORS, compare_tensors
from tiny_models import Arrays, open_model, tune

OUTPUTS, FEATURES = 3072, 96
"""At two bytes a value, twice as many outputs as are read."""


def make_network(seed: int, count: int = 3) -> Arrays:
    draw = np.random.default_rng(seed)
    shape = (OUTPUTS, FEATURES) if count <= 3 else (64, 64)
    return {
        f"stage_{at}.weight": draw.normal(0, 0.05, shape).astype(np.float32) for at in range(count)
    }


@pytest.fixture(scope="module")
def parent(tmp_path_factory: pytest.TempPathFactory) -> Weights:
    return open_model(tmp_path_factory.mktemp("parent"), make_network(1))


def copy(part: Callable[[Arrays, str], None]) -> Arrays:
    stranger = make_network(2)
    for name in stranger:
        part(stranger, name)
    return stranger


def copy_first_outputs(stranger: Arrays, name: str) -> None:
    read = MAX_BYTES // (2 * FEATURES)
    stranger[name][:read] = make_network(1)[name][:read]


def copy_first_features(stranger: Arrays, name: str) -> None:
    stranger[name][:, :64] = make_network(1)[name][:, :64]


def copy_some_outputs(stranger: Arrays, name: str) -> None:
    stranger[name][::3] = make_network(1)[name][::3]


@pytest.mark.parametrize("part", [copy_first_outputs, copy_first_features, copy_some_outputs])
def test_copied_values_are_no_descent(
    tmp_path: Path, parent: Weights, part: Callable[[Arrays, str], None]
) -> None:
    found = compare_weights(open_model(tmp_path, copy(part)), parent)
    assert found.verdict in ("undetermined", "partial", "independent")


@pytest.mark.parametrize("step", [0.01, 0.3, 1.0])
def test_children_are_descent_in_every_dtype(tmp_path: Path, parent: Weights, step: float) -> None:
    child = open_model(tmp_path, tune(make_network(1), 5, step), "F32")
    assert compare_weights(child, parent).verdict == "derived"
    assert compare_weights(parent, child).verdict == "derived"


def test_strangers_are_independent(tmp_path: Path, parent: Weights) -> None:
    assert compare_weights(open_model(tmp_path, make_network(3)), parent).verdict == "independent"


def test_every_place_can_be_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from famtree.weights import unstructured

    seen: list[tuple[str, int]] = []
    read = unstructured._read

    def note(weights: Weights, tensor, start: int, rows: int):  # type: ignore[no-untyped-def]
        seen.append((tensor.name, start))
        return read(weights, tensor, start, rows)

    monkeypatch.setattr(unstructured, "_read", note)
    many = make_network(1, count=MAX_TENSORS + 8)
    sides = [open_model(tmp_path / str(at), many) for at in (0, 1)]
    looks = []
    for secret in (b"one", b"two"):
        for pair in (sides, sides[::-1]):
            seen.clear()
            compare_tensors(pair[0], pair[1], Draw(secret, "", "nonce"))
            looks.append(set(seen))
    assert looks[0] == looks[1]
    assert looks[0] != looks[2]
    assert {len(look) for look in looks} == {MAX_TENSORS}
    large = [open_model(tmp_path / f"large{at}", make_network(1)) for at in (0, 1)]
    starts = []
    for secret in (b"one", b"two"):
        seen.clear()
        compare_tensors(large[0], large[1], Draw(secret, "", "nonce"))
        starts.append({start for _, start in seen})
    assert starts[0] != starts[1]
    assert all(len(own) == 3 for own in starts)
