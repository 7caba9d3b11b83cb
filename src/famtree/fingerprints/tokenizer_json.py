"""tokenizer.json of the Rust `tokenizers` library: BPE, Unigram, WordPiece and WordLevel.

Only imported when such a file is read: msgspec's typed decoding skips the blocks that are not
asked for, which halves the time a 10-30 MB file takes. Names of fields are those of `tokenizers`
0.23; older spellings of a block are brought to the newest before they are compared.
"""

from __future__ import annotations

from typing import Any

import msgspec

from famtree.errors import TokenizerError
from famtree.fingerprints.json_merges import read_merges
from famtree.fingerprints.json_text import MAX_DEPTH, measure_depth
from famtree.fingerprints.vocabulary import (
    BLOCK,
    AddedToken,
    Form,
    Merges,
    Vocabulary,
    pause_collector,
)
from famtree.fingerprints.vocabulary_bounds import (
    MAX_ENTRIES,
    check_added,
    check_ids,
    check_size,
    check_strings,
    check_tokens,
    hint_for,
)

MAX_BLOCK = 1 << 20
"""Longest pre-tokenizer, normalizer or decoder, bytes; the longest released ones hold a table of
characters of some 300 kB."""
MAX_NODES = 20_000
"""Commas, brackets and braces of one of them, which tell how many values it has."""
_FAULTS = (msgspec.MsgspecError, UnicodeError, RecursionError, ValueError)


class _Piece(msgspec.Struct, array_like=True, forbid_unknown_fields=True, gc=False):
    text: str
    score: float


class _Model(msgspec.Struct):
    vocab: dict[str, int] | list[_Piece]
    merges: msgspec.Raw = msgspec.Raw(b"[]")
    type: str | None = None
    unk_token: str | None = None
    continuing_subword_prefix: str | None = None


class _Added(msgspec.Struct, gc=False):
    id: int
    content: str
    special: bool = False


class _File(msgspec.Struct):
    model: _Model
    added_tokens: list[_Added] | None = None
    pre_tokenizer: msgspec.Raw = msgspec.Raw(b"null")
    normalizer: msgspec.Raw = msgspec.Raw(b"null")
    post_processor: msgspec.Raw = msgspec.Raw(b"null")
    decoder: msgspec.Raw = msgspec.Raw(b"null")


def read_tokenizer_json(data: bytes, name: str = "tokenizer.json") -> Vocabulary:
    """Read the vocabulary, merges, added tokens, normalizer and pre-tokenizer.

    Raises TokenizerError naming the file when it is not JSON, not a tokenizer, or out of bounds.
    """
    check_size(data, name)
    # Told before anything is built; merges have no colon, and one bracket at most.
    if data.count(b":") > 2 * MAX_ENTRIES or data.count(b"[") > 3 * MAX_ENTRIES:
        raise TokenizerError(
            f"{name} has more than {MAX_ENTRIES} entries",
            hint="no released vocabulary is this large; look at the file",
        )
    check_strings(data, name)
    with pause_collector():
        try:
            found = msgspec.json.decode(data.removeprefix(b"\xef\xbb\xbf"), type=_File)
            merges = read_merges(found.model.merges, name)
            blocks = {
                key: _read_block(getattr(found, key), key)
                for key in ("pre_tokenizer", "normalizer", "post_processor", "decoder")
            }
        except _FAULTS as fault:
            raise TokenizerError(
                f"{name} is not a tokenizer: {str(fault)[:160]}", hint=hint_for(name)
            ) from fault
        model = found.model
        tokens = _number_pieces(model.vocab) if isinstance(model.vocab, list) else model.vocab
        check_ids(list(tokens.values()), name)
        check_tokens(tokens, name)
    check_added(len(found.added_tokens or ()), name)
    added = {
        entry.content: AddedToken(entry.id, entry.special) for entry in found.added_tokens or ()
    }
    check_ids([token.id for token in added.values()], name)
    check_tokens(added, name)
    kind, form = _classify(found.model, merges, blocks)
    return Vocabulary(
        kind=kind,
        form=form,
        tokens=tokens,
        base_entries=len(tokens),
        added=added,
        lists_added=True,
        merges=merges if kind in ("bpe", "spm-bpe") else None,
        pre_tokenizer=simplify_block(blocks["pre_tokenizer"]),
        normalizer=simplify_block(blocks["normalizer"]),
        prefix=_list_prefix(blocks["post_processor"]),
        special_tokens={"unk": model.unk_token} if model.unk_token else {},
    )


