"""GGUF files with the names, row order and block types that llama.cpp's converters choose."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

import gguf
from gguf import GGMLQuantizationType as Kind
from zoo.network import Network

SUPER_BLOCK, BLOCK = 256, 32
NAMES = {
    "embedding": "token_embd", "final_norm": "output_norm", "head": "output",
    "attention_norm": "attn_norm", "mlp_norm": "ffn_norm", "q": "attn_q", "k": "attn_k",
    "v": "attn_v", "o": "attn_output", "gate": "ffn_gate", "up": "ffn_up", "down": "ffn_down",
}  # fmt: skip


def stored_name(name: str) -> str:
    """Return llama.cpp's name of a role name."""
    *path, role, ending = name.split(".")
    start = f"blk.{path[1]}." if path else ""
    return f"{start}{NAMES[role]}.{ending}"


def interleave_rotary_rows(value: np.ndarray, heads: int) -> np.ndarray:
    """Bring the rows of q or k from half-split to interleaved rotary pairs, as llama.cpp does."""
    rows = value.shape[0] // heads // 2
    split = value.reshape(heads, 2, rows, *value.shape[1:])
    return split.swapaxes(1, 2).reshape(value.shape)


def quantize_q4_k(values: np.ndarray) -> np.ndarray:
    """Return Q4_K blocks (bytes, 144 for 256 weights) of a matrix whose rows are whole blocks.

    Eight sub-blocks of 32 with 6-bit scales and minima (ggml's `block_q4_K`); scales come from
    each sub-block's range, without the search for a smaller error that llama.cpp does.
    """
    blocks = values.astype(np.float32).reshape(-1, SUPER_BLOCK // BLOCK, BLOCK)
    low = np.minimum(blocks.min(-1), 0.0)
    step = (blocks.max(-1) - low) / 15
    scale = (step.max(-1, keepdims=True) / 63).astype(np.float16)
    least = ((-low).max(-1, keepdims=True) / 63).astype(np.float16)

    def divide(parts: np.ndarray, whole: np.ndarray) -> np.ndarray:
        whole = whole.astype(np.float32)
        shares = np.divide(parts, whole, out=np.zeros_like(parts), where=whole > 0)
        codes: np.ndarray = np.clip(np.rint(shares), 0, 63).astype(np.uint8)
        return codes

    scales, minima = divide(step, scale), divide(-low, least)
    real = (scale.astype(np.float32) * scales)[..., None]
    offset = (least.astype(np.float32) * minima)[..., None]
    codes = np.divide(blocks + offset, real, out=np.zeros_like(blocks), where=real > 0)
    codes = np.clip(np.rint(codes), 0, 15).astype(np.uint8)
    high = slice(4, 8)
    packed_scales = np.concatenate(
        [
            scales[:, :4] & 63 | (scales[:, high] >> 4) << 6,
            minima[:, :4] & 63 | (minima[:, high] >> 4) << 6,
            scales[:, high] & 15 | (minima[:, high] & 15) << 4,
        ],
        axis=1,
    )
    # Sub-blocks go in pairs: the even one's codes lie in the low halves.
    nibbles = (codes[:, 0::2] | codes[:, 1::2] << 4).reshape(len(codes), -1)
    parts = [scale.view(np.uint8), least.view(np.uint8), packed_scales, nibbles]
    return np.concatenate(parts, axis=1).reshape(values.shape[0], -1)


def _quantize(value: np.ndarray, form: str) -> tuple[np.ndarray, Kind]:
    """Return the blocks of one matrix and their type; Q5_0 where rows are no multiple of 256."""
    if form == "q8_0":
        return gguf.quantize(value, Kind.Q8_0), Kind.Q8_0
    if value.shape[1] % SUPER_BLOCK:
        return gguf.quantize(value, Kind.Q5_0), Kind.Q5_0
    return quantize_q4_k(value), Kind.Q4_K


def _write_header(writer: gguf.GGUFWriter, network: Network, form: str, tokenizer: Path) -> None:
    shape = network.shape
    writer.add_name(tokenizer.stem)
    writer.add_file_type(
        gguf.LlamaFileType.MOSTLY_Q8_0 if form == "q8_0" else gguf.LlamaFileType.MOSTLY_Q4_K_M
    )
    writer.add_context_length(512)
    writer.add_embedding_length(shape.hidden)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.ffn)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.kv_heads)
    writer.add_rope_dimension_count(shape.head_dim)
    writer.add_rope_freq_base(10000.0)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_vocab_size(shape.vocab)
    table = json.loads(tokenizer.read_text(encoding="utf-8"))["model"]
    tokens = sorted(table["vocab"], key=table["vocab"].__getitem__)
    tokens += [f"[PAD{place}]" for place in range(len(tokens), shape.vocab)]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(tokens)
    writer.add_token_types([1] * len(tokens))
    merges = [one if isinstance(one, str) else " ".join(one) for one in table["merges"]]
    writer.add_token_merges(merges)
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(0)


def write_gguf(path: Path, network: Network, form: str, tokenizer: Path) -> None:
    """Write one network as `q8_0` or `q4_k` (then Q6_K's place, the head, is Q8_0)."""
    assert network.design.gguf
    writer = gguf.GGUFWriter(path, network.design.gguf)
    _write_header(writer, network, form, tokenizer)
    heads = {"q": network.shape.heads, "k": network.shape.kv_heads}
    for name, tensor in network.weights.items():
        role = name.split(".")[-2]
        value = tensor.numpy()
        if network.design.gguf_rotary_rows_permuted and role in heads:
            value = interleave_rotary_rows(value, heads[role])
        stored = stored_name(name)
        if value.ndim == 1:
            writer.add_tensor(stored, value.astype(np.float32))
        else:
            blocks, kind = _quantize(value, "q8_0" if role == "head" else form)
            writer.add_tensor(stored, blocks, raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
