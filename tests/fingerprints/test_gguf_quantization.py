"""Every GGUF tensor type: bits a weight by the published block sizes."""

from __future__ import annotations

import pytest

from famtree.fingerprints.gguf_quantization import read_gguf_quantization
from famtree.packings.ggml_types import TENSOR_TYPES, stored_bytes
from famtree.types.checkpoint import TensorInfo

# Bits a weight as gguf 0.19.0 and llama.cpp's documentation give them.
PUBLISHED = {
    "Q4_0": 4.5, "Q4_1": 5.0, "Q5_0": 5.5, "Q5_1": 6.0, "Q8_0": 8.5, "Q8_1": 10.0, "Q2_K": 2.625,
    "Q3_K": 3.4375, "Q4_K": 4.5, "Q5_K": 5.5, "Q6_K": 6.5625, "Q8_K": 9.125, "IQ1_S": 1.5625,
    "IQ1_M": 1.75, "IQ2_XXS": 2.0625, "IQ2_XS": 2.3125, "IQ2_S": 2.5625, "IQ3_XXS": 3.0625,
    "IQ3_S": 3.4375, "IQ4_NL": 4.5, "IQ4_XS": 4.25, "TQ1_0": 1.6875, "TQ2_0": 2.0625,
    "MXFP4": 4.25, "NVFP4": 4.5, "Q1_0": 1.125,
}  # fmt: skip
NUMBERS = {name: number for number, (name, _, _) in TENSOR_TYPES.items()}


def tensor(name: str, dtype: str, shape: tuple[int, ...]) -> TensorInfo:
    numel = shape[0] * shape[-1] if len(shape) > 1 else shape[0]
    size = stored_bytes(NUMBERS[dtype], shape[::-1], numel)
    assert size is not None
    return TensorInfo(name, dtype, shape, 0, size, "model.gguf")


@pytest.mark.parametrize("dtype", PUBLISHED)
def test_each_type(dtype: str) -> None:
    tensors = [tensor("blk.0.ffn_up.weight", dtype, (512, 256)),
               tensor("token_embd.weight", "F16", (1024, 256)),
               tensor("output_norm.weight", "F32", (256,))]  # fmt: skip
    found, conflicts = read_gguf_quantization({}, tensors)
    assert conflicts == []
    assert found is not None
    assert (found.method, found.packing, found.scheme) == ("gguf", dtype, dtype)
    packed, plain, norm = 512 * 256, 1024 * 256, 256
    expected = (packed * PUBLISHED[dtype] + plain * 16 + norm * 32) / (packed + plain + norm)
    assert found.effective_bits_per_weight == pytest.approx(expected, abs=1e-3)
    assert found.quantized_bits_per_weight == pytest.approx(PUBLISHED[dtype], abs=1e-4)
    assert found.unquantized == ["token_embd"]
    assert [(form.packing, form.weights) for form in found.forms] == [
        ("F16", plain), (dtype, packed)]  # fmt: skip


def test_a_mixture_is_listed_by_weights() -> None:
    tensors = [tensor(f"blk.{n}.attn_v.weight", "Q6_K", (256, 256)) for n in range(2)]
    tensors += [tensor(f"blk.{n}.ffn_up.weight", "Q4_K", (512, 256)) for n in range(2)]
    found, conflicts = read_gguf_quantization({"general.file_type": 15}, tensors)
    assert conflicts == []
    assert found is not None
    assert [(form.packing, form.modules, form.paths) for form in found.forms] == [
        ("Q4_K", 2, ["blk.#.ffn_up"]), ("Q6_K", 2, ["blk.#.attn_v"])]  # fmt: skip
    assert found.effective_bits_per_weight == pytest.approx((2 * 4.5 + 6.5625) / 3, abs=1e-4)
