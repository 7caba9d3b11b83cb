"""Plain vocabulary files: vocab.json with merges.txt, WordPiece vocab.txt, RWKV's text vocabulary.

Only imported when such a file is read.
"""

from __future__ import annotations

import re
from ast import literal_eval
from collections.abc import Iterator
from itertools import islice

import msgspec

from famtree.errors import TokenizerError
from famtree.fingerprints.vocabulary import (
    AddedToken,
    Vocabulary,
    pack_merge_lines,
    pause_collector,
    spell_bytes,
)
from famtree.fingerprints.vocabulary_bounds import (
    MAX_ENTRIES,
    MAX_TOKEN,
    Texts,
    check_ids,
    check_size,
    check_strings,
    check_tokens,
    hint_for,
    too_long,
)

_BLOCK = 1 << 18
"""Bytes decoded at once."""
_MAX_LITERAL = 1024
"""Characters of one RWKV token as it is spelled; the longest released one has some hundred."""
MAX_RWKV = 131_072
"""Tokens of an RWKV vocabulary, whose literals take Python some microseconds each; the released one
has 65,529."""
_LINES = 1024
_LITERAL = re.compile(r"""b?(?:'[^'\\\n]*+(?:\\.[^'\\\n]*+)*+'|"[^"\\\n]*+(?:\\.[^"\\\n]*+)*+")""")
"""One string as Python's repr spells it, so that several can be evaluated as one list."""


def read_vocab_json(
    vocab: bytes, merges: bytes | None, name: str = "vocab.json", merges_name: str = "merges.txt"
) -> Vocabulary:
    """Read token -> id, and the ranked pairs beside it when given (GPT-2's two files).

    Without merges it is a plain list of words or characters (`wordlevel`). Raises TokenizerError
    naming the file.
    """
    check_size(vocab, name)
    check_strings(vocab, name)
    if vocab.count(b":") > 2 * MAX_ENTRIES:  # told before anything is built
        raise TokenizerError(f"{name} has too many entries", hint=hint_for(name))
    try:
        with pause_collector():
            tokens = msgspec.json.decode(vocab.removeprefix(b"\xef\xbb\xbf"), type=dict[str, int])
    except (msgspec.MsgspecError, UnicodeError) as fault:
        raise TokenizerError(
            f"{name} is not a vocabulary: {str(fault)[:160]}", hint=hint_for(name)
        ) from fault
    check_ids(list(tokens.values()), name)
    check_tokens(tokens, name)
    if merges is None:
        return Vocabulary("wordlevel", "raw", tokens, base_entries=len(tokens))
    check_size(merges, merges_name)
    pairs = []
    for at, line in enumerate(_read_lines(merges, merges_name)):
        if line.strip("\r") and not (at == 0 and line.startswith("#version")):
            pairs.append(line.removesuffix("\r"))
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
    tokens = {line.removesuffix("\r"): at for at, line in enumerate(_read_lines(data, name))}
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
    tokens: dict[str, int] = {}
    ids: list[int] = []
    try:
        lines = _read_lines(data.rstrip(b"\n"), name)
        while block := list(islice(lines, _LINES)):
            parts = [(line.partition(" ")[0], *_split_tail(line)) for line in block]
            texts = _read_literals([literal for _, literal, _ in parts])
            for (number, _, length), text in zip(parts, texts, strict=True):
                if len(text) != int(length):
                    raise ValueError(f"token {number[:20]} has not the length it claims")
            ids += [int(number) for number, _, _ in parts]
            if len(ids) > MAX_RWKV:
                raise ValueError(f"more than {MAX_RWKV} tokens")
            tokens.update(zip(spell_bytes(texts), ids[-len(block) :], strict=True))
    except (ValueError, SyntaxError, RecursionError, MemoryError) as fault:
        raise TokenizerError(
            f"{name} is not an RWKV vocabulary: {str(fault)[:120]}", hint=hint_for(name)
        ) from fault
    check_ids(ids, name)
    if not tokens:
        raise TokenizerError(f"{name} holds no token", hint=hint_for(name))
    return Vocabulary("rwkv-trie", "byte-level", tokens, base_entries=len(tokens))


def _split_tail(line: str) -> tuple[str, str]:
    """Return the literal and the length of an `id literal length` line."""
    literal, _, length = line.partition(" ")[2].rpartition(" ")
    return literal, length


def _read_literals(literals: list[str]) -> list[bytes]:
    """Return the bytes each stands for; those with escapes are evaluated in one go."""
    found: list[bytes | None] = []
    odd: list[str] = []
    for literal in literals:
        if literal[:1] == "'" == literal[-1:] and "'" not in literal[1:-1] and "\\" not in literal:
            found.append(literal[1:-1].encode())
        elif len(literal) <= _MAX_LITERAL and _LITERAL.fullmatch(literal):
            found.append(None)
            odd.append(literal)
        else:
            raise ValueError("a token is neither text nor bytes, or is too long")
    values = iter(literal_eval(f"[{','.join(odd)}]") if odd else ())
    return [_encode(next(values)) if text is None else text for text in found]


def _encode(value: str | bytes) -> bytes:
    return value.encode() if isinstance(value, str) else value


def _read_lines(data: bytes, name: str) -> Iterator[str]:
    """Yield the lines, decoded some thousand at a time; a line break at the end begins none.

    Raises TokenizerError for what is no text, for too many lines and for too long ones.
    """
    held, left = Texts(name), MAX_ENTRIES
    at = 3 if data.startswith(b"\xef\xbb\xbf") else 0
    while at < len(data):
        stop = data.find(b"\n", min(at + _BLOCK, len(data) - 1))
        stop = len(data) if stop < 0 else stop
        if stop - at > _BLOCK + 4 * MAX_TOKEN:
            raise too_long(name)
        try:
            lines = data[at:stop].decode().split("\n")
        except UnicodeDecodeError as fault:
            raise TokenizerError(f"{name} is not UTF-8 text", hint=hint_for(name)) from fault
        held.count(lines)
        left -= len(lines)
        if left < 0:
            raise TokenizerError(
                f"{name} has more than {MAX_ENTRIES} entries", hint="look at the file"
            )
        yield from lines
        at = stop + 1
