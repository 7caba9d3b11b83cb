"""One source examined, as the commands do it."""

from __future__ import annotations

from famtree.identification.subject import Subject, examine_opened
from famtree.lineage.opener import Opener
from famtree.registry.load import load_registry
from famtree.registry.registry import Registry
from famtree.types.identification import Identification
from famtree.types.source import CheckpointSource


def examine_source(source: CheckpointSource, registry: Registry | None = None) -> Subject:
    opener = Opener(registry or load_registry(), reach=0)
    return examine_opened(opener.adopt(source), opener)


def identify_source(source: CheckpointSource, registry: Registry | None = None) -> Identification:
    return examine_source(source, registry).identification
