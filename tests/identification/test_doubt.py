"""A small model whose facts are its class's defaults is no surer than its parent's name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from famtree.api import identify
from famtree.types.identification import Identification
from lineage_hubs import MISTRAL

T5: dict[str, Any] = {
    "model_type": "t5", "architectures": ["T5ForConditionalGeneration"], "d_ff": 2048, "d_kv": 64,
    "d_model": 768, "num_layers": 12, "num_decoder_layers": 12, "num_heads": 12,
    "vocab_size": 32128, "feed_forward_proj": "gated-gelu", "layer_norm_epsilon": 1e-06,
    "tie_word_embeddings": False, "decoder_start_token_id": 0, "eos_token_id": 1,
    "pad_token_id": 0, "relative_attention_num_buckets": 32, "is_encoder_decoder": True,
}  # fmt: skip
"""T5 v1.1 base; d_model and depth are not the class's own, the 32,128 rows are."""


def ask(folder: Path, config: dict[str, Any], parent: str | None) -> Identification:
    stated = config if parent is None else {**config, "_name_or_path": parent}
    (folder / "config.json").write_text(json.dumps(stated), encoding="utf-8")
    return identify(str(folder), offline=True)


@pytest.mark.parametrize(
    "parent", ["acme/mengt5-base", "acme/zulu-t5-base", "bigscience/bloom-560m"]
)
def test_a_strange_parent_leaves_defaults_in_doubt(tmp_path: Path, parent: str) -> None:
    answer = ask(tmp_path, T5, parent)
    assert answer.family is not None
    assert answer.family.key == "t5"
    assert answer.confidence <= 0.78


@pytest.mark.parametrize("parent", [None, "google/t5-v1_1-base", "acme/t5-base"])
def test_a_parent_of_the_family_or_none_leaves_the_answer(
    tmp_path: Path, parent: str | None
) -> None:
    assert ask(tmp_path, T5, parent).confidence >= 0.95


def test_rows_that_are_no_default_speak_for_themselves(tmp_path: Path) -> None:
    config = {**T5, "vocab_size": 384}
    answer = ask(tmp_path, config, "acme/zulu-byte-base")
    assert answer.confidence > 0.78 or answer.family is None


def test_large_models_are_rarely_trained_anew(tmp_path: Path) -> None:
    assert ask(tmp_path, MISTRAL, "acme/Zulu-2.5-Mistral-7B").confidence >= 0.9
