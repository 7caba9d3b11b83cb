from __future__ import annotations

import stat
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from famtree.errors import NetworkError, NotFoundError, UsageError
from famtree.scan.jsonl import read_rows
from famtree.scan.output import Output
from famtree.scan.references import hash_reference
from famtree.scan.row import COLUMNS, Row, make_failure

GONE = NotFoundError("gone")


def read(path: Path) -> list[Row]:
    pyarrow = pytest.importorskip("pyarrow.parquet")
    rows: list[Row] = pyarrow.read_table(path).to_pylist()
    return rows


def test_parquet_holds_every_column_and_nothing_stays_beside_it(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    path = tmp_path / "rows.parquet"
    with Output(path, resume=False) as output:
        output.write(make_failure("org/a", GONE))
    assert [list(row) for row in read(path)] == [list(COLUMNS)]
    assert list(tmp_path.iterdir()) == [path]


def test_parquet_is_whole_when_the_scan_is_broken_off_and_goes_on(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    path = tmp_path / "rows.parquet"
    with suppress(KeyboardInterrupt), Output(path, resume=False) as output:
        output.write(make_failure("org/a", GONE))
        output.write(make_failure("org/slow", NetworkError("timed out")))
        raise KeyboardInterrupt
    assert [row["ref"] for row in read(path)] == ["org/a", "org/slow"]
    with Output(path, resume=True) as output:
        assert output.done == {hash_reference("org/a")}
        output.write(make_failure("org/slow", GONE))
    assert [row["ref"] for row in read(path)] == ["org/a", "org/slow"]


def test_parquet_of_a_killed_scan_is_made_from_what_was_written(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    path = tmp_path / "rows.parquet"
    killed = Output(path, resume=False)
    killed.write(make_failure("org/a", GONE))
    killed._writer.__exit__(None, None, None)
    assert not path.exists()
    with Output(path, resume=True) as output:
        assert output.done == {hash_reference("org/a")}
    assert [row["ref"] for row in read(path)] == ["org/a"]


@pytest.mark.parametrize("name", ["rows.jsonl", "rows.parquet"])
def test_nothing_is_overwritten(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text("precious")
    with pytest.raises(UsageError, match="exists"):
        Output(path, resume=False)
    with pytest.raises(UsageError, match=r"no rows|no Parquet"):
        Output(path, resume=True)
    assert path.read_text() == "precious"


def test_other_forms_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="unknown output form"):
        Output(tmp_path / "rows.csv", resume=False)
    with pytest.raises(UsageError, match="cannot be written"):
        Output(tmp_path / "no" / "rows.jsonl", resume=False)


def test_parquet_without_pyarrow_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "famtree.scan.parquet", raising=False)
    for name in [*sys.modules, "pyarrow", "pyarrow.parquet"]:
        if name.partition(".")[0] == "pyarrow":
            monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(UsageError, match="pyarrow") as caught:
        Output(tmp_path / "rows.parquet", resume=False)
    assert "pip install 'pyarrow' (famtree's extra parquet)" in caught.value.hint


@pytest.mark.skipif(sys.platform == "win32", reason="modes are another matter there")
@pytest.mark.parametrize("mode", [0o644, 0o600])
def test_a_parquet_file_that_is_continued_keeps_its_mode(tmp_path: Path, mode: int) -> None:
    pytest.importorskip("pyarrow")
    path = tmp_path / "rows.parquet"
    with Output(path, resume=False) as output:
        output.write(make_failure("org/a", GONE))
    path.chmod(mode)
    with Output(path, resume=True) as output:
        output.write(make_failure("org/b", GONE))
    assert stat.S_IMODE(path.stat().st_mode) == mode
    assert len(read(path)) == 2
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(sys.platform == "win32", reason="there no open file is replaced")
@pytest.mark.parametrize("name", ["rows.jsonl", "rows.parquet"])
@pytest.mark.parametrize("resume", [True, False])
def test_a_second_scan_keeps_off_and_no_row_is_lost(
    tmp_path: Path, name: str, resume: bool
) -> None:
    pytest.importorskip("pyarrow")
    path = tmp_path / name
    with Output(path, resume=False) as output:
        output.write(make_failure("org/slow", NetworkError("timed out")))  # asked for a new file
        with pytest.raises(UsageError, match="another scan" if resume else "exists"):
            Output(path, resume=resume)
        output.write(make_failure("org/a", GONE))
    rows = read(path) if name.endswith("parquet") else list(read_rows(path))
    assert [row["ref"] for row in rows] == ["org/slow", "org/a"]
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(sys.platform == "win32", reason="there no open file is replaced")
def test_a_file_that_was_made_anew_is_kept_for_one_scan_too(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    with Output(path, resume=False) as output:
        output.write(make_failure("org/slow", NetworkError("timed out")))
    with Output(path, resume=True) as output:
        assert path.read_bytes() == b""
        with pytest.raises(UsageError, match="another scan"):
            Output(path, resume=True)
        output.write(make_failure("org/slow", GONE))
    with Output(path, resume=True) as output:
        assert output.done == {hash_reference("org/slow")}


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_a_name_that_is_no_text_is_refused_before_any_work(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    with pytest.raises(UsageError, match="not UTF-8"):
        Output(tmp_path / "\udcff.parquet", resume=False)
    assert list(tmp_path.iterdir()) == []
    with Output(tmp_path / "\udcff.jsonl", resume=False) as output:
        output.write(make_failure("org/a", GONE))
