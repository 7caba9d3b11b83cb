"""A file takes another's place as a whole, with its mode and owner, or not at all."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest

from conftest import POSIX, is_root
from famtree.files import read_stream, replace_file


def write(path: Path, text: str) -> None:
    with replace_file(path) as partial:
        partial.write_text(text)


@pytest.mark.skipif(sys.platform == "win32", reason="modes are another matter there")
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o644, 0o664, 0o444])
def test_mode_stays(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text("old")
    path.chmod(mode)
    write(path, "new")
    assert path.read_text() == "new"
    assert stat.S_IMODE(path.stat().st_mode) == mode
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(not is_root(), reason="only root gives files away")
def test_owner_and_group_stay(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text("old")
    os.chown(path, 12345, 54321)
    path.chmod(0o640)
    write(path, "new")
    found = path.stat()
    assert (found.st_uid, found.st_gid) == (12345, 54321)
    assert stat.S_IMODE(found.st_mode) == 0o640


def test_an_owner_that_may_not_be_kept_is_no_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "chown", refuse, raising=False)
    path = tmp_path / "rows.jsonl"
    path.write_text("old")
    write(path, "new")
    assert path.read_text() == "new"


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege there")
def test_a_link_stays_one(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    target, link = tmp_path / "there" / "rows.jsonl", tmp_path / "link.jsonl"
    target.write_text("old")
    link.symlink_to(target)
    write(link, "new")
    assert link.is_symlink()
    assert target.read_text() == "new"
    assert sorted(one.name for one in tmp_path.rglob("*")) == ["link.jsonl", "rows.jsonl", "there"]


@pytest.mark.parametrize("fault", [OSError(28, "full"), KeyboardInterrupt(), ValueError()])
def test_what_fails_changes_nothing(tmp_path: Path, fault: BaseException) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text("old")

    def break_off() -> None:
        with replace_file(path) as partial:
            partial.write_text("half of the n")
            raise fault

    with pytest.raises(type(fault)):
        break_off()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_what_a_killed_process_left_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    left = tmp_path / ".rows.jsonl.1-00000000.partial"
    left.write_text("half")
    os.utime(left, (0, 0))
    write(path, "new")
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_two_writers_of_one_file(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    with replace_file(path) as first:
        first.write_text("first")
        write(path, "second")
        assert path.read_text() == "second"
        assert first.read_text() == "first", "the other's is left alone"
    assert path.read_text() == "first"
    assert list(tmp_path.iterdir()) == [path]


@POSIX
def test_a_pipe_has_to_end(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    place = Path(f"/dev/fd/{reading}")
    os.write(writing, b"text")
    with pytest.raises(TimeoutError, match="did not end within"):
        read_stream(place, 99, seconds=0.1)
    os.write(writing, b"text")
    os.close(writing)
    assert read_stream(place, 99, seconds=5) == b"text"
    os.close(reading)
    path = tmp_path / "file"
    path.write_bytes(b"x" * 50)
    assert read_stream(path, 20, seconds=0) == b"x" * 20
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(TimeoutError):
        read_stream(tmp_path / "fifo", 20, seconds=0.1)  # nobody writes
