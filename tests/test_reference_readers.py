"""What the formats' own libraries read, famtree reads as they do."""

from __future__ import annotations

import io
import json
import tempfile
from math import prod
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from famtree.errors import HeaderError, TokenizerError
from famtree.fingerprints.sentencepiece_model import read_sentencepiece
from famtree.fingerprints.tokenizer_json import read_tokenizer_json
from famtree.fingerprints.vocabulary import AddedToken
from famtree.sources.gguf_header import GgufReader
from famtree.sources.safetensors_header import DTYPE_BITS, parse_header
from fingerprints.vocabularies import sentencepiece, tokenizer_json
from gguf_files import TYPES, Raw, write_gguf
from sources.test_safetensors_header import encode

pytestmark = pytest.mark.property

UNHURRIED = settings(deadline=None, suppress_health_check=list(HealthCheck))
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


@st.composite
def safetensors_tables(draw: st.DrawFn) -> tuple[dict[str, Any], int]:
    """Draw the table of a sound file and the size of its data; some are damaged afterwards."""
    table: dict[str, Any] = {}
    position = 0
    for name in draw(st.lists(TEXT.filter(lambda name: name != "__metadata__"), max_size=4)):
        dtype = draw(st.sampled_from(sorted(DTYPE_BITS)))
        shape = draw(st.lists(st.integers(0, 4), max_size=3))
        bits = DTYPE_BITS[dtype] * prod(shape)
        if name in table or bits % 8:
            continue
        end = position + bits // 8
        table[name] = {"dtype": dtype, "shape": shape, "data_offsets": [position, end]}
        position = end
    if draw(st.booleans()):
        table["__metadata__"] = draw(st.dictionaries(TEXT, TEXT, max_size=2))
    for name in draw(
        st.lists(st.sampled_from(sorted(table)), max_size=2) if table else st.just([])
    ):
        entry = table[name]
        if "dtype" not in entry:
            continue
        change = draw(st.sampled_from(("dtype", "shape", "data_offsets", "more")))
        entry[change] = draw(
            {
                "dtype": st.sampled_from(("F32", "U8", "F4", "X")),
                "shape": st.lists(st.integers(-1, 9), max_size=3),
                "data_offsets": st.lists(st.integers(-1, 99), min_size=2, max_size=2),
                "more": st.integers(),
            }[change]
        )
    return table, position + draw(st.sampled_from((0, 0, 0, 0, 1, -1)))


@UNHURRIED
@given(safetensors_tables(), st.sampled_from(("", " ", "\n")))
def test_safetensors(drawn: tuple[dict[str, Any], int], blanks: str) -> None:
    safetensors = pytest.importorskip("safetensors")
    table, size = drawn
    data = encode((json.dumps(table) + blanks).encode(), max(0, size))
    try:
        listed = {
            name: (found["dtype"], list(found["shape"]), len(found["data"]))
            for name, found in safetensors.deserialize(data)
        }
    except safetensors.SafetensorError:
        with pytest.raises(HeaderError):
            parse_header(data, "x", file_size=len(data))
        return
    header = parse_header(data, "x", file_size=len(data))
    assert listed == {
        name: (tensor.dtype, list(tensor.shape), tensor.nbytes)
        for name, tensor in header.tensors.items()
    }


_VALUES = st.one_of(
    st.integers(-(2**31), 2**32 - 1),
    st.booleans(),
    st.floats(width=32, allow_nan=False),
    TEXT,
    st.lists(st.integers(-(2**31), 2**31 - 1), min_size=1, max_size=4),
    st.lists(TEXT, min_size=1, max_size=4),
    st.integers(0, 2**64 - 1).map(lambda number: Raw("u64", number)),
)
_KEY = st.text("abc.", min_size=1, max_size=6)


@settings(UNHURRIED, max_examples=60)
@given(
    st.dictionaries(_KEY, _VALUES, max_size=5),
    st.dictionaries(
        _KEY, st.tuples(st.sampled_from(sorted(TYPES)), st.lists(st.integers(1, 3), max_size=2))
    ),
    st.sampled_from(("<", ">")),
)
def test_gguf(
    metadata: dict[str, Any], tensors: dict[str, tuple[str, list[int]]], mark: str
) -> None:
    library = pytest.importorskip("gguf.gguf_reader")
    shaped = {
        name: (kind, (*shape, TYPES[kind][1])) for name, (kind, shape) in tensors.items()
    }  # whole blocks in a row
    data = write_gguf(metadata, shaped, mark=mark)
    header = GgufReader(lambda a, b: data[a:b], "x", size=len(data)).read_rest()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "x.gguf")
        path.write_bytes(data)
        reader = library.GGUFReader(path)
        theirs = {
            name: field.contents()
            for name, field in reader.fields.items()
            if not name.startswith("GGUF.")
        }
        listed = {
            tensor.name: (tensor.tensor_type.name, tensor.shape.tolist()[::-1], tensor.n_bytes)
            for tensor in reader.tensors
        }
        starts = {tensor.name: tensor.data_offset for tensor in reader.tensors}
        del reader
    assert header.metadata == theirs
    assert listed == {
        name: (tensor.dtype, list(tensor.shape), tensor.nbytes)
        for name, tensor in header.tensors.items()
    }
    assert starts == {
        name: header.data_start + tensor.begin for name, tensor in header.tensors.items()
    }


