from __future__ import annotations

import json
from pathlib import Path

import pytest

from famtree.errors import FamtreeError, NetworkError, NotFoundError
from famtree.scan.jsonl import JsonLines, read_rows, recover
from famtree.scan.references import hash_reference
from famtree.scan.row import make_failure


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file with one final failure, one that may pass, and a torn line."""
    path = tmp_path / "rows.jsonl"
    with JsonLines(path) as output:
        output.write(make_failure("org/absent", NotFoundError("gone")))
        output.write(make_failure("org/slow", NetworkError("timed out")))
    with path.open("ab") as stream:
        stream.write(b'{"schema":"famtree/scan/1","ref":"org/to')
    return path


def refs(path: Path) -> list[str]:
    return [row["ref"] for row in read_rows(path)]


def test_torn_lines_and_passing_failures_are_asked_again(path: Path) -> None:
    assert recover(path) == {hash_reference("org/absent")}
    assert refs(path) == ["org/absent"]
    with JsonLines(path) as output:
        output.write(make_failure("org/torn", NotFoundError("gone")))
    assert [json.loads(line)["ref"] for line in path.read_text().splitlines()] == [
        "org/absent",
        "org/torn",
    ]


def test_a_row_that_stands_twice_is_kept_once(path: Path) -> None:
    with JsonLines(path) as output:
        output.write(make_failure("org/absent", NotFoundError("gone")))
    recover(path)
    assert refs(path) == ["org/absent"]


def test_whole_files_are_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    with JsonLines(path) as output:
        output.write(make_failure("org/a", NotFoundError("gone")))
    before = path.stat()
    assert len(recover(path)) == 1
    assert path.stat().st_ino == before.st_ino
    assert recover(tmp_path / "absent.jsonl") == set()


def test_other_files_are_refused_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "notes.jsonl"
    path.write_text('{"dear": "diary"}\n')
    with pytest.raises(ValueError, match="holds no rows"):
        recover(path)
    assert path.read_text() == '{"dear": "diary"}\n'
    assert list(tmp_path.iterdir()) == [path]


def test_letters_no_encoding_has_are_spelled_out(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    with JsonLines(path) as output:
        output.write(make_failure("org/a", FamtreeError("lone \ud800 surrogate")))
    assert b"\\\\ud800" in path.read_bytes() or b"\\ud800" in path.read_bytes()
    assert len(list(read_rows(path))) == 1
