"""What a model keeps of the tokens it has read, layer by layer, counted in numbers and bytes."""

from __future__ import annotations

from math import ceil

from msgspec import Struct
from msgspec.structs import replace

CELL_BYTES: dict[str, float] = {
    "float32": 4.0,
    "bfloat16": 2.0,
    "float16": 2.0,
    "fp8": 1.0,
    "int8": 1.0,
    "nvfp4": 0.5625,
}
"""Bytes a number takes in a cache; NVFP4 has one 8-bit scale for 16 numbers of 4 bits. Scales of
8-bit caches are not counted: most are one a tensor or head and do not grow with the context."""
INDEX_BLOCK = 128
"""Index keys of sparse attention share a 4-byte scale over this many numbers
(vllm/model_executor/models/deepseek_v2.py)."""


class Cells(Struct, frozen=True):
    """Bytes a number takes, by what is stored."""

    attention: float = 2.0
    """Keys and values."""
    convolution: float = 2.0
    """Last inputs of short convolutions."""
    recurrent: float = 2.0
    """State of a recurrence; engines and configs often ask for 4."""


class LayerCache(Struct, frozen=True):
    """What one layer keeps of a sequence. Counts are of numbers, not bytes."""

    heads: int = 0
    """Key-value heads; 1 for a latent vector, 0 where the layer stores no keys."""
    key_width: int = 0
    """Numbers a head and token; latent and rotary part together for a latent vector."""
    value_width: int = 0
    """0 where values are read out of the latent vector."""
    window: int | None = None
    """Most tokens kept; None for all."""
    index_width: int = 0
    """Width of the key of a sparse index, kept beside the latent vector."""
    convolution: int = 0
    recurrent: int = 0
    expanded: tuple[int, int, int] | None = None
    """(heads, key width, value width) where an engine stores the unpacked keys and values of a
    latent vector."""

    @property
    def numbers(self) -> int:
        """Numbers of keys and values a token."""
        return self.heads * (self.key_width + self.value_width)

    @property
    def index_bytes(self) -> int:
        """Bytes of index keys a token: 8 bits a number and the scales."""
        return self.index_width + self.index_width // INDEX_BLOCK * 4


class CrossCache(Struct, frozen=True):
    """Keys and values of the encoder's output, kept by every decoder layer."""

    layers: int
    heads: int
    width: int
    tokens: int | None
    """Length of the encoder's output where it is fixed; None where the input decides."""


class KvLayout(Struct, frozen=True):
    """All layers' caches, and the rotation that is baked into the stored keys.

    Two equal layouts can hold each other's bytes. That makes neither valid for the other: what is
    stored depends on the weights.
    """

    layers: tuple[LayerCache, ...]
    cross: CrossCache | None = None
    rope: tuple[object, ...] = ()

    def unpack(self) -> KvLayout:
        """Return the layout of an engine that stores latent vectors unpacked."""
        return replace(self, layers=tuple(_unpack(layer) for layer in self.layers))

    def lift_windows(self) -> KvLayout:
        """Return the layout of an engine that keeps all tokens in layers with a window."""
        return replace(self, layers=tuple(replace(layer, window=None) for layer in self.layers))


def _unpack(layer: LayerCache) -> LayerCache:
    if layer.expanded is None:
        return layer
    heads, key, value = layer.expanded
    return replace(layer, heads=heads, key_width=key, value_width=value, expanded=None)


DEFAULT_CELLS = Cells()


def bytes_per_token(layout: KvLayout, cells: Cells = DEFAULT_CELLS) -> int:
    """Return the bytes one more token costs once all windows are full."""
    numbers = sum(layer.numbers for layer in layout.layers if layer.window is None)
    return ceil(numbers * cells.attention) + sum(layer.index_bytes for layer in layout.layers)


def window_bytes(layout: KvLayout, cells: Cells = DEFAULT_CELLS) -> int:
    """Return the bytes of one sequence in layers with a window, once it is full."""
    return ceil(
        sum(layer.numbers * layer.window for layer in layout.layers if layer.window is not None)
        * cells.attention
    )


def state_bytes(layout: KvLayout, cells: Cells = DEFAULT_CELLS) -> int:
    """Return the bytes of one sequence in recurrent states and convolutions."""
    convolution = sum(layer.convolution for layer in layout.layers)
    recurrent = sum(layer.recurrent for layer in layout.layers)
    return ceil(convolution * cells.convolution + recurrent * cells.recurrent)


def cross_bytes(layout: KvLayout, tokens: int, cells: Cells = DEFAULT_CELLS) -> int:
    """Return the bytes one sequence keeps of `tokens` tokens of an encoder."""
    cross = layout.cross
    if cross is None:
        return 0
    return ceil(2 * cross.layers * cross.heads * cross.width * tokens * cells.attention)


def constant_bytes(layout: KvLayout, cells: Cells = DEFAULT_CELLS) -> int:
    """Return what a long sequence takes beside its tokens: windows, states, fixed encoder output.

    An encoder's output of no fixed length is not counted: see `cross_bytes`.
    """
    fixed = layout.cross.tokens if layout.cross is not None else None
    return (
        window_bytes(layout, cells)
        + state_bytes(layout, cells)
        + cross_bytes(layout, fixed or 0, cells)
    )


def sequence_bytes(layout: KvLayout, tokens: int, cells: Cells = DEFAULT_CELLS) -> int:
    """Return the bytes of one sequence of `tokens` tokens; windows may not be full yet.

    An encoder's output of no fixed length is taken to be as long as the sequence.
    """
    kept = sum(
        layer.numbers * (tokens if layer.window is None else min(tokens, layer.window))
        for layer in layout.layers
    )
    index = tokens * sum(layer.index_bytes for layer in layout.layers)
    cross = layout.cross
    encoder = 0 if cross is None else cross.tokens if cross.tokens is not None else tokens
    return (
        ceil(kept * cells.attention)
        + index
        + state_bytes(layout, cells)
        + cross_bytes(layout, encoder, cells)
    )
