"""What a checkpoint is: a whole model, a pipeline, a part of one, or a vocabulary alone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from checkpoint.folders import CONFIG
from famtree.api import identify
from famtree.types.identification import Identification
from fingerprints.vocabularies import tokenizer_json
from gguf_files import write_gguf

BERT = {
    "model_type": "bert", "architectures": ["BertModel"], "hidden_size": 768,
    "num_hidden_layers": 12, "num_attention_heads": 12, "intermediate_size": 3072,
    "vocab_size": 30522, "layer_norm_eps": 1e-12, "max_position_embeddings": 512,
    "hidden_act": "gelu", "pad_token_id": 0, "type_vocab_size": 2,
}  # fmt: skip
CLIP_TEXT = {"model_type": "clip_text_model", "architectures": ["CLIPTextModelWithProjection"],
             "hidden_size": 768, "num_hidden_layers": 12, "vocab_size": 49408}  # fmt: skip
INDEX = {
    "_class_name": "OakPipeline",
    "text_encoder": ["transformers", "BertModel"],
    "tokenizer": ["transformers", "BertTokenizer"],
    "scheduler": ["diffusers", "OakScheduler"],
    "transformer": ["diffusers", "OakTransformer2DModel"],
    "vae": ["diffusers", "AutoencoderKL"],
    "image_encoder": [None, None],
}
DENOISER = {"_class_name": "OakTransformer2DModel", "num_layers": 32, "hidden_size": 4096,
            "num_attention_heads": 32, "vocab_size": 128256}  # fmt: skip


def ask(folder: Path, files: Mapping[str, Any]) -> Identification:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return identify(str(folder))


@pytest.mark.parametrize("root", [{}, {"config.json": BERT}, {"config.json": CLIP_TEXT}])
def test_a_pipeline_is_never_its_text_encoder(tmp_path: Path, root: dict[str, Any]) -> None:
    """Some repositories keep the files of a text encoder beside model_index.json."""
    files = {
        "model_index.json": INDEX,
        "transformer/config.json": DENOISER,
        "text_encoder/config.json": BERT,
        **root,
    }
    result = ask(tmp_path, files)
    assert (result.kind, result.checkpoint.format) == ("pipeline", "pipeline")
    assert (result.outcome, result.family, result.candidates) == ("unknown", None, [])
    assert result.unknown_because == "unregistered"
    assert "OakTransformer2DModel" in result.reason
    named = {one.role: one.family for one in result.components}
    assert named == {"text_encoder": "bert", "transformer": None, "vae": None}


def test_a_pipeline_without_a_denoiser_is_not_judged(tmp_path: Path) -> None:
    result = ask(tmp_path, {"model_index.json": {"_class_name": "OddPipeline"}})
    assert (result.kind, result.unknown_because) == ("pipeline", "not-judged")


@pytest.mark.parametrize(
    "config",
    [
        {"_class_name": "AutoencoderKL", "latent_channels": 4},
        {"_class_name": "ControlNetModel", "cross_attention_dim": 768},
        DENOISER,
        CLIP_TEXT,
    ],
)
def test_a_part_alone_is_a_component(tmp_path: Path, config: dict[str, Any]) -> None:
    assert ask(tmp_path, {"config.json": config}).kind == "component"


def test_widths_alone_do_not_make_a_denoiser_a_language_model(tmp_path: Path) -> None:
    shaped = {**CONFIG, **DENOISER}
    del shaped["model_type"], shaped["architectures"]
    result = ask(tmp_path, {"config.json": shaped})
    assert (result.kind, result.family) == ("component", None)


def test_a_folder_within_a_pipeline_is_a_component(tmp_path: Path) -> None:
    files = {"model_index.json": INDEX, "text_encoder/config.json": BERT}
    ask(tmp_path, files)
    result = identify(str(tmp_path / "text_encoder"))
    assert result.kind == "component"
    assert result.family is not None
    assert result.family.key == "bert"


def test_a_vocabulary_alone(tmp_path: Path) -> None:
    result = ask(tmp_path / "folder", {"tokenizer.json": tokenizer_json()})
    assert result.kind == "vocabulary"
    keys = {"general.architecture": "bert", "tokenizer.ggml.model": "bert",
            "tokenizer.ggml.tokens": ["<unk>", "a", "b"]}  # fmt: skip
    for name, tensors in (("vocabulary", {}), ("model", {"token_embd.weight": ("F32", (2, 3))})):
        path = tmp_path / f"{name}.gguf"
        path.write_bytes(write_gguf(keys, tensors))
        assert identify(str(path)).kind == name


@pytest.mark.parametrize("name", ["OakForObjectDetection", "OakModel", None])
def test_what_an_unknown_wrapper_nests_is_a_part_of_it(tmp_path: Path, name: str | None) -> None:
    outer = {"model_type": "oak", "architectures": [name] if name else [], "text_config": BERT}
    result = ask(tmp_path, {"config.json": outer})
    assert (result.outcome, result.family, result.kind) == ("unknown", None, "model")
    assert result.unknown_because == "unregistered"
    assert [(one.role, one.family) for one in result.components] == [("text", "bert")]
    assert "BERT" in result.reason


@pytest.mark.parametrize(
    ("text", "name", "family"),
    [
        (CONFIG, "OakForConditionalGeneration", "llama"),
        (CONFIG, "OakForCausalLM", "llama"),
        (CONFIG, "OakForObjectDetection", None),
        (BERT, "OakForConditionalGeneration", None),
    ],
)
def test_a_chat_model_over_a_decoder_has_its_family(
    tmp_path: Path, text: dict[str, Any], name: str, family: str | None
) -> None:
    outer = {"model_type": "oak", "architectures": [name], "text_config": text,
             "vision_config": {"hidden_size": 1024}}  # fmt: skip
    result = ask(tmp_path, {"config.json": outer})
    assert (result.family.key if result.family else None) == family


def test_a_config_that_loads_its_language_model(tmp_path: Path) -> None:
    config = {"model_type": "ultravox", "architectures": ["UltravoxModel"], "hidden_size": 4096,
              "text_model_id": "meta-llama/Llama-3.1-8B-Instruct"}  # fmt: skip
    result = ask(tmp_path, {"config.json": config})
    assert result.family is not None
    assert (result.family.key, result.decided_by) == ("llama", "declared")
    assert result.confidence < 0.9
    assert "Llama-3.1-8B-Instruct" in result.reason
