"""Folders that are no transformers checkpoint: understood where they can be, named where not."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from famtree.api import identify
from famtree.types.identification import Identification
from onnx_files import model, tensor

META_8B = {"dim": 4096, "n_layers": 32, "n_heads": 32, "n_kv_heads": 8, "vocab_size": 128256,
           "multiple_of": 1024, "ffn_dim_multiplier": 1.3, "norm_eps": 1e-05,
           "rope_theta": 500000.0}  # fmt: skip
BERT = {"model_type": "bert", "hidden_size": 384, "num_hidden_layers": 6, "vocab_size": 30522}


def look(folder: Path, files: dict[str, Any]) -> Identification:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True, parents=True)
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            path.write_text(json.dumps(content))
    return identify(str(folder))


@pytest.mark.parametrize("place", ["params.json", "original/params.json"])
def test_meta_s_own_layout(tmp_path: Path, place: str) -> None:
    result = look(tmp_path, {place: META_8B, "consolidated.00.pth": b"never opened"})
    assert result.checkpoint.format == "pickle"
    assert result.family is not None
    assert (result.family.key, result.size) == ("llama", "8B")


def test_config_json_goes_first(tmp_path: Path) -> None:
    files = {"config.json": {"model_type": "gpt2"}, "original/params.json": META_8B}
    assert look(tmp_path, files).fingerprint.architecture.text_model_type == "gpt2"


def test_a_tensorrt_llm_checkpoint(tmp_path: Path) -> None:
    config = {"architecture": "LlamaForCausalLM", "mapping": {"world_size": 2},
              "num_hidden_layers": 32, "hidden_size": 4096, "intermediate_size": 14336,
              "num_attention_heads": 32, "num_key_value_heads": 8, "vocab_size": 128256,
              "norm_epsilon": 1e-05, "rotary_base": 500000.0}  # fmt: skip
    result = look(
        tmp_path, {"config.json": config, "rank0.safetensors": b"\x02" + bytes(7) + b"{}"}
    )
    assert result.family is not None
    assert (result.family.key, result.size) == ("llama", "8B")


def test_a_pipeline_says_what_it_is(tmp_path: Path) -> None:
    index = {
        "_class_name": "StableDiffusionPipeline",
        "text_encoder": ["transformers", "CLIPTextModel"],
        "text_encoder_2": ["transformers", "T5EncoderModel"],
        "unet": ["diffusers", "UNet2DConditionModel"],
    }
    result = look(tmp_path, {"model_index.json": index, "text_encoder/config.json": BERT})
    assert (result.kind, result.checkpoint.format) == ("pipeline", "pipeline")
    assert result.generation is None
    for word in ("StableDiffusionPipeline", "text_encoder (CLIPTextModel)", "T5EncoderModel"):
        assert word in result.reason


def test_a_module_of_sentence_transformers(tmp_path: Path) -> None:
    modules = [{"idx": 0, "path": "0_Transformer"}]
    result = look(tmp_path, {"modules.json": modules, "0_Transformer/config.json": BERT})
    assert result.fingerprint.architecture.text_model_type == "bert"
    assert "nested-config" in {one.code for one in result.warnings}


@pytest.mark.parametrize(
    ("files", "word"),
    [
        ({"onnx/model.onnx": b"x"}, "ONNX"),
        ({"openvino_model.xml": b"<net/>", "openvino_model.bin": b"x"}, "OpenVINO"),
        (
            {"config.json": {"lang_ids": [1]}, "model.bin": b"x", "vocabulary.json": []},
            "CTranslate2",
        ),
        ({"modules.json": [], "model_card.json": {}}, "sentence-transformers"),
    ],
)
def test_conversions_without_a_design(tmp_path: Path, files: dict[str, Any], word: str) -> None:
    result = look(tmp_path, files)
    assert result.outcome == "unknown"
    assert word in result.reason


@pytest.mark.parametrize("odd", [[], 3, {"_class_name": 7, "text_encoder": [1, 2]}])
def test_damaged_neighbours_are_survived(tmp_path: Path, odd: Any) -> None:
    files = {"model_index.json": odd, "params.json": odd, "modules.json": odd, "m.onnx": b""}
    assert look(tmp_path, files).outcome == "unknown"


def test_sizes_in_pickles_are_listed_and_names_come_from_the_index(tmp_path: Path) -> None:
    names = [f"model.layers.{block}.self_attn.q_proj.weight" for block in range(4)]
    for number in (1, 2):
        with zipfile.ZipFile(tmp_path / f"pytorch_model-0000{number}-of-00002.bin", "w") as out:
            out.writestr("archive/data.pkl", b"cos\nsystem\n(S'exit 1'\ntR.")
            out.writestr("archive/data/0", bytes(1000 * number))
    result = look(
        tmp_path,
        {
            "config.json": {"model_type": "llama", "hidden_size": 64, "num_hidden_layers": 4},
            "pytorch_model.bin.index.json": {
                "weight_map": dict.fromkeys(names, "pytorch_model-00001-of-00002.bin")
            },
        },
    )
    assert result.checkpoint.format == "pickle"
    assert result.pickled is not None
    assert (result.pickled.files, result.pickled.storages, result.pickled.bytes) == (2, 2, 3000)
    assert result.fingerprint.architecture.qkv_bias is False  # every name is known


def test_an_onnx_graph_is_described(tmp_path: Path) -> None:
    result = look(tmp_path, {"onnx/model.onnx": model(tensor([4, 8], bytes(128)))})
    assert result.outcome == "unknown"
    assert "onnx/model.onnx: written by pytorch 2.1.0, opset 17" in result.reason
    assert "1 weights of 32 numbers" in result.reason
