from __future__ import annotations

import json
import re
from importlib import import_module
from importlib.resources import files

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import ROOT
from famtree.fingerprints.quantization import read_quantization
from famtree.packings import values_rows
from famtree.packings.catalog import forget, list_packings, load_methods, load_parts, recognise
from famtree.packings.packing import Method, Packing
from fingerprints.tensors_of import index_of

NEEDED = {leaf.replace("*", "bitsandbytes__nf4") for packing in list_packings()
          for sign in packing.signs for leaf in sign.needs}  # fmt: skip
HELPING = {"weight", "bias", "g_idx", "qzeros", "q_perm", "perm", "weight_scale", "weight._scale",
           "_weight_scale", "tables", "scale", "q_scale_max", "biases", "weight_zero_point",
           "res_centroids.weight"}  # fmt: skip
PARTS = sorted(NEEDED | HELPING)
DTYPES = ["U8", "I8", "I16", "I32", "U32", "I64", "F16", "BF16", "F32", "F8_E4M3", "F8_E8M0"]


@pytest.mark.property
@settings(max_examples=400, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(PARTS),
        st.tuples(st.sampled_from(DTYPES), st.lists(st.integers(0, 70), max_size=4)),
        max_size=7,
    ),
    st.text(max_size=20),
)
def test_no_combination_of_parts_is_an_error(
    leaves: dict[str, tuple[str, list[int]]], note: str
) -> None:
    tensors = {f"model.layers.0.mlp.down_proj.{leaf}": f"{kind}: {' '.join(map(str, shape))}"
               for leaf, (kind, shape) in leaves.items()}  # fmt: skip
    tensors["model.layers.0.input_layernorm.weight"] = f"{len(note)}"
    index = index_of(tensors)
    index.header_metadata["model.layers.0.mlp.down_proj.weight"] = note
    found, _ = read_quantization({}, {}, index)
    if found is not None and found.effective_bits_per_weight is not None:
        assert found.effective_bits_per_weight >= 0


def test_the_tables_name_each_other() -> None:
    known, leaves = load_methods().methods, load_parts().leaves
    for packing in list_packings():
        assert set(packing.methods) <= known.keys(), packing.name
        assert (packing.values is None) == bool(packing.unread), packing.name
        assert packing.unpack({}).weights is None
        for leaf in {leaf for sign in packing.signs for leaf in sign.needs}:
            # The last component is split off by the table, "weight." and submodules by rule.
            assert leaf in leaves or leaf.startswith("weight.") or leaf in (
                "", "blocks", "centroids.weight"), leaf  # fmt: skip


def test_every_function_of_the_table_is_there() -> None:
    table = json.loads(files("famtree.packings").joinpath("data/packings.json").read_bytes())
    for entry in table["packings"]:
        for key in entry.keys() & {"geometry", "values"}:
            module, _, name = entry[key].partition(".")
            assert callable(getattr(import_module(f"famtree.packings.{module}"), name))


def test_what_the_page_shows_is_a_definition() -> None:
    text = (ROOT / "docs" / "add-a-quantization-layout.md").read_text(encoding="utf-8")
    layout, method = re.findall(r"```json\n(.*?)```", text, re.DOTALL)
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    packing = msgspec.json.decode(layout, type=Packing, dec_hook=lambda _, name: name.split)
    assert packing.find_codes({"codes4": 1}) == 1
    assert callable(values_rows.make_pairs)
    assert msgspec.json.decode(method, type=Method).bits == ("bits", "w_bit")
    try:
        exec(code, {})
        index = index_of({"a.0.b.codes4": "U8: 8 4", "a.0.b.steps": "F8_E4M3: 8 1"})
        found, _ = read_quantization({}, {}, index)
    finally:
        forget()
    assert found is not None
    assert (found.method, found.packing, found.granularity) == (
        "example", "example-fp4", "channel")  # fmt: skip


def test_plain_modules_have_no_packing() -> None:
    for tensors in ({"weight": "BF16: 4 4"}, {"weight": "F32: 4", "bias": "F32: 4"}, {"": "4"}):
        index = index_of({f"a.{leaf}".rstrip("."): text for leaf, text in tensors.items()})
        assert (
            recognise({leaf.removeprefix("a."): one for leaf, one in index.tensors.items()}) is None
        )


@pytest.mark.parametrize(
    "text",
    [
        '{"_data": {"block_size": [0, 32]}}',
        '{"_data": {"target_dtype": {"_data": "int"}}}',
        "[" * 5000,
        "{}",
        "null",
    ],
)
def test_odd_metadata_says_nothing(text: str) -> None:
    index = index_of({"a.0.mlp.down_proj._weight_qdata": "I8: 64 64",
                      "a.0.mlp.down_proj._weight_scale": "F32: 64 1"})  # fmt: skip
    index.header_metadata["a.0.mlp.down_proj.weight"] = text
    found, _ = read_quantization({}, {}, index)
    assert found is not None
    assert (found.bits, found.granularity) == (8, "channel")
