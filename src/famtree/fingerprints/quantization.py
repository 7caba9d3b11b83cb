"""How the weights are stored: what the tensors show, with the declaration as second witness."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from famtree.fingerprints.quantization_declaration import (
    SIDE_FILES,
    Declaration,
    read_declarations,
)
from famtree.fingerprints.quantization_layout import (
    MAX_UNQUANTIZED,
    StoredModule,
    StoredModules,
    collapse_paths,
    list_forms,
    measure_bits,
    observe_storage,
)
from famtree.packings.catalog import fits_method, list_packings
from famtree.packings.packing import Packing
from famtree.types.checkpoint import TensorIndex
from famtree.types.fingerprint import Disagreement
from famtree.types.quantization import (
    ActivationScheme,
    CacheScheme,
    Granularity,
    Quantization,
    StoredForm,
)

__all__ = ["SIDE_FILES", "read_quantization"]
_STORED_INPUTS = ("input_scale", "input_global_scale", "activation_scale")
_YES: dict[bool | None, str] = {True: "yes", False: "no"}
_STORED_CACHE = ("k_scale", "v_scale", "kv_scale", "k_proj.output_scale")


def read_quantization(
    config: Mapping[str, Any], side_files: Mapping[str, Any], index: TensorIndex
) -> tuple[Quantization | None, list[Disagreement]]:
    """Return the quantization, or None for plain floats, and where file and tensors differ.

    `side_files` maps the names of `SIDE_FILES` (others are ignored) to decoded JSON. The tensors
    are believed; a declaration the tensors neither show nor rule out is kept.
    """
    declared = read_declarations(config, side_files)
    seen = observe_storage(index, declared[0].widths if declared else None)
    if not any(one.packing is not None for one in seen.modules):
        return _without_packing(seen, declared)
    forms = list_forms(seen)
    main = next(form for form in forms if form.packing not in ("plain", "unknown"))
    packing = _find_packing(seen, main)
    fitting = [one for one in declared if fits_method(packing, one.method)]
    conflicts = [
        disagree("method", packing.methods[0], one.method, one.file)
        for one in declared
        if one not in fitting
    ]
    if fitting and fitting[0] is not declared[0]:
        seen = observe_storage(index, fitting[0].widths)
        forms = list_forms(seen)
        main = next(form for form in forms if form.packing == packing.name)
    found = _combine(index, seen, forms, main, packing, fitting[0] if fitting else None)
    for one in fitting:
        conflicts += _compare(found, main, one, packing)
    return found, _once(conflicts)


def _without_packing(
    seen: StoredModules, declared: list[Declaration]
) -> tuple[Quantization | None, list[Disagreement]]:
    """Return the answer where no tensor is packed, or none was seen."""
    if not declared:
        return None, []
    if not seen.is_plain:
        first = declared[0]
        others = [
            disagree("method", first.method, one.method, one.file, first.file)
            for one in declared[1:]
            if one.method != first.method
        ]
        return Quantization.model_construct(**first.stated), others
    # Some methods quantize while loading: then what is stored is plain, and nobody lies.
    lying = [one for one in declared if not one.known.in_flight]
    return None, _once([disagree("method", "none", one.method, one.file) for one in lying])


def _once(conflicts: list[Disagreement]) -> list[Disagreement]:
    """Drop what a second file only repeats."""
    distinct: dict[tuple[str, str], Disagreement] = {}
    for one in conflicts:
        distinct.setdefault((one.trait, one.other), one)
    return list(distinct.values())


def _find_packing(seen: StoredModules, main: StoredForm) -> Packing:
    """Return the rule of the main form; names can have several, the modules know which."""
    return next(
        one.packing
        for one in seen.packed
        if one.packing is not None and one.packing.name == main.packing
    )


def _combine(
    index: TensorIndex,
    seen: StoredModules,
    forms: Sequence[StoredForm],
    main: StoredForm,
    packing: Packing,
    declared: Declaration | None,
) -> Quantization:
    """Take every field from the tensors where they show it, else from a declaration that fits."""
    told = declared or Declaration(packing.methods[0])
    members = [one for one in seen.packed if one.packing is packing]
    whole, packed = measure_bits(index, seen)
    granularity, block = _shared(members)
    shown = {
        "bits": _find_bits(forms, main, packing, told),
        "group_size": main.group_size
        or (told.group_size if granularity in (None, "group") else None),
        "scheme": told.scheme
        or (_join(block) and f"block-{_join(block)}")
        or packing.name_variant(main.weight_type, granularity),
        "effective_bits_per_weight": whole,
        "source": "config" if declared else "header",
        "packing": packing.name,
        "checkpoint_format": packing.format or told.checkpoint_format,
        "weight_type": main.weight_type or told.weight_type,
        "granularity": granularity or told.granularity,
        "block_shape": list(block) if block else told.block_shape,
        "symmetric": _is_symmetric(members, packing, told),
        "nested_scales": _is_nested(members, packing),
        "sparsity": packing.sparsity or told.sparsity,
        "activations": told.activations or _stored_inputs(members, packing),
        "kv_cache": told.kv_cache or _stored_cache(index),
        "unquantized": collapse_paths(
            [one.module.path for one in seen.modules if one.is_matrix], MAX_UNQUANTIZED
        ),
        "quantized_bits_per_weight": packed,
        "forms": list(forms),
    }
    return Quantization.model_construct(**{**told.stated, **shown})


def _find_bits(
    forms: Sequence[StoredForm], main: StoredForm, packing: Packing, told: Declaration
) -> float | None:
    """Return the stored width; the declared one where codes may be narrower, or widths differ."""
    if told.bits is None:
        return main.bits
    mixed = len({form.bits for form in forms if form.packing == main.packing}) > 1
    narrow = (packing.holds_fewer or told.known.narrow) and told.bits <= (main.bits or told.bits)
    return told.bits if main.bits is None or mixed or narrow else main.bits


def _shared(
    members: list[StoredModule],
) -> tuple[Granularity | None, tuple[int, int] | None]:
    """Return the commonest granularity; of blocks, the largest, which small matrices hide."""
    kinds = [one.unpacked.granularity for one in members if one.unpacked.granularity]
    kind = max(sorted(set(kinds)), key=kinds.count, default=None)
    blocks = [one.unpacked.block for one in members if one.unpacked.block]
    if not blocks:
        return kind, None
    return "block", (max(high for high, _ in blocks), max(wide for _, wide in blocks))


def _is_symmetric(members: list[StoredModule], packing: Packing, told: Declaration) -> bool | None:
    """Stored zeros prove nothing for GPTQ, which writes the middle; elsewhere absence does."""
    if told.symmetric is not None:
        return told.symmetric
    if packing.shift and all(packing.shift in one.module.leaves for one in members):
        return False
    return True if packing.symmetric else None


def _is_nested(members: list[StoredModule], packing: Packing) -> bool | None:
    if not packing.nested:
        return None
    return any(packing.nested in one.module.leaves for one in members)


def _stored_inputs(members: list[StoredModule], packing: Packing) -> ActivationScheme | None:
    """A stored input scale says that activations are rounded with it, not how wide."""
    stored = any(leaf in one.module.leaves for one in members for leaf in _STORED_INPUTS)
    if packing.input_ones or not stored:
        return None
    return ActivationScheme.model_construct(dynamic=False, source="header")


def _stored_cache(index: TensorIndex) -> CacheScheme | None:
    names = index.names | index.tensors.keys()
    if any(name.endswith(_STORED_CACHE) and ".weight." not in name for name in names):
        quanto = any(name.endswith(".weight._scale") for name in names)
        return None if quanto else CacheScheme.model_construct(source="header")
    return None


def _compare(
    found: Quantization, main: StoredForm, told: Declaration, packing: Packing
) -> list[Disagreement]:
    """Return where the tensors rule out what is declared."""
    alike = [form for form in found.forms if form.packing == packing.name]
    groups = {None, *(form.group_size for form in alike)}
    word = (told.checkpoint_format or "").lower()
    shown = found.granularity if found.granularity in ("tensor", "channel") else None
    pairs: dict[str, tuple[object, object]] = {
        "bits": (main.bits, None if _may_have(alike, main, packing, told) else told.bits),
        "group_size": (
            main.group_size,
            None if told.overrides or told.group_size in groups else told.group_size,
        ),
        "checkpoint_format": (packing.format, word if word in _formats(told.method) else None),
        "nested_scales": (_YES.get(found.nested_scales), _YES.get(told.nested_scales)),
        "weight_type": (main.weight_type, told.weight_type),
        "block_shape": (_join(found.block_shape), _join(told.block_shape)),
        "granularity": (shown, told.block_shape and "block"),
    }
    return [
        disagree(trait, f"{seen:g}" if trait == "bits" else str(seen),
                  f"{said:g}" if trait == "bits" else str(said), told.file)
        for trait, (seen, said) in pairs.items()
        if seen and said and seen != said
    ]  # fmt: skip


def _may_have(
    alike: list[StoredForm], main: StoredForm, packing: Packing, told: Declaration
) -> bool:
    """Return whether modules stored like the main form may have the declared width."""
    if not main.bits or not told.bits or told.overrides:
        return True
    if told.bits in {form.bits for form in alike}:
        return True
    if packing.mean and abs(main.bits - told.bits) < 1:
        return True
    return (packing.holds_fewer or told.known.narrow) and told.bits < main.bits


def _join(sizes: Sequence[int] | None) -> str | None:
    return None if sizes is None else "x".join(map(str, sizes))


def _formats(method: str) -> set[str]:
    """Return the formats of a method that tensors tell apart."""
    return {one.format for one in list_packings() if one.format and one.methods[0] == method}


def disagree(
    what: str, believed: str, other: str, file: str, witness: str = "header"
) -> Disagreement:
    """Return that `file` says otherwise than what is believed."""
    return Disagreement.model_construct(
        trait=f"quantization.{what}",
        believed=believed,
        believed_from=witness,
        other=other,
        other_from=file,
    )
