"""Folders with much, little, damaged and nothing in them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from checkpoint.folders import CONFIG, llama_tensors, make_header, write_folder
from examining import identify_source
from famtree.api import identify
from famtree.checkpoint.forms import folder as folder_form
from famtree.errors import ConfigError, NotFoundError, TokenizerError, UnreadableError
from famtree.fingerprints.tokenizer import read_tokenizer
from famtree.registry.load import load_registry
from famtree.registry.registry import Registry
from famtree.sources.hashes import hash_sha256
from famtree.sources.open import open_source
from famtree.sources.reference import parse_reference
from famtree.types.family import KnownTokenizer
from famtree.types.identification import Identification
from fingerprints.vocabularies import tokenizer_json


def ask(folder: Path, files: dict[str, Any]) -> Identification:
    return identify(str(write_folder(folder, files)))


def is_llama_3(result: Identification) -> bool:
    return (
        result.family is not None
        and result.generation is not None
        and (result.family.key, result.generation.key) == ("llama", "llama-3")
    )


def codes(result: Identification) -> list[str]:
    return [one.code for one in result.warnings]


def with_weights(folder: Path) -> Path:
    """Write a safetensors file of full size whose data is a hole."""
    header = make_header(llama_tensors())
    data = 16_060_522_496  # 8,030,261,248 parameters of two bytes
    with (folder / "model.safetensors").open("wb") as stream:
        stream.write(header)
        stream.truncate(len(header) + data)
    return folder


def test_config_alone(tmp_path: Path) -> None:
    result = ask(tmp_path / "m", {"config.json": CONFIG})
    assert is_llama_3(result)
    assert (result.checkpoint.format, result.size) == ("config-only", "8B")
    assert result.fingerprint.tokenizer is None
    assert result.cost.requests == 0


def test_config_and_header(tmp_path: Path) -> None:
    folder = with_weights(write_folder(tmp_path / "m", {"config.json": CONFIG}))
    result = identify(str(folder))
    assert is_llama_3(result)
    assert result.checkpoint.format == "safetensors"
    assert result.parameters == 8_030_261_248
    assert result.fingerprint.architecture.seen_in["vocab_rows"][0] == "header"
    assert result.fingerprint.architecture.disagreements == []
    assert result.cost.bytes < 200_000


def test_header_alone(tmp_path: Path) -> None:
    """Shapes show the family's look; without config.json no more than that is claimed."""
    result = identify(str(with_weights(write_folder(tmp_path / "m", {}))))
    assert result.parameters == 8_030_261_248
    assert result.fingerprint.architecture.vocab_rows == 128256
    assert result.family is None or result.family.key == "llama"


def test_index_alone(tmp_path: Path) -> None:
    weight_map = dict.fromkeys(llama_tensors(), "model-00001-of-00004.safetensors")
    index = {"metadata": {"total_size": 16060522496}, "weight_map": weight_map}
    files = {"model.safetensors.index.json": index}
    result = ask(tmp_path / "m", files)
    assert result.checkpoint.format == "index-only"
    assert result.fingerprint.architecture.layers == 32
    assert is_llama_3(ask(tmp_path / "n", files | {"config.json": CONFIG}))


@pytest.mark.parametrize("damage", [b"", b'{"model_type": ', b"[]", b"<html>", b"\xff\xfe\x00"])
def test_broken_config_is_an_error(tmp_path: Path, damage: bytes) -> None:
    with pytest.raises(ConfigError, match=r"config\.json") as caught:
        ask(tmp_path / "m", {"config.json": damage})
    assert caught.value.exit_code == 4
    assert caught.value.hint


def test_nothing_to_read_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UnreadableError):
        ask(tmp_path / "m", {"notes.txt": "nothing here"})
    with pytest.raises(NotFoundError):
        identify(str(tmp_path / "absent"))


