"""How the weights are stored according to config.json and the files beside it."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any, TypeVar

from msgspec import Struct

from famtree.fingerprints.aliases import NESTED_TEXT, look_up
from famtree.fingerprints.quantization_layout import Widths
from famtree.types.quantization import ActivationScheme, CacheScheme, Granularity

SIDE_FILES = (
    "hf_quant_config.json",
    "quantize_config.json",
    "quant_config.json",
    "quanto_qmap.json",
)
"""Where a declaration may lie outside config.json: ModelOpt, old AutoGPTQ, old AWQ, quanto."""
_T = TypeVar("_T")
MAX_WORD = 64
MAX_IGNORED = 64
MAX_OVERRIDES = 200_000
_WIDTH = re.compile(r"(?:int|fp|float|mxfp|nvfp|uint|nf)_?(\d{1,2})", re.IGNORECASE)
_STRATEGIES: dict[str, Granularity] = {
    "tensor": "tensor", "channel": "channel", "group": "group", "tensor_group": "group",
    "block": "block",
}  # fmt: skip


class Declaration(Struct):
    """What the files say; None where they are silent."""

    method: str
    file: str = "config"
    """Where it stands; `config` for config.json."""
    bits: float | None = None
    group_size: int | None = None
    scheme: str | None = None
    format: str | None = None
    weight_type: str | None = None
    granularity: Granularity | None = None
    block: list[int] | None = None
    symmetric: bool | None = None
    act_order: bool | None = None
    nested: bool | None = None
    sparsity: str | None = None
    activations: ActivationScheme | None = None
    kv_cache: CacheScheme | None = None
    ignored: list[str] = []
    overrides: dict[str, tuple[float | None, int | None]] = {}
    """Bits and group size of single modules (MLX)."""

    @property
    def entry(self) -> dict[str, Any]:
        """What `data/quantization.json` knows of the method."""
        entry: dict[str, Any] = load_methods()["methods"].get(self.method, {})
        return entry

    @property
    def widths(self) -> Widths:
        """The hints that sizes may need."""
        groups = (self.group_size,) if self.group_size else ()
        return Widths(self.bits, groups, self.overrides)


@cache
def load_methods() -> dict[str, Any]:
    """Return the table of methods, schemes and common keys."""
    text = files("famtree.fingerprints").joinpath("data/quantization.json").read_bytes()
    table: dict[str, Any] = json.loads(text)
    return table


def read_declarations(
    config: Mapping[str, Any], side_files: Mapping[str, Any]
) -> list[Declaration]:
    """Return every declaration, in the order engines look for one."""
    read = (_read(stated, file) for stated, file in _find_statements(config, side_files))
    return [one for one in read if one is not None]


def _read(stated: dict[str, Any], file: str) -> Declaration | None:
    method = _method(stated)
    if method is None:
        return None
    found = Declaration(method, file)
    entry = found.entry
    bits = _number(stated, entry.get("bits"))
    group = _number(stated, entry.get("group_size"))
    found.scheme = _word(stated, entry.get("scheme", []))
    found.format = _word(stated, entry.get("format", []))
    if method == "bitsandbytes":
        bits = _read_loading(stated, found)
    word = _word(stated, entry.get("words", []))
    if word:
        width = _WIDTH.search(word)
        found.scheme, bits = found.scheme or word, bits or (int(width[1]) if width else None)
    if entry.get("groups"):
        bits, group = _read_groups(stated, found, bits, group)
    bits, group = _read_algorithm(stated, found, bits, group)
    block = look_up(stated, "weight_block_size") if entry.get("block") else None
    if isinstance(block, list) and len(block) == 2 and all(_is_size(one) for one in block):
        found.scheme, found.block = f"block-{block[0]}x{block[1]}", list(block)
        found.granularity = "block"
    if method == "aqlm":
        bits = _code_bits(stated)
    found.bits = bits if bits is not None and 0 < bits <= 64 else None
    usable = group is not None and 0 < group < 2**31 and float(group).is_integer()
    found.group_size = int(group) if usable and group is not None else None
    _read_common(stated, found)
    return found


def _find_statements(
    config: Mapping[str, Any], side_files: Mapping[str, Any]
) -> Iterator[tuple[dict[str, Any], str]]:
    """Yield the first statement of config.json and those of the files beside it."""
    stated = _find_in_config(dict(config))
    if stated:
        yield stated, "config"
    for name in SIDE_FILES:
        found = side_files.get(name)
        if not isinstance(found, dict) or not found:
            continue
        if name == "quanto_qmap.json":
            yield _read_map(found), name
        elif name == "hf_quant_config.json":
            yield {"quant_method": "modelopt", **found}, name
        else:
            zero_point = "zero_point" in found or "w_bit" in found
            yield {"quant_method": "awq" if zero_point else "gptq", **found}, name


def _find_in_config(table: dict[str, Any]) -> dict[str, Any] | None:
    scopes = [table, *(look_up(table, key) for key in NESTED_TEXT)]
    for key in ("quantization_config", "compression_config", "quantization"):
        for scope in scopes:
            found = scope.get(key) if isinstance(scope, dict) else None
            if isinstance(found, dict) and found:
                if "quant_method" not in found and isinstance(table.get("quantization"), dict):
                    return {**found, "quant_method": "mlx"}
                return found
    return None


def _read_map(table: dict[str, Any]) -> dict[str, Any]:
    """Return what most modules have; optimum-quanto lists every one."""
    words = [one.get("weights") for one in table.values() if isinstance(one, dict)]
    most = Counter(sorted(word for word in words if isinstance(word, str))).most_common(1)
    return {"quant_method": "quanto", "weights": most[0][0] if most else None}


def _method(stated: dict[str, Any]) -> str | None:
    word = stated.get("quant_method")
    if isinstance(word, str) and word:
        word = word.lower()[:MAX_WORD]
        known: str = load_methods()["synonyms"].get(word, word)
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


def _read_loading(stated: dict[str, Any], found: Declaration) -> float | None:
    four, eight = (stated.get(f"load_in_{n}bit") is True for n in (4, 8))
    if four:
        found.weight_type = found.scheme
        return 4
    found.scheme = "int8" if eight else None
    if eight:
        found.activations = _activations(8, "int", True, "token")
    return 8 if eight else None


def _read_groups(
    stated: dict[str, Any], found: Declaration, bits: float | None, group: float | None
) -> tuple[float | None, float | None]:
    """Widths all weight groups agree on; several widths have no single answer."""
    groups = stated.get("config_groups")
    members = [one for one in groups.values() if isinstance(one, dict)] if isinstance(
        groups, dict) else []  # fmt: skip
    tables = [one for one in (look_up(item, "weights") for item in members)
              if isinstance(one, dict)]  # fmt: skip
    if not tables:
        return bits, group
    width = _agreed(_number(item, ["num_bits"]) for item in tables)
    bits = bits or width
    group = group or _agreed(_number(item, ["group_size"]) for item in tables)
    first = tables[0]
    kind = _agreed(_word(item, ["type"]) for item in tables)
    strategy = _agreed(_word(item, ["strategy"]) for item in tables)
    found.granularity = _STRATEGIES.get(strategy or "")
    shape = first.get("block_structure")
    if found.granularity == "block" and isinstance(shape, list) and len(shape) == 2:
        found.block = list(shape) if all(_is_size(one) for one in shape) else None
    found.symmetric = _agreed(_flag(item, ["symmetric"], None) for item in tables)
    if any(isinstance(item.get("actorder"), str) for item in tables):
        found.act_order = True
    inputs = look_up(members[0], "input_activations")
    if isinstance(inputs, dict) and kind and bits:
        found.activations = _activations(
            _number(inputs, ["num_bits"]), _word(inputs, ["type"]), inputs.get("dynamic"),
            _word(inputs, ["strategy"]),
        )  # fmt: skip
    if "quant_algo" not in stated and kind and width:
        found.scheme = _name_preset(kind, width, group, strategy, found.activations)
    structure = look_up(stated, "sparsity_config.sparsity_structure")
    if isinstance(structure, str) and structure:
        found.sparsity = structure[:MAX_WORD]
    return bits, group


def _name_preset(
    kind: str, bits: float, group: float | None, strategy: str | None, acts: ActivationScheme | None
) -> str | None:
    """Return the name compressed-tensors' presets give this combination."""
    for preset in load_methods()["presets"]:
        wanted = ((preset.get("bits"), bits), (preset.get("group"), group),
                  (preset.get("strategy"), strategy))  # fmt: skip
        if preset["type"] != kind or any(one not in (None, other) for one, other in wanted):
            continue
        name: str = preset["name"]
        if acts is None:
            name = preset.get("weights_only", name)
        elif acts.dynamic:
            name = preset.get("dynamic", name)
        width = acts.bits if acts and acts.bits else 16
        return name.format(bits=f"{bits:g}", activations=f"{width:g}")
    return None


