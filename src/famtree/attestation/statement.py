"""What famtree found of a checkpoint as an in-toto Statement (in-toto.io/Statement/v1).

A statement by itself is a declaration: it proves who made it once somebody has signed it, and that
it is about these very files, since its subjects are their hashes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from famtree import __version__
from famtree.comparison.identity import list_weights
from famtree.errors import UsageError

if TYPE_CHECKING:
    from famtree.checkpoint.checkpoint import Checkpoint
    from famtree.identification.subject import Subject
    from famtree.types.checkpoint import FileEntry
    from famtree.types.lineage import Lineage

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "urn:famtree:lineage:1"
"""Names the form of the predicate below; whoever verifies compares it letter by letter."""


def list_subjects(
    checkpoint: Checkpoint,
    *,
    verify: bool,
    on_progress: Callable[[str], None] | None = None,
) -> list[FileEntry]:
    """Return all weight files of the checkpoint, in the order of their names.

    `verify` allows hashing those on this machine. `sha256` is what was computed or what the Hub
    lists; of a file that has none, nothing can be attested.
    """
    found = [*checkpoint.found.form.list_weight_files(checkpoint.found), *list_weights(checkpoint)]
    names = {entry.name for entry in found}
    if verify:
        checkpoint.source.hash_files(sorted(names), on_progress or (lambda _: None))
    files = checkpoint.source.list_files().files
    return sorted((one for one in files if one.name in names), key=lambda one: one.name)


def build_statement(
    subject: Subject, *, verify: bool, on_progress: Callable[[str], None] | None = None
) -> dict[str, Any]:
    """Return the statement as plain data, the same for the same checkpoint and registry.

    Raises UsageError where a weight file has no hash that was computed or that the Hub lists, and
    where there are no weights.
    """
    files = list_subjects(subject.checkpoint, verify=verify, on_progress=on_progress)
    unknown = [entry.name for entry in files if entry.sha256 is None]
    unknown += subject.checkpoint.source.list_files().absent
    ref = subject.checkpoint.ref
    if not files:
        raise UsageError(f"{ref} has no weight files", hint="name a checkpoint that has some")
    if unknown:
        near = subject.checkpoint.source.kind != "hub" and not verify
        raise UsageError(
            f"the sha256 of {unknown[0]} of {ref} is not known, and only what was hashed or what "
            "the Hub lists can be attested",
            hint="add --verify: the files are read and hashed"
            if near
            else "download the files, and attest the folder with --verify",
        )
    return {
        "_type": STATEMENT_TYPE,
        "subject": [{"name": one.name, "digest": {"sha256": one.sha256}} for one in files],
        "predicateType": PREDICATE_TYPE,
        "predicate": _describe(subject),
    }


def _describe(subject: Subject) -> dict[str, Any]:
    result, lineage = subject.identification, subject.publish_lineage()
    document = result.to_document()
    kept = ("checkpoint", "kind", "outcome", "family", "generation", "size", "variant",
            "confidence", "registry")  # fmt: skip
    return {
        "famtree": __version__,
        **{name: document[name] for name in kept},
        "lineage": _describe_lineage(lineage),
    }


def _describe_lineage(lineage: Lineage) -> dict[str, Any]:
    document = lineage.to_document()
    kept = ("child", "parent", "relation", "status", "confidence", "weight", "claimed_by")
    return {
        "ref": lineage.ref,
        "complete": lineage.complete,
        "roots": lineage.roots,
        "edges": [{name: edge[name] for name in kept} for edge in document["edges"]],
        "warnings": document["warnings"],
    }
