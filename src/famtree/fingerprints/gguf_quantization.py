"""How the weights of a GGUF file are stored: the mix of tensor types, beside the label.

`general.file_type` names the recipe that was asked for. What was written can differ: a row that
is not a whole number of 256-weight blocks falls back to a 32-weight type, so a file labelled
Q4_K_M may hold mostly Q5_0.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from famtree.fingerprints.gguf import load_table
from famtree.fingerprints.quantization import disagree
from famtree.fingerprints.quantization_layout import (
    MAX_UNQUANTIZED,
    StoredModule,
    StoredModules,
    collapse_paths,
    list_forms,
    measure_ratio,
)
from famtree.fingerprints.tensor_names import Module
from famtree.packings.packing import Packing
from famtree.packings.sizes import FLOATS, Unpacked
from famtree.types.checkpoint import TensorInfo
from famtree.types.fingerprint import Disagreement
from famtree.types.quantization import Quantization

GUESSED = 1024
"""Added to a file type that the writer inferred (llama.h, LLAMA_FTYPE_GUESSED)."""
_WIDTH = re.compile(r"\D*+(\d++)")


def read_gguf_quantization(
    metadata: Mapping[str, Any], tensors: Iterable[TensorInfo]
) -> tuple[Quantization | None, list[Disagreement]]:
    """Return the quantization the tensors show, None for plain floats, and a label that differs.

    `bits` is the mean nominal width a weight, `effective_bits_per_weight` counts every stored
    byte, scales included. Without tensors the label stands alone.
    """
    label, usual = read_label(metadata)
    stored = list(tensors)
    if not stored:
        return _from_label(label), []
    matrices = [one for one in stored if len(one.shape) > 1]
    common = _find_common(matrices)
    if common is None or all(one.dtype in FLOATS for one in matrices):
        differs = common is not None and label not in (None, *FLOATS)
        return None, [_disagree(common, label)] if differs else []
    fits = label is None or common in usual
    weights = sum(one.numel for one in stored)
    bits = sum(nominal_bits(one) * one.numel for one in stored)
    widths = {one.dtype: round(nominal_bits(one), 4) for one in reversed(matrices)}
    modules = [_store(one, widths) for one in matrices]
    return Quantization.model_construct(
        method="gguf",
        scheme=label if label and fits else f"{label} (mostly {common})" if label else common,
        bits=round(bits / weights, 2) if weights else None,
        effective_bits_per_weight=measure_ratio([_store(one, widths) for one in stored]),
        source="gguf",
        packing=common,
        granularity="group",
        unquantized=collapse_paths(
            [one.name.removesuffix(".weight") for one in matrices if one.dtype in FLOATS],
            MAX_UNQUANTIZED,
        ),
        quantized_bits_per_weight=measure_ratio(
            [one for one in modules if one.packing and one.packing.name not in FLOATS]
        ),
        forms=list(list_forms(StoredModules(modules, names_known=True))),
    ), [] if fits else [_disagree(common, label)]


def _from_label(label: str | None) -> Quantization | None:
    if label is None or label in FLOATS:
        return None
    width = _WIDTH.match(label)
    return Quantization.model_construct(
        method="gguf", scheme=label, bits=int(width[1]) if width else None, source="gguf"
    )


def _find_common(matrices: list[TensorInfo]) -> str | None:
    """Return the type most weights of blocks have; of all, in a file without blocks."""
    shares: Counter[str] = Counter()
    for one in [one for one in matrices if "blk." in one.name] or matrices:
        shares[one.dtype] += one.numel
    return shares.most_common(1)[0][0] if shares else None


def _store(tensor: TensorInfo, widths: Mapping[str, float]) -> StoredModule:
    """Return a tensor as a module, whose layout is its type."""
    path = tensor.name.removesuffix(".weight")
    packing = Packing(tensor.dtype, ("gguf",), ())
    unpacked = Unpacked(tensor.numel, widths.get(tensor.dtype))
    return StoredModule(Module(path), packing, unpacked, tensor.nbytes)


def read_label(metadata: Mapping[str, Any]) -> tuple[str | None, tuple[str, ...]]:
    """Return the label of `general.file_type` and the types most weights then have by design."""
    number = metadata.get("general.file_type")
    if type(number) is not int:
        return None, ()
    found = load_table()["file_types"].get(str(number % GUESSED))
    return (None, ()) if found is None else (found[0], tuple(found[1]))


def nominal_bits(tensor: TensorInfo) -> float:
    """Return the width in a type's name (Q4_K: 4), or stored bits where the name has none."""
    width = _WIDTH.match(tensor.dtype)
    if width and not tensor.dtype.startswith("TYPE"):
        return int(width[1])
    return 8 * tensor.nbytes / tensor.numel if tensor.numel else 0.0


def _disagree(common: str | None, label: str | None) -> Disagreement:
    return disagree("scheme", f"mostly {common}", label or "", "general.file_type")
