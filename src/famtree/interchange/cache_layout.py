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
    "q8_0": 34 / 32,
    "q5_1": 24 / 32,
    "q5_0": 22 / 32,
    "q4_1": 20 / 32,
    "q4_0": 18 / 32,
    "iq4_nl": 18 / 32,
    "nvfp4": 0.5625,
    "int4": 0.5,
}
"""Bytes a number takes in a cache; NVFP4 has one 8-bit scale for 16 numbers of 4 bits, GGML's types
have theirs for 32. Scales of 8-bit caches are not counted: most are one a tensor or head and do not
grow with the context."""


class Cells(Struct, frozen=True):
    """Bytes a number takes, by what is stored."""

    attention: float = 2.0
    """Keys and values."""
    convolution: float = 2.0
    """Last inputs of short convolutions."""
    recurrent: float = 2.0
    """State of a recurrence; engines and configs often ask for 4."""
    mixed: bool = False
    """Latent vectors of sparse attention are stored as 8-bit numbers with scales beside a 16-bit
    rotary part: `LayerCache.mixed_bytes` counts, not `attention`."""


class LayerCache(Struct, frozen=True):
    """What one layer, or a part of one, keeps of a sequence. Counts are of numbers, not bytes."""

    heads: int = 0
    """Key-value heads; 1 for a latent vector, 0 where the layer stores no keys."""
    key_width: int = 0
    """Numbers a head and token; latent and rotary part together for a latent vector."""
    value_width: int = 0
    """0 where values are read out of the latent vector."""
    window: int | None = None
    """Most tokens kept; None for all."""
    stride: int = 1
    """Tokens that share one entry: 4 where four are compressed into one."""
    cell: float | None = None
    """Bytes a number takes whatever the type of keys and values: keys of a sparse index."""
    mixed_bytes: int | None = None
    """Bytes of an entry in the mixed 8-bit form, where there is one (`Cells.mixed`)."""
    convolution: int = 0
    recurrent: int = 0
    expanded: tuple[int, int, int] | None = None
    """(heads, key width, value width) where an engine stores the unpacked keys and values of a
    latent vector."""

    @property
    def numbers(self) -> int:
        """Numbers of keys and values an entry."""
        return self.heads * (self.key_width + self.value_width)

    def measure_entry(self, cells: Cells) -> float:
        """Return the bytes of one entry."""
        if self.cell is not None:
            return self.numbers * self.cell
        if cells.mixed and self.mixed_bytes is not None:
            return self.mixed_bytes
        return self.numbers * cells.attention


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
    mixer: str | None = None
    """Kind of recurrence or convolution by its word in `data/caches.json`; engines store the
    states of some kinds in another type than those of others."""

    def unpack(self) -> KvLayout:
        """Return the layout of an engine that stores latent vectors unpacked."""
        return replace(self, layers=tuple(_unpack(layer) for layer in self.layers))

    def lift_windows(self) -> KvLayout:
        """Return the layout of an engine that keeps all tokens in layers with a window."""
        lifted = (one if one.cell is not None else replace(one, window=None) for one in self.layers)
        return replace(self, layers=tuple(lifted))

    def split(self, ranks: int) -> KvLayout:
        """Return what one of `ranks` accelerators keeps under tensor parallelism.

        Heads are dealt out, and repeated where there are fewer than ranks; a latent vector, and
        what is compressed out of one, is kept whole by each.
        """
        if ranks == 1:
            return self
        layers = tuple(_split(layer, ranks) for layer in self.layers)
        cross = self.cross
        if cross is not None:
            cross = replace(cross, heads=ceil(cross.heads / ranks))
        return replace(self, layers=layers, cross=cross)


def _unpack(layer: LayerCache) -> LayerCache:
    if layer.expanded is None:
        return layer
    heads, key, value = layer.expanded
    return replace(
        layer, heads=heads, key_width=key, value_width=value, expanded=None, mixed_bytes=None
    )


def _split(layer: LayerCache, ranks: int) -> LayerCache:
    return replace(
        layer,
        heads=ceil(layer.heads / ranks),
        convolution=ceil(layer.convolution / ranks),
        recurrent=ceil(layer.recurrent / ranks),
    )


DEFAULT_CELLS = Cells()


def bytes_per_token(layout: KvLayout, cells: Cells = DEFAULT_CELLS) -> int:
    """Return the bytes one more token costs once all windows are full."""
    return ceil(
        sum(
            layer.measure_entry(cells) / layer.stride
            for layer in layout.layers
            if layer.window is None
        )
    )


def first_bytes_per_token(layout: KvLayout, cells: Cells = DEFAULT_CELLS) -> int:
    """Return the bytes one more token costs while no window is full yet."""
    return ceil(sum(layer.measure_entry(cells) / layer.stride for layer in layout.layers))


def window_bytes(layout: KvLayout, cells: Cells = DEFAULT_CELLS) -> int:
    """Return the bytes of one sequence in layers with a window, once it is full."""
    return ceil(
        sum(
            layer.measure_entry(cells) * layer.window
            for layer in layout.layers
            if layer.window is not None
        )
    )


def admission_bytes(
    layout: KvLayout, tokens: int, in_flight: int, cells: Cells = DEFAULT_CELLS, padding: int = 1
) -> int:
    """Return what windows take beyond their length while `in_flight` tokens are on their way.

    An engine that frees tokens only once a step is done needs this to admit a sequence of `tokens`;
    it may hold a multiple of `padding` of them.
    """
    return ceil(
        sum(
            layer.measure_entry(cells)
            * max(
                0,
                ceil(min(tokens, layer.window - 1 + in_flight) / padding) * padding
                - min(tokens, layer.window),
            )
            for layer in layout.layers
            if layer.window is not None
        )
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


def fixed_bytes(layout: KvLayout, cells: Cells = DEFAULT_CELLS) -> int:
    """Return what a long sequence takes beside tokens and states: windows, fixed encoder output.

    An encoder's output of no fixed length is not counted: see `cross_bytes`.
    """
    fixed = layout.cross.tokens if layout.cross is not None else None
    return window_bytes(layout, cells) + cross_bytes(layout, fixed or 0, cells)


def constant_bytes(layout: KvLayout, cells: Cells = DEFAULT_CELLS) -> int:
    """Return what a long sequence takes beside its tokens: fixed parts and states."""
    return fixed_bytes(layout, cells) + state_bytes(layout, cells)


def sequence_bytes(layout: KvLayout, tokens: int, cells: Cells = DEFAULT_CELLS) -> int:
    """Return the bytes of one sequence of `tokens` tokens; windows may not be full yet.

    An encoder's output of no fixed length is taken to be as long as the sequence.
    """
    kept = 0.0
    for layer in layout.layers:
        entries = tokens if layer.window is None else min(tokens, layer.window)
        kept += layer.measure_entry(cells) * ceil(entries / layer.stride)
    cross = layout.cross
    encoder = 0 if cross is None else cross.tokens if cross.tokens is not None else tokens
    return ceil(kept) + state_bytes(layout, cells) + cross_bytes(layout, encoder, cells)
