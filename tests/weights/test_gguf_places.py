"""Where the bytes of a GGUF model's tensors lie, and what opening its weights costs."""

from __future__ import annotations

from pathlib import Path

import pytest

from examining import load_once, open_weights
from famtree.checkpoint.checkpoint import Checkpoint
from famtree.sources.local import LocalSource
from famtree.sources.open import open_source
from famtree.sources.reference import parse_reference
from famtree.weights.pair import compare_weights
from gguf_files import decoder_tensors, design_of, vocabulary_of, write_gguf
from hub.repository import make_file
from hub.server import HubServer
from packed_models import make_gguf
from tiny_models import make_model, open_model

TENSORS = decoder_tensors(layers=1)


@pytest.mark.parametrize("alignment", [None, 32, 64, 4096])
def test_data_starts_at_the_first_aligned_byte(tmp_path: Path, alignment: int | None) -> None:
    metadata = design_of("llama", block_count=1) | {"general.alignment": alignment}
    if alignment is None:
        del metadata["general.alignment"]
    head = write_gguf(metadata, TENSORS, data=False)
    (tmp_path / "m.gguf").write_bytes(write_gguf(metadata, TENSORS))
    weights = open_weights(LocalSource(parse_reference(str(tmp_path))))
    assert weights.data_start == {"m.gguf": len(head)}
    first = weights.tensors["model.embed_tokens.weight"]
    assert (first.begin, first.dtype, first.shape) == (0, "Q6_K", (1000, 256))
    assert first.end == 1000 * 210


def test_parts_are_placed_each_in_its_own_file(tmp_path: Path) -> None:
    names = list(TENSORS)
    design = design_of("llama", block_count=1)
    for number, own in ((1, names[:4]), (2, names[4:])):
        head = design if number == 1 else {}
        data = write_gguf({**head, "split.no": number}, {name: TENSORS[name] for name in own})
        (tmp_path / f"m-0000{number}-of-00002.gguf").write_bytes(data)
    weights = open_weights(LocalSource(parse_reference(str(tmp_path))))
    assert len(weights.data_start) == 2
    assert len(weights.tensors) == len(names)
    assert {one.file for one in weights.tensors.values()} == set(weights.data_start)


def test_a_header_is_fetched_once_whoever_asks(hub: HubServer) -> None:
    metadata = design_of("llama", block_count=1) | vocabulary_of(50_000)
    data = write_gguf(metadata, TENSORS)
    head = len(write_gguf(metadata, TENSORS, data=False))
    hub.add("org/x", {"x.gguf": make_file("x.gguf", data)})
    source = open_source(parse_reference("org/x"))
    one = Checkpoint(source, load_once())
    assert one.vocabulary is not None
    spent = source.cost
    assert one.weights.data_start
    assert one.vocabulary is not None
    assert source.cost.requests == spent.requests
    assert source.cost.bytes <= head + (4 << 20)


@pytest.mark.parametrize("heads", [1, 2, 8, 96, 1 << 12])
def test_heads_that_metadata_makes_up_end_no_comparison(tmp_path: Path, heads: int) -> None:
    model, key = make_model(1), b"llama.attention.head_count"
    data = bytearray(make_gguf(model))
    at = data.index(key) + len(key) + 4
    data[at : at + 4] = heads.to_bytes(4, "little")
    (tmp_path / "m.gguf").write_bytes(data)
    child = open_weights(LocalSource(parse_reference(str(tmp_path / "m.gguf"))))
    parent = open_model(tmp_path / "parent", model)
    assert compare_weights(child, parent).verdict in ("derived", "undetermined")
