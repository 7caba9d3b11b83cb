"""What one quantization layout is: how it shows, what its sizes mean, who writes it, its values."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace

from famtree.packings.geometry_integers import unpack_elements
from famtree.packings.sizes import FLOATS, NO_HINTS, Hints, Leaves, Unpacked, dimension
from famtree.packings.stored import Form, StoredParts, UnreadableWeightError

Relation = tuple[str, int, int, str, int, int]
Geometry = Callable[["Packing", Leaves, Hints], Unpacked | None]
Values = Callable[["Packing", StoredParts], Form]
_T = TypeVar("_T")
_DTYPES: dict[str, Collection[str]] = {
    "float": FLOATS,
    "fp8": frozenset({"F8_E4M3", "F8_E5M2", "F8_E4M3FNUZ", "F8_E5M2FNUZ"}),
    "int": frozenset({"I32", "U32"}),
    "byte": frozenset({"U8", "I8"}),
    "e8m0": frozenset({"U8", "F8_E8M0"}),
}
"""Words of a sign that stand for several dtypes."""


class Sign(Struct, frozen=True, forbid_unknown_fields=True):
    """One way in which a packing shows: names, dtypes, and one relation; never values."""

    needs: dict[str, str]
    """Leaf (`*` ends a prefix) to its dtype, a word for several, or `-` for any."""
    without: tuple[str, ...] = ()
    relation: Relation | None = None
    """Leaf, dimension, factor, twice; the products have to be equal."""
    single: str | None = None
    """A leaf that must have one element."""

    def allows(self, dtypes: Mapping[str, str]) -> bool:
        """Return whether names and dtypes show it."""
        return dtypes.keys().isdisjoint(self.without) and all(
            any(name.startswith(leaf[:-1]) for name in dtypes)
            if leaf.endswith("*")
            else leaf in dtypes and (word == "-" or dtypes[leaf] in _DTYPES.get(word, (word,)))
            for leaf, word in self.needs.items()
        )

    def fits(self, leaves: Leaves) -> bool:
        """Return whether sizes show it, once names and dtypes do."""
        lone = leaves.get(self.single) if self.single is not None else None
        if self.single is not None and (lone is None or lone.numel != 1):
            return False
        if self.relation is None:
            return True
        one, place, times, other, other_place, other_times = self.relation
        first, second = dimension(leaves.get(one), place), dimension(leaves.get(other), other_place)
        return first is not None and second is not None and first * times == second * other_times


class Packing(Struct, frozen=True, eq=False, forbid_unknown_fields=True):
    """One layout. Leaves are last components of tensor names, those of one module's parts."""

    name: str
    methods: tuple[str, ...]
    """quant_method words of what writes it; the first is what tensors alone suggest."""
    signs: tuple[Sign, ...]
    geometry: Geometry = unpack_elements
    """From stored sizes to logical ones; None where they do not tell."""
    values: Values | None = None
    """How its stored parts are read as floats."""
    unread: str = ""
    """Why they are not."""
    bits: float | None = None
    """Bits a weight, N inputs that share a scale, what a code stands for: where they are fixed."""
    group: int | None = None
    type: str | None = None
    scheme: str | None = None
    """The variant where nothing is declared, with `{type}` or `{granularity}`."""
    format: str | None = None
    sparsity: str | None = None
    leaf: tuple[str, ...] = ("weight",)
    """Where the codes are: the first that is there."""
    scale: tuple[str, ...] = ()
    zeros: str = ""
    """Zero points packed as the codes are."""
    shift: str = ""
    """What only an asymmetric module stores."""
    nested: str = ""
    """What only a module with quantized scales stores."""
    parts: tuple[str, ...] = ()
    """Further leaves it may have."""
    fused: str = ""
    """`also`, `only`: leaves end the names of bare parameters of fused experts (`_blocks`)."""
    times: int = 1
    """Weights an element, along which dimension."""
    along: int = -1
    symmetric: bool = False
    """Without a `shift` it has the middle as its zero."""
    holds_fewer: bool = False
    """An element may hold a code of fewer bits than it has."""
    by_product: bool = False
    """Sizes give bits times group size, not each."""
    mean: bool = False
    """Widths differ inside a module; its bits are their mean."""
    input_ones: bool = False
    """Input scales are written as ones where activations are left alone."""

    def find_codes(self, leaves: Mapping[str, _T]) -> _T | None:
        """Return the part that has the codes."""
        return next((leaves[leaf] for leaf in self.leaf if leaf in leaves), None)

    def find_scale(self, leaves: Mapping[str, _T]) -> _T | None:
        """Return the part that has the scales."""
        return next((leaves[leaf] for leaf in self.scale if leaf in leaves), None)

    def list_leaves(self) -> set[str]:
        """Return every leaf the definition names."""
        named = {*self.leaf, *self.scale, *self.parts, self.zeros, self.shift, self.nested}
        return named.union(*(sign.needs for sign in self.signs)) - {""}

    def unpack(self, leaves: Leaves, hints: Hints = NO_HINTS) -> Unpacked:
        """Return what the module's codes stand for; whole bits are integers."""
        found = self.geometry(self, leaves, hints) or Unpacked()
        bits = found.bits
        whole = int(bits) if bits is not None and bits == int(bits) else bits
        return replace(found, bits=whole, type=found.type or self.type)

    def read(self, parts: StoredParts) -> Form:
        """Return how the module's values are read.

        Raises UnreadableWeightError where nothing reads this layout, or not this variant of it.
        """
        if self.values is None:
            raise UnreadableWeightError(f"{parts.path}: {self.unread}")
        return self.values(self, parts)

    def name_variant(self, kind: str | None, granularity: str | None) -> str:
        """Return the scheme of a module whose codes stand for `kind`."""
        for word, value in (("{type}", kind), ("{granularity}", granularity)):
            if self.scheme and word in self.scheme:
                return self.scheme.replace(word, value) if value else self.format or self.name
        return self.scheme or self.format or self.name


class Method(Struct, frozen=True, forbid_unknown_fields=True):
    """How a method declares itself: dotted keys, of which the first present wins."""

    bits: tuple[str, ...] | int = ()
    """Keys, or the only width there is."""
    group_size: tuple[str, ...] | int = ()
    scheme: tuple[str, ...] = ()
    format: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    """Names of a number format, which have its bits; of an algorithm (ModelOpt); sizes of a block;
    `dynamic` or `static` activations."""
    algorithm: tuple[str, ...] = ()
    block: tuple[str, ...] = ()
    activation_scheme: tuple[str, ...] = ()
    activations: tuple[float | int | None, str | None, bool | None] | None = None
    """Bits, type, whether dynamic: where the method has one way."""
    groups: bool = False
    """Has `config_groups` (compressed-tensors)."""
    loading: bool = False
    """Has `load_in_4bit` and `load_in_8bit` (bitsandbytes)."""
    codebooks: bool = False
    """Bits follow from the numbers of codebooks and of their entries (AQLM)."""
    by_module: bool = False
    """Names modules with widths of their own (MLX)."""
    in_flight: bool = False
    """May be declared over plain weights, which are quantized while loading."""
    narrow: bool = False
    """May keep fewer bits than an element has."""
