"""Towers of another family are named; those of a checkpoint's own family are not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from checkpoint.folders import CONFIG, write_folder
from famtree.api import identify

SEES: dict[str, Any] = {
    "model_type": "qwen2_5_vl", "depth": 32, "hidden_size": 1280, "intermediate_size": 3456,
    "num_heads": 16, "patch_size": 14,
}  # fmt: skip
HEARS = {"model_type": "whisper", "d_model": 1280, "encoder_layers": 32}


def components(folder: Path, **config: Any) -> list[tuple[str, str | None, str | None]]:
    stated = {"architectures": ["AcmeForCausalLM"], "model_type": "acme", "text_config": CONFIG}
    write_folder(folder, {"config.json": {**stated, **config}})
    found = identify(str(folder), offline=True).components
    return [(one.role, one.family, one.generation) for one in found]


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"vision_config": SEES}, [("vision tower", "qwen", "qwen2-vl")]),
        ({"audio_config": HEARS}, [("audio tower", "whisper", "whisper")]),
        (
            {"vision_config": SEES, "audio_config": HEARS},
            [("vision tower", "qwen", "qwen2-vl"), ("audio tower", "whisper", "whisper")],
        ),
        ({"vision_config": {**SEES, "hidden_size": 1290}}, []),
        ({"vision_config": {**SEES, "depth": 31}}, []),
        ({"vision_config": {**SEES, "model_type": "acme_eye"}}, []),
        ({"vision_config": {"depth": 32, "hidden_size": 1280}}, []),
    ],
    ids=["sees", "hears", "both", "another width", "another depth", "another name", "no name"],
)
def test_anothers_tower_is_named(
    tmp_path: Path,
    config: dict[str, Any],
    expected: list[tuple[str, str | None, str | None]],
) -> None:
    assert components(tmp_path, **config) == expected


def test_an_own_tower_is_no_news(tmp_path: Path) -> None:
    own = {
        "architectures": ["Qwen2_5_VLForConditionalGeneration"], "model_type": "qwen2_5_vl",
        "hidden_size": 3584, "intermediate_size": 18944, "num_hidden_layers": 28,
        "num_attention_heads": 28, "num_key_value_heads": 4, "vocab_size": 152064,
        "rms_norm_eps": 1e-06, "rope_theta": 1000000.0, "max_position_embeddings": 128000,
        "hidden_act": "silu", "tie_word_embeddings": False, "vision_config": SEES,
    }  # fmt: skip
    write_folder(tmp_path, {"config.json": own})
    found = identify(str(tmp_path), offline=True)
    assert found.family is not None
    assert (found.family.key, found.components) == ("qwen", [])
