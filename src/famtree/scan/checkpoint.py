"""The work of a scan: one reference in, one row out. Every engine calls this and nothing else."""

from __future__ import annotations

from famtree.errors import FamtreeError
from famtree.formats.json_report import render_line
from famtree.identification.subject import examine_subject
from famtree.lineage.opener import Opener
from famtree.registry.registry import Registry
from famtree.scan.row import Row, make_failure, make_row
from famtree.scan.settings import ScanSettings
from famtree.sources.hub_pauses import PATIENCE
from famtree.sources.reference import parse_reference


def scan_checkpoint(ref: str, registry: Registry, settings: ScanSettings) -> Row:
    """Identify `ref` and return its row; a failure of any kind is a row, never an exception."""
    try:
        opener = Opener(
            registry,
            settings.offline,
            access=settings.make_access(),
            patience=PATIENCE,
            reach=0,
        )
        subject = examine_subject(parse_reference(ref, endpoint=settings.endpoint), opener)
        result, checkpoint = subject.identification, subject.checkpoint
        sketch = checkpoint.sketch if settings.sketch else None
        document = render_line(result.to_document())
        return make_row(ref, result, document, checkpoint.stated, sketch)
    except FamtreeError as error:
        return make_failure(ref, error)
    except Exception as error:  # noqa: BLE001 - one checkpoint's bug must not end the scan
        return make_failure(ref, FamtreeError(f"{type(error).__name__}: {error}"))
