"""From a packing and the stored parts of a module to its logical size."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from famtree.fingerprints import packing_codebooks as codebooks
from famtree.fingerprints import packing_integers as integers
from famtree.fingerprints.packing_sizes import NO_HINTS, Hints, Unpacked
from famtree.fingerprints.packings import Leaves, Packing

_GEOMETRIES: dict[str, Callable[[Packing, Leaves, Hints], Unpacked]] = {
    "elements": integers.unpack_elements,
    "blocks": integers.unpack_blocks,
    "by-zeros": integers.unpack_by_zeros,
    "words": integers.unpack_words,
    "tiles": integers.unpack_tiles,
    "sparse-tiles": integers.unpack_sparse_tiles,
    "bitmask": integers.unpack_bitmask,
    "trellis": codebooks.unpack_trellis,
    "rows": codebooks.unpack_rows,
    "hqq": codebooks.unpack_hqq,
    "codes": codebooks.unpack_codes,
    "vectors": codebooks.unpack_vectors,
    "quip": codebooks.unpack_quip,
    "grid": codebooks.unpack_grid,
    "quanto": codebooks.unpack_quanto,
    "torchao": codebooks.unpack_torchao,
}
"""By the word of `data/packings.json`."""


def unpack(packing: Packing, leaves: Leaves, hints: Hints = NO_HINTS) -> Unpacked:
    """Return what the module's codes stand for; whole bits are integers."""
    found = _GEOMETRIES[packing.geometry](packing, leaves, hints)
    bits = found.bits
    return replace(found, bits=int(bits)) if bits is not None and bits == int(bits) else found
