"""Where the bytes of a GGUF file's tensors lie."""

from __future__ import annotations

from pathlib import Path

import pytest

from famtree.errors import UnreadableError
from famtree.sources import gguf_open
from famtree.sources.gguf_files import choose_main, group_files
from famtree.sources.gguf_open import place_tensors, read_headers
from famtree.sources.local import LocalSource
from famtree.sources.reference import parse_reference
from gguf_files import Raw, decoder_tensors, design_of, vocabulary_of, write_gguf
from hub.repository import make_file
from hub.server import HubServer

TENSORS = decoder_tensors(layers=1)


@pytest.mark.parametrize("alignment", [None, 32, 64, 4096])
def test_data_starts_at_the_first_aligned_byte(tmp_path: Path, alignment: int | None) -> None:
    metadata = design_of("llama", block_count=1) | {"general.alignment": alignment}
    if alignment is None:
        del metadata["general.alignment"]
    head = write_gguf(metadata, TENSORS, data=False)
    whole = write_gguf(metadata, TENSORS)
    (tmp_path / "m.gguf").write_bytes(whole)
    source = LocalSource(parse_reference(str(tmp_path)))
    chosen = choose_main(group_files(source.list_files().files))
    assert chosen is not None
    (header,) = read_headers(source, chosen)
    assert header.data_start == len(head)
    placed = place_tensors(header)
    assert list(placed) == list(TENSORS)
    first, last = placed["token_embd.weight"], placed["blk.0.ffn_down.weight"]
    assert (first.start, first.info.dtype, first.info.shape) == (len(head), "Q6_K", (1000, 256))
    assert first.stop - first.start == 1000 * 210
    assert last.stop == len(whole)


def test_parts_are_placed_each_in_its_own_file(tmp_path: Path) -> None:
    names = list(TENSORS)
    for number, own in ((1, names[:4]), (2, names[4:])):
        data = write_gguf({"split.no": number}, {name: TENSORS[name] for name in own})
        (tmp_path / f"m-0000{number}-of-00002.gguf").write_bytes(data)
    source = LocalSource(parse_reference(str(tmp_path)))
    (chosen,) = group_files(source.list_files().files)
    found = [place_tensors(header) for header in read_headers(source, chosen)]
    assert [list(one) for one in found] == [names[:4], names[4:]]
    assert found[1][names[4]].info.file == "m-00002-of-00002.gguf"
    assert found[1][names[4]].info.begin == 0


def test_a_header_too_long_for_the_network_says_so(
    hub: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    from famtree.sources.open import open_source

    metadata = vocabulary_of(100_000) | {"filler": Raw("f32", [0.5] * 100)}
    hub.add("org/x", {"x.gguf": make_file("x.gguf", write_gguf(metadata, TENSORS))})
    source = open_source(parse_reference("org/x"))
    (chosen,) = group_files(source.list_files().files)
    assert read_headers(source, chosen)[0].complete
    monkeypatch.setattr(gguf_open, "DESIGN_LIMIT", 1000)
    monkeypatch.setattr(gguf_open, "FULL_LIMIT", 100_000)
    with pytest.raises(UnreadableError, match="longer than"):
        read_headers(source, chosen)
