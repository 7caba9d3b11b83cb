"""What an adapter's tensor names and shapes show: method, ranks, targets, widths of its base.

Which tensor name means which part is data (`data/adapters.json`).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from msgspec import Struct

from famtree.files import load_data
from famtree.fingerprints.tensor_names import in_tower, load_roles, outside_role, split_block
from famtree.types.adapter import Adapter
from famtree.types.checkpoint import TensorInfo

MAX_TARGETS = 256
MAX_NAME = 128
MAX_NUMBER = 2**53


class AdapterShapes(Struct):
    """What the header shows; every set holds one value unless the tensors disagree."""

    methods: set[str] = set()
    ranks: dict[str, Counter[int]] = {}
    """Target module to how often it has which rank."""
    targets: set[str] = set()
    blocks: set[int] = set()
    saved: set[str] = set()
    rows: set[int] = set()
    tokens: set[int] = set()
    widths: dict[str, set[int]] = {}
    """hidden_size, ffn, attention_width, kv_width of the base, as the matrices show them."""
    parameters: int = 0


@cache
def load_table() -> dict[str, Any]:
    """Return `data/adapters.json`, with a dot before each wrapper."""
    table: dict[str, Any] = load_data("fingerprints/data/adapters.json")
    table["wrappers"] = tuple(f".{wrapper}" for wrapper in table["wrappers"])
    return table


def read_adapter_config(found: object) -> Mapping[str, Any] | None:
    """Return adapter_config.json where it is one: others use the name for files of their own."""
    if not isinstance(found, Mapping) or not found.keys() & set(load_table()["config_keys"]):
        return None
    return found


def find_stated_base(config: Mapping[str, Any]) -> str | None:
    """Return the base that an adapter's config names, as it stands there."""
    for key in load_table()["base_keys"]:
        value = config.get(key)
        if isinstance(value, str) and value.strip():
            return value.strip()
    return None


def observe_adapter(tensors: Iterable[TensorInfo]) -> AdapterShapes | None:
    """Return what the tensors show, or None where none of them is a part of an adapter."""
    found = AdapterShapes()
    whole: list[tuple[str, TensorInfo]] = []
    for tensor in tensors:
        path, part = split_part(tensor.name)
        if part is None:
            whole.append((path, tensor))
        else:
            method, side = load_table()["parts"][part]
            found.methods.add(method)
            found.parameters += tensor.numel
            _take_part(found, path, side, tensor)
    if found.methods <= {"dora"}:  # a magnitude scales a matrix that is adapted in another part
        return None
    for path, tensor in whole:
        found.parameters += tensor.numel
        found.saved.add(path.removesuffix(".weight").removesuffix(".bias").rpartition(".")[2])
        role = outside_role(path.removesuffix(".weight"))
        if role in load_table()["tables"] and len(tensor.shape) == 2:
            found.rows.add(tensor.shape[0])
            found.widths.setdefault("hidden_size", set()).add(tensor.shape[1])
    return found


def split_part(name: str) -> tuple[str, str | None]:
    """Split a tensor's name into module path and adapter part, None for a module's own tensor.

    An adapter's own name (`lora_A.default.weight`) and the prefixes of its trainer are dropped.
    """
    table = load_table()
    for prefix in table["prefixes"]:
        if name.startswith(prefix):
            name = name.removeprefix(prefix)
            break
    path, part, rest = name, None, name
    for _ in range(3):  # a part is among the last three
        rest, dot, last = rest.rpartition(".")
        if dot and last in table["parts"]:
            path, part = rest, last
            break
    for wrapper in table["wrappers"]:
        path = path.replace(wrapper, "")
    # In GGUF the parts hang on the name of the weight.
    return (path.removesuffix(".weight") if part else path), part


