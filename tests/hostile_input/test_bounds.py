"""Files as large as they are read, of every nasty shape: within 300 MB and some seconds.

Folders have a quarter of the files that are read, since to make them takes most of the time;
`benchmarks/hostile.py` makes them all.
"""

from __future__ import annotations

import sys
from contextlib import nullcontext
from pathlib import Path

import pytest

from hostile_input.conftest import Identify
from hostile_input.runner import MAX_MEGABYTES, MAX_SECONDS
from hostile_input.shapes.listings import LISTINGS, serve
from hostile_input.shapes.shape import Shape
from hostile_input.shapes.table import SHAPES

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="forks and resource limits")


def test_there_are_shapes_of_every_parser() -> None:
    names = [(shape.parser, shape.name) for shape in SHAPES]
    assert len(names) == len(set(names)) > 200
    assert {parser for parser, _ in names} >= {
        "safetensors header", "index", "config", "tokenizer.json", "SentencePiece", "tiktoken",
        "tekken", "GGUF", "ONNX", "PyTorch archive", "card", "mergekit", "adapter", "template",
        "scan rows", "atlas input", "Hub listing",
    }  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: f"{shape.parser}: {shape.name}")
def test_a_file_of_a_nasty_shape(
    shape: Shape, identify: Identify, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = tmp_path / "checkpoint"
    largest = shape.largest // 4 if shape.parser == "folder" else shape.largest
    for name, content in shape.make(largest).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    command, *arguments = shape.give_arguments(folder)
    with serve(folder) if shape in LISTINGS else nullcontext("") as endpoint:
        if endpoint:
            monkeypatch.setenv("HF_ENDPOINT", endpoint)
        done = identify(*arguments, command=command)
    several = "is no checkpoint itself" in done["err"]
    usual = (2,) if several else (0, 3, 4) if command == "identify" else (0, 2)
    assert done["code"] in usual, f"{done['err'][-3000:]}\n{done['out'][:2000]}"
    assert "Traceback" not in done["err"]
    assert done["seconds"] < 2 * MAX_SECONDS, done["seconds"]
    assert done["megabytes"] < MAX_MEGABYTES, done["megabytes"]
    for path in folder.rglob("*"):  # gigabytes in all
        if path.is_file():
            path.unlink()