@pytest.mark.parametrize("name", ["generation_config.json", "tokenizer_config.json"])
@pytest.mark.parametrize("damage", [b"{", b"[1]", b"\xff"])
def test_broken_side_file_is_a_notice(tmp_path: Path, name: str, damage: bytes) -> None:
    result = ask(tmp_path / "m", {"config.json": CONFIG, name: damage})
    assert is_llama_3(result)
    assert "side-file-unreadable" in codes(result)
    assert any(name in one.message for one in result.warnings)


def test_broken_vocabulary_is_a_notice(tmp_path: Path) -> None:
    result = ask(tmp_path / "m", {"config.json": CONFIG, "tokenizer.json": b"{"})
    assert is_llama_3(result)
    assert TokenizerError.code in codes(result)


def test_vocabulary_known_by_its_hash_is_not_parsed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tokenizer_json()
    folder = write_folder(tmp_path / "m", {"config.json": CONFIG, "tokenizer.json": data})
    known = KnownTokenizer(
        name="a known one",
        generations=["llama-3"],
        files=[hash_sha256(data)],
        entries=11,
        source="x",
    )
    shipped = load_registry()
    families = tuple(
        replace(family, tokenizers=[*family.tokenizers, known]) if family.key == "llama" else family
        for family in shipped.families
    )
    registry = Registry(families=families, generic=shipped.generic)
    parsed: list[str] = []

    def watch(files: Any, **rest: Any) -> Any:
        parsed.extend(files)
        return read_tokenizer(files, **rest)

    monkeypatch.setattr("famtree.checkpoint.vocabulary.read_tokenizer", watch)

    def read(source_registry: Registry) -> Any:
        source = open_source(parse_reference(str(folder)), offline=True)
        return identify_source(source, source_registry).fingerprint.tokenizer

    assert read(shipped).status == "read"
    assert "tokenizer.json" in parsed
    parsed.clear()
    assert (read(registry).status, read(registry).reason) == (
        "recognised",
        "file hash of a known one",
    )
    assert "tokenizer.json" not in parsed


def test_same_files_give_the_same_document(tmp_path: Path) -> None:
    files = {
        "config.json": CONFIG,
        "generation_config.json": {"temperature": 0.6, "eos_token_id": [128001, 128009]},
        "tokenizer_config.json": {"chat_template": "<|start_header_id|>{{ x }}<|eot_id|>"},
        "tokenizer.json": tokenizer_json(),
    }
    folder = write_folder(tmp_path / "m", files)

    def document() -> str:
        table = identify(str(folder)).to_document()
        del table["cost"]
        return json.dumps(table, sort_keys=True)

    assert document() == document()


def test_document_is_valid_and_complete(tmp_path: Path) -> None:
    """Results are made without validators, so that this is where their types are checked."""
    result = ask(tmp_path / "m", {"config.json": CONFIG, "tokenizer.json": tokenizer_json()})
    document = result.to_document()
    assert Identification.model_validate(document).to_document() == document
    assert document["schema"] == "famtree/identification/1"


@pytest.mark.parametrize(
    ("name", "warned"),
    [("Meta-Llama-3-8B", False), ("my-model", False), ("Qwen2.5-7B", True), ("llama-2-7b", True)],
)
def test_name_warns_and_never_decides(tmp_path: Path, name: str, warned: bool) -> None:
    result = ask(tmp_path / name, {"config.json": CONFIG})
    assert is_llama_3(result)
    assert ("name-disagrees" in codes(result)) == warned


def test_progress_is_told(tmp_path: Path) -> None:
    said: list[str] = []
    folder = write_folder(
        tmp_path / "m", {"config.json": CONFIG, "tokenizer.json": tokenizer_json()}
    )
    identify(str(folder), on_progress=said.append)
    assert said[0] == "listing files"
    assert "reading the tokenizer" in said


def test_small_files_are_weighed_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {"config.json": CONFIG, "generation_config.json": {"x": [{} for _ in range(40)]}}
    assert "side-file-unreadable" not in codes(ask(tmp_path / "few", files))
    monkeypatch.setattr(folder_form, "MAX_SIDE_VALUES", 30)
    found = ask(tmp_path / "many", files)
    assert "side-file-unreadable" in codes(found)
    assert found.fingerprint.architecture.model_type == "llama"
