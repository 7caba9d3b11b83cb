"""A layout that is one definition passes everything that asks about layouts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from famtree import api
from famtree.packings import catalog
from famtree.types.identification import Identification
from famtree.weights.pair import compare_weights
from famtree.weights.read import Window, read_windows
from packings.toy_packing import METHOD, TOY, pack
from tiny_models import make_model, open_folder, write_model

STATED = {"quant_method": "toy", "toy_bits": 4, "toy_format": "first"}


@pytest.fixture
def registered() -> Iterator[None]:
    catalog.register(TOY, METHOD)
    yield
    catalog.forget()


def pack_model(layers: int = 4) -> dict[str, NDArray[Any]]:
    arrays: dict[str, NDArray[Any]] = {}
    for name, values in make_model(1, layers=layers).items():
        if ".layers." in name and values.ndim == 2:
            arrays |= pack(name.removesuffix(".weight"), values)
        else:
            arrays[name] = values
    return arrays


def write_toy(folder: Path, **stated: Any) -> str:
    return str(write_model(folder, pack_model(), "F32", quantization_config=STATED | stated))


def identify(folder: Path, **stated: Any) -> Identification:
    return api.identify(write_toy(folder, **stated), offline=True)


@pytest.mark.usefixtures("registered")
def test_it_is_named_and_measured(tmp_path: Path) -> None:
    found = identify(tmp_path / "toy")
    plain = api.identify(str(write_model(tmp_path / "plain", make_model(1))), offline=True)
    told = found.quantization
    assert told is not None
    assert (told.method, told.packing, told.bits, told.checkpoint_format, told.granularity) == (
        "toy", "toy-nibbles", 4, "first", "channel")  # fmt: skip
    assert told.source == "config"
    assert [form.packing for form in told.forms] == ["toy-nibbles", "plain"]
    assert found.parameters == plain.parameters
    stored = sum(one.nbytes for one in pack_model().values())
    assert told.effective_bits_per_weight == round(8 * stored / (found.parameters or 1), 4)
    assert found.warnings == plain.warnings


@pytest.mark.usefixtures("registered")
@pytest.mark.parametrize(
    ("stated", "word"), [({"toy_bits": 8}, "4"), ({"quant_method": "gptq"}, "toy")]
)
def test_a_wrong_declaration_is_a_disagreement(
    tmp_path: Path, stated: dict[str, Any], word: str
) -> None:
    found = identify(tmp_path, **stated)
    assert found.quantization is not None
    assert (found.quantization.method, found.quantization.bits) == ("toy", 4)
    (warning,) = [one for one in found.warnings if "quantization" in one.message]
    assert word in warning.message


@pytest.mark.usefixtures("registered")
def test_it_is_compared_and_its_memory_is_known(tmp_path: Path) -> None:
    plain = str(write_model(tmp_path / "plain", make_model(1), "F32"))
    toy = write_toy(tmp_path / "toy")
    found = api.compare(plain, toy, offline=True, verify=True)
    assert [(one.trait, one.a, one.b) for one in found.differences] == [
        ("quantization", "none", "toy toy-nibbles 4 bit")
    ]
    memory = next(
        one for one in found.interchange if one.question == "memory" and one.engine is None
    )
    assert memory.figures["weight_bytes"] == sum(one.nbytes for one in pack_model().values())
    assert found.relation.architecture == "identical"
    assert (found.relation.lineage.verdict, found.relation.lineage.status) == (
        "related", "verified")  # fmt: skip


@pytest.mark.usefixtures("registered")
def test_its_values_are_read(tmp_path: Path) -> None:
    weights = open_folder(Path(write_toy(tmp_path / "toy")))
    window = Window("gate", 2, (1, 30, 31), (9, 121))
    found = read_windows(weights, [window])
    assert weights.reading.unread == []
    wanted = make_model(1)["model.layers.2.mlp.gate_proj.weight"][[1, 30, 31], 9:121]
    steps = np.abs(make_model(1)["model.layers.2.mlp.gate_proj.weight"]).max(axis=1) / 7
    assert np.abs(found[window] - wanted).max() <= steps.max() / 2 + 1e-6
    parent = open_folder(write_model(tmp_path / "plain", make_model(1)))
    assert compare_weights(weights, parent).verdict == "derived"


def test_without_its_definition_it_is_not_known(tmp_path: Path) -> None:
    # Of another depth: what is told of the same headers is remembered.
    folder = write_model(tmp_path, pack_model(3), "F32", quantization_config=STATED)
    found = api.identify(str(folder), offline=True).quantization
    assert found is not None
    assert (found.method, found.packing, found.bits) == ("toy", None, None)
    weights = open_folder(folder)
    assert read_windows(weights, [Window("gate", 2, (0,), (0, 8))]) == {}
