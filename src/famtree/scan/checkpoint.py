"""The work of a scan: one reference in, one row out. Every engine calls this and nothing else."""

from __future__ import annotations

from famtree.errors import FamtreeError
from famtree.formats.json_report import render_line
from famtree.identification.identify import identify_with_facts
from famtree.registry.registry import Registry
from famtree.scan.row import Row, make_failure, make_row
from famtree.scan.settings import ScanSettings
from famtree.sources.hub_pauses import PATIENCE
from famtree.sources.open import open_source
from famtree.sources.reference import parse_reference


def scan_checkpoint(ref: str, registry: Registry, settings: ScanSettings) -> Row:
    """Identify `ref` and return its row; a failure of any kind is a row, never an exception."""
    try:
        source = open_source(
            parse_reference(ref),
            offline=settings.offline,
            patience=PATIENCE,
            access=settings.make_access(),
        )
        result, node = identify_with_facts(source, registry)
        sketch = None
        if settings.sketch:
            from famtree.verification.sketch import sketch_source

            sketch = sketch_source(source)
        return make_row(ref, result, render_line(result.to_document()), node, sketch)
    except FamtreeError as error:
        return make_failure(ref, error)
    except Exception as error:  # noqa: BLE001 - one checkpoint's bug must not end the scan
        return make_failure(ref, FamtreeError(f"{type(error).__name__}: {error}"))
