"""Folders that hold several checkpoints, and where they are."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from famtree.errors import UnreadableError, UsageError
from famtree.sources.local import LocalSource
from famtree.sources.nested import list_nested, walk_checkpoints
from famtree.sources.reference import parse_reference

DESIGN = json.dumps({"model_type": "llama"})


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["config.json", "a/config.json", "b/config.json"], []),
        (["tokenizer.json", "checkpoint-1/config.json", "checkpoint-2/config.json"], []),
        (["pytorch_model.bin", "a/config.json"], []),
        (["a/config.json", "b/config.json"], ["a", "b"]),
        (["a/config.json", "a/b/config.json", "c/adapter_config.json"], ["a", "c"]),
        (["README.md", "a/config.json", "a/model.safetensors"], ["a"]),
        (["a/optimizer.bin", "b/rng_state.pt"], []),
        (["p/llama-GGUF/l-Q4_K_M.gguf", "q/qwen-GGUF/q-Q4_K_M.gguf"],
         ["p/llama-GGUF", "q/qwen-GGUF"]),
        (["p/m-GGUF/m-Q4_K_M.gguf"], []),
        (["m-Q4_K_M.gguf", "m-Q8_0.gguf", "mmproj-m-f16.gguf"], []),
        (["m.i1-Q4_K_M.gguf", "m.Q8_0-00001-of-00002.gguf", "m.Q8_0-00002-of-00002.gguf"], []),
        (["llama-Q4_K_M.gguf", "qwen-Q4_K_M.gguf", "qwen-Q8_0.gguf"],
         ["llama-Q4_K_M.gguf", "qwen-Q4_K_M.gguf"]),
        (["llama-Q4_K_M.gguf", "qwen-Q4_K_M.gguf", "config.json"], []),
        (["BF16/m-BF16-00001-of-00002.gguf", "UD-Q4_K_XL/m-UD-Q4_K_XL.gguf"], []),
        (["BF16/m-BF16.gguf", "Q8_0/n-Q8_0.gguf"], ["BF16", "Q8_0"]),
        ([], []),
    ],
)  # fmt: skip
def test_what_lies_below(names: list[str], found: list[str]) -> None:
    assert list_nested(names) == found


def lay(folder: Path, *names: str, text: str = DESIGN) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("GGUF" if name.endswith(".gguf") else text)


def test_a_folder_of_several_is_a_usage_error_that_lists_them(tmp_path: Path) -> None:
    lay(tmp_path, *(f"{letter}/config.json" for letter in "abcdefghijklm"))
    with pytest.raises(UsageError) as caught:
        LocalSource(parse_reference(str(tmp_path))).list_files()
    assert "13 checkpoints: a, b, c, d, e, f, g, h, i, j and more" in caught.value.message
    assert f"`famtree scan {tmp_path}`" in caught.value.hint


def test_a_folder_above_one_checkpoint_names_it(tmp_path: Path) -> None:
    lay(tmp_path, "a/config.json")
    with pytest.raises(UsageError, match="a checkpoint below it: a") as caught:
        LocalSource(parse_reference(str(tmp_path))).list_files()
    assert caught.value.hint == f"give {tmp_path}/a"


def test_a_folder_of_nothing_is_empty(tmp_path: Path) -> None:
    lay(tmp_path, "a/notes.txt", "sha256-1")
    with pytest.raises(UnreadableError) as caught:
        LocalSource(parse_reference(str(tmp_path))).list_files()
    assert caught.value.code == "empty"


def test_blobs_of_ollama_are_found_by_what_they_begin_with(tmp_path: Path) -> None:
    for name, data in (("a", b"GGUF\x03"), ("b", b"{}"), ("c", b"GGUF\x03")):
        blob = tmp_path / "blobs" / f"sha256-{name * 64}"
        blob.parent.mkdir(exist_ok=True)
        blob.write_bytes(data)
    found = [str(tmp_path / "blobs" / f"sha256-{name * 64}") for name in "ac"]
    assert list(walk_checkpoints(str(tmp_path))) == found
    with pytest.raises(UsageError, match="it holds 2 checkpoints: blobs/sha256-aaa"):
        LocalSource(parse_reference(str(tmp_path))).list_files()


def test_a_walk_finds_what_programs_keep(tmp_path: Path) -> None:
    lay(
        tmp_path,
        "hub/models--org--name/snapshots/1/config.json",
        "hub/models--org--name/.no_exist/1/config.json",
        "hub/datasets--org--data/snapshots/1/config.json",
        "lm/publisher/name-GGUF/name-Q4_K_M.gguf",
        "lm/publisher/name-GGUF/mmproj-name-f16.gguf",
        "lm/mixed/one.gguf",
        "lm/mixed/two.gguf",
        "own/config.json",
        "own/onnx/config.json",
    )
    lay(tmp_path, "program/config.json", text='{"port": 80}')
    found = [one.removeprefix(f"{tmp_path}/") for one in walk_checkpoints(str(tmp_path))]
    assert found == [
        "hub/models--org--name/snapshots/1",
        "lm/mixed/one.gguf",
        "lm/mixed/two.gguf",
        "lm/publisher/name-GGUF",
        "own",
    ]
    with pytest.raises(OSError, match="absent"):
        list(walk_checkpoints(str(tmp_path / "absent")))
