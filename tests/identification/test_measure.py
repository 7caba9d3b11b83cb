"""Sizes are of the whole: a language model's count is not that of a model around it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from checkpoint.folders import CONFIG, write_folder
from famtree.api import identify
from famtree.identification.measure import name_size

VISION = {"model_type": "clip_vision_model", "hidden_size": 1024, "num_hidden_layers": 24}


def wrap(**more: Any) -> dict[str, Any]:
    return {"model_type": "llava", "architectures": ["LlavaForConditionalGeneration"],
            "text_config": CONFIG, **more}  # fmt: skip


@pytest.mark.parametrize(
    ("tower", "size"),
    [
        ({"vision_config": VISION}, "8B"),
        ({"vision_config": {**VISION, "hidden_size": 1792, "num_hidden_layers": 63}}, "10B"),
        ({"mm_vision_tower": "openai/clip-vit-large-patch14-336"}, "8B"),
        ({"vision_config": {**VISION, "hidden_size": 3200, "num_hidden_layers": 45}}, "14B"),
        ({"mm_vision_tower": "acme/unheard-of"}, None),
    ],
)
def test_a_vision_tower_counts(tmp_path: Path, tower: dict[str, Any], size: str | None) -> None:
    plain = identify(str(write_folder(tmp_path / "text", {"config.json": CONFIG})))
    assert (plain.size, plain.parameters) == ("8B", 8030261248)
    result = identify(str(write_folder(tmp_path / "m", {"config.json": wrap(**tower)})))
    assert (result.family and result.family.key) == "llama"
    assert (result.size, result.parameters) == (size, None)


@pytest.mark.parametrize(
    ("files", "variant"),
    [
        ({}, None),
        ({"modules.json": []}, "embedding"),
        ({"config_sentence_transformers.json": {}}, "embedding"),
        ({"config.json": {**CONFIG, "is_causal": False}}, "embedding"),
        ({"config.json": {**CONFIG, "architectures": ["LlamaModel"]}}, "embedding"),
    ],
)
def test_embedders_are_told(tmp_path: Path, files: dict[str, Any], variant: str | None) -> None:
    result = identify(str(write_folder(tmp_path, {"config.json": CONFIG, **files})))
    assert (result.variant, result.size) == (variant, "8B")


@pytest.mark.parametrize(
    ("count", "name"),
    [(4_150_000_000, "4.2B"), (7_040_000_000, "7B"), (26_400_000_000, "26B"),
     (108_000_000_000, "108B"), (460_100_000, "460M"), (9_960_000_000, "10B")],
)  # fmt: skip
def test_names_of_sizes(count: int, name: str) -> None:
    assert name_size(count) == name
