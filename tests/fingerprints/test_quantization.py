from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from famtree.fingerprints.quantization import read_quantization
from famtree.types.checkpoint import TensorIndex
from fingerprints.tensors_of import facts, index_of, index_of_fixture

NOTHING = TensorIndex()


@pytest.mark.parametrize(
    ("stated", "method", "bits", "group", "scheme"),
    [
        ({"quant_method": "gptq", "bits": 4, "group_size": 128}, "gptq", 4, 128, None),
        ({"quant_method": "gptq", "bits": 3, "group_size": -1}, "gptq", 3, None, None),
        ({"bits": 4, "group_size": 128, "desc_act": False}, "gptq", 4, 128, None),
        ({"quant_method": "awq", "bits": 4, "group_size": 64, "version": "gemm"},
         "awq", 4, 64, None),
        ({"quant_method": "bitsandbytes", "load_in_4bit": True, "bnb_4bit_quant_type": "nf4"},
         "bitsandbytes", 4, None, "nf4"),
        ({"load_in_8bit": True}, "bitsandbytes", 8, None, "int8"),
        ({"quant_method": "fp8", "weight_block_size": [128, 128], "fmt": "e4m3"},
         "fp8", 8, None, "block-128x128"),
        ({"quant_method": "fbgemm_fp8"}, "fbgemm_fp8", 8, None, None),
        ({"quant_method": "mxfp4"}, "mxfp4", 4, 32, None),
        ({"quant_method": "nvfp4"}, "nvfp4", 4, 16, None),
        ({"quant_method": "mxfp8"}, "mxfp8", 8, 32, None),
        ({"quant_method": "compressed-tensors", "format": "pack-quantized", "config_groups":
          {"group_0": {"weights": {"num_bits": 4, "group_size": 32, "type": "int"}}}},
         "compressed-tensors", 4, 32, "W4A16"),
        ({"quant_method": "compressed-tensors", "config_groups":
          {"a": {"weights": {"num_bits": 4}}, "b": {"weights": {"num_bits": 8}}}},
         "compressed-tensors", None, None, None),
        ({"quant_method": "modelopt", "quant_algo": "NVFP4"}, "modelopt", 4, 16, "NVFP4"),
        ({"quant_algo": "FP8", "producer": {"name": "modelopt"}}, "modelopt", 8, None, "FP8"),
        ({"quant_method": "modelopt", "quant_algo": "MIXED_PRECISION"},
         "modelopt", None, None, "MIXED_PRECISION"),
        ({"quant_method": "hqq", "quant_config":
          {"weight_quant_params": {"nbits": 4, "group_size": 64}}}, "hqq", 4, 64, None),
        ({"quant_method": "quanto", "weights": "int2"}, "quanto", 2, None, "int2"),
        ({"quant_method": "torchao", "quant_type": "int4_weight_only"},
         "torchao", 4, None, "int4_weight_only"),
        ({"quant_method": "eetq", "weights": "int8"}, "eetq", 8, None, "int8"),
        ({"quant_method": "aqlm", "num_codebooks": 1, "nbits_per_codebook": 16,
          "in_group_size": 8}, "aqlm", 2, 8, None),
        ({"quant_method": "higgs", "bits": 4, "group_size": 256}, "higgs", 4, 256, None),
        ({"quant_method": "spqr", "bits": 3}, "spqr", 3, None, None),
        ({"quant_method": "bitnet"}, "bitnet", 2, None, None),
        ({"quant_method": "vptq"}, "vptq", None, None, None),
        ({"quant_method": "quark", "global_quant_config": {"weight": {"dtype": "fp8_e4m3"}}},
         "quark", 8, None, "fp8_e4m3"),
        ({"quant_method": "fp_quant", "forward_dtype": "nvfp4"}, "fp_quant", 4, None, "nvfp4"),
        ({"quant_method": "fouroversix", "dtype": "nvfp4"}, "fouroversix", 4, None, "nvfp4"),
        ({"quant_method": "intel/auto-round", "bits": 4, "group_size": 128},
         "auto-round", 4, 128, None),
        ({"quant_method": "metal", "bits": 4, "group_size": 64}, "metal", 4, 64, None),
        ({"quant_method": "sinq", "nbits": 4, "group_size": 64, "method": "sinq"},
         "sinq", 4, 64, "sinq"),
        ({"quant_method": "gemma", "num_bits": 4}, "gemma", 4, None, None),
        ({"quant_method": "gguf"}, "gguf", None, None, None),
        ({"quant_method": "exl3", "bits": 3.5}, "exl3", 3.5, None, None),
        ({"quant_method": "of-tomorrow"}, "of-tomorrow", None, None, None),
    ],
)  # fmt: skip
def test_every_declaration_is_read(
    stated: dict[str, Any], method: str, bits: float | None, group: int | None, scheme: str | None
) -> None:
    for config in (
        {"quantization_config": stated},
        {"text_config": {"quantization_config": stated}},
    ):
        found, disagreements = read_quantization(config, {}, NOTHING)
        assert found is not None
        assert (found.method, found.bits, found.group_size, found.scheme) == (
            method,
            bits,
            group,
            scheme,
        )
        assert found.source == "config"
        assert disagreements == []