def _number_pieces(pieces: list[_Piece]) -> dict[str, int]:
    """Return the texts and their ids, and let pieces go, whose memory the next ids then take."""
    gone = _Piece("", 0.0)
    found: dict[str, int] = {}
    for at in range(0, len(pieces), BLOCK):
        block = pieces[at : at + BLOCK]
        pieces[at : at + BLOCK] = [gone] * len(block)
        found.update(zip([piece.text for piece in block], range(at, at + BLOCK), strict=False))
    return found


def _classify(model: _Model, merges: Merges, blocks: dict[str, Any]) -> tuple[str, Form]:
    if isinstance(model.vocab, list):
        return "spm-unigram", "sentencepiece"
    kind = model.type or (
        "BPE" if merges.count else "WordPiece" if model.continuing_subword_prefix else "WordLevel"
    )
    if kind == "WordPiece":
        return "wordpiece", "wordpiece"
    if kind != "BPE":
        return "wordlevel", "raw"
    if any(_mentions(blocks[key], "ByteLevel") for key in ("pre_tokenizer", "decoder")):
        return "bpe", "byte-level"
    return "spm-bpe", "sentencepiece"


def _read_block(raw: msgspec.Raw, key: str) -> Any:
    if len(memoryview(raw)) > MAX_BLOCK:
        raise ValueError(f"its {key} has more than {MAX_BLOCK} bytes")
    text = bytes(raw)
    if sum(text.count(sign) for sign in (b",", b"[", b"{")) > MAX_NODES:
        raise ValueError(f"its {key} has more than {MAX_NODES} values")
    block = msgspec.json.decode(text)
    if measure_depth(block) > MAX_DEPTH:
        raise ValueError(f"its {key} is nested deeper than {MAX_DEPTH} levels")
    return block


def _mentions(block: Any, kind: str) -> bool:
    """Tell whether a block, or a member of a sequence of blocks, is of this type."""
    if not isinstance(block, dict):
        return False
    members = block.get("pretokenizers") or block.get("decoders") or ()
    return block.get("type") == kind or (
        isinstance(members, list) and any(_mentions(member, kind) for member in members)
    )


def _list_prefix(block: Any) -> list[str]:
    """Return the tokens that templates of a post-processor put in front of a single text."""
    if not isinstance(block, dict):
        return []
    members = block.get("processors")
    if isinstance(members, list):
        return [token for one in members[:_MAX_MEMBERS] for token in _list_prefix(one)]
    found: list[str] = []
    single = block.get("single")
    for piece in single[:_MAX_MEMBERS] if isinstance(single, list) else ():
        special = piece.get("SpecialToken") if isinstance(piece, dict) else None
        token = special.get("id") if isinstance(special, dict) else None
        if not isinstance(token, str):
            break
        found.append(token)
    return found


_SEQUENCES = ("pretokenizers", "normalizers")
_DEFAULTS: dict[str, dict[str, Any]] = {
    "ByteLevel": {"use_regex": True},
    "Split": {"invert": False},
    "Metaspace": {"replacement": "\u2581", "prepend_scheme": "always", "split": True},
    "Punctuation": {"behavior": "Isolated"},
    "Digits": {"individual_digits": False},
    "BertNormalizer": {"clean_text": True, "handle_chinese_chars": True, "lowercase": True},
}
_MAX_MEMBERS = 64


def simplify_block(block: Any) -> Any:
    """Bring a pre-tokenizer or normalizer block to one spelling; None when there is none.

    Values that `tokenizers` assumes where the key is absent go, since older versions did not
    write the key; `trim_offsets` goes because it changes offsets and no token; Metaspace's old
    `add_prefix_space` becomes `prepend_scheme`; a sequence of one is its member.
    """
    if not isinstance(block, dict):
        return None
    kind = block.get("type")
    members = next((block[key] for key in _SEQUENCES if isinstance(block.get(key), list)), None)
    if kind == "Sequence" and members is not None:
        inner = [found for found in map(simplify_block, members[:_MAX_MEMBERS]) if found]
        if len(inner) < 2:
            return inner[0] if inner else None
        return {"type": "Sequence", "members": inner}
    found = {key: value for key, value in block.items() if value is not None}
    found.pop("trim_offsets", None)
    if kind == "Metaspace":
        found.pop("str_rep", None)
        prefix = found.pop("add_prefix_space", True)
        found.setdefault("prepend_scheme", "always" if prefix else "never")
    defaults = _DEFAULTS.get(kind, {}) if isinstance(kind, str) else {}
    return {key: value for key, value in found.items() if defaults.get(key, ...) != value}
