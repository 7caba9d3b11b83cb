"""Where a text begins and a turn ends: chat template, end tokens and begin token of all files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from famtree.checkpoint.consistency.examined import Contradiction, Examined, join
from famtree.files import load_data
from famtree.fingerprints.chat_template import drop_comments, find_template
from famtree.fingerprints.config import id_list

_TOKENIZER_CONFIG, _GENERATION = "tokenizer_config.json", "generation_config.json"
_BASE = r"(?i)(?:^|[-_.])(?:base|pt|pretrain(?:ed)?)(?:[-_.]|$)"
"""Names of models that were never taught to end a turn."""
_BETWEEN = r"""(?:['"\s+~]|-?\}\}|\{\{-?){0,24}+"""
"""What may stand between two texts of a template that are written one after the other."""


@cache
def load_turns() -> dict[str, Any]:
    """Return `data/turns.json`."""
    table: dict[str, Any] = load_data("checkpoint/consistency/data/turns.json")
    return table


def find_unstopped_turn(one: Examined) -> Iterator[Contradiction]:
    """A chat template whose turns end with a token that stops nothing.

    A template that names any of the end tokens, or the tokenizer's own, is left alone: which of
    its tokens comes last is then its own affair.
    """
    template = find_template(one.found.side_files)
    name = one.found.form.source.ref
    called = (name.repo_id or name.path or "").rstrip("/").rpartition("/")[2]
    if not template or re.search(_BASE, called):
        return
    template = drop_comments(template)
    stops, ids = _list_stops(one)
    ends = [text for text in load_turns()["ends"] if text in template]
    known = {text: number for text in ends if (number := one.added_ids.get(text)) is not None}
    if one.is_gguf:
        by_text = set(load_turns()["found_by_text"])
        known = {text: -1 for text in ends if text not in by_text}
        ends = [text for text in ends if text in known]
    if not stops or not ends or len(known) < len(ends):
        return
    named = {text for text in stops.values() if text}
    if any(number in ids for number in known.values()) or any(text in template for text in named):
        return
    eos = one.tokenizer.special_tokens.get("eos") if one.tokenizer is not None else None
    if "eos_token" in template and (eos is None or eos in named):
        return
    told = join(f"{text} ({number})" if number >= 0 else text for text, number in known.items())
    seen = join(f"{text} ({number})" if text else str(number) for number, text in stops.items())
    yield Contradiction(
        f"the chat template ends turns with {told}, which is no end token (those are {seen}): "
        "an answer does not stop where its turn ends",
        f"end tokens with {told}",
        seen,
    )


def find_unequal_ends(one: Examined) -> Iterator[Contradiction]:
    """End tokens of config.json, generation_config.json and the tokenizer that disagree.

    More ids in one file than in another are usual: engines stop at all of them.
    """
    config, generation = _read_config_ends(one), _read_generation_ends(one)
    # What a wrapper's language tower ends with by itself the wrapper's own files may replace.
    own = id_list(one.found.config.get("eos_token_id"))
    if own and generation and not set(own) & set(generation):
        yield _tell("config.json ends", own, _GENERATION, generation)
        return
    number = _find_eos_id(one)
    stated = {*config, *generation}
    if number is None or not stated or number in stated or one.is_gguf:
        return
    template = find_template(one.found.side_files) or ""
    texts = {found: text for text, found in one.added_ids.items() if found in stated}
    if any(text in template for text in texts.values()):
        return  # these end turns, the tokenizer's ends texts
    where = " and ".join(
        name for name, ids in (("config.json", config), (_GENERATION, generation)) if ids
    )
    verb = "end" if config and generation else "ends"
    yield _tell(f"{where} {verb}", sorted(stated), "the tokenizer", [number])


def _tell(left: str, expected: list[int], right: str, seen: list[int]) -> Contradiction:
    return Contradiction(
        f"{left} texts with {join(expected)}, {right} with {join(seen)}: "
        "engines that read one of them stop elsewhere than those that read the other",
        join(expected),
        f"{right}: {join(seen)}",
    )


def _read_config_ends(one: Examined) -> list[int]:
    for table in (one.text_config, one.found.config):
        ids = id_list(table.get("eos_token_id"))
        if ids:
            return ids
    return []


def _read_generation_ends(one: Examined) -> list[int]:
    return id_list(one.side_file(_GENERATION).get("eos_token_id"))


def _find_eos_id(one: Examined) -> int | None:
    if one.tokenizer is None:
        return None
    eos = one.tokenizer.special_tokens.get("eos")
    if eos is None:
        return None
    return one.added_ids.get(eos, one.tokenizer.special_ids.get("eos"))


def _list_stops(one: Examined) -> tuple[dict[int, str], set[int]]:
    """Return all end tokens with their texts, empty where unknown, and their ids."""
    ids = [*_read_config_ends(one), *_read_generation_ends(one)]
    own = _find_eos_id(one)
    texts = {number: text for text, number in one.added_ids.items()}
    if own is not None and one.tokenizer is not None:
        ids.append(own)
        texts.setdefault(own, one.tokenizer.special_tokens.get("eos", ""))
    return {number: texts.get(number, "") for number in ids}, set(ids)


def find_doubled_begin(one: Examined) -> Iterator[Contradiction]:
    """A begin token that one file puts in front of a text twice.

    That template and tokenizer each put it there is usual: engines let one of them do so.
    """
    tokenizer = one.tokenizer
    bos = tokenizer.special_tokens.get("bos") if tokenizer is not None else None
    template = find_template(one.found.side_files)
    if template and bos:
        written = rf"(?:\bbos_token\b|{re.escape(bos)})"
        found = re.search(written + _BETWEEN + written, drop_comments(template))
        if found:
            yield Contradiction(
                f"the chat template writes {bos} twice in a row",
                f"{bos} once",
                " ".join(found[0].split())[:120],
            )
    front = tokenizer.prefix if tokenizer is not None else []
    if bos and front.count(bos) > 1:
        yield Contradiction(
            f"the post-processor of tokenizer.json puts {bos} in front of a text "
            f"{front.count(bos)} times",
            f"{bos} once",
            join(front),
        )