@pytest.mark.parametrize(
    ("config", "side", "method", "bits"),
    [
        ({"quantization": {"group_size": 64, "bits": 4}}, {}, "mlx", 4),
        ({}, {"hf_quant_config.json": {"quantization": {"quant_algo": "FP8"}}}, "modelopt", 8),
        ({}, {"quantize_config.json": {"bits": 4, "group_size": 128}}, "gptq", 4),
        ({}, {"quant_config.json": {"w_bit": 4, "q_group_size": 128, "zero_point": True}},
         "awq", 4),
        ({"compression_config": {"quant_method": "sparseml"}}, {}, "compressed-tensors", None),
    ],
)  # fmt: skip
def test_other_places_of_a_declaration(
    config: dict[str, Any], side: dict[str, Any], method: str, bits: float | None
) -> None:
    found, _ = read_quantization(config, side, NOTHING)
    assert found is not None
    assert (found.method, found.bits) == (method, bits)


@pytest.mark.parametrize(
    "stated",
    [{}, [], "gptq", {"quant_method": 3}, {"bits": "four"}, {"quant_method": None, "bits": None}],
)
def test_no_usable_declaration_is_none(stated: Any) -> None:
    assert read_quantization({"quantization_config": stated}, {}, NOTHING) == (None, [])


TRANSFORMERS_JS = {"per_channel": False, "reduce_range": False, "per_model_config": {}}


@pytest.mark.parametrize(
    ("config", "side"),
    [
        ({}, {"quantize_config.json": TRANSFORMERS_JS}),
        ({}, {"quant_config.json": {"calibration": "minmax"}}),
        ({}, {"quantize_config.json": {"bits": "four"}}),
        ({}, {"hf_quant_config.json": {"dtype": "int8"}}),
        ({}, {"quanto_qmap.json": {"model.layers.0": "qint8"}}),
        ({"quantization": {"load_in_4bit": True}}, {}),
        ({"quantization": {"bits": 4}}, {}),
        ({"quantization": {"group_size": 64}}, {}),
        ({"quantization": {"scheme": "none"}}, {}),
    ],
)
def test_files_and_keys_of_other_programs_declare_nothing(
    config: dict[str, Any], side: dict[str, Any]
) -> None:
    """GPTQ needs bits, MLX bits and groups; transformers.js speaks of ONNX files."""
    assert read_quantization(config, side, NOTHING) == (None, [])


@pytest.mark.parametrize("bits", [True, -4, 0, 1e400, 2**80, "4", [4], 65])
def test_absurd_widths_are_unknown(bits: Any) -> None:
    stated = {"quant_method": "gptq", "bits": bits, "group_size": bits}
    found, _ = read_quantization({"quantization_config": stated}, {}, NOTHING)
    assert found is not None
    assert found.bits is None


@pytest.mark.parametrize(
    ("name", "method", "bits", "group", "least", "most"),
    [
        # 4-bit projections with 16-bit embeddings and head (13 % of an 8B's weights).
        ("llama-3.1-8b-gptq", "gptq", 4, 128, 5.70, 5.72),
        ("llama-3.1-8b-awq", "awq", 4, 128, 5.70, 5.71),
        ("llama-3.1-8b-bnb-4bit", "bitsandbytes", 4, 64, 5.67, 5.69),
        ("llama-3.1-8b-mlx-4bit", "mlx", 4, 64, 6.0, 6.01),
        ("deepseek-v3", "fp8", 8, None, 8.04, 8.05),
        ("gpt-oss-20b", "mxfp4", 4, 32, 5.26, 5.27),
    ],
)
def test_tensors_confirm_what_is_declared(
    name: str, method: str, bits: float, group: int | None, least: float, most: float
) -> None:
    index = index_of_fixture(name)
    found, disagreements = read_quantization(facts(name)["config"], {}, index)
    assert disagreements == []
    assert found is not None
    assert (found.method, found.bits, found.group_size) == (method, bits, group)
    assert found.source == "config"
    assert least <= (found.effective_bits_per_weight or 0) <= most

    silent, disagreements = read_quantization({}, {}, index)
    assert disagreements == []
    assert silent is not None
    assert (silent.method, silent.bits, silent.group_size) == (method, bits, group)
    assert silent.source == "header"


