"""The worked example of docs/add-a-family.md is a real registry file, and it works."""

from __future__ import annotations

import json
import shutil
import tomllib
from pathlib import Path
from typing import Any

import pytest

from examining import identify_source
from famtree.registry.check import check_registry
from famtree.registry.load import DATA, load_registry
from famtree.sources.open import open_source
from famtree.sources.reference import parse_reference
from famtree.types.identification import Identification
from registry.guide import KEY, find_block


@pytest.fixture(scope="module")
def registry_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the shipped registry with the guide's family added."""
    folder = tmp_path_factory.mktemp("worked-example") / "data"
    shutil.copytree(DATA, folder)
    (folder / f"{KEY}.toml").write_text(find_block("toml", f'key = "{KEY}"'), encoding="utf-8")
    return folder


@pytest.fixture
def config() -> dict[str, Any]:
    """Return the config.json that the guide shows."""
    table: dict[str, Any] = json.loads(find_block("json", '"example_lm"'))
    return table


def identify_config(config: dict[str, Any], folder: Path, registry: Path) -> Identification:
    """Identify a checkpoint that is one config.json, against the registry of a folder."""
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    source = open_source(parse_reference(str(folder)), offline=True)
    return identify_source(source, load_registry(registry))


def test_example_is_not_shipped() -> None:
    assert not (DATA / f"{KEY}.toml").exists()


def test_example_passes_every_check(registry_folder: Path) -> None:
    assert check_registry(registry_folder) == []


def test_example_is_loaded_beside_the_shipped_families(registry_folder: Path) -> None:
    loaded = load_registry(registry_folder)
    assert loaded.by_key.keys() == load_registry().by_key.keys() | {KEY}
    generations = [generation.key for generation in loaded.by_key[KEY].generations]
    assert generations == ["example-lm-1", "example-lm-2"]


def test_config_of_the_guide_is_identified(
    registry_folder: Path, config: dict[str, Any], tmp_path: Path
) -> None:
    found = identify_config(config, tmp_path / "model", registry_folder)
    assert found.outcome == "identified"
    assert found.family is not None
    assert found.family.key == KEY
    assert found.generation is not None
    assert found.generation.key == "example-lm-2"
    assert found.size is None, "the guide calls it a size nobody announced"
    assert found.confidence > 0.8


def test_rope_and_length_tell_the_generations_apart(
    registry_folder: Path, config: dict[str, Any], tmp_path: Path
) -> None:
    older = config | {"rope_theta": 10000.0, "max_position_embeddings": 4096}
    found = identify_config(older, tmp_path / "model", registry_folder)
    assert found.generation is not None
    assert found.generation.key == "example-lm-1"


def test_shipped_registry_does_not_know_the_example(config: dict[str, Any], tmp_path: Path) -> None:
    found = identify_config(config, tmp_path / "model", DATA)
    assert found.outcome == "unknown"


def test_parameters_of_the_example_follow_from_its_shapes(registry_folder: Path) -> None:
    table = tomllib.loads((registry_folder / f"{KEY}.toml").read_text(encoding="utf-8"))
    for generation in table["generation"]:
        traits = generation["rule"][0]["when"]["architecture"]
        for size in generation["size"]:
            width, head = size["hidden_size"], traits["head_dim"]
            queries, keys = size["heads"] * head, size["kv_heads"] * head
            norms = 2 * width + (2 * head if traits["qk_norm"] else 0)
            block = 2 * width * queries + 2 * width * keys + 3 * width * size["ffn"] + norms
            total = traits["vocab_rows"] * width + size["layers"] * block + width
            assert size["parameters"] == total
