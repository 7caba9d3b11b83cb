"""SentencePiece `.model` files, read with a minimal reader of the protobuf wire format.

Field numbers after `sentencepiece_model.proto`: ModelProto.pieces 1 (piece 1, score 2, type 3),
ModelProto.trainer_spec 2 (model_type 3). Scores are skipped.
"""

from __future__ import annotations

from famtree.errors import TokenizerError
from famtree.fingerprints.vocabulary import (
    BLOCK,
    AddedToken,
    Vocabulary,
    pause_collector,
)
from famtree.fingerprints.vocabulary_bounds import (
    MAX_ENTRIES,
    MAX_TOKEN,
    Texts,
    check_added,
    check_size,
    hint_for,
)

_UNKNOWN, _CONTROL, _USER_DEFINED = 2, 3, 4
_MODEL_KINDS = {1: "spm-unigram", 2: "spm-bpe", 3: "wordlevel", 4: "spm-char"}
MAX_FIELDS = 600_000
"""Fields beside the pieces, at the top and in the trainer's part, where a user-defined symbol is
one."""
MAX_PIECE_FIELDS = 8
"""Fields of one piece; the format has three."""
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


def read_sentencepiece(data: bytes, name: str = "tokenizer.model") -> Vocabulary:
    """Read pieces; ids are their order, control, unknown and user-defined ones count as added.

    Raises TokenizerError naming the file when it is truncated or not a SentencePiece model.
    """
    check_size(data, name)
    try:
        with pause_collector():
            return _read_model(data, name)
    except (IndexError, ValueError, UnicodeError) as fault:
        raise TokenizerError(
            f"{name} is not a SentencePiece model: {str(fault)[:120]}", hint=hint_for(name)
        ) from fault


def _read_model(data: bytes, name: str) -> Vocabulary:
    tokens: dict[str, int] = {}
    added: dict[str, AddedToken] = {}
    model_type, at, size, count, left = 1, 0, len(data), 0, MAX_FIELDS
    texts = Texts(name)
    block: list[str] = []
    while at < size:
        if data[at] == 0x0A:  # field 1, the hot path: pieces are most of the file
            length = data[at + 1]
            at += 2
            if length >= 0x80:
                length, at = _read_varint(data, at - 1)
            end = at + length
            if end > size:
                raise ValueError("a piece runs past the end of the file")
            piece, kind = _read_piece(data, at, end)
            if kind == 1 or kind >= 5:
                tokens[piece] = count
            else:
                added[piece] = AddedToken(count, kind != _USER_DEFINED)
            count += 1
            block.append(piece)
            if not count % BLOCK:
                texts.count(block)
                check_added(len(added), name)
                block = []
            if count > MAX_ENTRIES:
                raise ValueError(f"more than {MAX_ENTRIES} pieces")
            at = end
            continue
        number, wire, start, at = _read_field(data, at, size)
        left -= 1
        if number == 2 and wire == _BYTES:
            model_type, left = _read_model_type(data, start, at, left)
        if left < 0:
            raise ValueError(f"more than {MAX_FIELDS} fields beside its pieces")
    texts.count(block)
    if not tokens:
        raise ValueError("it has no pieces")
    return Vocabulary(
        kind=_MODEL_KINDS.get(model_type, "spm-unigram"),
        form="sentencepiece",
        tokens=tokens,
        base_entries=count,
        added=added,
    )


def _read_piece(data: bytes, at: int, end: int) -> tuple[str, int]:
    """Return (text, type) of one SentencePiece record; an absent type means normal (1)."""
    text: bytes | None = None
    kind, left = 1, MAX_PIECE_FIELDS
    while at < end and left >= 0:
        left -= 1
        tag = data[at]
        if tag == 0x0A and data[at + 1] < 0x80:
            stop = at + 2 + data[at + 1]
            text = data[at + 2 : stop]
            at = stop
        elif tag == 0x15:
            at += 5
        elif tag == 0x18:
            kind, at = _read_varint(data, at + 1)
        else:
            number, wire, start, at = _read_field(data, at, end)
            if number == 1 and wire == _BYTES:
                text = data[start:at]
    if text is None or at != end or len(text) > 4 * MAX_TOKEN:
        raise ValueError("a piece is malformed or too long")
    return text.decode(), kind


def _read_model_type(data: bytes, at: int, end: int, left: int) -> tuple[int, int]:
    """Return the model type, and how many of the `left` fields are left."""
    while at < end and left >= 0:
        number, wire, start, at = _read_field(data, at, end)
        left -= 1
        if number == 3 and wire == _VARINT:
            return _read_varint(data, start)[0], left
    return 1, left


def _read_field(data: bytes, at: int, end: int) -> tuple[int, int, int, int]:
    """Return (field number, wire type, start of the value, end of the field)."""
    tag, at = _read_varint(data, at)
    wire, start = tag & 7, at
    if wire == _VARINT:
        at = _read_varint(data, at)[1]
    elif wire == _FIXED64:
        at += 8
    elif wire == _FIXED32:
        at += 4
    elif wire == _BYTES:
        length, start = _read_varint(data, at)
        at = start + length
    else:
        raise ValueError(f"unknown wire type {wire}")
    if at > end:
        raise ValueError("a field runs past the end of its message")
    return tag >> 3, wire, start, at


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise ValueError("a number is longer than 10 bytes")
