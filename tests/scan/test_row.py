from __future__ import annotations

import json
from pathlib import Path

import famtree
from conftest import ROOT
from famtree.errors import AccessError
from famtree.registry.load import load_registry
from famtree.scan.checkpoint import scan_checkpoint
from famtree.scan.row import COLUMNS, make_failure
from famtree.scan.settings import ScanSettings

EXAMPLE = str(ROOT / "fixtures" / "example")


def test_row_says_what_identify_says() -> None:
    row = scan_checkpoint(EXAMPLE, load_registry(), ScanSettings())
    document = json.loads(row["document"])
    expected = famtree.identify(EXAMPLE).to_document()
    for one in (document, expected):
        del one["cost"]
    assert document == expected
    assert list(row) == list(COLUMNS)
    assert (row["family"], row["generation"]) == (
        expected["family"]["key"],
        expected["generation"]["key"],
    )
    assert row["architecture_digest"] == expected["fingerprint"]["architecture"]["digest"]
    assert row["exit_code"] == 0
    assert row["error_code"] is None


def test_failure_is_a_row_of_the_same_columns() -> None:
    row = make_failure("org/gated", AccessError("gated"))
    assert list(row) == list(COLUMNS)
    assert (row["error_code"], row["exit_code"], row["outcome"]) == ("access", 3, None)


def test_no_failure_escapes(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{")
    broken = scan_checkpoint(str(tmp_path), load_registry(), ScanSettings())
    assert (broken["error_code"], broken["exit_code"]) == ("bad-config", 4)
    nonsense = scan_checkpoint("", load_registry(), ScanSettings())
    assert (nonsense["error_code"], nonsense["exit_code"]) == ("usage", 2)
    bug = scan_checkpoint(EXAMPLE, None, ScanSettings())  # type: ignore[arg-type]
    assert (bug["error_code"], bug["exit_code"]) == ("internal", 70)
