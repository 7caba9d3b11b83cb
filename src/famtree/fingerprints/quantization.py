"""How the weights are stored: what the tensors show, with the declaration as second witness."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from famtree.fingerprints.packings import Packing, load_packings
from famtree.fingerprints.quantization_declaration import (
    SIDE_FILES,
    Declaration,
    read_declarations,
)
from famtree.fingerprints.quantization_layout import (
    MAX_UNQUANTIZED,
    Observation,
    StoredModule,
    collapse_paths,
    list_forms,
    measure_bits,
    observe_storage,
)
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
    forms = list_forms(seen)
    main = next((form for form in forms if form.packing not in ("plain", "unknown")), None)
    if main is None:
        return _without_packing(seen, declared)
    packing = _find_packing(seen, main)
    fitting = [one for one in declared if not one.entry or packing.name in one.entry["packings"]]
    conflicts = [
        _disagree("method", packing.method, one.method, one.file)
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
    seen: Observation, declared: list[Declaration]
) -> tuple[Quantization | None, list[Disagreement]]:
    """Return the answer where no tensor is packed, or none was seen."""
    if not declared:
        return None, []
    if not seen.is_plain:
        first = declared[0]
        others = [
            _disagree("method", first.method, one.method, one.file, first.file)
            for one in declared[1:]
            if one.method != first.method
        ]
        return _from_declaration(first), others
    # Some methods quantize while loading: then what is stored is plain, and nobody lies.
    lying = [one for one in declared if not one.entry.get("in_flight")]
    return None, _once([_disagree("method", "none", one.method, one.file) for one in lying])


def _once(conflicts: list[Disagreement]) -> list[Disagreement]:
    """Drop what a second file only repeats."""
    distinct: dict[tuple[str, str], Disagreement] = {}
    for one in conflicts:
        distinct.setdefault((one.trait, one.other), one)
    return list(distinct.values())


def _find_packing(seen: Observation, main: StoredForm) -> Packing:
    """Return the rule of the main form; names can have several, the modules know which."""
    rules = [one.packing for one in seen.packed if one.packing and one.packing.name == main.packing]
    return rules[0] if rules else load_packings()[0]


def _from_declaration(declared: Declaration) -> Quantization:
    return Quantization.model_construct(
        method=declared.method,
        bits=declared.bits,
        group_size=declared.group_size,
        scheme=declared.scheme,
        source="config",
        checkpoint_format=declared.format,
        weight_type=declared.weight_type,
        granularity=declared.granularity,
        block_shape=declared.block,
        symmetric=declared.symmetric,
        act_order=declared.act_order,
        nested_scales=declared.nested,
        sparsity=declared.sparsity,
        activations=declared.activations,
        kv_cache=declared.kv_cache,
        ignored=declared.ignored,
    )


def _combine(
    index: TensorIndex,
    seen: Observation,
    forms: Sequence[StoredForm],
    main: StoredForm,
    packing: Packing,
    declared: Declaration | None,
) -> Quantization:
    """Take every field from the tensors where they show it, else from a declaration that fits."""
    told = declared or Declaration(packing.method)
    members = [one for one in seen.packed if one.packing is packing]
    whole, packed = measure_bits(index, seen)
    granularity, block = _shared(members)
    mixed = len({form.bits for form in forms if form.packing == main.packing}) > 1
    narrow = packing.holds_fewer or told.entry.get("narrow")
    bits = told.bits if narrow and told.bits and _holds(main.bits, told.bits) else main.bits
    if bits is None or (mixed and told.bits is not None):
        bits = told.bits or main.bits
    return Quantization.model_construct(
        method=told.method,
        bits=bits,
        group_size=main.group_size or (told.group_size if granularity in (None, "group") else None),
        scheme=told.scheme or _name_scheme(packing, main, granularity, block),
        effective_bits_per_weight=whole,
        source="config" if declared else "header",
        packing=packing.name,
        checkpoint_format=packing.format or told.format,
        weight_type=main.weight_type or told.weight_type,
        granularity=granularity or told.granularity,
        block_shape=list(block) if block else told.block,
        symmetric=_is_symmetric(members, told),
        act_order=told.act_order,
        nested_scales=_is_nested(members),
        sparsity=packing.sparsity or told.sparsity,
        activations=told.activations or _stored_inputs(members),
        kv_cache=told.kv_cache or _stored_cache(index),
        ignored=told.ignored,
        unquantized=collapse_paths(
            [one.module.path for one in seen.modules if one.is_matrix], MAX_UNQUANTIZED
        ),
        quantized_bits_per_weight=packed,
        forms=list(forms),
    )


def _holds(stored: float | None, declared: float) -> bool:
    return stored is None or declared <= stored


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


def _name_scheme(
    packing: Packing,
    main: StoredForm,
    granularity: Granularity | None,
    block: tuple[int, int] | None,
) -> str:
    if packing.name == "bnb-4bit":
        return main.weight_type or packing.name
    if block:
        return f"block-{block[0]}x{block[1]}"
    if packing.name in ("fp8", "int8", "fp8-block") and granularity:
        return f"{packing.name.removesuffix('-block')}-{granularity}"
    return packing.scheme or packing.format or packing.name


def _is_symmetric(members: list[StoredModule], told: Declaration) -> bool | None:
    """Stored zeros prove nothing for GPTQ, which writes the middle; elsewhere absence does."""
    if told.symmetric is not None:
        return told.symmetric
    zeros = {"weight_zero_point", "biases", "qbiases", "weight._shift", "zero"}
    if members and all(zeros & one.module.leaves.keys() for one in members):
        return False
    packing = members[0].packing if members else None
    return True if packing and packing.name in ("packed-int", "awq-marlin") else None


def _is_nested(members: list[StoredModule]) -> bool | None:
    if not members or not members[0].packing or members[0].packing.geometry != "blocks":
        return None
    return any("weight.nested_absmax" in one.module.leaves for one in members)


def _stored_inputs(members: list[StoredModule]) -> ActivationScheme | None:
    """A stored input scale says that activations are rounded with it, not how wide."""
    if not any(leaf in one.module.leaves for one in members for leaf in _STORED_INPUTS):
        return None
    if members[0].packing and members[0].packing.method == "quanto":
        return None  # written as ones where activations are left alone
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
    pairs: list[tuple[str, str, str]] = []
    alike = [form for form in found.forms if form.packing == packing.name]
    narrow = packing.holds_fewer or told.entry.get("narrow")
    if main.bits and told.bits and told.bits not in {form.bits for form in alike}:
        mean = packing.geometry in ("rows", "trellis") and abs(main.bits - told.bits) < 1
        if not mean and not (narrow and told.bits < main.bits) and not told.overrides:
            pairs.append(("bits", f"{main.bits:g}", f"{told.bits:g}"))
    groups = {None, *(form.group_size for form in alike)}
    if main.group_size and told.group_size not in groups and not told.overrides:
        pairs.append(("group_size", str(main.group_size), str(told.group_size)))
    word = (told.format or "").lower()
    if packing.format and word != packing.format and word in _formats(told.method):
        pairs.append(("checkpoint_format", packing.format, word))
    if found.nested_scales is not None and told.nested not in (None, found.nested_scales):
        pairs.append(("nested_scales", *(("yes", "no") if found.nested_scales else ("no", "yes"))))
    if main.weight_type and told.weight_type not in (None, main.weight_type):
        pairs.append(("weight_type", main.weight_type, str(told.weight_type)))
    if told.block and found.block_shape and found.block_shape != told.block:
        pairs.append(("block_shape", _join(found.block_shape), _join(told.block)))
    if told.block and found.granularity in ("tensor", "channel"):
        pairs.append(("granularity", found.granularity, "block"))
    return [_disagree(*pair, told.file) for pair in pairs]


def _join(sizes: list[int]) -> str:
    return "x".join(map(str, sizes))


def _formats(method: str) -> set[str]:
    """Return the formats of a method that tensors tell apart."""
    return {one.format for one in load_packings() if one.format and one.method == method}


def _disagree(
    what: str, believed: str, other: str, file: str, witness: str = "header"
) -> Disagreement:
    return Disagreement.model_construct(
        trait=f"quantization.{what}",
        believed=believed,
        believed_from=witness,
        other=other,
        other_from=file,
    )
