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
from famtree.fingerprints.quantization_layout import MAX_PATHS, MAX_UNQUANTIZED, collapse_paths
from famtree.types.checkpoint import TensorInfo
from famtree.types.fingerprint import Disagreement
from famtree.types.quantization import Quantization, StoredForm

FLOATS = frozenset({"F16", "BF16", "F32", "F64"})
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
        if label is None or label in FLOATS:
            return None, []
        width = _WIDTH.match(label)
        return Quantization.model_construct(
            method="gguf", scheme=label, bits=int(width[1]) if width else None, source="gguf"
        ), []
    matrices = [one for one in stored if len(one.shape) > 1]
    inner = [one for one in matrices if "blk." in one.name] or matrices
    shares: Counter[str] = Counter()
    for one in inner:
        shares[one.dtype] += one.numel
    common = shares.most_common(1)[0][0] if shares else None
    if common is None or all(one.dtype in FLOATS for one in matrices):
        differs = label is not None and label not in FLOATS and common is not None
        return None, [_disagree(common or "", label or "")] if differs else []
    weights = sum(one.numel for one in stored)
    bits = sum(nominal_bits(one) * one.numel for one in stored) / weights if weights else None
    fits = label is None or common in usual
    return Quantization.model_construct(
        method="gguf",
        scheme=_scheme(label, common, fits=fits),
        bits=round(bits, 2) if bits is not None else None,
        effective_bits_per_weight=_ratio(stored),
        source="gguf",
        packing=common,
        granularity="group",
        unquantized=collapse_paths(
            [one.name.removesuffix(".weight") for one in matrices if one.dtype in FLOATS],
            MAX_UNQUANTIZED,
        ),
        quantized_bits_per_weight=_ratio([one for one in matrices if one.dtype not in FLOATS]),
        forms=_list_forms(matrices),
    ), [] if fits else [_disagree(common, label or "")]


def _list_forms(matrices: list[TensorInfo]) -> list[StoredForm]:
    """Return the tensor types of all matrices, most weights first."""
    alike: dict[str, list[TensorInfo]] = {}
    for one in matrices:
        alike.setdefault(one.dtype, []).append(one)
    forms = [
        StoredForm.model_construct(
            packing=dtype,
            bits=round(nominal_bits(members[0]), 4),
            modules=len(members),
            weights=sum(one.numel for one in members),
            bytes=sum(one.nbytes for one in members),
            paths=collapse_paths([one.name.removesuffix(".weight") for one in members], MAX_PATHS),
        )
        for dtype, members in alike.items()
    ]
    return sorted(forms, key=lambda form: (-(form.weights or 0), form.packing))


def _ratio(members: list[TensorInfo]) -> float | None:
    weights = sum(one.numel for one in members)
    return round(8 * sum(one.nbytes for one in members) / weights, 4) if weights else None


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


def _scheme(label: str | None, common: str, *, fits: bool) -> str:
    if label is None:
        return common
    return label if fits else f"{label} (mostly {common})"


def _disagree(common: str, label: str) -> Disagreement:
    return Disagreement.model_construct(
        trait="quantization.scheme",
        believed=f"mostly {common}",
        believed_from="header",
        other=label,
        other_from="general.file_type",
    )
