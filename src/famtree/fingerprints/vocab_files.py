"""Plain vocabulary files: vocab.json with merges.txt, WordPiece vocab.txt, RWKV's text vocabulary.

Only imported when such a file is read.
"""

from __future__ import annotations

from ast import literal_eval

import msgspec

from famtree.errors import TokenizerError
from famtree.fingerprints.vocabulary import (
    MAX_ENTRIES,
    AddedToken,
    Vocabulary,
    check_ids,
    check_size,
    hint_for,
    pack_merge_lines,
    pause_collector,
    spell_bytes,
)

_MAX_LITERAL = 4096
"""Bytes of one RWKV line; literal_eval of more is not worth its risk."""


def read_vocab_json(
    vocab: bytes, merges: bytes | None, name: str = "vocab.json", merges_name: str = "merges.txt"
) -> Vocabulary:
    """Read token -> id, and the ranked pairs beside it when given (GPT-2's two files).

    Without merges it is a plain list of words or characters (`wordlevel`). Raises TokenizerError
    naming the file.
    """
    check_size(vocab, name)
    try:
        with pause_collector():
            tokens = msgspec.json.decode(vocab.removeprefix(b"\xef\xbb\xbf"), type=dict[str, int])
    except (msgspec.MsgspecError, UnicodeError) as fault:
        raise TokenizerError(
            f"{name} is not a vocabulary: {str(fault)[:160]}", hint=hint_for(name)
        ) from fault
    check_ids(list(tokens.values()), name)
    if merges is None:
        return Vocabulary("wordlevel", "raw", tokens, base_entries=len(tokens))
    check_size(merges, merges_name)
    lines = _decode(merges, merges_name).split("\n")
    if lines[0].startswith("#version"):
        lines = lines[1:]
    pairs = [line.removesuffix("\r") for line in lines if line.strip("\r")]
    if len(pairs) > MAX_ENTRIES:
        raise TokenizerError(f"{merges_name} is too long", hint=hint_for(merges_name))
    return Vocabulary(
        kind="bpe",
        form="byte-level",
        tokens=tokens,
        base_entries=len(tokens),
        merges=pack_merge_lines(pairs, merges_name),
    )


def read_vocab_text(data: bytes, name: str = "vocab.txt") -> Vocabulary:
    """Read WordPiece's one token a line, its number being its id.

    Raises TokenizerError naming the file when it is not such text.
    """
    check_size(data, name)
    lines = _decode(data, name).split("\n")
    if lines and not lines[-1]:
        lines.pop()
    tokens = {line.removesuffix("\r"): at for at, line in enumerate(lines)}
    check_ids(list(tokens.values()), name)
    if len(tokens) < 2 or "\0" in tokens:
        raise TokenizerError(f"{name} is not a list of tokens", hint=hint_for(name))
    added: dict[str, AddedToken] = {
        token: AddedToken(tokens[token], special=True)
        for token in ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
        if token in tokens
    }
    return Vocabulary("wordpiece", "wordpiece", tokens, base_entries=len(tokens), added=added)


def read_rwkv_vocab(data: bytes, name: str = "rwkv_vocab.txt") -> Vocabulary:
    """Read RWKV's `id literal length` lines; a literal is Python's for a str or bytes.

    Raises TokenizerError naming the file when some line is not of this form.
    """
    check_size(data, name)
    texts: list[bytes] = []
    ids: list[int] = []
    try:
        for line in _decode(data, name).rstrip("\n").split("\n"):
            number, _, rest = line.partition(" ")
            literal, _, length = rest.rpartition(" ")
            text = _read_literal(literal)
            if len(text) != int(length):
                raise ValueError(f"token {number} has not the length it claims")
            ids.append(int(number))
            texts.append(text)
        tokens = dict(zip(spell_bytes(texts), ids, strict=True))
    except (ValueError, SyntaxError, RecursionError, MemoryError) as fault:
        raise TokenizerError(
            f"{name} is not an RWKV vocabulary: {str(fault)[:120]}", hint=hint_for(name)
        ) from fault
    check_ids(ids, name)
    if not tokens:
        raise TokenizerError(f"{name} holds no token", hint=hint_for(name))
    return Vocabulary("rwkv-trie", "byte-level", tokens, base_entries=len(tokens))


def _read_literal(literal: str) -> bytes:
    if len(literal) > _MAX_LITERAL:
        raise ValueError("a token is too long")
    if literal[:1] == "'" == literal[-1:] and "'" not in literal[1:-1] and "\\" not in literal:
        return literal[1:-1].encode()
    value = literal_eval(literal)
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, bytes):
        return value
    raise ValueError("a token is neither text nor bytes")


def _decode(data: bytes, name: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        raise TokenizerError(f"{name} is not UTF-8 text", hint=hint_for(name)) from fault
