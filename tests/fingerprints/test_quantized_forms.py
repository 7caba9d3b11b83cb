"""Every packing, with its declaration present, absent and lying; sizes computed by hand.

The recorded model (`fixtures/record_quantized.py`) has these matrices, and nothing below uses
famtree's own arithmetic.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from conftest import ROOT
from famtree.fingerprints.parameters import count_parameters
from famtree.fingerprints.quantization import read_quantization
from famtree.types.checkpoint import TensorIndex
from fingerprints.tensors_of import index_of

FORMS = ROOT / "fixtures" / "quantized"
BLOCK = [(256, 256), (128, 256), (128, 256), (256, 256), (512, 256), (512, 256), (256, 512)]
MATRICES = BLOCK * 2
TABLES = [(512, 256)] * 2
"""Embedding and output head."""
NORMS = 5 * 256
TOTAL = sum(n * k for n, k in MATRICES + TABLES) + NORMS

Bits = Callable[[int, int], float]
"""Bits stored for a matrix of n rows and k inputs."""


def flat(width: float, per_weight: float = 0, per_row: float = 0, more: float = 0) -> Bits:
    return lambda n, k: n * k * (width + per_weight) + n * per_row + more


def gptq(width: int, group: int, order: int = 32) -> Bits:
    return lambda n, k: width * n * k + k / group * n * (16 + width) + order * k


def padded(word: int, scale: int) -> Bits:
    """AWQ's row kernels: one word of zeros and eight scales a row cover up to 1024 inputs."""
    return lambda n, k: 4 * n * k + n * (word + 8 * scale)