def _read_algorithm(
    stated: dict[str, Any], found: Declaration, bits: float | None, group: float | None
) -> tuple[float | None, float | None]:
    word = _word(stated, found.entry.get("algorithm", []))
    if not word:
        return bits, group
    known = load_methods()["algorithms"].get(word.upper(), [None, None])
    found.scheme = word
    if len(known) > 2 and found.activations is None:
        found.activations = _activations(*known[2:])
    return bits or known[0], group or known[1]


def _read_common(stated: dict[str, Any], found: Declaration) -> None:
    keys, entry = load_methods()["common"], found.entry
    for key in keys["ignored"]:
        names = look_up(stated, key)
        if isinstance(names, list):
            found.ignored += [one[:256] for one in names if isinstance(one, str)]
    extra = stated.get("extra_config")
    if isinstance(extra, dict):
        found.ignored += [name[:256] for name, item in extra.items()
                          if isinstance(item, dict) and item.get("bits") in (16, 32)]  # fmt: skip
    found.ignored = sorted(set(found.ignored))[:MAX_IGNORED]
    found.act_order = _flag(stated, keys["act_order"], found.act_order)
    found.nested = _flag(stated, keys["nested"], found.nested)
    asymmetric = _flag(stated, keys["asymmetric"], None)
    found.symmetric = _flag(
        stated, keys["symmetric"], found.symmetric if asymmetric is None else not asymmetric
    )
    if found.activations is None and "activations" in entry:
        found.activations = _activations(*entry["activations"])
    word = _word(stated, entry.get("activation_scheme", []))
    if found.activations is None and word in ("dynamic", "static"):
        found.activations = _activations(8, "float", word == "dynamic")
    found.kv_cache = _read_cache(stated, keys["cache"])
    if found.method == "mlx":
        for path, item in list(stated.items())[:MAX_OVERRIDES]:
            if isinstance(item, dict):
                group = _number(item, ["group_size"])
                found.overrides[path] = (_number(item, ["bits"]), int(group) if group else None)


