"""How the weights are stored: what the files declare, checked against what the tensors show."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from famtree.fingerprints.aliases import NESTED_TEXT, look_up
from famtree.fingerprints.quantization_layout import (
    ObservedLayout,
    effective_bits,
    observe_layout,
)
from famtree.types.checkpoint import TensorIndex
from famtree.types.fingerprint import Disagreement
from famtree.types.quantization import Quantization

SIDE_FILES = ("hf_quant_config.json", "quantize_config.json", "quant_config.json")
"""Where a declaration may lie outside config.json: ModelOpt, old AutoGPTQ, old AWQ."""
MAX_WORD = 64
_WIDTH = re.compile(r"(?:int|fp|float|mxfp|nvfp|uint|nf)_?(\d{1,2})", re.IGNORECASE)


def read_quantization(
    config: Mapping[str, Any], side_files: Mapping[str, Any], index: TensorIndex
) -> tuple[Quantization | None, list[Disagreement]]:
    """Return the quantization, or None for plain floats, and where file and tensors differ.

    `side_files` maps the names of `SIDE_FILES` (others are ignored) to decoded JSON. The tensors
    are believed; a declaration the tensors neither show nor rule out is kept.
    """
    stated = _find_statement(config, side_files)
    declared = _read_statement(stated) if stated else None
    seen = observe_layout(index) if index.names or index.tensors else ObservedLayout(None)
    if seen.layout is None:
        if declared is None or not seen.certain:
            return declared, []
        if _entry(declared.method).get("in_flight"):
            return None, []  # quantized while loading: what is stored is plain
        return None, [_disagreement("none", declared.method)]
    bits, group = _tables()["layout_widths"].get(seen.layout, (None, None))
    bits = seen.bits if seen.bits is not None else bits
    group = seen.group_size if seen.group_size is not None else group
    fits = declared is not None and (
        seen.layout in _entry(declared.method).get("layouts", []) or not _entry(declared.method)
    )
    own = _tables()["layout_methods"][seen.layout]
    trusted = declared if fits else None
    disagreements = []
    if declared is not None and not fits:
        disagreements.append(_disagreement(own, declared.method))
    if trusted and trusted.bits and seen.bits and float(trusted.bits) != float(seen.bits):
        disagreements.append(_disagreement(f"{seen.bits:g}", f"{trusted.bits:g}", "bits"))
        trusted = trusted.model_copy(update={"bits": seen.bits})
    return Quantization.model_construct(
        method=trusted.method if trusted else own,
        bits=(trusted.bits if trusted else None) or bits,
        group_size=(trusted.group_size if trusted else None) or group,
        scheme=(trusted.scheme if trusted else None) or seen.scheme or seen.layout,
        effective_bits_per_weight=effective_bits(index),
        source="config" if trusted else "header",
    ), disagreements


@cache
def _tables() -> dict[str, Any]:
    text = files("famtree.fingerprints").joinpath("data/quantization.json").read_bytes()
    table: dict[str, Any] = json.loads(text)
    return table


def _entry(method: str) -> dict[str, Any]:
    entry: dict[str, Any] = _tables()["methods"].get(method, {})
    return entry


def _find_statement(
    config: Mapping[str, Any], side_files: Mapping[str, Any]
) -> dict[str, Any] | None:
    """Return the first declaration, in the order engines look for one."""
    table = dict(config)
    scopes = [table, *(look_up(table, key) for key in NESTED_TEXT)]
    for key in ("quantization_config", "compression_config", "quantization"):
        for scope in scopes:
            found = scope.get(key) if isinstance(scope, dict) else None
            if isinstance(found, dict) and found:
                if "quant_method" not in found and isinstance(table.get("quantization"), dict):
                    return {**found, "quant_method": "mlx"}
                return found
    for name in SIDE_FILES:
        found = side_files.get(name)
        if isinstance(found, dict) and found:
            if name == "hf_quant_config.json":
                return {"quant_method": "modelopt", **found}
            zero_point = "zero_point" in found or "w_bit" in found
            return {"quant_method": "awq" if zero_point else "gptq", **found}
    return None


def _read_statement(stated: dict[str, Any]) -> Quantization | None:
    method = _method(stated)
    if method is None:
        return None
    entry = _entry(method)
    bits: float | None = _number(stated, entry.get("bits"))
    group = _number(stated, entry.get("group_size"))
    scheme = _word(stated, entry.get("scheme", []))
    if method == "bitsandbytes":
        four, eight = (stated.get(f"load_in_{n}bit") is True for n in (4, 8))
        bits = 4 if four else 8 if eight else None
        scheme = scheme if four else "int8" if eight else None
    word = _word(stated, entry.get("words", []))
    if word:
        width = _WIDTH.search(word)
        scheme, bits = scheme or word, bits or (int(width[1]) if width else None)
    if entry.get("groups"):
        bits, group = _from_groups(stated, bits, group)
    algorithm = _word(stated, entry.get("algorithm", []))
    if algorithm:
        width_of = _tables()["algorithms"].get(algorithm.upper(), (None, None))
        scheme, bits, group = algorithm, bits or width_of[0], group or width_of[1]
    block = look_up(stated, "weight_block_size") if entry.get("block") else None
    if isinstance(block, list) and len(block) == 2 and all(type(n) is int for n in block):
        scheme = f"block-{block[0]}x{block[1]}"
    if method == "aqlm":
        bits = _code_bits(stated)
    usable = group is not None and 0 < group < 2**31 and float(group).is_integer()
    return Quantization.model_construct(
        method=method,
        bits=bits if bits is not None and 0 < bits <= 64 else None,
        group_size=int(group) if usable and group is not None else None,
        scheme=scheme,
    )


def _method(stated: dict[str, Any]) -> str | None:
    word = stated.get("quant_method")
    if isinstance(word, str) and word:
        word = word.lower()[:MAX_WORD]
        known: str = _tables()["synonyms"].get(word, word)
        return known
    if stated.get("load_in_4bit") is True or stated.get("load_in_8bit") is True:
        return "bitsandbytes"
    if "quant_algo" in stated or look_up(stated, "producer.name") == "modelopt":
        return "modelopt"
    if "config_groups" in stated:
        return "compressed-tensors"
    if "bits" in stated and "group_size" in stated:
        return "gptq" if "desc_act" in stated or "sym" in stated else "mlx"
    return None


def _from_groups(
    stated: dict[str, Any], bits: float | None, group: float | None
) -> tuple[float | None, float | None]:
    """Widths all weight groups agree on; several widths have no single answer."""
    groups = stated.get("config_groups")
    if not isinstance(groups, dict):
        return bits, group
    weights = [look_up(item, "weights") for item in groups.values() if isinstance(item, dict)]
    tables = [item for item in weights if isinstance(item, dict)]
    widths = {_number(item, ["num_bits"]) for item in tables}
    sizes = {_number(item, ["group_size"]) for item in tables}
    return (
        bits or (widths.pop() if len(widths) == 1 else None),
        group or (sizes.pop() if len(sizes) == 1 else None),
    )


def _code_bits(stated: dict[str, Any]) -> float | None:
    """Additive quantization: bits of all codebooks over the weights one code stands for."""
    books, bits = _number(stated, ["num_codebooks"]), _number(stated, ["nbits_per_codebook"])
    width = (_number(stated, ["in_group_size"]) or 8) * (_number(stated, ["out_group_size"]) or 1)
    return books * bits / width if books and bits else None


def _number(stated: Any, keys: Any) -> float | None:
    if isinstance(keys, int):
        return keys
    for key in keys or []:
        value = look_up(stated, key)
        if not isinstance(value, bool) and isinstance(value, int | float) and 0 < value < 2**31:
            return value
    return None


def _word(stated: dict[str, Any], keys: list[str]) -> str | None:
    for key in keys:
        value = look_up(stated, key)
        if isinstance(value, str) and value:
            return value[:MAX_WORD]
    return None


def _disagreement(believed: str, other: str, what: str = "method") -> Disagreement:
    return Disagreement.model_construct(
        trait=f"quantization.{what}",
        believed=believed,
        believed_from="header",
        other=other,
        other_from="config",
    )
