"""How the weights are stored according to config.json and the files beside it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar

from msgspec import Struct
from msgspec.structs import asdict

from famtree.fingerprints.aliases import NESTED_TEXT, look_up
from famtree.fingerprints.quantization_layout import Widths
from famtree.packings.catalog import load_methods
from famtree.packings.packing import Method
from famtree.types.quantization import ActivationScheme, CacheScheme, Granularity

SIDE_FILES = (
    "hf_quant_config.json",
    "quantize_config.json",
    "quant_config.json",
    "quanto_qmap.json",
)
"""Where a declaration may lie outside config.json: ModelOpt, old AutoGPTQ, old AWQ, quanto."""
_MODELOPT_KEYS = (
    "quant_algo", "quantization.quant_algo", "quantization.kv_cache_quant_algo", "producer",
    "quant_method", "config_groups",
)  # fmt: skip
_STATING = frozenset({"quant_method", "quant_algo"})
"""Keys that tell a method under `quantization`, which trainers use for settings of theirs."""
_T = TypeVar("_T")
MAX_WORD = 64
MAX_IGNORED = 64
MAX_OVERRIDES = 200_000
_WIDTH = r"(?i)(?:int|fp|float|mxfp|nvfp|uint|nf)_?(\d{1,2})"
_STRATEGIES: dict[str | None, Granularity] = {
    "tensor": "tensor", "channel": "channel", "group": "group", "tensor_group": "group",
    "block": "block",
}  # fmt: skip


_FLOAT_CODES: dict[float | None, str] = {4: "e2m1", 8: "e4m3"}
"""Bits to what compressed-tensors stores for `float` weights of that width."""
_ACTIVATION_ORDERS = {"group", "dynamic"}
"""Words of `actorder` that leave groups apart; `weight` and `static` put the columns back."""


class Declaration(Struct):
    """What the files say; None where they are silent."""

    method: str
    file: str = "config"
    """Where it stands; `config` for config.json."""
    bits: float | None = None
    group_size: int | None = None
    scheme: str | None = None
    checkpoint_format: str | None = None
    weight_type: str | None = None
    granularity: Granularity | None = None
    block_shape: list[int] | None = None
    symmetric: bool | None = None
    act_order: bool | None = None
    nested_scales: bool | None = None
    sparsity: str | None = None
    activations: ActivationScheme | None = None
    kv_cache: CacheScheme | None = None
    ignored: list[str] = []
    overrides: dict[str, tuple[float | None, int | None]] = {}
    """Bits and group size of single modules (MLX)."""

    @property
    def stated(self) -> dict[str, Any]:
        """What it says, in the fields of a quantization."""
        return {key: value for key, value in asdict(self).items() if key not in _ABOUT}

    @property
    def known(self) -> Method:
        """How the method declares itself; empty for one that is not known."""
        return load_methods().methods.get(self.method, _UNKNOWN)

    @property
    def widths(self) -> Widths:
        """The hints that sizes may need."""
        groups = (self.group_size,) if self.group_size else ()
        return Widths(self.bits, groups, self.overrides)


_ABOUT = ("file", "overrides")
_UNKNOWN = Method()


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
    known = found.known
    found.scheme, found.checkpoint_format = _word(stated, known.scheme), _word(stated, known.format)
    found.bits = _code_bits(stated) if known.codebooks else _number(stated, known.bits)
    found.group_size = _count(stated, known.group_size)
    if any(look_up(stated, key) == -1 for key in _list_keys(known.group_size)):
        found.granularity = "channel"
    if known.loading:
        _read_loading(stated, found)
    _read_words(stated, found)
    if known.groups:
        _read_groups(stated, found)
    _read_algorithm(stated, found)
    block = _block(stated, known.block)
    if block is not None:
        found.scheme, found.block_shape = f"block-{block[0]}x{block[1]}", block
        found.granularity = "block"
    if found.bits is not None and found.bits > 64:
        found.bits = None
    _read_common(stated, found)
    return found


def _find_statements(
    config: Mapping[str, Any], side_files: Mapping[str, Any]
) -> Iterator[tuple[dict[str, Any], str]]:
    """Yield the first statement of config.json and those of the files beside it."""
    if stated := find_declared(dict(config)):
        yield stated, "config"
    for name in SIDE_FILES:
        found = side_files.get(name)
        if not isinstance(found, dict) or not found:
            continue
        method = _recognise(name, found)
        if method == "quanto":
            yield _read_map(found), name
        elif method is not None:
            yield {"quant_method": method, **found}, name


def _recognise(name: str, found: dict[str, Any]) -> str | None:
    """Return the method that a side file belongs to, None where its keys are another program's.

    transformers.js calls what it says of ONNX files quantize_config.json too (`per_channel`,
    `reduce_range`, `per_model_config`).
    """
    if name == "quanto_qmap.json":
        listed = any(isinstance(one, dict) and "weights" in one for one in found.values())
        return "quanto" if listed else None
    if name == "hf_quant_config.json":
        stated = any(look_up(found, key) is not None for key in _MODELOPT_KEYS)
        return "modelopt" if stated else None
    if "zero_point" in found or "w_bit" in found:
        return "awq"
    return "gptq" if _number(found, ("bits",)) or "quant_method" in found else None


def find_declared(table: dict[str, Any]) -> dict[str, Any] | None:
    """Return what a config.json says of quantization, of its text model too; None for nothing."""
    scopes = [table, *(look_up(table, key) for key in NESTED_TEXT)]
    for key in ("quantization_config", "compression_config", "quantization"):
        for scope in scopes:
            found = scope.get(key) if isinstance(scope, dict) else None
            if not isinstance(found, dict) or not found:
                continue
            if key != "quantization" or found.keys() & _STATING:
                return found
            if {"bits", "group_size"} <= found.keys():
                return {**found, "quant_method": "mlx"}
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
        return load_methods().synonyms.get(word, word)
    if stated.get("load_in_4bit") is True or stated.get("load_in_8bit") is True:
        return "bitsandbytes"
    if "quant_algo" in stated or look_up(stated, "producer.name") == "modelopt":
        return "modelopt"
    if "config_groups" in stated:
        return "compressed-tensors"
    if "bits" in stated and "group_size" in stated:
        return "gptq" if "desc_act" in stated or "sym" in stated else "mlx"
    return None


def _read_loading(stated: dict[str, Any], found: Declaration) -> None:
    if stated.get("load_in_4bit") is True:
        found.weight_type, found.bits = found.scheme, 4
    elif stated.get("load_in_8bit") is True:
        found.scheme, found.bits = "int8", 8
        found.activations = _activations(8, "int", True, "token")
    else:
        found.scheme = None


def _read_words(stated: dict[str, Any], found: Declaration) -> None:
    word = _word(stated, found.known.words)
    if word:
        width = re.search(_WIDTH, word)
        found.scheme = found.scheme or word
        found.bits = found.bits or (int(width[1]) if width else None)


def _read_groups(stated: dict[str, Any], found: Declaration) -> None:
    """Widths all weight groups agree on; several widths have no single answer."""
    groups = stated.get("config_groups")
    members = list(groups.values()) if isinstance(groups, dict) else []
    members = [one for one in members if isinstance(one, dict)]
    tables = [one["weights"] for one in members if isinstance(one.get("weights"), dict)]
    if not tables:
        return
    width = _agreed(_number(item, ("num_bits",)) for item in tables)
    found.bits = found.bits or width
    found.group_size = found.group_size or _agreed(_count(item, ("group_size",)) for item in tables)
    kind = _agreed(_word(item, ("type",)) for item in tables)
    strategy = _agreed(_word(item, ("strategy",)) for item in tables)
    _read_sharing(tables, strategy, found)
    found.weight_type = "int" if kind == "int" else _FLOAT_CODES.get(width) if kind else None
    inputs = members[0].get("input_activations")
    if isinstance(inputs, dict) and kind and found.bits:
        found.activations = _activations(
            _number(inputs, ("num_bits",)), _word(inputs, ("type",)), inputs.get("dynamic"),
            _word(inputs, ("strategy",)),
        )  # fmt: skip
    if "quant_algo" not in stated and kind and width:
        found.scheme = _name_preset(kind, width, found.group_size, strategy, found.activations)
    found.sparsity = _read_sparsity(stated)


def _read_sparsity(stated: dict[str, Any]) -> str | None:
    """Calibration notes a structure for dense weights too; then it names no module."""
    targets, layout = (look_up(stated, f"sparsity_config.{key}") for key in ("targets", "format"))
    if layout == "dense" and not targets:
        return None
    return _word(stated, ("sparsity_config.sparsity_structure",))


def _read_sharing(tables: list[dict[str, Any]], strategy: str | None, found: Declaration) -> None:
    found.granularity = _STRATEGIES.get(strategy)
    if found.granularity == "block":
        found.block_shape = _block(tables[0], ("block_structure",))
    found.symmetric = _agreed(_flag(item, ("symmetric",), None) for item in tables)
    orders = {item["actorder"] for item in tables if isinstance(item.get("actorder"), str)}
    if orders:
        found.act_order = bool(orders & _ACTIVATION_ORDERS)


def _name_preset(
    kind: str, bits: float, group: float | None, strategy: str | None, acts: ActivationScheme | None
) -> str | None:
    """Return the name compressed-tensors' presets give this combination."""
    for preset in load_methods().presets:
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


