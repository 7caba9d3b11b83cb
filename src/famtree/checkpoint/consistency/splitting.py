"""What a GGUF says of its pre-tokenizer, against the vocabulary's own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache

from famtree.checkpoint.consistency.examined import Contradiction, Examined, load_loaders
from famtree.files import load_data

_KEY = "tokenizer.ggml.pre"


@cache
def load_pre_tokenizers() -> Mapping[str, list[str]]:
    """Return `family/generation` -> llama.cpp's words for the pre-tokenizer it ships."""
    table: dict[str, list[str]] = load_data("checkpoint/consistency/data/gguf_pre.json")[
        "generations"
    ]
    return table


def find_missing_pre(one: Examined) -> Iterator[Contradiction]:
    """A byte-level vocabulary without its pre-tokenizer's name."""
    if _needs_name(one) and not _read_name(one):
        own = _find_own(one)
        yield Contradiction(
            f"{_KEY} is absent: {load_loaders()['gguf']} splits texts in a way of its own "
            f"(`default`{f', not as {own[0]}' if own else ''}), and answers get worse",
            own[0] if own else f"a {_KEY}",
            "absent",
        )


def find_wrong_pre(one: Examined) -> Iterator[Contradiction]:
    """A pre-tokenizer that is not the one of the model's vocabulary."""
    name, own = _read_name(one), _find_own(one)
    if _needs_name(one) and name and own and name not in own:
        yield Contradiction(
            f"{_KEY} is {name}, but the vocabulary's own pre-tokenizer is {own[0]}: texts are "
            "split otherwise than in training",
            own[0],
            name,
        )


def _needs_name(one: Examined) -> bool:
    return one.is_gguf and one.tokenizer is not None and one.tokenizer.pre is not None


def _read_name(one: Examined) -> str | None:
    name = one.found.form.list_metadata().get(_KEY)
    return name[:64] if isinstance(name, str) and name else None


def _find_own(one: Examined) -> list[str] | None:
    result = one.findings.result
    if result.best is None or result.generation is None:
        return None
    return load_pre_tokenizers().get(f"{result.best.family.key}/{result.generation.key}")