def test_plain_tensors_outvote_a_declaration() -> None:
    found, disagreements = read_quantization(
        facts("hard-dequantized")["config"], {}, index_of_fixture("hard-dequantized")
    )
    assert found is None
    assert [(item.believed, item.other) for item in disagreements] == [("none", "fp8")]


def test_quantization_while_loading_leaves_plain_tensors_and_no_quarrel() -> None:
    config = {"quantization_config": {"load_in_4bit": True, "quant_method": "bitsandbytes"}}
    assert read_quantization(config, {}, index_of_fixture("hard-dequantized")) == (None, [])


def test_another_packing_than_declared_is_a_disagreement() -> None:
    config = {"quantization_config": {"quant_method": "fp8"}}
    found, disagreements = read_quantization(config, {}, index_of_fixture("llama-3.1-8b-awq"))
    assert found is not None
    assert (found.method, found.source) == ("awq", "header")
    assert [(item.believed, item.other) for item in disagreements] == [("awq", "fp8")]


def test_other_bits_than_declared_are_a_disagreement() -> None:
    config = {"quantization_config": {"quant_method": "gptq", "bits": 8, "group_size": 128}}
    found, disagreements = read_quantization(config, {}, index_of_fixture("llama-3.1-8b-gptq"))
    assert found is not None
    assert found.bits == 4
    assert [(item.trait, item.believed) for item in disagreements] == [("quantization.bits", "4")]


P = "model.layers.0.mlp.down_proj"


@pytest.mark.parametrize(
    ("tensors", "method", "bits"),
    [
        ({"weight": "I8: 8 8", "SCB": "F32: 8"}, "bitsandbytes", 8),
        ({"weight": "U8: 8 4", "weight_scale": "F8_E4M3: 8 1", "weight_scale_2": "F32:"},
         "modelopt", 4),
        ({"weight_packed": "U8: 8 16", "weight_scale": "U8: 8 1"}, "compressed-tensors", 4),
        ({"weight": "U8: 8 16", "weight_scale": "U8: 8 1"}, "mxfp4", 4),
        ({"weight": "F8_E4M3: 8 8", "weight_scale": "F32: 8 1"}, "fp8", 8),
        ({"weight": "I8: 8 8", "weight_scale": "F32: 8 1"}, "compressed-tensors", 8),
        ({"weight": "U8: 2 8", "weight_scale": "1"}, "bitnet", 2),
        ({"trellis": "I16: 2 2 48", "suh": "F16: 32", "svh": "F16: 32"}, "exl3", 3),
        ({"q_weight": "I32: 4 8", "q_groups": "I16: 4"}, "exl2", None),
        ({"W_q": "U8: 4 8"}, "hqq", None),
        ({"qweight": "I32: 16 8", "scales": "F16: 1 64", "qzeros": "I32: 1 8"}, "awq", 4),
        ({"qweight": "I32: 12 64", "scales": "F16: 1 64", "qzeros": "I32: 1 6"}, "gptq", 3),
    ],
)  # fmt: skip
def test_packings_are_recognised_by_their_parts(
    tensors: dict[str, str], method: str, bits: float | None
) -> None:
    index = index_of({f"{P}.{leaf}": shape for leaf, shape in tensors.items()})
    found, _ = read_quantization({}, {}, index)
    assert found is not None
    assert (found.method, found.bits, found.source) == (method, bits, "header")


@pytest.mark.corpus
def test_every_real_declaration_is_understood(shared: Path) -> None:
    seen = 0
    for path in sorted(shared.glob("corpus/checkpoints/*/config.json")):
        config = json.loads(path.read_bytes())
        side = {
            name.name: json.loads(name.read_bytes())
            for name in path.parent.glob("*quant*_config.json")
        }
        found, _ = read_quantization(config, side, NOTHING)
        if "quantization_config" in config or side:
            seen += 1
            assert found is not None, path.parent.name
            assert found.bits or "MIXED" in str(found.scheme), path.parent.name
    assert seen > 25
