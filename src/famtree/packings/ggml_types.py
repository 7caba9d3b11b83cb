"""Tensor types of GGUF files: every one is a packing by itself, and stands in the file.

Sizes and numbers after ggml's own type traits as repeated in gguf 0.19.0 (`GGML_QUANT_SIZES`);
Q2_0 after ggml 0.25.3.
"""

from __future__ import annotations

TENSOR_TYPES: dict[int, tuple[str, int, int]] = {
    0: ("F32", 1, 4), 1: ("F16", 1, 2), 2: ("Q4_0", 32, 18), 3: ("Q4_1", 32, 20),
    6: ("Q5_0", 32, 22), 7: ("Q5_1", 32, 24), 8: ("Q8_0", 32, 34), 9: ("Q8_1", 32, 40),
    10: ("Q2_K", 256, 84), 11: ("Q3_K", 256, 110), 12: ("Q4_K", 256, 144), 13: ("Q5_K", 256, 176),
    14: ("Q6_K", 256, 210), 15: ("Q8_K", 256, 292), 16: ("IQ2_XXS", 256, 66),
    17: ("IQ2_XS", 256, 74), 18: ("IQ3_XXS", 256, 98), 19: ("IQ1_S", 256, 50),
    20: ("IQ4_NL", 32, 18), 21: ("IQ3_S", 256, 110), 22: ("IQ2_S", 256, 82),
    23: ("IQ4_XS", 256, 136), 24: ("I8", 1, 1), 25: ("I16", 1, 2), 26: ("I32", 1, 4),
    27: ("I64", 1, 8), 28: ("F64", 1, 8), 29: ("IQ1_M", 256, 56), 30: ("BF16", 1, 2),
    34: ("TQ1_0", 256, 54), 35: ("TQ2_0", 256, 66), 39: ("MXFP4", 32, 17), 40: ("NVFP4", 64, 36),
    41: ("Q1_0", 128, 18), 42: ("Q2_0", 64, 18),
}  # fmt: skip
"""Number of a tensor type to its name, weights a block and bytes a block."""
BLOCKS = {name: (weights, size) for name, weights, size in TENSOR_TYPES.values()}
"""Name of a tensor type to the same."""


def type_name(number: int) -> str:
    """Return the name of a tensor type; one newer than the table keeps its number."""
    return TENSOR_TYPES[number][0] if number in TENSOR_TYPES else f"TYPE_{number}"


def stored_bytes(number: int, shape: tuple[int, ...], numel: int) -> int | None:
    """Return the bytes a tensor takes, or None for an unknown type.

    Raises ValueError when a row does not divide into whole blocks.
    """
    if number not in TENSOR_TYPES:
        return None
    _, weights, size = TENSOR_TYPES[number]
    if weights > 1 and (not shape or shape[-1] % weights):
        raise ValueError(f"rows of {shape[-1] if shape else 1} are not whole blocks of {weights}")
    return numel // weights * size
