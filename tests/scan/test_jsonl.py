from __future__ import annotations

import errno
import json
import stat
import sys
from pathlib import Path

import pytest

from famtree.errors import FamtreeError, NetworkError, NotFoundError
from famtree.scan import jsonl
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


@pytest.mark.skipif(sys.platform == "win32", reason="modes are another matter there")
@pytest.mark.parametrize("mode", [0o644, 0o640, 0o600, 0o666])
def test_what_is_continued_keeps_its_mode_and_place(path: Path, mode: int) -> None:
    path.chmod(mode)
    link = path.with_name("link.jsonl")
    link.symlink_to(path)
    assert recover(link) == {hash_reference("org/absent")}
    assert refs(path) == ["org/absent"]
    assert stat.S_IMODE(path.stat().st_mode) == mode
    assert link.is_symlink()
    assert sorted(one.name for one in path.parent.iterdir()) == ["link.jsonl", "rows.jsonl"]


def test_a_disk_that_fills_up_leaves_all_as_it_was(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = path.read_bytes()

    def fill(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "replace", fill)
    with pytest.raises(OSError, match="No space"):
        recover(path)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_whole_files_need_no_second_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk keeps nobody from being told what is there."""
    path = tmp_path / "rows.jsonl"
    with JsonLines(path) as output:
        output.write(make_failure("org/a", NotFoundError("gone")))
    monkeypatch.setattr(jsonl, "replace_file", None)
    assert len(recover(path)) == 1
