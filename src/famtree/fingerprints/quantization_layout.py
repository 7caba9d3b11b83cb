"""What the tensors themselves show: the packing of every module, and the forms they add up to."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Hashable, Mapping

from msgspec import Struct
from msgspec.structs import replace

from famtree.fingerprints.tensor_names import NAMES_KEPT, Module, count_names, organise
from famtree.fingerprints.tensor_packing import find_group_sizes, logical_numel, outline
from famtree.fingerprints.tensors import find_hidden_inputs, observe_tensors
from famtree.packings.catalog import recognise
from famtree.packings.packing import Packing
from famtree.packings.sizes import FLOATS, Hints, Unpacked
from famtree.types.checkpoint import TensorIndex
from famtree.types.quantization import StoredForm
from famtree.types.recent import remember

MAX_PATHS = 32
MAX_UNQUANTIZED = 64
_NUMBER = re.compile(r"(?<=\.)\d++(?=\.|$)")


class Widths(Struct, frozen=True):
    """Bits and group sizes from a declaration: hints where sizes leave several answers."""

    bits: float | None = None
    groups: tuple[int, ...] = ()
    by_path: Mapping[str, tuple[float | None, int | None]] = {}


class StoredModule(Struct, gc=False):
    """One module, its packing and what it stands for."""

    module: Module
    packing: Packing | None
    unpacked: Unpacked
    bytes: int
    """All its stored parts but the bias."""

    @property
    def is_matrix(self) -> bool:
        """True for a plain weight matrix; vectors are stored plainly everywhere."""
        weight = self.module.leaves.get("weight", self.module.leaves.get(""))
        return self.packing is None and weight is not None and len(weight.shape) >= 2


class StoredModules(Struct):
    """All modules of a checkpoint as they are stored."""

    modules: list[StoredModule]
    names_known: bool

    @property
    def packed(self) -> list[StoredModule]:
        """Modules that are not stored as plain floats."""
        return [one for one in self.modules if one.packing is not None]

    @property
    def is_plain(self) -> bool:
        """True where every weight matrix was seen and is of plain floats; False proves nothing."""
        matrices = [one for one in self.modules if one.is_matrix]
        return (
            self.names_known
            and bool(matrices)
            and all(one.unpacked.weights is not None for one in matrices)
            and not self.packed
        )


def observe_storage(index: TensorIndex, widths: Widths | None = None) -> StoredModules:
    """Return the packing and logical size of every module.

    What a module's sizes leave open is settled by its place in the model (inputs as wide as the
    hidden size), then by what modules of the same packing have, then by `widths`.
    """
    seen = _observe(index)
    if all(one.packing is None or one.unpacked.weights is not None for one in seen.modules):
        return seen
    seen = StoredModules([replace(one) for one in seen.modules], seen.names_known)
    _settle(seen.modules, widths or Widths())
    return seen


@remember(NAMES_KEPT, count_names)
def _observe(index: TensorIndex) -> StoredModules:
    layout = organise(index)
    hidden = observe_tensors(index).get("hidden_size")
    inputs = find_hidden_inputs(layout, layout.main) if layout.main else []
    sizes = find_group_sizes(inputs, hidden)
    wide = {id(module) for module in inputs}
    groups = tuple(sorted(sizes))
    alike: dict[Hashable, tuple[Packing | None, Unpacked, int]] = {}
    shared: dict[int, tuple[Packing | None, Unpacked, int]] = {}
    """By the very table of leaves: modules of which only a name is known have it in common."""
    stored = []
    told = index.header_metadata
    notes = told if any(name.endswith(".weight") for name in told) else {}
    for module in layout.modules:
        note = notes.get(f"{module.path}.weight") if notes else None
        inputs_seen = hidden if wide and id(module) in wide else None
        plain = note is None and inputs_seen is None
        found = shared.get(id(module.leaves)) if plain else None
        if found is None:
            key = inputs_seen, note, outline(module.leaves)
            found = alike.get(key)
            if found is None:
                found = alike[key] = _store(module, Hints(inputs_seen, groups, note=note))
            if plain:
                shared[id(module.leaves)] = found
        stored.append(StoredModule(module, *found))
    return StoredModules(stored, layout.names_known)


def _store(module: Module, hints: Hints) -> tuple[Packing | None, Unpacked, int]:
    leaves = module.leaves
    size = sum(one.nbytes for leaf, one in leaves.items() if one is not None and leaf != "bias")
    packing = recognise(leaves)
    if packing is None:
        return None, _measure_plain(module), size
    return packing, packing.unpack(leaves, hints), size


def _measure_plain(module: Module) -> Unpacked:
    weight = module.leaves.get("weight", module.leaves.get(""))
    kind = weight.dtype.lower() if weight is not None and weight.dtype in FLOATS else None
    bits = 8 * weight.nbytes / weight.numel if kind and weight and weight.numel else None
    only_bias = module.leaves.keys() <= {"bias"}
    return Unpacked(0 if only_bias else logical_numel(module.leaves), bits, type=kind)


def _settle(stored: list[StoredModule], widths: Widths) -> None:
    """Unpack again, with more hints, what sizes left open."""
    known: dict[str, set[tuple[float, int | None]]] = defaultdict(set)
    for one in stored:
        if one.packing is not None and one.unpacked.bits is not None and one.unpacked.weights:
            known[one.packing.name].add((one.unpacked.bits, one.unpacked.group_size))
    for one in stored:
        if one.packing is None or one.unpacked.weights is not None:
            continue
        alike = known[one.packing.name]
        bits, group = widths.by_path.get(one.module.path, (None, None))
        tries = (
            Hints(groups=tuple({size for _, size in alike if size}),
                  bits=tuple({width for width, _ in alike})),
            Hints(groups=(group,) if group else widths.groups,
                  bits=(bits or widths.bits,) if bits or widths.bits else ()),  # type: ignore[arg-type]
        )  # fmt: skip
        for hints in tries:
            if one.unpacked.weights is None and (hints.groups or hints.bits):
                one.unpacked = one.packing.unpack(one.module.leaves, hints)


def _count_modules(observation: StoredModules) -> int:
    return len(observation.modules)


@remember(NAMES_KEPT, _count_modules)
def list_forms(observation: StoredModules) -> tuple[StoredForm, ...]:
    """Return the forms in which weight matrices are stored, most weights first."""
    alike: dict[tuple[str, float | None, int | None, str | None], list[StoredModule]] = {}
    for one in observation.modules:
        if one.packing is None and not one.is_matrix:
            continue
        name = one.packing.name if one.packing else "plain" if one.unpacked.type else "unknown"
        found = one.unpacked
        alike.setdefault((name, found.bits, found.group_size, found.type), []).append(one)
    forms = [
        StoredForm.model_construct(
            packing=name,
            bits=bits,
            group_size=group,
            weight_type=kind,
            modules=len(members),
            weights=_add(members),
            bytes=sum(one.bytes for one in members),
            paths=collapse_paths([one.module.path for one in members], MAX_PATHS),
        )
        for (name, bits, group, kind), members in alike.items()
    ]
    return tuple(sorted(forms, key=lambda form: (-(form.weights or 0), -form.bytes, form.packing)))


def collapse_paths(paths: list[str], most: int) -> list[str]:
    """Return distinct paths with numbers as `#`, sorted, at most `most`."""
    return sorted({_NUMBER.sub("#", path) for path in paths})[:most]


def _add(members: list[StoredModule]) -> int | None:
    sizes = [one.unpacked.weights for one in members]
    return None if None in sizes else sum(size or 0 for size in sizes)


def measure_bits(
    index: TensorIndex, observation: StoredModules
) -> tuple[float | None, float | None]:
    """Return stored bits a logical weight: of the whole checkpoint, and of packed modules alone.

    Biases count as stored and as weights in the first and not at all in the second. None unless
    every header was read and every module can be unpacked.
    """
    if not index.complete:
        return None, None
    stored = logical = 0
    for one in observation.modules:
        if one.unpacked.weights is None:
            return None, measure_ratio(observation.packed)
        bias = one.module.leaves.get("bias")
        stored += one.bytes + (bias.nbytes if bias is not None else 0)
        logical += one.unpacked.weights + (bias.numel if bias is not None else 0)
    return (round(8 * stored / logical, 4) if logical else None), measure_ratio(observation.packed)


def measure_ratio(members: list[StoredModule]) -> float | None:
    """Return stored bits a logical weight of `members`."""
    weights = _add(members)
    return round(8 * sum(one.bytes for one in members) / weights, 4) if weights else None