@st.composite
def tokenizer_files(draw: st.DrawFn) -> bytes:
    """Draw a tokenizer.json whose vocabulary, merges and added tokens hang together."""
    pieces = draw(st.lists(TEXT.filter(bool), min_size=2, max_size=8, unique=True))
    kind = draw(st.sampled_from(("BPE", "Unigram", "WordLevel", "WordPiece")))
    if kind == "Unigram":
        model: dict[str, Any] = {"type": kind, "vocab": [[piece, -1.0] for piece in pieces]}
        model["unk_id"] = 0
    else:
        model = {"type": kind, "vocab": {piece: at for at, piece in enumerate(pieces)}}
    if kind in ("WordLevel", "WordPiece"):
        model["unk_token"] = pieces[0]
    if kind == "WordPiece":
        model |= {"continuing_subword_prefix": "##", "max_input_chars_per_word": 100}
    if kind == "BPE":
        merges = []
        for left, right in draw(st.lists(st.tuples(*[st.sampled_from(pieces)] * 2), max_size=4)):
            model["vocab"].setdefault(left + right, len(model["vocab"]))
            merges.append([left, right])
        spelled = draw(st.booleans()) and not any(" " in side for pair in merges for side in pair)
        model["merges"] = [" ".join(pair) for pair in merges] if spelled else merges
    size = len(model["vocab"])
    added = [
        {"id": size + at, "content": content, "special": draw(st.booleans()), "lstrip": False,
         "rstrip": False, "single_word": False, "normalized": False}
        for at, content in enumerate(draw(st.lists(TEXT.filter(bool), max_size=3, unique=True)))
        if content not in (dict(model["vocab"]) if kind == "Unigram" else model["vocab"])
    ]  # fmt: skip
    for at, entry in enumerate(added):
        entry["id"] = size + at
    return tokenizer_json(
        model=model,
        added_tokens=added,
        normalizer=draw(st.sampled_from((None, {"type": "NFC"}))),
        pre_tokenizer=draw(st.sampled_from((None, {"type": "Whitespace"}))),
        decoder=None,
    )


@UNHURRIED
@given(tokenizer_files())
def test_tokenizer_json(data: bytes) -> None:
    library = pytest.importorskip("tokenizers")
    try:
        theirs = library.Tokenizer.from_buffer(data)
    except Exception:  # noqa: BLE001 - the library raises plain Exception
        return
    found = read_tokenizer_json(data)
    assert found.tokens == theirs.get_vocab(with_added_tokens=False)
    assert {name: (token.id, token.special) for name, token in found.added.items()} == {
        token.content: (number, token.special)
        for number, token in theirs.get_added_tokens_decoder().items()
    }


def _judge_model(data: bytes, theirs: Any) -> None:
    found = read_sentencepiece(data)
    assert found.base_entries == theirs.get_piece_size()
    for number in range(theirs.get_piece_size()):
        piece = theirs.id_to_piece(number)
        if theirs.is_control(number) or theirs.is_unknown(number):
            assert found.added[piece] == AddedToken(number, special=True)
        else:
            assert found.tokens.get(piece) == number or found.added[piece] == AddedToken(
                number, special=False
            )


@settings(UNHURRIED, max_examples=60)
@given(
    st.dictionaries(TEXT.filter(bool), st.sampled_from((1, 1, 1, 3, 4, 5)), max_size=8),
    st.sampled_from((1, 2)),
)
def test_sentencepiece(pieces: dict[str, int], trainer: int) -> None:
    library = pytest.importorskip("sentencepiece")
    pieces.pop("<unk>", None)
    data = sentencepiece([("<unk>", 2), *pieces.items()], trainer)
    try:
        theirs = library.SentencePieceProcessor(model_proto=data)
    except RuntimeError:
        return
    if all(kind in (3, 4) for kind in pieces.values()):
        with pytest.raises(TokenizerError):
            read_sentencepiece(data)
        return
    _judge_model(data, theirs)


@pytest.mark.parametrize("kind", ["unigram", "bpe", "char", "word"])
def test_trained_models(kind: str) -> None:
    library = pytest.importorskip("sentencepiece")
    written = io.BytesIO()
    library.SentencePieceTrainer.train(
        sentence_iterator=iter(["a cat sat on the mat", "dogs do dig", "so it goes on and on"] * 9),
        model_writer=written,
        model_type=kind,
        vocab_size=40,
        hard_vocab_limit=False,
        user_defined_symbols=["[X]"],
        control_symbols=["<c>"],
        minloglevel=2,
    )
    data = written.getvalue()
    _judge_model(data, library.SentencePieceProcessor(model_proto=data))
    assert read_sentencepiece(data).kind == {
        "unigram": "spm-unigram", "bpe": "spm-bpe", "char": "spm-char", "word": "wordlevel"
    }[kind]  # fmt: skip
