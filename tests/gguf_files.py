"""Writes small GGUF files: key-value pairs, tensor entries and zeros for data."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

TYPES = {
    "F32": (0, 1, 4), "F16": (1, 1, 2), "Q4_0": (2, 32, 18), "Q5_0": (6, 32, 22),
    "Q8_0": (8, 32, 34), "Q4_K": (12, 256, 144), "Q6_K": (14, 256, 210), "BF16": (30, 1, 2),
    "MXFP4": (39, 32, 17),
}  # fmt: skip
"""Name to number, weights a block, bytes a block."""
_FORMATS = {"u8": (0, "B"), "u32": (4, "I"), "i32": (5, "i"), "f32": (6, "f"), "u64": (10, "Q")}

Tensors = Mapping[str, tuple[str, tuple[int, ...]]]
"""Name to (type, row-major shape)."""


class Raw:
    """A value whose type is given: `Raw("u64", 3)`, `Raw("f32", [..])` for an array."""

    def __init__(self, kind: str, value: Any) -> None:
        self.kind, self.value = kind, value


def write_gguf(
    metadata: Mapping[str, Any],
    tensors: Tensors | None = None,
    *,
    version: int = 3,
    mark: str = "<",
    data: bool = True,
) -> bytes:
    """Return the bytes of a GGUF file; `mark` is `>` for a big-endian one."""
    tensors = tensors or {}
    out = bytearray(b"GGUF")
    out += struct.pack(f"{mark}IQQ", version, len(tensors), len(metadata))
    for key, value in metadata.items():
        out += _text(key, mark) + _value(value, mark)
    offset = 0
    for name, (kind, shape) in tensors.items():
        number, weights, size = TYPES[kind]
        out += _text(name, mark) + struct.pack(f"{mark}I", len(shape))
        out += struct.pack(f"{mark}{len(shape)}Q", *reversed(shape))
        out += struct.pack(f"{mark}IQ", number, offset)
        offset += -(-(prod(shape) // weights * size) // 32) * 32
    alignment = metadata.get("general.alignment", 32)
    out += bytes(-len(out) % alignment)
    return bytes(out) + (bytes(offset) if data else b"")


def _text(text: str, mark: str) -> bytes:
    data = text.encode()
    return struct.pack(f"{mark}Q", len(data)) + data


def _value(value: Any, mark: str) -> bytes:
    if isinstance(value, Raw):
        number, letter = _FORMATS[value.kind]
        if isinstance(value.value, list):
            head = struct.pack(f"{mark}IIQ", 9, number, len(value.value))
            return head + struct.pack(f"{mark}{len(value.value)}{letter}", *value.value)
        return struct.pack(f"{mark}I{letter}", number, value.value)
    if isinstance(value, bool):
        return struct.pack(f"{mark}IB", 7, value)
    if isinstance(value, int):
        return (
            struct.pack(f"{mark}Ii", 5, value) if value < 0 else struct.pack(f"{mark}II", 4, value)
        )
    if isinstance(value, float):
        return struct.pack(f"{mark}If", 6, value)
    if isinstance(value, str):
        return struct.pack(f"{mark}I", 8) + _text(value, mark)
    return _list(value, mark)


def _list(values: Sequence[Any], mark: str) -> bytes:
    if values and isinstance(values[0], str):
        items = b"".join(_text(item, mark) for item in values)
        return struct.pack(f"{mark}IIQ", 9, 8, len(values)) + items
    return struct.pack(f"{mark}IIQ{len(values)}i", 9, 5, len(values), *values)


def decoder_tensors(
    *, layers: int = 2, hidden: int = 256, heads: int = 4, kv: int = 2, ffn: int = 512,
    rows: int = 1000, kind: str = "Q4_K", tied: bool = False,
) -> dict[str, tuple[str, tuple[int, ...]]]:  # fmt: skip
    """Return the tensors of a plain gated decoder in llama.cpp's naming."""
    width = hidden // heads
    found: dict[str, tuple[str, tuple[int, ...]]] = {
        "token_embd.weight": ("Q6_K" if kind == "Q4_K" else kind, (rows, hidden)),
        "output_norm.weight": ("F32", (hidden,)),
    }
    if not tied:
        found["output.weight"] = (kind, (rows, hidden))
    for block in range(layers):
        at = f"blk.{block}"
        found |= {
            f"{at}.attn_norm.weight": ("F32", (hidden,)),
            f"{at}.attn_q.weight": (kind, (hidden, hidden)),
            f"{at}.attn_k.weight": (kind, (kv * width, hidden)),
            f"{at}.attn_v.weight": (kind, (kv * width, hidden)),
            f"{at}.attn_output.weight": (kind, (hidden, hidden)),
            f"{at}.ffn_norm.weight": ("F32", (hidden,)),
            f"{at}.ffn_gate.weight": (kind, (ffn, hidden)),
            f"{at}.ffn_up.weight": (kind, (ffn, hidden)),
            f"{at}.ffn_down.weight": (kind, (hidden, ffn)),
        }
    return found


def design_of(architecture: str, **more: Any) -> dict[str, Any]:
    """Return the key-value pairs of a model; `more` adds keys under the architecture (`__` = .)."""
    found: dict[str, Any] = {"general.architecture": architecture}
    found |= {f"{architecture}.{key.replace('__', '.')}": value for key, value in more.items()}
    return found


def vocabulary_of(count: int) -> dict[str, Any]:
    """Return a vocabulary of `count` made-up tokens, in the order llama.cpp writes it."""
    tokens = ["<unk>", "<s>", "</s>", *(f"tok{number}" for number in range(count - 3))]
    return {
        "tokenizer.ggml.model": "llama",
        "tokenizer.ggml.tokens": tokens,
        "tokenizer.ggml.scores": Raw("f32", [0.0] * count),
        "tokenizer.ggml.token_type": [2, 3, 3, *([1] * (count - 3))],
        "tokenizer.ggml.bos_token_id": 1,
        "tokenizer.ggml.eos_token_id": 2,
    }
