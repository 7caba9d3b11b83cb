"""Facts about prompts and stopping: chat template, end tokens, begin token."""

from __future__ import annotations

from typing import Any

from famtree.interchange.pair import Fact, Pair
from famtree.interchange.side import Side

_TOKENIZER_CONFIG = "tokenizer_config.json"


def shows_template(side: Side) -> bool:
    """Return whether a template would have been seen: the files that carry it were read."""
    return bool(side.recipe.chat_template) or any(
        name in side.side_files for name in (_TOKENIZER_CONFIG, "chat_template.json")
    )


def _same_template(pair: Pair) -> bool | None:
    if pair.a is pair.b:
        return True
    if not shows_template(pair.a) or not shows_template(pair.b):
        return None
    return pair.a.recipe.chat_template == pair.b.recipe.chat_template


def _where(pair: Pair) -> str | None:
    if not shows_template(pair.a) or not shows_template(pair.b):
        return None
    has_a, has_b = bool(pair.a.recipe.chat_template), bool(pair.b.recipe.chat_template)
    return "both" if has_a and has_b else "a" if has_a else "b" if has_b else "neither"


def _same_markers(pair: Pair) -> bool | None:
    if pair.a is pair.b:
        return True
    if not shows_template(pair.a) or not shows_template(pair.b):
        return None
    return set(pair.a.recipe.chat_markers) == set(pair.b.recipe.chat_markers)


def _same_stop(pair: Pair) -> bool | None:
    if pair.a is pair.b:
        return True
    left, right = set(pair.a.recipe.eos_ids), set(pair.b.recipe.eos_ids)
    return left == right if left and right else None


def _same_begin(pair: Pair) -> bool | None:
    """Equal begin token, and equal policy of putting it and the end token in front and behind.

    Where neither file states the policy it is that of the tokenizer, equal if the tokenizers are.
    """
    if pair.a is pair.b:
        return True
    left, right = pair.a.recipe.bos_id, pair.b.recipe.bos_id
    if left is not None and right is not None and left != right:
        return False
    same = True
    for key in ("add_bos_token", "add_eos_token"):
        ours, theirs = _stated(pair.a, key), _stated(pair.b, key)
        if ours is None and theirs is None:
            same = same and pair.tokens.table in ("identical", "extended")
        elif ours is None or theirs is None:
            same = False
        elif ours != theirs:
            return False
    return True if same and left == right else None


def _stated(side: Side, key: str) -> bool | None:
    table: Any = side.side_files.get(_TOKENIZER_CONFIG)
    value = table.get(key) if isinstance(table, dict) else None
    return value if isinstance(value, bool) else None


def _ids(side: Side) -> str | None:
    return ", ".join(map(str, side.recipe.eos_ids)) or None


CHAT_FACTS: dict[str, Fact] = {
    "template.same": Fact("the chat template of both", _same_template),
    "template.where": Fact("which of the two has a chat template", _where),
    "markers.same": Fact("the markers of both chat templates", _same_markers),
    "stop.same": Fact("the end tokens of both", _same_stop),
    "stop.a": Fact("a's end tokens", lambda p: _ids(p.a)),
    "stop.b": Fact("b's end tokens", lambda p: _ids(p.b)),
    "begin.same": Fact("whether both put the same token in front", _same_begin),
}
