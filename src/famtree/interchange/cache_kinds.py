"""Which layer keeps what: the kinds of a config's layers, as `data/caches.json` reads them."""

from __future__ import annotations

from functools import cache
from typing import Any

from famtree.files import load_data
from famtree.fingerprints.aliases import look_up

MOST_LAYERS = 4096
"""Deeper stacks occur in no released config; a stranger's number must not fill the memory."""


class UnseenError(Exception):
    """A fact that the size of a cache depends on is not in the config; the text names it."""


@cache
def load_caches() -> dict[str, Any]:
    """Return `data/caches.json`."""
    table: dict[str, Any] = load_data("interchange/data/caches.json")
    return table


def read_kinds(
    text: dict[str, Any], model_type: str | None, layers: int | None, window: int | None
) -> list[str]:
    """Return one of full, window, chunk, state, both, none for each layer.

    `text` is the language tower's config; `window` its sliding window, None where it has none.
    Raises UnseenError with the missing fact.
    """
    table = load_caches()
    for rule in table["layers"]:
        value = look_up(text, rule["key"])
        if value is None or (rule.get("needs_window") and window is None):
            continue
        if rule.get("flag") and text.get(rule["flag"]) is not True:
            continue
        found = _apply(rule, value, text, layers)
        if found is not None:
            return found
    design = table["designs"].get(model_type or "")
    if design is not None and not (design.get("needs_window") and window is None):
        count = _count(layers)
        if design["rule"] == "all":
            return [design["kind"]] * count
        kinds = _every(design, design["period"], {}, count) or []
        if kinds and "last" in design:
            kinds[-1] = design["last"]
        return kinds
    if window is not None:
        raise UnseenError("which layers have the sliding window")
    if any(
        look_up(text, key) is not None
        for mixer in table["mixers"]
        for key in mixer["keys"].get("state", ()) or mixer["keys"].get("kernel", ())
    ):
        raise UnseenError("which layers keep keys and values and which a state")
    return ["full"] * _count(layers)


def _apply(
    rule: dict[str, Any], value: Any, text: dict[str, Any], layers: int | None
) -> list[str] | None:
    """Read one key by its rule; None where its value is of no use."""
    match rule["rule"]:
        case "words" | "cycle":
            return _words(rule, value, layers)
        case "letters":
            return _letters(value, layers)
        case "cycled-letters":
            return _cycle_letters(rule, value, layers)
        case "blocks":
            return _blocks(value, layers)
        case "numbers":
            return _numbers(rule, value, layers)
        case "listed":
            return _listed(rule, value, layers)
        case "every":
            return _every(rule, value, text, _count(layers))
        case "flags":
            return _flags(rule, value, text, layers)
        case _:
            return _from(rule, value, layers)


def _count(layers: int | None) -> int:
    if layers is None or not 0 < layers <= MOST_LAYERS:
        raise UnseenError("the number of layers")
    return layers


def _check_length(kinds: list[str], layers: int | None) -> list[str]:
    if not 0 < len(kinds) <= MOST_LAYERS or (layers is not None and len(kinds) != layers):
        raise UnseenError("the kind of each layer: the config's list has another length")
    return kinds


def _words(rule: dict[str, Any], value: Any, layers: int | None) -> list[str] | None:
    if not isinstance(value, list) or not value:
        return None
    known = {**load_caches()["kinds"], **rule.get("words", {})}
    for word in value:
        if not isinstance(word, str) or word not in known:
            raise UnseenError(f"what a layer of kind {str(word)[:40]!r} keeps")
    kinds: list[str] = [known[word] for word in value]
    if rule["rule"] == "cycle":
        return [kinds[at % len(kinds)] for at in range(_count(layers))]
    return _check_length(kinds, layers)


def _letters(value: Any, layers: int | None) -> list[str] | None:
    if not isinstance(value, str) or not value:
        return None
    known = load_caches()["letters"]
    for letter in value:
        if letter not in known:
            raise UnseenError(f"what a layer of kind {letter!r} keeps")
    return _check_length([known[letter] for letter in value], layers)


def _cycle_letters(rule: dict[str, Any], value: Any, layers: int | None) -> list[str] | None:
    if not isinstance(value, str) or not value or set(value) - rule["letters"].keys():
        return None
    return [rule["letters"][value[at % len(value)]] for at in range(_count(layers))]


def _blocks(value: Any, layers: int | None) -> list[str] | None:
    """Searched designs: each block says whether it has attention at all."""
    if not isinstance(value, list) or not value:
        return None
    attention = [item.get("attention") if isinstance(item, dict) else None for item in value]
    kinds = []
    for block in attention:
        if not isinstance(block, dict):
            raise UnseenError("the attention of each block")
        absent = block.get("no_op") is True or block.get("replace_with_linear") is True
        kinds.append("none" if absent else "full")
    return _check_length(kinds, layers)


def _numbers(rule: dict[str, Any], value: Any, layers: int | None) -> list[str] | None:
    if not isinstance(value, list) or not value:
        return None
    known = rule["numbers"]
    kinds = [known[str(item)] for item in value if str(item) in known]
    if len(kinds) < len(value):
        raise UnseenError(f"what the numbers of {rule['key']} mean")
    return _check_length(kinds, layers)


def _listed(rule: dict[str, Any], value: Any, layers: int | None) -> list[str] | None:
    if not isinstance(value, list):
        return None
    first = rule.get("first", 0)
    chosen = {item - first for item in value if type(item) is int}
    return [rule["hit"] if at in chosen else rule["miss"] for at in range(_count(layers))]


def _every(
    rule: dict[str, Any], period: Any, text: dict[str, Any], layers: int
) -> list[str] | None:
    """Every `period`th layer is a hit: the last of each run, or the one at `offset`."""
    if type(period) is not int or period < 1:
        return None
    offset = rule.get("offset", period - 1)
    if isinstance(offset, str):
        offset = text.get(offset)
        if type(offset) is not int:
            raise UnseenError("which layers keep keys and values")
    hit, miss = rule["hit"], rule["miss"]
    return [hit if at % period == offset else miss for at in range(layers)]


def _flags(
    rule: dict[str, Any], value: Any, text: dict[str, Any], layers: int | None
) -> list[str] | None:
    if type(value) is not int:
        return None
    flags = text.get(rule["flags"])
    if isinstance(flags, list) and flags:
        kinds = [rule["hit"] if item else rule["miss"] for item in flags]
        return _check_length(kinds, layers)
    period = rule["period"]
    return [rule["hit"] if (at + 1) % period else rule["miss"] for at in range(_count(layers))]


def _from(rule: dict[str, Any], value: Any, layers: int | None) -> list[str] | None:
    if type(value) is not int:
        return None
    return [rule["hit"] if at >= value else rule["miss"] for at in range(_count(layers))]
