"""The vocabulary in the metadata of a GGUF file (`tokenizer.ggml.*`), in its original spelling.

Keys and token types after llama.cpp's `gguf-py/gguf/constants.py`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import compress
from typing import Any

from famtree.errors import TokenizerError
from famtree.fingerprints.vocabulary import (
    AddedToken,
    Form,
    Vocabulary,
    pack_merge_lines,
)
from famtree.fingerprints.vocabulary_bounds import (
    check_added,
    check_ids,
    check_tokens,
    hint_for,
)

_UNKNOWN, _CONTROL, _USER_DEFINED, _UNUSED = 2, 3, 4, 5
_MARKED = frozenset({_UNKNOWN, _CONTROL, _USER_DEFINED, _UNUSED})
_MODELS: dict[str, tuple[str, Form]] = {
    "gpt2": ("bpe", "byte-level"),
    "llama": ("spm-bpe", "sentencepiece"),
    "t5": ("spm-unigram", "sentencepiece"),
    "bert": ("wordpiece", "wordpiece"),
}
_WITH_PRE = ("gpt2",)
"""Models whose texts are split before merging, in a way that the file has to name (llama.cpp,
src/llama-vocab.cpp, load)."""
_OTHER: tuple[str, Form] = ("spm-bpe", "sentencepiece")
_ROLES = {"bos": "bos", "eos": "eos", "padding": "pad", "unknown": "unk"}
_FILLER = re.compile(r"\[PAD\d++\]|<dummy\d++>|<pad\d++>")
"""Rows the converter invents where the embedding is larger than the vocabulary (user-defined in
older files)."""
_NAME = "the GGUF metadata"


def read_gguf_vocabulary(metadata: Mapping[str, Any]) -> Vocabulary | None:
    """Read the vocabulary from decoded GGUF key-value pairs; None when there is none.

    Filler rows go, and WordPiece tokens get `##` back, so that the digests equal those of the
    files the GGUF was made from. Raises TokenizerError when the arrays contradict each other.
    """
    names = metadata.get("tokenizer.ggml.tokens")
    if not isinstance(names, list) or not names:
        return None
    if set(map(type, names)) != {str}:
        raise TokenizerError(f"{_NAME} has tokens that are not text", hint=hint_for("the file"))
    check_ids(range(len(names)), _NAME)
    check_tokens(names, _NAME)
    types = metadata.get("tokenizer.ggml.token_type")
    if not isinstance(types, list) or len(types) != len(names):
        types = [1] * len(names)
    model = metadata.get("tokenizer.ggml.model")
    kind, form = _MODELS.get(model, _OTHER) if isinstance(model, str) else _OTHER
    # Nearly all of a quarter million tokens are plain, and told apart in one go.
    marked = dict(compress(enumerate(types), map(_MARKED.__contains__, types)))
    added: dict[str, AddedToken] = {}
    for at, token_type in list(marked.items()):
        name = names[at]
        if token_type in (_USER_DEFINED, _UNUSED) and _FILLER.fullmatch(name):
            continue
        if token_type == _UNUSED:
            del marked[at]
        else:
            added[name] = AddedToken(at, token_type != _USER_DEFINED)
    spell = _restore_wordpiece if form == "wordpiece" else str
    spelled = map(spell, names) if form == "wordpiece" else names
    tokens = dict(zip(spelled, range(len(names)), strict=True))
    if len(tokens) == len(names) or not marked:
        for at in marked:
            del tokens[spell(names[at])]
    else:
        tokens.clear()  # two of these texts in memory are too many
        tokens = {spell(name): at for at, name in enumerate(names) if at not in marked}
    check_added(len(added), _NAME)
    merges = metadata.get("tokenizer.ggml.merges")
    has_merges = isinstance(merges, list) and set(map(type, merges)) <= {str}
    return Vocabulary(
        kind=kind,
        form=form,
        tokens=tokens,
        added=added,
        merges=pack_merge_lines(merges, _NAME) if has_merges and merges else None,
        pre=_read_pre(metadata) if model in _WITH_PRE else None,
        special_tokens=_read_roles(metadata, names),
    )


def _read_pre(metadata: Mapping[str, Any]) -> str:
    name = metadata.get("tokenizer.ggml.pre")
    return name[:64] if isinstance(name, str) and name else "default"


def _restore_wordpiece(name: str) -> str:
    """Undo the converter: word starts carry U+2581, continuations lost their `##`."""
    if name.startswith("\u2581"):
        return name[1:]
    return name if name.startswith("[") and name.endswith("]") else "##" + name


def _read_roles(metadata: Mapping[str, Any], names: list[str]) -> dict[str, str]:
    found = {}
    for key, role in _ROLES.items():
        at = metadata.get(f"tokenizer.ggml.{key}_token_id")
        if isinstance(at, int) and 0 <= at < len(names):
            found[role] = names[at]
    return found