def blocks(scale: int) -> Bits:
    return lambda n, k: 8 * n * k + scale * -(-n // 128) * -(-k // 128)


def vectors(index: int, entries: int) -> Bits:
    return lambda n, k: n / 8 * k * index + entries * 8 * 16 + 3 * 16 * k


def hqq(width: float, group: int) -> Bits:
    # About 75 bytes of settings go with every module.
    return lambda n, k: width * n * k + n * k / group * 32 + 75 * 8


# name: (method, method by tensors alone, packing, bits, group, stored bits of one matrix)
HAND: dict[str, tuple[str, str, str, float, int | None, Bits]] = {
    "gptq-act-order": ("gptq", "gptq", "gptq", 4, 128, gptq(4, 128)),
    "gptq-v2": ("gptq", "gptq", "gptq", 4, 32, gptq(4, 32)),
    "gptq-8bit": ("gptq", "gptq", "gptq", 8, 128, gptq(8, 128)),
    "gptq-side-file": ("gptq", "gptq", "gptq", 4, 128, gptq(4, 128)),
    "gptq-marlin": ("gptq", "gptq", "gptq-marlin", 4, 128, flat(4 + 16 / 128, per_row=4)),
    "auto-round-gptq": ("gptq", "gptq", "gptq", 4, 128, gptq(4, 128)),
    "auto-round-awq": ("awq", "awq", "awq-gemm", 4, 128, gptq(4, 128, 0)),
    "auto-round": ("auto-round", "gptq", "gptq", 4, 128, gptq(4, 128, 0)),
    "auto-round-w2": ("auto-round", "gptq", "gptq", 2, 128, gptq(2, 128, 0)),
    "auto-round-w3": ("auto-round", "gptq", "gptq", 3, 128, gptq(3, 128, 0)),
    "auto-round-w8": ("auto-round", "gptq", "gptq", 8, 128, gptq(8, 128, 0)),
    "awq-gemm": ("awq", "awq", "awq-gemm", 4, 128, gptq(4, 128, 0)),
    "awq-gemv": ("awq", "awq", "awq-gemv", 4, 128, padded(32, 16)),
    "awq-gemv-fast": ("awq", "awq", "awq-gemv-fast", 4, 128, padded(8 * 16, 16)),
    "awq-marlin": ("awq", "awq", "awq-marlin", 4, 128, flat(4, 16 / 128)),
    "bnb-nf4": ("bitsandbytes", "bitsandbytes", "bnb-4bit", 4, 64,
                flat(4, 32 / 64, more=16 * 32 + 640)),
    "bnb-fp4": ("bitsandbytes", "bitsandbytes", "bnb-4bit", 4, 64,
                flat(4, 32 / 64, more=16 * 32 + 640)),
    "bnb-nf4-in-bf16": ("bitsandbytes", "bitsandbytes", "bnb-4bit", 4, 64,
                        flat(4, 32 / 64, more=16 * 32 + 640)),
    "bnb-nf4-nested": ("bitsandbytes", "bitsandbytes", "bnb-4bit", 4, 64,
                       flat(4, 8 / 64 + 32 / 64 / 256, more=(256 + 16) * 32 + 170 * 8)),
    "bnb-int8": ("bitsandbytes", "bitsandbytes", "bnb-int8", 8, None, flat(8, per_row=32)),
    "fp8-block": ("fp8", "fp8", "fp8-block", 8, None, blocks(32)),
    "fp8-tensor": ("fp8", "fp8", "fp8-block", 8, None, flat(8)),
    "fp8-e8m0": ("fp8", "fp8", "fp8-block", 8, None, blocks(8)),
    "fp8-cast": ("fp8", "fp8", "fp8-cast", 8, None, flat(8)),
    "fbgemm-fp8": ("fbgemm_fp8", "fp8", "fp8", 8, None, flat(8, per_row=32)),
    "int8-block": ("blockwise_int8", "blockwise_int8", "int8-block", 8, None, blocks(32)),
    "w4afp8": ("w4afp8", "w4afp8", "int4-bytes", 4, 128, flat(4, 16 / 128)),
    "ct-w4a16": ("compressed-tensors", "compressed-tensors", "packed-int", 4, 128,
                 flat(4, 16 / 128)),
    "ct-w4a16-asym": ("compressed-tensors", "compressed-tensors", "packed-int", 4, 128,
                      flat(4, 20 / 128)),
    "ct-w8a16": ("compressed-tensors", "compressed-tensors", "packed-int", 8, 128,
                 flat(8, 16 / 128)),
    "ct-w8a8-int8": ("compressed-tensors", "compressed-tensors", "int8", 8, None,
                     flat(8, per_row=16)),
    "ct-w4a8": ("compressed-tensors", "compressed-tensors", "int8", 4, 128, flat(8, 16 / 128)),
    "ct-fp8": ("compressed-tensors", "fp8", "fp8", 8, None, flat(8)),
    "ct-fp8-kv": ("compressed-tensors", "fp8", "fp8", 8, None, flat(8)),
    "ct-fp8-dynamic": ("compressed-tensors", "fp8", "fp8", 8, None, flat(8, per_row=16)),
    "ct-fp8-block": ("compressed-tensors", "fp8", "fp8", 8, None, blocks(16)),
    "ct-nvfp4a16": ("compressed-tensors", "compressed-tensors", "nvfp4-packed", 4, 16,
                    flat(4, 8 / 16)),
    "ct-nvfp4": ("compressed-tensors", "compressed-tensors", "nvfp4-packed", 4, 16,
                 flat(4, 8 / 16)),
    "ct-mxfp4": ("compressed-tensors", "compressed-tensors", "mxfp4-packed", 4, 32,
                 flat(4, 8 / 32)),
    "ct-mxfp8": ("compressed-tensors", "mxfp8", "mxfp8", 8, 32, flat(8, 8 / 32)),
    "ct-marlin-24": ("compressed-tensors", "compressed-tensors", "marlin-24", 4, 128,
                     flat(4 / 2, 2 / 2 + 16 / 128)),
    "ct-sparse-24": ("compressed-tensors", "compressed-tensors", "sparse-24", 8, None,
                     flat(8 / 2, 1, per_row=32)),
    "modelopt-fp8": ("modelopt", "fp8", "fp8", 8, None, flat(8)),
    "modelopt-fp8-kv": ("modelopt", "fp8", "fp8", 8, None, flat(8)),
    "modelopt-fp8-block": ("modelopt", "fp8", "fp8", 8, None, blocks(32)),
    "modelopt-mxfp8": ("modelopt", "mxfp8", "mxfp8", 8, 32, flat(8, 8 / 32)),
    "modelopt-nvfp4": ("modelopt", "modelopt", "nvfp4", 4, 16, flat(4, 8 / 16)),
    "modelopt-int4-awq": ("modelopt", "modelopt", "int4-rows", 4, 128, flat(4, 32 / 128)),
    "modelopt-w4a8-awq": ("modelopt", "modelopt", "int4-rows", 4, 128, flat(4, 32 / 128)),
    "quark-mxfp4": ("quark", "mxfp4", "mxfp4", 4, 32, flat(4, 8 / 32)),
    "quark-nvfp4": ("quark", "quark", "quark-nvfp4", 4, 16, flat(4, 8 / 16)),
    "fp-quant": ("fp_quant", "fp_quant", "fp-quant", 4, 32,
                 flat(4, 8 / 32, more=2 * 32 * 32 * 16)),
    "packed-bytes": ("gemma", "gemma", "packed-bytes", 4, None, flat(4, per_row=32)),
    "metal-4bit": ("metal", "metal", "metal", 4, 64, flat(4, 64 / 64)),
    "torchao-int8": ("torchao", "torchao", "torchao", 8, None, flat(8, per_row=40)),
    "torchao-fp8": ("torchao", "torchao", "torchao", 8, None, flat(8, per_row=32)),
    "torchao-int4-in-int8": ("torchao", "torchao", "torchao", 4, 32, flat(8, 24 / 32)),
    "quanto-int8": ("quanto", "quanto", "quanto", 8, None, flat(8, per_row=16)),
    "quanto-fp8": ("quanto", "quanto", "quanto", 8, None, flat(8, per_row=16)),
    "quanto-int4": ("quanto", "quanto", "quanto-packed", 4, 128, flat(4, 32 / 128)),
    "quanto-int2": ("quanto", "quanto", "quanto-packed", 2, 128, flat(2, 32 / 128)),
    "hqq-2bit": ("hqq", "hqq", "hqq", 2, 16, hqq(2, 16)),
    "hqq-3bit": ("hqq", "hqq", "hqq", 3, 64, hqq(3.2, 64)),
    "hqq-4bit": ("hqq", "hqq", "hqq", 4, 64, hqq(4, 64)),
    "hqq-8bit": ("hqq", "hqq", "hqq", 8, 128, hqq(8, 128)),
    "hqq-4bit-axis0": ("hqq", "hqq", "hqq", 4, 64, hqq(4, 64)),
    "eetq": ("eetq", "eetq", "eetq", 8, None, flat(8, per_row=16)),
    "aqlm": ("aqlm", "aqlm", "aqlm", 2, 8, flat(16 / 8, per_row=32, more=65536 * 8 * 32)),
    "vptq": ("vptq", "vptq", "vptq", 2.5, None, vectors(20, 4096 + 256)),
    "vptq-single": ("vptq", "vptq", "vptq", 1.5, None, vectors(12, 4096)),
    "higgs": ("higgs", "higgs", "higgs", 4, 256, flat(4, 16 / 256, more=(16 + 16 * 16 * 2) * 16)),
    "spqr": ("spqr", "spqr", "spqr", 3, 16,
             lambda n, k: 64 * n * k / 16 + 32 * (n + 1) + 0.32 * n * k + 16 * k),
    "bitnet": ("bitnet", "bitnet", "ternary", 2, None, flat(2)),
    "quip": ("quip", "quip", "quip", 2, None, lambda n, k: 2 * n * k + 16 * (n + k) + 96),
    "exl2": ("exl2", "exl2", "exl2", 5, 128,
             lambda n, k: 5 * n * k + 32 * k + k / 128 * (4 * n + 16 + 32)),
    "exl3": ("exl3", "exl3", "exl3", 3, None, lambda n, k: 3 * n * k + 16 * (n + k) + 32),
    **{f"mlx-{b}bit": ("mlx", "mlx", "packed-words", b, g, flat(b, 32 / g))
       for b, g in ((2, 64), (3, 64), (4, 64), (5, 64), (6, 64), (8, 32))},
    "mlx-mxfp4": ("mlx", "mlx", "mlx-mxfp4", 4, 32, flat(4, 8 / 32)),
    "mlx-nvfp4": ("mlx", "mlx", "mlx-nvfp4", 4, 16, flat(4, 8 / 16)),
    "mlx-mxfp8": ("mlx", "mlx", "mlx-mxfp8", 8, 32, flat(8, 8 / 32)),
}  # fmt: skip
SPECIAL = {"mlx-mixed", "mxfp4-experts"}
"""Several widths or another model; tests of their own below."""


def read(name: str) -> tuple[TensorIndex, dict[str, Any], dict[str, Any]]:
    """Return tensors, config and side files of a recorded form."""
    table = tomllib.loads((FORMS / f"{name}.toml").read_text(encoding="utf-8"))
    index = replace(index_of(table["tensors"]), header_metadata=table.get("metadata", {}))
    side = {file: json.loads(entry["text"]) for file, entry in table.get("side", {}).items()}
    return index, json.loads(table.get("config", "{}")), side


def expected_bits(name: str, one: Bits) -> float:
    matrices = sum(one(n, k) for n, k in MATRICES)
    tables = sum(one(n, k) if name.startswith("mlx") else 16 * n * k for n, k in TABLES)
    return (matrices + tables + 16 * NORMS) / TOTAL


def test_every_recorded_form_has_an_answer_by_hand() -> None:
    assert {path.stem for path in FORMS.glob("*.toml")} == set(HAND) | SPECIAL


@pytest.mark.parametrize("name", HAND)
def test_with_its_declaration(name: str) -> None:
    method, _, packing, bits, group, one = HAND[name]
    index, config, side = read(name)
    found, conflicts = read_quantization(config, side, index)
    assert conflicts == []
    assert found is not None
    assert (found.method, found.packing, found.bits, found.group_size) == (
        method, packing, bits, group)  # fmt: skip
    assert found.effective_bits_per_weight == pytest.approx(expected_bits(name, one), rel=0.01)
    ratio = sum(one(n, k) for n, k in MATRICES) / sum(n * k for n, k in MATRICES)
    assert found.quantized_bits_per_weight == pytest.approx(ratio, rel=0.01)
    assert count_parameters(index, found, None) == TOTAL


@pytest.mark.parametrize("name", HAND)
def test_without_a_declaration(name: str) -> None:
    _, method, packing, bits, group, one = HAND[name]
    index, _, _ = read(name)
    found, conflicts = read_quantization({}, {}, index)
    assert conflicts == []
    assert found is not None
    assert (found.method, found.packing, found.source) == (method, packing, "header")
    if name == "hqq-4bit-axis0":  # runs are columns: sizes give bits times group size only
        assert (found.bits, found.group_size, found.effective_bits_per_weight) == (None, None, None)
        return
    assert (found.bits, found.group_size) == (8 if name == "ct-w4a8" else bits, group)
    assert found.effective_bits_per_weight == pytest.approx(expected_bits(name, one), rel=0.01)
    assert count_parameters(index, found, None) == TOTAL


@pytest.mark.parametrize("name", HAND)
def test_with_a_lying_declaration(name: str) -> None:
    _, method, packing, _, _, one = HAND[name]
    index, _, _ = read(name)
    said = "exl2" if method in ("gptq", "awq") else "gptq"
    lie = {"quantization_config": {"quant_method": said, "bits": 7, "group_size": 1024}}
    found, conflicts = read_quantization(lie, {}, index)
    assert found is not None
    assert (found.method, found.packing, found.source) == (method, packing, "header")
    assert [(item.trait, item.believed, item.other) for item in conflicts] == [
        ("quantization.method", method, said)
    ]
    if name != "hqq-4bit-axis0":
        assert found.effective_bits_per_weight == pytest.approx(expected_bits(name, one), rel=0.01)


@pytest.mark.parametrize("name", HAND)
def test_over_plain_weights_the_declaration_is_dropped(name: str) -> None:
    tensors = {f"model.layers.{n // 7}.mlp.down_proj{n}.weight": "4 4" for n in range(14)}
    _, config, side = read(name)
    found, conflicts = read_quantization(config, side, index_of(tensors))
    assert found is None
    assert len(conflicts) <= 1
    loads = {"bitsandbytes", "torchao", "quanto", "hqq", "eetq", "higgs", "bitnet", "fp_quant",
             "metal", "gemma"}  # fmt: skip
    declared = bool(config or side)
    assert bool(conflicts) is (declared and HAND[name][0] not in loads)


@pytest.mark.parametrize(
    ("name", "change", "trait", "believed", "other"),
    [
        ("gptq-act-order", {"bits": 8}, "bits", "4", "8"),
        ("gptq-act-order", {"group_size": 32}, "group_size", "128", "32"),
        ("awq-gemm", {"version": "gemv"}, "checkpoint_format", "gemm", "gemv"),
        ("awq-gemv", {"version": "gemm"}, "checkpoint_format", "gemv", "gemm"),
        ("bnb-nf4", {"bnb_4bit_quant_type": "fp4"}, "weight_type", "nf4", "fp4"),
        ("bnb-nf4", {"bnb_4bit_use_double_quant": True}, "nested_scales", "no", "yes"),
        ("bnb-nf4", {"load_in_4bit": False, "load_in_8bit": True}, "bits", "4", "8"),
        ("fp8-block", {"weight_block_size": [64, 64]}, "block_shape", "128x128", "64x64"),
        ("fp8-tensor", {"weight_block_size": [128, 128]}, "granularity", "tensor", "block"),
        ("auto-round-w2", {"bits": 4}, "bits", "2", "4"),
        ("torchao-int8", {"quant_type": "int16_weight_only"}, "bits", "8", "16"),
        ("higgs", {"bits": 2}, "bits", "4", "2"),
        ("hqq-4bit", {"quant_config": {"weight_quant_params": {"nbits": 8, "group_size": 64}}},
         "bits", "4", "8"),
    ],
)  # fmt: skip
def test_a_declaration_that_is_wrong_in_one_thing(
    name: str, change: dict[str, Any], trait: str, believed: str, other: str
) -> None:
    index, config, side = read(name)
    true, _ = read_quantization(config, side, index)
    config["quantization_config"] |= change
    found, conflicts = read_quantization(config, side, index)
    assert [(one.trait, one.believed, one.other) for one in conflicts] == [
        (f"quantization.{trait}", believed, other)
    ]
    assert found is not None
    assert true is not None
    assert found.bits == true.bits
    assert found.effective_bits_per_weight == true.effective_bits_per_weight


def test_mixed_widths_are_listed() -> None:
    """mlx-lm prints 4.124 bits a weight for this model."""
    index, config, _ = read("mlx-mixed")
    for stated in (config, {}):
        found, conflicts = read_quantization(stated, {}, index)
        assert conflicts == []
        assert found is not None
        assert {(form.bits, form.group_size) for form in found.forms} == {(3, 64), (6, 64)}
        assert found.effective_bits_per_weight == pytest.approx(4.124, abs=0.001)
        assert count_parameters(index, found, None) == TOTAL


def test_fused_experts_beside_plain_attention() -> None:
    index, config, _ = read("mxfp4-experts")
    packed = 2 * 8 * (1024 * 256 + 256 * 512)
    # Router, expert biases and what attention and tables hold stay at 16 bits.
    plain = 2 * (8 * 256 + 8 + 8 * 1024 + 8 * 256) + 2 * (2 * 256 * 256 + 2 * 128 * 256)
    plain += 2 * 512 * 256 + NORMS
    for stated in (config, {}):
        found, conflicts = read_quantization(stated, {}, index)
        assert conflicts == []
        assert found is not None
        assert (found.method, found.bits, found.group_size) == ("mxfp4", 4, 32)
        assert found.effective_bits_per_weight == pytest.approx(
            (packed * 4.25 + plain * 16) / (packed + plain), rel=0.001
        )
        assert found.quantized_bits_per_weight == 4.25
        assert count_parameters(index, found, None) == packed + plain
        assert "model.layers.#.self_attn.q_proj" in found.unquantized
        assert [form.packing for form in found.forms] == ["mxfp4-blocks", "plain"]


def test_other_fields() -> None:
    def found(name: str) -> Any:
        index, config, side = read(name)
        return read_quantization(config, side, index)[0]

    assert found("ct-w4a16").scheme == "W4A16"
    assert found("ct-fp8-block").scheme == "FP8_BLOCK"
    assert found("ct-fp8-dynamic").scheme == "FP8_DYNAMIC"
    assert found("ct-nvfp4").scheme == "NVFP4"
    assert found("ct-nvfp4a16").scheme == "NVFP4A16"
    assert found("ct-w8a8-int8").scheme == "W8A8"
    assert found("ct-w4a8").scheme == "W4A8"
    assert found("ct-w4a16").ignored == ["lm_head"]
    assert found("ct-w4a16").unquantized == ["lm_head", "model.embed_tokens"]
    assert found("ct-w4a16").symmetric is True
    assert found("ct-w4a16-asym").symmetric is False
    assert found("ct-fp8-kv").kv_cache.bits == 8
    assert found("modelopt-fp8-kv").kv_cache.bits == 8
    assert found("ct-fp8").kv_cache is None
    assert found("ct-fp8").activations.dynamic is False
    assert found("ct-fp8-dynamic").activations.dynamic is True
    assert found("ct-w4a16").activations is None
    assert found("gptq-act-order").act_order is True
    assert found("gptq-v2").checkpoint_format == "gptq_v2"
    assert found("awq-gemv-fast").checkpoint_format == "gemv_fast"
    assert found("bnb-nf4-nested").nested_scales is True
    assert found("bnb-fp4").weight_type == "fp4"
    assert found("ct-marlin-24").sparsity == "2:4"
    assert found("modelopt-fp8-block").block_shape == [128, 128]
    assert found("modelopt-nvfp4").ignored == ["lm_head", "model.embed_tokens"]


def test_scales_for_keys_and_values_show_without_a_declaration() -> None:
    found, _ = read_quantization({}, {}, read("ct-fp8-kv")[0])
    assert found is not None
    assert found.kv_cache is not None
    assert found.kv_cache.source == "header"


def test_hf_quant_config_alone_is_enough() -> None:
    index, _, side = read("modelopt-nvfp4")
    found, conflicts = read_quantization({}, side, index)
    assert conflicts == []
    assert found is not None
    assert (found.method, found.scheme, found.bits, found.group_size) == (
        "modelopt", "NVFP4", 4, 16)  # fmt: skip
    assert found.ignored == ["lm_head", "model.embed_tokens"]


def test_a_side_file_may_be_right_where_config_lies() -> None:
    index, _, side = read("modelopt-nvfp4")
    lie = {"quantization_config": {"quant_method": "gptq", "bits": 4, "group_size": 128}}
    found, conflicts = read_quantization(lie, side, index)
    assert found is not None
    assert (found.method, found.scheme) == ("modelopt", "NVFP4")
    assert [(item.believed, item.other, item.other_from) for item in conflicts] == [
        ("modelopt", "gptq", "config")
    ]


def test_widths_come_from_the_declaration_that_fits() -> None:
    """Rows of 64 words and 4 scales: 2 bits in groups of 256, 4 of 128, or 8 of 64."""
    index = index_of({f"layers.0.mlp.down_proj.{leaf}": text for leaf, text in (
        ("weight_packed", "I32: 64 64"), ("weight_scale", "BF16: 64 4"))})  # fmt: skip
    lie = {"quantization_config": {"quant_method": "gptq", "bits": 8, "group_size": 64}}
    side = {"hf_quant_config.json": {"quantization": {"quant_algo": "W4A16_AWQ"}}}
    found, _ = read_quantization(lie, side, index)
    assert found is not None
    assert (found.method, found.bits, found.group_size) == ("modelopt", 4, 128)
    assert [(form.bits, form.weights) for form in found.forms] == [(4, 64 * 512)]


@pytest.mark.parametrize(("bits", "traits"), [(5.4, []), (3, ["quantization.bits"])])
def test_a_mean_of_widths_is_allowed_to_be_near(bits: float, traits: list[str]) -> None:
    stated = {"quantization_config": {"quant_method": "exl2", "bits": bits}}
    _, conflicts = read_quantization(stated, {}, read("exl2")[0])
    assert [one.trait for one in conflicts] == traits


def test_two_declarations_without_tensors_contradict_each_other() -> None:
    _, config, _ = read("awq-gemm")
    side = {"hf_quant_config.json": {"quantization": {"quant_algo": "FP8"}}}
    found, conflicts = read_quantization(config, side, TensorIndex())
    assert found is not None
    assert found.method == "awq"
    assert [(item.believed, item.believed_from, item.other, item.other_from) for item in conflicts
            ] == [("awq", "config", "modelopt", "hf_quant_config.json")]  # fmt: skip