def describe_adapter(
    shapes: AdapterShapes | None, config: Mapping[str, Any] | None
) -> Adapter | None:
    """Return the adapter that the header shows, with its config as the second witness.

    None where neither is there. Numbers of the config are used only where no tensor was read.
    """
    stated = config if isinstance(config, Mapping) else {}
    if shapes is None and not stated:
        return None
    inner = stated.get("lora_parameters")
    numbers = {**stated, **(inner if isinstance(inner, Mapping) else {})}
    alpha = _number(numbers.get("lora_alpha")) or _number(numbers.get("alpha"))
    if shapes is None:
        rank = numbers.get("r", numbers.get("rank"))
        return Adapter.model_construct(
            method=_stated_method(stated),
            rank=rank if type(rank) is int and rank > 0 else None,
            alpha=alpha,
            targets=_words(stated.get("target_modules") or numbers.get("keys")),
            saved_modules=_words(stated.get("modules_to_save")),
            source="config",
        )
    common: Counter[int] = Counter()
    for counted in shapes.ranks.values():
        common.update(counted)
    rank = min(common, key=lambda one: (-common[one], one), default=None)
    varied = {
        name: sorted(counted)
        for name, counted in sorted(shapes.ranks.items())[:MAX_TARGETS]
        if set(counted) != {rank}
    }
    order = load_table()["order"]
    return Adapter.model_construct(
        method=max(shapes.methods, key=order.index),
        rank=rank,
        ranks=varied,
        alpha=alpha,
        targets=sorted(shapes.targets)[:MAX_TARGETS],
        layers=len(shapes.blocks) or None,
        saved_modules=sorted(shapes.saved)[:MAX_TARGETS],
        vocab_rows=_only(shapes.rows),
        trained_tokens=_only(shapes.tokens),
        parameters=shapes.parameters,
        source="header",
    )


def find_conflicts(shapes: AdapterShapes, base: Mapping[str, int]) -> tuple[list[str], int]:
    """Return (what does not fit the base, how many widths were compared).

    `base` maps hidden_size, ffn, attention_width, kv_width and layers to the base's own values,
    those that are known. Experts and fused matrices show no width to compare.
    """
    conflicts = []
    compared = 0
    for name, seen in sorted(shapes.widths.items()):
        if name not in base:
            continue
        compared += 1
        odd = sorted(seen - {base[name]})
        if odd:
            conflicts.append(f"{name} {odd[0]}, where the base has {base[name]}")
    if shapes.blocks and "layers" in base:
        compared += 1
        if max(shapes.blocks) >= base["layers"]:
            conflicts.append(
                f"a module in block {max(shapes.blocks)}, where the base has {base['layers']}"
            )
    return conflicts, compared


def _take_part(found: AdapterShapes, path: str, side: str, tensor: TensorInfo) -> None:
    shape = tensor.shape
    if side == "tokens":
        found.tokens.add(shape[0] if shape else 0)
        return
    target = path.rpartition(".")[2][:MAX_NAME]
    found.targets.add(target)
    stack, number, rest = split_block(path)
    roles = load_roles()
    other = stack is not None and in_tower(stack, roles["other_towers"])
    if stack is not None and not other:
        found.blocks.add(number)
    if len(shape) != 2 or side not in ("down", "up", "down_t", "up_t", "down_embedding"):
        return
    if side.endswith("_t"):
        shape = (shape[1], shape[0])
    if side.startswith("down"):
        found.ranks.setdefault(target, Counter())[shape[0]] += 1
    if stack is None or other or side == "down_embedding":
        return
    if rest not in load_table()["low_rank"]:
        _take_width(found, roles["block"].get(rest), side.removesuffix("_t"), shape)


def _take_width(found: AdapterShapes, role: str | None, side: str, shape: tuple[int, ...]) -> None:
    """Note which width of the base the outer side of one factor is."""
    table = load_table()
    inputs = side == "down"
    width = shape[1] if inputs else shape[0]
    name = None
    if role in table["reads_hidden"] and inputs:
        name = "hidden_size"
    elif role in table["writes_hidden"]:
        name = ("ffn" if role == "down" else "attention_width") if inputs else "hidden_size"
    elif role in ("gate", "up"):
        name = "ffn"
    elif role in ("k", "v"):
        name = "kv_width"
    if name is not None:
        found.widths.setdefault(name, set()).add(width)


def _stated_method(stated: Mapping[str, Any]) -> str | None:
    method = stated.get("peft_type", stated.get("fine_tune_type"))
    if not isinstance(method, str):
        return None
    return "dora" if stated.get("use_dora") is True else method.lower().replace("_", "-")[:MAX_NAME]


def _words(value: object) -> list[str]:
    if isinstance(value, str):
        return [value[:MAX_NAME]]
    if not isinstance(value, list):
        return []
    return sorted({word[:MAX_NAME] for word in value if isinstance(word, str)})[:MAX_TARGETS]


def _only(values: set[int]) -> int | None:
    return next(iter(values)) if len(values) == 1 else None


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    # Compared first: an integer may be too large for a float.
    return float(value) if abs(value) < MAX_NUMBER and math.isfinite(value) else None
