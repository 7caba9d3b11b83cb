"""The Hub's model document: typed, tolerant where that is harmless, and bounded."""

from __future__ import annotations

import json
from typing import Any

import pytest

from famtree.errors import NetworkError
from famtree.sources.hub_listing import (
    MAX_FIELD_BYTES,
    MAX_FILES,
    decode_listing,
    encode_listing,
    is_safe_name,
)
from famtree.types.checkpoint import FileEntry, Listing

SHA1, SHA256 = "a" * 40, "b" * 64
SOUND: dict[str, Any] = {
    "id": "org/name",
    "sha": SHA1,
    "tags": ["gguf"],
    "createdAt": "2024-01-01",
    "gated": "auto",
    "cardData": {"license": "mit"},
    "config": {"model_type": "gpt2"},
    "siblings": [
        {"rfilename": "config.json", "size": 3, "blobId": SHA1},
        {"rfilename": "m.gguf", "size": 9, "blobId": SHA1, "lfs": {"size": 9, "sha256": SHA256}},
    ],
}
LISTED = Listing(
    files=(FileEntry("config.json", 3, SHA1), FileEntry("m.gguf", 9, SHA1, SHA256)),
    revision=SHA1,
    card={"license": "mit"},
    tags=("gguf",),
    created_at="2024-01-01",
    gated=True,
    config={"model_type": "gpt2"},
    repo_id="org/name",
)
HALF = "\ud83d"
"""Half a surrogate pair, as a text that was cut in the middle of an emoji ends with."""


def decode(document: Any) -> Listing:
    return decode_listing(
        document if isinstance(document, bytes) else json.dumps(document).encode(), "org/name"
    )


def test_a_document_is_read_and_written() -> None:
    assert decode(SOUND) == LISTED
    assert decode(b"\xef\xbb\xbf" + json.dumps(SOUND).encode()) == LISTED
    assert decode(encode_listing(LISTED)) == LISTED
    assert decode(encode_listing(Listing((), etag='W/"x"'))).etag == 'W/"x"'


def test_a_number_beyond_all_floats_is_written_as_none() -> None:
    found = decode(b'{"siblings":[],"config":{"a":1e400,"b":[-1e999,1.5]},"cardData":{"c":1E400}}')
    assert found.config == {"a": None, "b": [None, 1.5]}
    assert decode(encode_listing(found)) == found


ODD: tuple[Any, ...] = (
    None,
    True,
    -1,
    1.5,
    10**400,
    int("9" * 4200),
    "\x1b[31m",
    HALF,
    [],
    [1, [2]],
    {"a": {}},
)


@pytest.mark.parametrize("value", ODD, ids=lambda value: f"{value!r:.12}")
@pytest.mark.parametrize("field", ["id", "sha", "tags", "createdAt", "gated", "cardData", "config"])
def test_a_field_of_another_kind_costs_no_other(field: str, value: Any) -> None:
    found = decode(SOUND | {field: value})
    assert found.files == LISTED.files
    absent = {name: one for name, one in SOUND.items() if name != field}
    same = set(Listing.__struct_fields__) - {
        {"id": "repo_id", "sha": "revision", "createdAt": "created_at", "cardData": "card"}.get(
            field, field
        )
    }
    assert {name: getattr(found, name) for name in same} == {
        name: getattr(decode(absent), name) for name in same
    }


@pytest.mark.parametrize("value", ODD, ids=lambda value: f"{value!r:.12}")
@pytest.mark.parametrize("field", ["size", "blobId", "lfs", "rfilename", "lfs.size", "lfs.sha256"])
def test_a_field_of_a_file_of_another_kind_costs_no_other(field: str, value: Any) -> None:
    outer, _, inner = field.partition(".")
    first, last = SOUND["siblings"]
    odd = last | {outer: {**last["lfs"], inner: value} if inner else value}
    found = decode(SOUND | {"siblings": [first, odd, last]})
    assert found.find("config.json") == LISTED.files[0]
    assert found.files[-1] == LISTED.files[1]
    assert len(found.files) == 2 + (field != "rfilename")
    if field == "blobId":
        assert found.files[1].sha256 == SHA256
    if field.startswith("lfs."):
        assert found.files[1].blob_id == SHA1


def test_items_that_are_no_files_are_left_out() -> None:
    files = SOUND["siblings"]
    assert decode(SOUND | {"siblings": [1, None, *files, [], {}, "x", [[1]]]}) == LISTED


@pytest.mark.parametrize("text", [HALF, "\udc00", f"{HALF}x", f"\\{HALF}", "\udc00\ud800"])
def test_no_name_has_half_a_pair(text: str) -> None:
    """In a listing, in a card, anywhere: it can neither be sent nor stored."""
    assert not is_safe_name(text)
    assert not is_safe_name(f"model-{text}.safetensors")
    odd = {"rfilename": f"model-{text}.safetensors", "size": 3}
    assert decode(SOUND | {"siblings": [odd, *SOUND["siblings"]]}) == LISTED
    assert decode(SOUND | {"other": text, text: [text]}) == LISTED
    card = decode(SOUND | {"cardData": {"summary": text, "license": "mit"}}).card
    assert card["license"] == "mit"
    found = decode(SOUND | {"tags": ["gguf", text]})
    assert decode(encode_listing(found)).files == found.files


def test_whole_pairs_and_escaped_backslashes_stay() -> None:
    names = ["\U0001f600.gguf", "é.gguf", "ud800.gguf"]
    listed = [{"rfilename": name} for name in names]
    found = decode(SOUND | {"siblings": listed, "other": HALF, "more": "\\ud800"})
    assert [entry.name for entry in found.files] == names
    text = json.dumps(SOUND | {"cardData": {"license": "\\ud83d \U0001f600", "x": HALF}}).encode()
    assert decode(text).card["license"] == "\\ud83d \U0001f600"


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"<html>", "an HTML page"),
        (b"", "something else"),
        (b"[]", "something else"),
        (b"5", "something else"),
        (b'{"siblings":[', "no valid JSON"),
        (b'{"siblings":[],"a":' + b"[" * 200_000, "no valid JSON"),
        (b"{}", "lists no files"),
        (b'{"siblings":null}', "lists no files"),
        (b'{"siblings":{}}', "lists no files"),
        (b'{"siblings":"abc"}', "lists no files"),
        (b'{"siblings":5}', "lists no files"),
        (b'{"siblings":[' + b"{}," * MAX_FILES + b"{}]}", "more than 100000 files"),
        (b'{"siblings":[' + b"[]," * MAX_FILES + b"1]}", "more than 100000 files"),
        (b'{"siblings":[' + b'{"rfilename":"a"},' * MAX_FILES + b"1]}", "more than 100000 files"),
        (b'{"siblings":[' + b"1," * (11 * MAX_FILES) + b"1]}", "more than 100000 files"),
        (b'{"siblings":[],"tags":["' + b"x" * MAX_FIELD_BYTES + b'"]}', "tags of more than"),
        (b'{"siblings":[],"cardData":{"a":"' + b"x" * MAX_FIELD_BYTES + b'"}}', "card of more"),
        (b'{"siblings":[],"config":{"a":"' + b"x" * MAX_FIELD_BYTES + b'"}}', "config of more"),
    ],
    ids=lambda value: f"{value!r:.40}",
)
def test_what_is_no_listing_is_told(data: bytes, told: str) -> None:
    with pytest.raises(NetworkError, match=told) as caught:
        decode(data)
    assert caught.value.exit_code == 3
    assert caught.value.hint
