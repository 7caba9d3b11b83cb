"""One source examined, as the commands do it."""

from __future__ import annotations

from functools import cache

from famtree.checkpoint.checkpoint import Checkpoint
from famtree.identification.subject import Subject, examine_opened
from famtree.lineage.opener import Opener
from famtree.registry.load import load_registry
from famtree.registry.registry import Registry
from famtree.types.identification import Identification
from famtree.types.source import CheckpointSource
from famtree.weights.open import Weights


@cache
def load_once() -> Registry:
    """Every test has a cache folder of its own, so that loading would parse all files anew."""
    return load_registry()


def open_weights(source: CheckpointSource) -> Weights:
    return Checkpoint(source, load_once(), briefly=True).weights


def examine_source(source: CheckpointSource, registry: Registry | None = None) -> Subject:
    opener = Opener(registry or load_once(), reach=0)
    return examine_opened(opener.adopt(source), opener)


def identify_source(source: CheckpointSource, registry: Registry | None = None) -> Identification:
    return examine_source(source, registry).identification
