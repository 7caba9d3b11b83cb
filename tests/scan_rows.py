"""Rows of scans for tests, made from a real answer with names, hashes and claims of their own."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from conftest import ROOT
from famtree.errors import NetworkError
from famtree.registry.load import load_registry
from famtree.scan.checkpoint import scan_checkpoint
from famtree.scan.jsonl import JsonLines
from famtree.scan.row import make_failure
from famtree.scan.settings import ScanSettings


@cache
def example() -> dict[str, Any]:
    return scan_checkpoint(str(ROOT / "fixtures" / "example"), load_registry(), ScanSettings())


def make_row(name: str, parents: tuple[str, ...] = (), **values: Any) -> dict[str, Any]:
    document = json.loads(example()["document"])
    document["lineage"]["chain"] = [
        {"child": name, "parent": parent, "relation": values.pop("relation", "finetune"),
         "status": values.pop("status", "declared"), "confidence": 0.6, "evidence": []}
        for parent in parents
    ]  # fmt: skip
    claims = [{"parent": parent, "source": "card", "relation": None, "revision": None,
               "weight": None} for parent in parents]  # fmt: skip
    return example() | {
        "ref": name, "name": name, "claims": json.dumps(claims), "document": json.dumps(document),
        "license": "apache-2.0", "created_at": "2024-01-01T00:00:00.000Z",
    } | values  # fmt: skip


def write_rows(path: Path, *rows: dict[str, Any]) -> Path:
    with JsonLines(path) as lines:
        for row in rows:
            lines.write(row)
    return path


def failed(name: str) -> dict[str, Any]:
    return make_failure(name, NetworkError("gone"))