def _read_cache(stated: dict[str, Any], keys: list[str]) -> CacheScheme | None:
    for key in keys:
        value = look_up(stated, key)
        if isinstance(value, dict) and value:
            return CacheScheme.model_construct(
                bits=_number(value, ["num_bits"]), type=_word(value, ["type", "dtype"])
            )
        if isinstance(value, str) and value and value.lower() != "none":
            width = _WIDTH.search(value)
            return CacheScheme.model_construct(
                bits=int(width[1]) if width else None, type=value[:MAX_WORD]
            )
    return None


def _activations(
    bits: float | None, kind: str | None, dynamic: Any = None, granularity: str | None = None
) -> ActivationScheme:
    known = dynamic if type(dynamic) is bool else True if dynamic == "local" else None
    return ActivationScheme.model_construct(
        bits=bits, type=kind, dynamic=known, granularity=granularity
    )


def _code_bits(stated: dict[str, Any]) -> float | None:
    """Additive quantization: bits of all codebooks over the weights one code stands for."""
    books, bits = _number(stated, ["num_codebooks"]), _number(stated, ["nbits_per_codebook"])
    width = (_number(stated, ["in_group_size"]) or 8) * (_number(stated, ["out_group_size"]) or 1)
    return books * bits / width if books and bits else None


def _agreed(values: Iterable[_T]) -> _T | None:
    """Return the one value all have, else None."""
    distinct = set(values)
    return distinct.pop() if len(distinct) == 1 else None


def _flag(stated: dict[str, Any], keys: list[str], otherwise: bool | None) -> bool | None:
    for key in keys:
        value = look_up(stated, key)
        if type(value) is bool:
            return value
    return otherwise


def _is_size(value: Any) -> bool:
    return type(value) is int and 0 < value < 2**31


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
