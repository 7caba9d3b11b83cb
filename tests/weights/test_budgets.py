"""What is read of strangers stays within bounds, however wide or deep they are."""

from __future__ import annotations

import pytest

from famtree.weights import probing, row_gram, token_probe
from famtree.weights.draw import make_draw
from famtree.weights.open import Weights
from famtree.weights.row_gram import compare_grams
from famtree.weights.token_probe import prepare_probe
from tiny_models import HIDDEN, LAYERS, cut_layers, make_model, open_model, rotate


@pytest.fixture(scope="module")
def sides(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Weights]:
    place = tmp_path_factory.mktemp("budgets")
    cut = cut_layers(rotate(make_model(1), 3), list(range(1, LAYERS)))
    models = {"parent": make_model(1), "cut": cut, "stranger": make_model(2, layers=LAYERS - 1)}
    return {name: open_model(place / name, arrays, "F32") for name, arrays in models.items()}


def test_layers_of_unequal_depth_are_found_by_how_their_rows_lie(
    sides: dict[str, Weights],
) -> None:
    found = {}
    for name in ("cut", "stranger"):
        draw = make_draw(sides[name], sides["parent"], nonce="a")
        test = compare_grams(sides[name], sides["parent"], draw)
        assert test is not None
        assert test.values
        found[name] = test.z
    assert found["cut"] > 6
    assert found["stranger"] < 4


def test_fewer_neurons_and_then_fewer_layers_are_tried_where_many_do_not_fit(
    sides: dict[str, Weights], monkeypatch: pytest.MonkeyPatch
) -> None:
    child, parent = sides["stranger"], sides["parent"]
    probe = prepare_probe(child, parent, make_draw(child, parent, nonce="a"))
    assert probe is not None
    pairs = [(0, other) for other in range(parent.depth)]
    size = token_probe.neuron_bytes(probe)
    assert size == 2 * 4 * HIDDEN
    for neurons, layers in ((64, parent.depth), (20, parent.depth), (16, 2)):
        most = size * neurons * layers
        monkeypatch.setattr(probing, "MAX_ORDERED_BYTES", most)
        assert probing._fit_neurons(probe, pairs) == (pairs[:layers], neurons)


def test_what_does_not_fit_counts_as_not_looked_at(
    sides: dict[str, Weights], monkeypatch: pytest.MonkeyPatch
) -> None:
    child, parent = sides["stranger"], sides["parent"]
    draw = make_draw(child, parent, nonce="a")
    probe = prepare_probe(child, parent, draw)
    assert probe is not None
    assert probing.covers_neurons(probe)
    size = token_probe.match_bytes(parent, 0)
    assert size is not None
    monkeypatch.setattr(probing, "MAX_BYTES", size * (parent.depth - 1))
    assert not probing.covers_neurons(probe)
    monkeypatch.setattr(row_gram, "MAX_BYTES", 64)
    assert compare_grams(child, parent, draw) is None
