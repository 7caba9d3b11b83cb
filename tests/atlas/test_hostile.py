"""Atlases of strangers: refused by name, or bounded."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from famtree.atlas.build import build_atlas
from famtree.atlas.connect import open_atlas
from famtree.atlas.query import query_atlas
from famtree.errors import DeadlineError, UnreadableError, UsageError
from famtree.sources.deadline import Deadline
from scan_rows import make_row, write_rows

ENDLESS = (
    "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t) "
    "SELECT n::VARCHAR AS key, n::VARCHAR AS value FROM t"
)
REFUSED = {
    "view 'meta'": f"DROP TABLE meta; CREATE VIEW meta AS {ENDLESS}",
    "view 'more'": "CREATE VIEW more AS SELECT 1",
    "macro 'lower'": f"CREATE MACRO lower(x) AS (SELECT max(value) FROM ({ENDLESS}))",
    "macro 'duckdb_views'": f"CREATE MACRO duckdb_views() AS TABLE {ENDLESS}",
    "schema 'other'": "CREATE SCHEMA other; CREATE TABLE other.x (a INT)",
    "index 'i'": "CREATE INDEX i ON meta ((lower(key)))",
    "sequence 's'": "CREATE SEQUENCE s",
    "type 'mood'": "CREATE TYPE mood AS ENUM ('a')",
    "constraint 'CHECK": "CREATE OR REPLACE TABLE meta (key VARCHAR, value VARCHAR, "
    "CHECK (key > ''))",
    "column 'value' of the table 'meta'": "CREATE OR REPLACE TABLE meta (key VARCHAR, "
    "value VARCHAR GENERATED ALWAYS AS (repeat(key, 1000000)))",
    "default": "CREATE OR REPLACE TABLE meta (key VARCHAR, value VARCHAR DEFAULT upper('x'))",
    "(VARCHAR[])": "CREATE OR REPLACE TABLE meta (key VARCHAR, value VARCHAR[])",
    "column 'more'": "ALTER TABLE meta ADD COLUMN more INT",
    "table 'checkpoints' has not": "ALTER TABLE checkpoints DROP COLUMN size",
    "table 'more'": "CREATE TABLE more (a INT)",
    "lacks the table 'sketches'": "DROP TABLE sketches",
    "form is not": "INSERT INTO meta VALUES ('schema', 'x')",
}


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("atlas")
    build_atlas([write_rows(folder / "rows.jsonl", make_row("org/a"))], folder / "sound.duckdb")
    return folder / "sound.duckdb"


def change(sound: Path, target: Path, statement: str) -> Path:
    import duckdb

    shutil.copy(sound, target)
    with duckdb.connect(str(target)) as connection:
        connection.execute(statement)
    return target


@pytest.mark.parametrize("told", REFUSED)
def test_what_is_no_table_of_an_atlas_is_refused_by_name(
    told: str, sound: Path, tmp_path: Path
) -> None:
    evil = change(sound, tmp_path / "evil.duckdb", REFUSED[told])
    with pytest.raises(UnreadableError) as caught:
        open_atlas(evil, Deadline.after(120))
    assert told in caught.value.message
    assert caught.value.code == "bad-atlas"


def test_changes_beside_the_file_are_not_made(sound: Path, tmp_path: Path) -> None:
    shutil.copy(sound, tmp_path / "evil.duckdb")
    (tmp_path / "evil.duckdb.wal").write_bytes(b"x")
    with pytest.raises(UnreadableError, match=r"evil\.duckdb\.wal"):
        open_atlas(tmp_path / "evil.duckdb")


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT list(range) FROM range(2000000000)",
        "SELECT repeat('x', 2000000000)",
        "SELECT range(2000000000)",
        "SELECT count(*) FROM range(100000000000) a, range(100000000000) b",
        "CREATE TEMP TABLE x AS SELECT * FROM range(1000000000)",
        "SELECT repeat('x', 10000) FROM range(4000)",
        "SELECT range FROM range(2000000)",
    ],
)
def test_a_statement_takes_no_more_memory_than_there_is_for_it(statement: str, sound: Path) -> None:
    resource = pytest.importorskip("resource", reason="POSIX only")
    with pytest.raises(UsageError) as caught:
        query_atlas(sound, statement, Deadline.after(300))
    assert "ask for less" in caught.value.hint
    unit = 1 << (0 if sys.platform == "darwin" else 10)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit < 900 << 20


@pytest.mark.parametrize("seconds", [2.0, None])
def test_a_statement_ends_when_its_time_is_over(
    seconds: float | None, sound: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("famtree.atlas.connect.USUAL_SECONDS", 2.0)
    started = time.monotonic()
    with pytest.raises(DeadlineError, match="within the 2 seconds"):
        query_atlas(sound, f"SELECT count(*) FROM ({ENDLESS})", Deadline.after(seconds))
    assert time.monotonic() - started < 30


@pytest.mark.skipif(sys.platform == "win32", reason="nothing tells of it there")
def test_a_reader_does_not_outlive_who_asked(sound: Path) -> None:
    endless = (
        "WITH RECURSIVE t(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM t WHERE i < 1000000000) "
        "SELECT count(*) FROM t"
    )
    command = [sys.executable, "-P", "-m", "famtree.atlas.reader", str(sound), str(192 << 20)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as reader:
        try:
            assert reader.stdin is not None
            assert reader.stdout is not None
            assert reader.stdout.readline() == b"{}\n"
            reader.stdin.write(json.dumps({"statement": endless}).encode() + b"\n")
            reader.stdin.flush()
            time.sleep(0.5)
            assert reader.poll() is None
            reader.stdin.close()
            assert reader.wait(20) == 1
        finally:
            reader.kill()


def test_no_statement_is_told(sound: Path) -> None:
    with pytest.raises(UsageError, match="no statement"):
        query_atlas(sound, "-- nothing")


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("SELECT repeat('x', 10000) FROM range(2000)", "longer than 16 MB"),
        ("SELECT 1 FROM range(1100000)", "more than 1,000,000 values"),
    ],
)
def test_an_answer_is_bounded_by_bytes_and_by_values(
    statement: str, told: str, sound: Path
) -> None:
    with pytest.raises(UsageError, match=told):
        query_atlas(sound, statement, Deadline.after(300))
