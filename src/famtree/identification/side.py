"""An examined checkpoint as the interchange questions see it."""

from __future__ import annotations

from famtree.fingerprints.vocabulary import Vocabulary
from famtree.identification.subject import Subject
from famtree.interchange.side import Side
from famtree.types.checkpoint import FileEntry


def make_side(subject: Subject, vocabulary: Vocabulary | None = None) -> Side:
    """Return what was read of a checkpoint; nothing more is read."""
    found = subject.checkpoint.found
    return Side(
        identification=subject.identification,
        config=found.config,
        side_files=found.side_files,
        index=found.index,
        metadata=found.form.list_metadata(),
        listing=found.listing,
        weight_files=tuple(
            FileEntry(name, found.plan.sizes.get(name)) for name in found.plan.shards
        ),
        missing_files=found.plan.missing_shards,
        vocabulary=vocabulary,
    )
