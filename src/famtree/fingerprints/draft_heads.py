"""Draft heads: a few layers that guess the next tokens of one target from its hidden states.

Which classes, config keys and tensors tell which method is data (`data/draft_heads.json`). What has
the word of a method and more layers than any published head is a model.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from msgspec import Struct

from famtree.files import load_data
from famtree.fingerprints.aliases import look_up
from famtree.types.checkpoint import TensorIndex

MOST_TENSORS = 4096
"""Of a head with experts; a checkpoint of more is not looked through."""


class DraftHead(Struct, frozen=True):
    """What a head is, and what it says of its target."""

    method: str
    hidden_size: int | None = None
    """Width of the target's states; the head's own may differ."""
    vocab_rows: int | None = None
    """Of the target: a head may score a part of them."""
    layers: int | None = None
    target: str | None = None
    """The target as the config names it."""


@cache
def load_table() -> dict[str, Any]:
    """Return `data/draft_heads.json`."""
    table: dict[str, Any] = load_data("fingerprints/data/draft_heads.json")
    return table


def find_draft_head(
    config: Mapping[str, Any], index: TensorIndex, files: Iterable[str] = ()
) -> DraftHead | None:
    """Return the draft head that config, tensors or names of files show; None where they do not."""
    method = _find_stated(config)
    most = load_table()["most_layers"]
    if method is None and (_count_layers(config, {}) or 0) > most:
        return None
    seen = {} if len(index.names) > MOST_TENSORS else _read_shapes(index)
    method = method or _find_seen(config, seen, files)
    layers = _count_layers(config, seen)
    alone = method is not None and _match_files(method, files)
    if method is None or (
        layers is not None and layers > load_table()["most_layers"] and not alone
    ):
        return None
    return DraftHead(
        method["name"],
        _find_width(config, method, seen),
        _find_number(config, ("vocab_size", "padded_vocab_size")) or _find_rows(seen),
        None if alone else layers,
        _find_target(config),
    )


def _read_shapes(index: TensorIndex) -> dict[str, tuple[int, ...] | None]:
    known = {name: one.shape for name, one in index.tensors.items()}
    return {**dict.fromkeys(index.names), **known}


def _find_stated(config: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the method that the class, or else a key of the config, tells."""
    listed = config.get("architectures")
    words: list[str] = load_table()["words"]
    named = (str(one) for one in (listed if isinstance(listed, list) else [listed]))
    classes = [one for one in named if any(word in one.lower() for word in words)]
    methods: list[dict[str, Any]] = load_table()["methods"]
    for method in methods:
        told = any(_compile(method["classes"]).search(one) for one in classes)
        if told or config.get("model_type") in method["types"]:
            return method
    for method in methods:
        values = method["values"].items()
        if any(key in config for key in method["keys"]):
            return method
        if any(look_up(dict(config), key) == value for key, value in values):
            return method
    return None


def _find_seen(
    config: Mapping[str, Any], seen: Mapping[str, Any], files: Iterable[str]
) -> dict[str, Any] | None:
    """Return the method that tensors, or the files' names, tell."""
    methods: list[dict[str, Any]] = load_table()["methods"]
    for method in methods:
        if method["tensors"] and _has_part(method["tensors"], seen):
            return method
        if _match_files(method, files):
            return method
    return _find_joint(config, seen)


def _find_joint(config: Mapping[str, Any], seen: Mapping[str, Any]) -> dict[str, Any] | None:
    """A layer that puts states and embedding together, before a handful of blocks and no output."""
    pattern = _compile(load_table()["joins"])
    joins = {name: shape for name, shape in seen.items() if pattern.match(name)}
    shapes = [shape for shape in joins.values() if shape is not None and len(shape) == 2]
    layers = _count_layers({}, seen)
    if not shapes or not layers or any(name.startswith("lm_head.") for name in seen):
        return None
    width = _find_number(config, ("hidden_size",)) or shapes[0][0]
    if any(shape != (width, 2 * width) for shape in shapes):
        return None
    inner = [name for name in joins if name.endswith("eh_proj.weight")]
    by_name: dict[str, dict[str, Any]] = {one["name"]: one for one in load_table()["methods"]}
    if inner:
        return by_name["mtp"] if len(inner) == layers else None
    return by_name["eagle"]


def _has_part(pattern: str, seen: Mapping[str, Any]) -> bool:
    """Return whether a tensor is such a part."""
    return any(_compile(pattern).match(name) for name in seen)


def _match_files(method: Mapping[str, Any], files: Iterable[str]) -> bool:
    pattern: str = method["files"]
    listed = list(files)
    return bool(pattern and listed) and all(_compile(pattern).match(name) for name in listed)


def _count_layers(config: Mapping[str, Any], seen: Mapping[str, Any]) -> int | None:
    """Return the blocks of the head; of config.json only where no tensor is known."""
    if seen:
        pattern = _compile(load_table()["layers"])
        found = {one[0] for name in seen if (one := pattern.match(name)) is not None}
        return len({one.rpartition(".")[0] for one in found})
    return _find_number(config, ("num_hidden_layers", "n_predict"))


def _find_width(
    config: Mapping[str, Any], method: Mapping[str, Any], seen: Mapping[str, Any]
) -> int | None:
    """Return the width of the target's states: as stated, else as the first layer takes them."""
    stated = _find_number(config, load_table()["target_width_keys"])
    own = _find_number(config, ("hidden_size",))
    if stated is not None:
        return stated
    pattern = _compile(load_table()["joins"])
    shape = next((one for name, one in seen.items() if pattern.match(name) and one), None)
    states = method["states"] or _count_states(config)
    if shape is None or len(shape) != 2 or not states or shape[1] % states:
        heads = [one for name, one in seen.items() if name.endswith("0.linear.weight") and one]
        return own or (heads[0][-1] if heads else None)
    return int(shape[1] // states)


def _count_states(config: Mapping[str, Any]) -> int | None:
    for key in load_table()["states_keys"]:
        listed = look_up(dict(config), key)
        if isinstance(listed, list) and listed:
            return len(listed)
    return None


def _find_rows(seen: Mapping[str, Any]) -> int | None:
    """Return the target's rows: the mask over them, else the embedding that a head repeats."""
    for ending in ("t2d", "embed_tokens.weight"):
        shape = next((one for name, one in seen.items() if name.endswith(ending) and one), None)
        if shape:
            return int(shape[0])
    return None


def _find_target(config: Mapping[str, Any]) -> str | None:
    for key in load_table()["target_name_keys"]:
        name = look_up(dict(config), key)
        if _is_word(name):
            return str(name)
    return None


def _find_number(config: Mapping[str, Any], keys: Iterable[str]) -> int | None:
    for scope in load_table()["scopes"]:
        table = look_up(dict(config), scope) if scope else config
        for key in keys if isinstance(table, Mapping) else ():
            value = table.get(key)
            if type(value) is int and 0 < value < 2**31:
                return value
    return None


def _is_word(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= 256


@cache
def _compile(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)
