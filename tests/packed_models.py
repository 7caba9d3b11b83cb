"""The checkpoints of `tiny_models` as quantizers and converters store them."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from gguf.constants import GGMLQuantizationType
from gguf.gguf_writer import GGUFWriter
from gguf.quants import quantize
from numpy.typing import NDArray

from famtree.packings.quantizers import quantize_blocks
from tiny_models import FFN, HEADS, HIDDEN, KEYS, VOCABULARY, WIDTH, Arrays, encode, files_of

_NAMES = {
    "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output", "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down", "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
}  # fmt: skip
_WHOLE = {
    "model.embed_tokens.weight": "token_embd.weight", "model.norm.weight": "output_norm.weight",
    "lm_head.weight": "output.weight",
}  # fmt: skip
_AWQ_ORDER = (0, 4, 1, 5, 2, 6, 3, 7)
"""Output 2j goes to nibble j of a word, output 2j + 1 to nibble 4 + j."""
_GROUP = 32


def make_gguf(
    arrays: Arrays,
    *,
    kind: GGMLQuantizationType = GGMLQuantizationType.Q8_0,
    **general: str,
) -> bytes:
    """Return a GGUF file of matrices of that type, as llama.cpp converts a llama."""
    layers = sum(name.endswith("q_proj.weight") for name in arrays)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "model.gguf"
        writer = GGUFWriter(path, "llama")
        for key, value in general.items():
            writer.add_string(f"general.{key.replace('__', '.')}", value)
        writer.add_block_count(layers)
        writer.add_embedding_length(HIDDEN)
        writer.add_feed_forward_length(FFN)
        writer.add_head_count(HEADS)
        writer.add_head_count_kv(KEYS)
        writer.add_key_length(WIDTH)
        writer.add_vocab_size(VOCABULARY)
        writer.add_tokenizer_model("gpt2")
        writer.add_token_list([f"t{number}" for number in range(VOCABULARY)])
        writer.add_token_types([1] * VOCABULARY)
        for name, values in arrays.items():
            _add(writer, name, values, kind)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        return path.read_bytes()


def _add(
    writer: GGUFWriter, name: str, values: NDArray[np.float32], kind: GGMLQuantizationType
) -> None:
    new = _WHOLE.get(name)
    if new is None:
        _, _, layer, leaf = name.removesuffix(".weight").split(".", 3)
        new = f"blk.{layer}.{_NAMES[leaf]}.weight"
        if leaf in ("self_attn.q_proj", "self_attn.k_proj"):
            # llama.cpp stores the two halves of each head's rotation interleaved.
            halves = values.reshape(-1, 2, WIDTH // 2, HIDDEN)
            values = np.ascontiguousarray(halves.swapaxes(1, 2).reshape(values.shape))
    if values.ndim == 1:
        writer.add_tensor(new, values)
        return
    if kind.name.endswith("_K"):
        # The package only reads these; test_quantizers holds them against ggml.
        stored = quantize_blocks(values, kind.name).reshape(len(values), -1)
    else:
        stored = quantize(values, kind)
    writer.add_tensor(new, stored, raw_dtype=kind)


def make_awq(arrays: Arrays) -> dict[str, bytes]:
    """Return the files of a checkpoint whose layers' matrices AWQ stores in four bits."""
    found: dict[str, NDArray[Any]] = {}
    for name, values in arrays.items():
        if ".layers." in name and values.ndim == 2:
            stem = name.removesuffix(".weight")
            found |= {f"{stem}.{leaf}": part for leaf, part in _pack_awq(values).items()}
        else:
            found[name] = values
    packed = {"quant_method": "awq", "bits": 4, "group_size": _GROUP, "version": "gemm"}
    files = files_of(arrays, quantization_config=packed)
    return {**files, "model.safetensors": encode(found)}


def _pack_awq(values: NDArray[np.float32]) -> dict[str, NDArray[Any]]:
    grouped = values.T.reshape(-1, _GROUP, values.shape[0])
    lowest, highest = grouped.min(axis=1), grouped.max(axis=1)
    scales = ((highest - lowest) / 15).astype(np.float16)
    zeros = np.clip(np.round(-lowest / scales), 0, 15)
    codes = np.clip(np.round(grouped / scales[:, None]) + zeros[:, None], 0, 15)
    return {
        "qweight": _pack(codes.reshape(values.T.shape)), "qzeros": _pack(zeros), "scales": scales,
    }  # fmt: skip


def _pack(codes: NDArray[Any]) -> NDArray[np.int32]:
    nibbles = codes.reshape(codes.shape[0], -1, 8).astype(np.uint32)
    words = sum(nibbles[..., k] << np.uint32(4 * _AWQ_ORDER[k]) for k in range(8))
    return np.asarray(words, np.uint32).view(np.int32)