def _read_algorithm(stated: dict[str, Any], found: Declaration) -> None:
    word = _word(stated, found.known.algorithm)
    if not word:
        return
    bits, group, *activations = load_methods().algorithms.get(word.upper(), (None, None))
    found.scheme = word
    found.bits, found.group_size = found.bits or bits, found.group_size or group
    if activations and found.activations is None:
        found.activations = _activations(*activations)


def _read_common(stated: dict[str, Any], found: Declaration) -> None:
    keys, known = load_methods().common, found.known
    found.ignored = _read_ignored(stated, keys["ignored"])
    found.act_order = _flag(stated, keys["act_order"], found.act_order)
    found.nested_scales = _flag(stated, keys["nested"], found.nested_scales)
    asymmetric = _flag(stated, keys["asymmetric"], None)
    found.symmetric = _flag(
        stated, keys["symmetric"], found.symmetric if asymmetric is None else not asymmetric
    )
    if found.activations is None and known.activations is not None:
        found.activations = _activations(*known.activations)
    word = _word(stated, known.activation_scheme)
    if found.activations is None and word in ("dynamic", "static"):
        found.activations = _activations(8, "float", word == "dynamic")
    found.kv_cache = _read_cache(stated, keys["cache"])
    if known.by_module:
        for path, item in list(stated.items())[:MAX_OVERRIDES]:
            if isinstance(item, dict):
                found.overrides[path] = (_number(item, ("bits",)), _count(item, ("group_size",)))


