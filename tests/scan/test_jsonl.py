from __future__ import annotations

import errno
import json
import stat
import sys
from pathlib import Path

import pytest

from famtree.errors import FamtreeError, NetworkError, NotFoundError
from famtree.scan import jsonl
from famtree.scan.jsonl import JsonLines, check_rows, read_rows, recover
from famtree.scan.parquet import list_done, write_parquet
from famtree.scan.references import hash_reference
from famtree.scan.row import COLUMNS, SCHEMA, make_failure


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


def test_a_longer_line_is_no_row(path: Path) -> None:
    row = make_failure("org/long", NotFoundError("gone")) | {"document": "a" * jsonl.MAX_LINE}
    line = json.dumps(row).encode() + b"\n"
    whole = path.read_bytes().rpartition(b"\n")[0] + b"\n"
    path.write_bytes(line + whole)
    with pytest.raises(ValueError, match="a line of more than"):
        check_rows(path)
    assert recover(path) == {hash_reference("org/absent")}
    assert refs(path) == ["org/absent"]
    check_rows(path)


def test_no_longer_row_is_written(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    row = make_failure("org/long", NotFoundError("gone"))
    with JsonLines(path) as output:
        output.write(row | {"document": "\n" * jsonl.MAX_LINE, "error_code": None})
    (found,) = read_rows(path)
    assert (found["ref"], found["error_code"], found["exit_code"]) == ("org/long", "unreadable", 4)
    assert recover(path) == {hash_reference("org/long")}


@pytest.mark.parametrize("line", [b"\n", b"{}\n", b"x\n", b'{"schema":"famtree/scan/2"}\n'])
def test_a_file_of_other_lines_is_left_in_time(path: Path, line: bytes) -> None:
    path.write_bytes(path.read_bytes() + b"\n" + line * (jsonl.MAX_FOREIGN + 1))
    before = path.stat()
    for read in (recover, check_rows, refs):
        with pytest.raises(ValueError, match="no output of a scan"):
            read(path)
    assert path.stat() == before


@pytest.mark.parametrize(
    "values", [{"parents": 3}, {"requests": "1"}, {"ref": None}, {"document": {}}, {"bits": []}]
)
def test_a_row_has_the_types_of_its_columns(tmp_path: Path, values: dict[str, object]) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps(make_failure("org/a", NotFoundError("gone")) | values) + "\n")
    assert refs(path) == []


def test_columns_that_came_later_and_others_are_no_matter(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    row = {"schema": SCHEMA, "ref": "org/a", "error_code": "not-found", "x": [[]]}
    path.write_text(json.dumps(row) + "\n")
    (found,) = read_rows(path)
    assert set(found) == set(COLUMNS)


def test_references_of_no_encoding_are_known_again(tmp_path: Path) -> None:
    path, table = tmp_path / "rows.jsonl", tmp_path / "rows.parquet"
    with JsonLines(path) as output:
        output.write(make_failure("./a\udcff\udcfe", NotFoundError("gone")))
    assert recover(path) == {hash_reference("./a\udcff\udcfe")}
    pytest.importorskip("pyarrow")
    write_parquet(read_rows(path), table)
    assert list_done(table) == {hash_reference("./a\udcff\udcfe")}
