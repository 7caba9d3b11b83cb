from __future__ import annotations

from pathlib import Path

import pytest

from famtree.errors import TokenizerError
from famtree.fingerprints import vocabulary_bounds
from famtree.fingerprints.tokenizer import (
    SIDE_FILES,
    build_tokenizer,
    choose_vocabulary_files,
    recognise_tokenizer,
)
from famtree.fingerprints.vocabulary import digest_vocabulary
from famtree.types.family import KnownTokenizer
from fingerprints.vocabularies import sentencepiece, tokenizer_json

SIDE = (
    b'{"tokenizer_class": "XTokenizer", "eos_token": "<|im_start|>", "added_tokens_decoder": {'
    b'"9": {"content": "<|im_start|>", "special": true}, '
    b'"10": {"content": "<think>", "special": false}}}'
)


@pytest.mark.parametrize(
    ("names", "chosen"),
    [
        (["tokenizer.model", "tokenizer.json", "vocab.json"], ("tokenizer.json",)),
        (["vocab.json", "merges.txt", "tokenizer.model"], ("tokenizer.model",)),
        (["tekken.json", "params.json"], ("tekken.json",)),
        (["qwen.tiktoken", "vocab.txt"], ("qwen.tiktoken",)),
        (["merges.txt", "vocab.json", "vocab.txt"], ("vocab.json", "merges.txt")),
        (["tokenizer.model.v1", "tokenizer.model.v3"], ("tokenizer.model.v3",)),
        (["spiece.model", "other.model"], ("spiece.model",)),
        (["rwkv_vocab_v20230424.txt"], ("rwkv_vocab_v20230424.txt",)),
        (["vocab.json"], ("vocab.json",)),
        (["merges.txt", "config.json", "onnx/tokenizer.json"], ()),
        ([], ()),
    ],
)
def test_fewest_files_are_chosen(names: list[str], chosen: tuple[str, ...]) -> None:
    assert choose_vocabulary_files(names) == chosen
    assert choose_vocabulary_files(reversed(names)) == chosen


def test_side_files_alone_are_partial() -> None:
    hashes = {"tokenizer.json": "aa", "tokenizer_config.json": "git:bb"}
    found = build_tokenizer({"tokenizer_config.json": SIDE}, hashes=hashes)
    whole = build_tokenizer({"tokenizer.json": tokenizer_json(), "tokenizer_config.json": SIDE})
    assert found is not None
    assert whole is not None
    assert (found.status, found.reason) == ("partial", "no vocabulary file was read")
    assert (found.added, found.added_count, found.markers) == (
        whole.added,
        whole.added_count,
        whole.markers,
    )
    assert found.tokenizer_class == whole.tokenizer_class == "XTokenizer"
    assert found.special_tokens == {"eos": "<|im_start|>"}
    assert found.files == hashes
    assert (found.vocabulary, found.entries, found.kind) == (None, None, None)
    assert found.digest != whole.digest


def test_nothing_is_none() -> None:
    assert build_tokenizer({}) is None
    assert build_tokenizer({"config.json": b"{}"}, hashes={"tokenizer.json": "aa"}) is None


def test_recognised_equals_read() -> None:
    files = {"tokenizer.json": tokenizer_json(), "tokenizer_config.json": SIDE}
    read = build_tokenizer(files, hashes={"tokenizer.json": "aa"})
    assert read is not None
    fields = set(KnownTokenizer.__struct_fields__) & type(read).model_fields.keys()
    entry = {name: getattr(read, name) for name in fields if name != "files"}
    known = KnownTokenizer(name="X", generations=["x-1"], files=["aa"], source="test", **entry)
    found = recognise_tokenizer(
        known, {"tokenizer_config.json": SIDE}, hashes={"tokenizer.json": "aa"}
    )
    unknown = {"status", "reason", "max_id", "merges_count", "normalizer", "special_ids", "prefix"}
    assert found.model_dump(exclude=unknown) == read.model_dump(exclude=unknown)
    assert found.status == "recognised"


def test_content_decides_where_a_name_is_shared() -> None:
    piece = build_tokenizer({"tokenizer.model": sentencepiece([("<unk>", 2), ("a", 1)])})
    rank = build_tokenizer({"tokenizer.model": b"YQ== 0\nYg== 1\n"})
    assert piece is not None
    assert rank is not None
    assert (piece.kind, rank.kind) == ("spm-bpe", "tiktoken")


def test_size_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vocabulary_bounds, "MAX_FILE", 100)
    with pytest.raises(TokenizerError, match=r"tokenizer\.json has \d+ bytes"):
        build_tokenizer({"tokenizer.json": tokenizer_json()})


def test_entries_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vocabulary_bounds, "MAX_ENTRIES", 3)
    with pytest.raises(TokenizerError, match=r"tokenizer\.json has 9 entries"):
        build_tokenizer({"tokenizer.json": tokenizer_json()})


def test_vocabulary_digest_is_in_order_of_ids() -> None:
    assert digest_vocabulary({"a": 0, "b": 1}) == digest_vocabulary({"b": 1, "a": 0})
    assert digest_vocabulary({"a": 1, "b": 1}) == digest_vocabulary({"b": 1, "a": 1})
    assert digest_vocabulary({"ab": 0, "c": 1}) != digest_vocabulary({"a": 0, "bc": 1})
    assert digest_vocabulary({"a": 0, "b": 2}) != digest_vocabulary({"a": 0, "b": 1})
    assert digest_vocabulary({"a": 0, "b": 0, "c": 2}) == digest_vocabulary(
        {"b": 0, "a": 0, "c": 2}
    )


def test_digests_are_fixed() -> None:
    """Registry entries hold these digests, so their definition may never change."""
    found = build_tokenizer({"tokenizer.json": tokenizer_json()})
    assert found is not None
    assert {
        name: str(getattr(found, name))[:12]
        for name in ("digest", "vocabulary", "merges", "merges_sorted", "added", "pre_tokenizer")
    } == FIXED


FIXED = {
    "digest": "b45266b51fa6",
    "vocabulary": "7f8d4fccd19c",
    "merges": "b4072811ab55",
    "merges_sorted": "c0b8845b698d",
    "added": "643674b66ca8",
    "pre_tokenizer": "547bb1ccf004",
}


@pytest.mark.corpus
def test_released_files_are_read(shared: Path) -> None:
    """Every stored tokenizer is read, and copies of one vocabulary agree across formats."""
    found: dict[str, set[str | None]] = {}
    for folder in sorted((shared / "corpus" / "checkpoints").iterdir()):
        names = {path.name for path in folder.iterdir()}
        chosen = choose_vocabulary_files(names)
        if not chosen:
            continue
        wanted = names & {*chosen, *SIDE_FILES}
        tokenizer = build_tokenizer({name: (folder / name).read_bytes() for name in wanted})
        assert tokenizer is not None
        assert tokenizer.vocabulary is not None
        found.setdefault(tokenizer.vocabulary, set()).add(tokenizer.kind)
    assert len(found) >= 15
    spm = build_tokenizer(
        {
            "tokenizer.model": (
                shared / "corpus/checkpoints/TheBloke__Llama-2-13B-chat-GPTQ/tokenizer.model"
            ).read_bytes()
        }
    )
    assert spm is not None
    assert spm.vocabulary in found
