from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from famtree.atlas.build import build_atlas
from famtree.atlas.connect import open_atlas
from famtree.atlas.query import describe_atlas, query_atlas
from famtree.errors import UnreadableError, UsageError
from scan_rows import failed, make_row, write_rows


def ask(path: Path, statement: str) -> list[list[Any]]:
    return query_atlas(path, statement).rows


@pytest.fixture
def built(tmp_path: Path) -> Path:
    rows = write_rows(
        tmp_path / "rows.jsonl",
        make_row("org/base", weight_files=["aa", "bb"]),
        make_row("org/tuned", ("org/base",), weight_files=["cc", "cc"]),
        make_row("Org/Far", ("org/tuned", "org/absent"), sketch="1.1.8.1.AAAA"),
        failed("org/gone"),
    )
    with rows.open("ab") as stream:
        stream.write(b'{"another": "document"}\nnonsense\n{"schema":"famtree/scan/1","ref":"to')
    target = tmp_path / "built.duckdb"
    found = build_atlas([rows], target)
    assert found.checkpoints == 3
    return target


def test_every_table_holds_what_the_rows_say(built: Path) -> None:
    assert describe_atlas(built)["tables"] == {
        "checkpoints": 3, "fingerprints": 3, "claims": 3, "edges": 3, "hashes": 3, "sketches": 1,
    }  # fmt: skip
    assert ask(built, "SELECT name, children FROM checkpoints ORDER BY key") == [
        ["org/base", 1], ["Org/Far", 0], ["org/tuned", 1],
    ]  # fmt: skip
    assert ask(built, "SELECT child, parent FROM edges WHERE child = 'org/far' ORDER BY 2") == [
        ["org/far", "org/absent"], ["org/far", "org/tuned"],
    ]  # fmt: skip
    assert ask(built, "SELECT sha256, files FROM hashes ORDER BY 1") == [
        ["aa", 1], ["bb", 1], ["cc", 2],
    ]  # fmt: skip
    own = json.loads(make_row("x")["document"])["fingerprint"]
    digests = "SELECT DISTINCT architecture_digest, vocabulary_digest FROM fingerprints"
    assert ask(built, digests) == [[own["architecture"]["digest"], own["tokenizer"]["vocabulary"]]]


def test_the_last_source_named_counts(tmp_path: Path) -> None:
    old = write_rows(tmp_path / "old.jsonl", make_row("org/a", license="mit"), make_row("org/b"))
    new = write_rows(tmp_path / "new.jsonl", make_row("ORG/A", license="gpl-3.0"))
    target = tmp_path / "built.duckdb"
    build_atlas([old, new], target)
    assert ask(target, "SELECT license FROM checkpoints WHERE key = 'org/a'") == [["gpl-3.0"]]
    build_atlas([new, old], target)
    assert ask(target, "SELECT license FROM checkpoints WHERE key = 'org/a'") == [["mit"]]


def test_parquet_and_json_lines_make_the_same_atlas(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    from famtree.scan.parquet import write_parquet

    rows = [make_row("org/a", weight_files=["aa"]), make_row("org/b", ("org/a",)), failed("org/c")]
    lines = write_rows(tmp_path / "rows.jsonl", *rows)
    (tmp_path / "parts").mkdir()
    write_parquet(rows[:1], tmp_path / "parts" / "1.parquet")
    write_parquet(rows[1:], tmp_path / "parts" / "2.parquet")
    found = []
    for number, source in enumerate((lines, tmp_path / "parts")):
        target = tmp_path / f"{number}.duckdb"
        build_atlas([source], target)
        with open_atlas(target) as opened:
            found.append(
                [
                    sorted(map(str, opened.ask(f"SELECT * FROM {table}")))
                    for table in ("checkpoints", "fingerprints", "edges", "claims", "hashes")
                ]
            )
    assert found[0] == found[1]


def test_hostile_rows_are_left_out_or_harmless(tmp_path: Path) -> None:
    hostile = write_rows(
        tmp_path / "rows.jsonl",
        make_row("org/a", claims='{"not": "a list"}'),
        make_row("org/b", claims='[{"parent": 3}, 7, null]'),
        make_row("org/c", document="{"),
        make_row("org/d", document="[]"),
        make_row("org/e'; DROP TABLE checkpoints; --", ("x'y",), weight_files=["'"]),
        make_row("org/f", document='{"lineage": {"chain": 3}, "fingerprint": {"architecture": '
                 '{"layers": 1e300, "hidden_size": "wide"}}}'),
    )  # fmt: skip
    target = tmp_path / "built.duckdb"
    build_atlas([hostile], target)
    names = {row[0] for row in ask(target, "SELECT key FROM checkpoints")}
    assert names == {"org/a", "org/b", "org/d", "org/e'; drop table checkpoints; --", "org/f"}


@pytest.mark.parametrize("name", ["absent.jsonl", "empty", "text.parquet", "text.csv"])
def test_what_is_no_scan_is_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for one in ("text.parquet", "text.csv"):
        (tmp_path / one).write_text("nothing")
    with pytest.raises(UsageError):
        build_atlas([tmp_path / name], tmp_path / "built.duckdb")
    assert not list(tmp_path.glob("*.duckdb*"))
    assert not list(tmp_path.glob(".built*"))


def test_a_failed_build_leaves_the_old_atlas(built: Path) -> None:
    with pytest.raises(UsageError):
        build_atlas([built.with_name("absent.jsonl")], built)
    assert describe_atlas(built)["tables"]["checkpoints"] == 3


def test_other_files_are_no_atlas(tmp_path: Path) -> None:
    import duckdb

    with pytest.raises(UsageError):
        open_atlas(tmp_path / "absent.duckdb")
    (tmp_path / "text.duckdb").write_text("nothing")
    with pytest.raises(UnreadableError):
        open_atlas(tmp_path / "text.duckdb")
    with duckdb.connect(str(tmp_path / "other.duckdb")) as other:
        other.execute("CREATE TABLE meta (key VARCHAR, value VARCHAR)")
    with pytest.raises(UnreadableError):
        open_atlas(tmp_path / "other.duckdb")


SECRET = "SECRET"


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM read_text('{file}')",
        "SELECT * FROM read_csv('{file}')",
        "SELECT * FROM '{file}'",
        "SELECT * FROM read_blob('{folder}/*')",
        "SELECT * FROM glob('{folder}/*')",
        "ATTACH '{folder}/other.duckdb'",
        "COPY checkpoints TO '{folder}/out.csv'",
        "EXPORT DATABASE '{folder}/out'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET enable_external_access = true",
        "SELECT * FROM secret_rows",
        "DROP TABLE checkpoints",
        "CREATE TABLE more AS SELECT 1",
    ],
)
def test_a_statement_reaches_nothing_else(statement: str, built: Path, tmp_path: Path) -> None:
    secret_rows = [{"x": SECRET}]  # a variable of the program, which DuckDB would find by name
    file = tmp_path / "secret.txt"
    file.write_text(SECRET)
    with pytest.raises(UsageError) as caught:
        query_atlas(built, statement.format(file=file, folder=tmp_path))
    assert SECRET not in str(caught.value)
    assert secret_rows
    assert not (tmp_path / "out.csv").exists()
    assert describe_atlas(built)["tables"]["checkpoints"] == 3


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_a_name_that_is_no_text_is_refused(built: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not UTF-8"):
        build_atlas([], tmp_path / "\udcff.duckdb")
    assert not [one for one in tmp_path.iterdir() if "partial" in one.name]