def _read_ignored(stated: dict[str, Any], keys: tuple[str, ...]) -> list[str]:
    """Return the modules that are left out; auto-round gives them widths of plain floats."""
    lists = [look_up(stated, key) for key in keys]
    names = [one for found in lists if isinstance(found, list) for one in found]
    extra = stated.get("extra_config")
    if isinstance(extra, dict):
        names += [name for name, item in extra.items()
                  if isinstance(item, dict) and item.get("bits") in (16, 32)]  # fmt: skip
    return sorted({one[:256] for one in names if isinstance(one, str)})[:MAX_IGNORED]


def _read_cache(stated: dict[str, Any], keys: tuple[str, ...]) -> CacheScheme | None:
    for key in keys:
        value = look_up(stated, key)
        if isinstance(value, dict) and value:
            return CacheScheme.model_construct(
                bits=_number(value, ("num_bits",)), type=_word(value, ("type", "dtype"))
            )
        if isinstance(value, str) and value and value.lower() != "none":
            width = re.search(_WIDTH, value)
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
    books, bits = _number(stated, ("num_codebooks",)), _number(stated, ("nbits_per_codebook",))
    width = (_number(stated, ("in_group_size",)) or 8) * (_number(stated, ("out_group_size",)) or 1)
    return books * bits / width if books and bits else None


def _agreed(values: Iterable[_T]) -> _T | None:
    """Return the one value all have, else None."""
    distinct = set(values)
    return distinct.pop() if len(distinct) == 1 else None


def _find(stated: dict[str, Any], keys: Iterable[str], fits: Callable[[Any], bool]) -> Any:
    """Return the first value at one of the dotted keys that is of use, else None."""
    return next((value for key in keys if fits(value := look_up(stated, key))), None)


def _flag(stated: dict[str, Any], keys: Iterable[str], otherwise: bool | None) -> bool | None:
    found: bool | None = _find(stated, keys, lambda value: type(value) is bool)
    return otherwise if found is None else found


def _block(stated: dict[str, Any], keys: Iterable[str]) -> list[int] | None:
    """Return rows and columns that share a scale."""
    found: list[int] | None = _find(stated, keys, lambda value: type(value) is list
                                    and len(value) == 2 and all(map(_is_size, value)))  # fmt: skip
    return found


def _is_size(value: Any) -> bool:
    return type(value) is int and 0 < value < 2**31


def _number(stated: dict[str, Any], keys: tuple[str, ...] | int) -> float | None:
    found: float | None = keys if isinstance(keys, int) else _find(
        stated, keys, lambda value: type(value) in (int, float) and 0 < value < 2**31
    )  # fmt: skip
    return found


def _count(stated: dict[str, Any], keys: tuple[str, ...] | int) -> int | None:
    value = _number(stated, keys)
    return int(value) if value is not None and value == int(value) else None


def _list_keys(keys: tuple[str, ...] | int) -> tuple[str, ...]:
    return () if isinstance(keys, int) else keys


def _word(stated: dict[str, Any], keys: Iterable[str]) -> str | None:
    found: str | None = _find(stated, keys, lambda value: type(value) is str and value != "")
    return found and found[:MAX_WORD]
