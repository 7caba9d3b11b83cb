"""Caches whose entries are compressed out of several tokens, and the keys of sparse indexes.

Each layer has a window of its own, one entry for every `ratio` tokens where it compresses, at the
sparse ratio a key of the index beside it, and in F32 the inputs of what is not compressed yet. The
numbers of the formula and its sources are in `data/caches.json`.
"""

from __future__ import annotations

from typing import Any

from famtree.fingerprints.aliases import look_up
from famtree.interchange.cache_kinds import MOST_LAYERS, UnseenError, load_caches
from famtree.interchange.cache_layout import LayerCache
from famtree.interchange.cache_numbers import WIDEST, read_integer, read_size

INDEX_BLOCK = 128
"""Index keys of sparse attention share a 4-byte scale over this many numbers
(vllm/model_executor/models/deepseek_v2.py)."""


def read_ratios(text: dict[str, Any], layers: int | None) -> list[int] | None:
    """Return how many tokens each layer compresses into one, 0 for none; None for other designs.

    Raises UnseenError where a design that compresses does not tell.
    """
    table = load_caches()["compressed"]
    ratios = look_up(text, table["ratios"])
    if ratios is None:
        ratios = _read_rates(text, table)
        if ratios is None:
            return None
    count = read_size(layers, "the number of layers")
    # A layer that predicts ahead is listed too, behind the others.
    if not isinstance(ratios, list) or not count <= len(ratios) <= MOST_LAYERS:
        raise UnseenError("how far each layer compresses")
    if not all(type(ratio) is int and 0 <= ratio <= WIDEST for ratio in ratios):
        raise UnseenError("how far each layer compresses")
    return ratios[:count]


def _read_rates(text: dict[str, Any], table: dict[str, Any]) -> list[Any] | None:
    """The same as transformers writes it: a rate for each kind of layer."""
    kinds, rates = text.get("layer_types"), look_up(text, table["rates"])
    if not isinstance(kinds, list) or not all(isinstance(kind, str) for kind in kinds):
        return None
    if not set(kinds) & set(table["kinds"]):
        return None
    known = {**table["kinds"], **(rates if isinstance(rates, dict) else {}), "sliding_attention": 0}
    return [known.get(kind) for kind in kinds]


def read_compressed(
    text: dict[str, Any], ratios: list[int], width: int, rotary: int, window: int | None
) -> list[list[LayerCache]]:
    """Return the parts that each layer keeps, of entries `width` wide, `rotary` of that in 16 bits.

    Raises UnseenError.
    """
    table = load_caches()
    sparse_ratio, form = table["compressed"]["sparse_ratio"], table["compressed"]["mixed"]
    if window is None:
        raise UnseenError("the length of its sliding window")
    mixed = measure_mixed(max(0, width - rotary), rotary, form)
    index = read_integer(text, [table["index"]["key"]])
    found = []
    for ratio in ratios:
        parts = [LayerCache(1, width, 0, window, mixed_bytes=mixed)]
        if ratio > 1:
            # Where few tokens make an entry, groups overlap by one.
            overlap = 2 if ratio == sparse_ratio else 1
            parts += [
                LayerCache(1, width, 0, stride=ratio, mixed_bytes=mixed),
                _open_group(width, overlap, ratio),
            ]
        if ratio == sparse_ratio:
            key = read_size(index, "the width of its sparse index")
            parts += [scale_index(key, ratio), _open_group(key, 2, ratio)]
        found.append(parts)
    return found


def scale_index(width: int, stride: int = 1) -> LayerCache:
    """Return index keys of a byte a number, with a scale of four every `INDEX_BLOCK`."""
    return LayerCache(1, width + width // INDEX_BLOCK * 4, 0, stride=stride, cell=1.0)


def measure_mixed(latent: int, rotary: int, form: dict[str, int]) -> int:
    """Return the bytes of 8-bit latent numbers, their scales, and a 16-bit rotary part."""
    scales = latent // form["block"] * form["scale"]
    return latent + -(-scales // form["align"]) * form["align"] + 2 * rotary


def _open_group(width: int, overlap: int, ratio: int) -> LayerCache:
    """Return values and gates in F32 of the tokens that are yet to be compressed."""
    return LayerCache(1, 2 * overlap * width, 0, overlap * ratio, cell=4.0)
