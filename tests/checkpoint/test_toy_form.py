"""A form that nobody has is one class and one line of the table: every command knows it then.

Its files end with a JSON table of tensors and the eight bytes that tell its length.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest

from famtree import api
from famtree.checkpoint.forms import table
from famtree.checkpoint.forms.folder import Folder
from famtree.checkpoint.gathered import Gathered, OnProgress
from famtree.sources.header_plan import HeaderPlan
from famtree.types.checkpoint import CheckpointFormat, Listing, TensorIndex, TensorInfo
from famtree.types.comparison import Answer, Comparison
from famtree.weights.open import Weights, open_safetensors_weights
from tiny_models import Arrays, encode, files_of, make_model, tune, write_model

FILE = "weights.toy"


class Toy(Folder):
    name = cast(CheckpointFormat, "toy")
    suffixes = (".toy",)

    @classmethod
    def recognises(cls, listing: Listing) -> bool:
        return listing.find(FILE) is not None

    def gather(self, listing: Listing, report: Callable[[str], None], *, headers: bool) -> Gathered:
        found = super().gather(listing, report, headers=headers)
        found.plan = HeaderPlan(shards=(FILE,))
        if headers:
            found.index = self._read_table(listing)
        return found

    def open_weights(self, found: Gathered, on_progress: OnProgress | None = None) -> Weights:
        return open_safetensors_weights(
            self.source, found.listing, found.plan, found.config, found.index
        )

    def _read_table(self, listing: Listing) -> TensorIndex:
        entry = listing.find(FILE)
        assert entry is not None
        assert entry.size is not None
        length = int.from_bytes(self._read(entry.size - 8, entry.size), "little")
        rows = json.loads(self._read(entry.size - 8 - length, entry.size - 8))
        tensors = {
            name: TensorInfo(
                name, row["dtype"], tuple(row["shape"]), begin=begin, end=end, file=FILE
            )
            for name, row in rows.items()
            for begin, end in [row["data_offsets"]]
        }
        return TensorIndex(
            tensors=tensors, names=frozenset(tensors), complete=True, files=(FILE,),
            data_starts={FILE: 0},
        )  # fmt: skip

    def _read(self, start: int, stop: int) -> bytes:
        data = self.source.read_ranges({FILE: (start, stop)})[FILE]
        assert isinstance(data, bytes)
        return data


def write_toy(folder: Path, arrays: Arrays, parent: str | None = None) -> str:
    """Write the checkpoint as a toy: data first, the table of safetensors' header behind it."""
    files = files_of(arrays)
    whole = encode(arrays)
    length = int.from_bytes(whole[:8], "little")
    text, data = whole[8 : 8 + length], whole[8 + length :]
    del files["model.safetensors"]
    files[FILE] = data + text + len(text).to_bytes(8, "little")
    if parent is not None:
        files["README.md"] = f"---\nbase_model: {parent}\n---\n".encode()
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return str(folder)


def find(found: Comparison, question: str) -> Answer:
    return next(one for one in found.interchange if one.question == question and not one.engine)


@pytest.fixture
def toys(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> tuple[str, str]:
    monkeypatch.setattr(table, "FORMS", [Toy, *table.FORMS])
    base = write_toy(tmp_path / "acme__base", make_model(1))
    return base, write_toy(tmp_path / "acme__child", tune(make_model(1), 3), "acme/base")


def test_it_is_identified_as_its_twin_in_safetensors(toys: tuple[str, str], tmp_path: Path) -> None:
    twin = api.identify(str(write_model(tmp_path / "twin", make_model(1))))
    found = api.identify(toys[0])
    assert found.to_document()["checkpoint"]["format"] == "toy"
    assert found.fingerprint == twin.fingerprint
    assert found.parameters == twin.parameters is not None
    assert (found.outcome, found.candidates) == (twin.outcome, twin.candidates)
    assert found.completeness == twin.completeness


def test_it_is_compared_and_fits_into_memory(toys: tuple[str, str], tmp_path: Path) -> None:
    base, child = toys
    found = api.compare(base, child)
    assert (found.relation.architecture, found.relation.tokenizer) == ("identical", "identical")
    lineage = found.relation.lineage
    assert (lineage.verdict, lineage.status) == ("b-derives-from-a", "consistent")
    twins = [
        str(write_model(tmp_path / name, arrays))
        for name, arrays in (("one", make_model(1)), ("two", tune(make_model(1), 3)))
    ]
    known = api.compare(*twins)
    sizes = find(found, "memory").figures
    assert sizes == find(known, "memory").figures
    assert any("weight" in name for name in sizes)


def test_its_weights_are_sampled(toys: tuple[str, str], tmp_path: Path) -> None:
    base, child = toys
    found = api.compare(child, base, verify=True).relation.lineage
    assert (found.verdict, found.status) == ("a-derives-from-b", "verified")
    stranger = write_toy(tmp_path / "acme__stranger", make_model(2), "acme/base")
    found = api.compare(stranger, base, verify=True).relation.lineage
    assert (found.verdict, found.status) == ("independent", "contradicted")
