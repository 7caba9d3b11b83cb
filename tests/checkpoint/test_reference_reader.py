"""What the safetensors package says of local files, in its own words, where they are verified."""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from checkpoint.folders import CONFIG, write_folder
from cli.commands import make_command
from famtree.api import bom, check, compare, identify, lineage
from famtree.checkpoint.reference_reader import CODE, MAX_LISTED, list_refusals
from famtree.sources.open import open_source
from famtree.sources.reference import parse_reference
from famtree.sources.safetensors_header import MAX_READ

GOOD = "model.safetensors"
BAD = "consolidated.safetensors"
"""Of the two, famtree reads the header of the first."""


def entry(start: int, stop: int, shape: list[int] | None = None, dtype: str = "F32") -> Any:
    return {"dtype": dtype, "shape": shape or [4], "data_offsets": [start, stop]}


def pack(header: dict[str, Any] | bytes, size: int) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + bytes(size)


DUPLICATE = (
    b'{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]},'
    b'"a":{"dtype":"F32","shape":[4],"data_offsets":[16,32]}}'
)
REFUSED = {
    "hole": (pack({"a": entry(0, 16), "b": entry(20, 36)}, 36), "invalid offset"),
    "overlap": (pack({"a": entry(0, 16), "b": entry(8, 24)}, 24), "invalid offset"),
    "trailing": (pack({"a": entry(0, 16)}, 20), "not fully covered"),
    "truncated": (pack({"a": entry(0, 16)}, 10), "not fully covered"),
    "duplicate": (pack(DUPLICATE, 32), "invalid offset"),
    "dtype": (pack({"a": entry(0, 16, dtype="F99")}, 16), "unknown variant `F99`"),
    "shape": (pack({"a": entry(0, 16, [5])}, 16), "invalid shape"),
    "metadata": (pack({"a": entry(0, 16), "__metadata__": {"n": 1}}, 16), "expected a string"),
    "empty": (b"", "header too small"),
    "long": (struct.pack("<Q", 1 << 60), "header too large"),
    "json": (pack(b"{nonsense", 0), "invalid JSON"),
}


def write(folder: Path, second: bytes) -> str:
    files = {"config.json": CONFIG, GOOD: pack({"x": entry(0, 16)}, 16), BAD: second}
    return str(write_folder(folder, files))


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused(tmp_path: Path, case: str) -> None:
    data, words = REFUSED[case]
    (told,) = list_refusals(open_source(parse_reference(write(tmp_path, data)), offline=True))
    assert told.code == CODE
    assert told.message.startswith(f"{BAD}: safetensors refuses the file: ")
    assert words in told.message


def test_sound_files_are_not_spoken_of(tmp_path: Path) -> None:
    folder = write(tmp_path, pack({"y": entry(0, 16)}, 16))
    assert list_refusals(open_source(parse_reference(folder), offline=True)) == []


def told_by(command: str, folder: str, tmp_path: Path, *, verify: bool) -> str:
    """Return all that a document says."""
    if command == "check":
        policy = tmp_path / "famtree.toml"
        table = f"schema = 'famtree/policy/1'\n[[checkpoint]]\nref = {json.dumps(folder)}\n"
        policy.write_text(f"{table}expect = 'llama'\n", encoding="utf-8")
        return json.dumps(check(str(policy), offline=True, verify=verify).to_document())
    if command == "compare":
        return json.dumps(compare(folder, folder, offline=True, verify=verify).to_document())
    if command == "bom":
        return json.dumps(bom(folder, offline=True, verify=verify))
    ask: Callable[..., Any] = identify if command == "identify" else lineage
    return json.dumps(ask(folder, offline=True, verify=verify).to_document())


@pytest.mark.parametrize("command", ["identify", "lineage", "compare", "bom", "check"])
def test_every_command_tells_where_files_are_verified(tmp_path: Path, command: str) -> None:
    folder = write(tmp_path / "model", REFUSED["trailing"][0])
    assert "safetensors refuses the file" in told_by(command, folder, tmp_path, verify=True)
    quick = told_by(command, folder, tmp_path, verify=False)
    assert ("safetensors refuses the file" in quick) == (command == "check")


def test_texts_escape_the_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The words may quote the header, and so anything."""
    header = json.dumps({"a": entry(0, 16, dtype="\x1b[31mF32\u202e")}, ensure_ascii=False)
    folder = write(tmp_path / "model", pack(header.encode(), 16))
    policy = tmp_path / "famtree.toml"
    policy.write_text(
        f"schema = 'famtree/policy/1'\n[[checkpoint]]\nref = {json.dumps(folder)}\n"
        "expect = 'llama'\n", encoding="utf-8",
    )  # fmt: skip
    for arguments in (
        ("identify", folder, "--verify", "--offline"),
        ("lineage", folder, "--verify", "--offline"),
        ("compare", folder, folder, "--verify", "--offline", "--verbose"),
        ("check", str(policy), "--offline"),
        ("check", str(policy), "--offline", "--format", "markdown"),
    ):
        answer = make_command(capsys)(*arguments)
        assert "safetensors refuses the file" in " ".join(answer.out.split()), arguments
        assert "\x1b" not in answer.out
        assert "\u202e" not in answer.out


def test_only_so_many_files_are_told_of(tmp_path: Path) -> None:
    names = [f"model-{number:05}-of-00020.safetensors" for number in range(20)]
    folder = write_folder(tmp_path, dict.fromkeys(names, REFUSED["hole"][0]))
    told = list_refusals(open_source(parse_reference(str(folder)), offline=True))
    assert len(told) == MAX_LISTED


def test_what_may_not_be_opened_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "elsewhere").write_bytes(REFUSED["hole"][0])
    folder = write(tmp_path / "model", b"")
    os.unlink(f"{folder}/{BAD}")
    os.symlink(tmp_path / "elsewhere", f"{folder}/{BAD}")
    source = open_source(parse_reference(folder), offline=True)
    assert source.find_path(GOOD) == tmp_path / "model" / GOOD
    assert source.find_path(BAD) is None
    assert source.find_path("absent.safetensors") is None
    assert list_refusals(source) == []


def test_a_header_longer_than_is_read_is_not_opened(tmp_path: Path) -> None:
    """It would take several times its length in memory; the first reading has told of it."""
    data = struct.pack("<Q", MAX_READ + 1) + b"{}"
    source = open_source(parse_reference(write(tmp_path, data)), offline=True)
    assert list_refusals(source) == []
