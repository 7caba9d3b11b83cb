"""Whether somebody whose key is at hand has signed what these very files are.

The signature alone proves nothing of the files: every weight file has to be a subject of what was
signed, by a hash that famtree computed or that the Hub lists.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from famtree.attestation.envelope import read_attested
from famtree.attestation.statement import list_subjects
from famtree.errors import UnreadableError
from famtree.types.policy import CheckedCondition, Conditions

if TYPE_CHECKING:
    from famtree.checkpoint.checkpoint import Checkpoint


def check_attestation(
    checkpoint: Checkpoint,
    conditions: Conditions,
    *,
    verify: bool,
    on_progress: Callable[[str], None] | None = None,
) -> list[CheckedCondition]:
    """Return the condition `attested_by`, where it was asked for; `verify` allows hashing files."""
    key = conditions.attested_by
    if key is None:
        return []
    failure = _find_failure(checkpoint, key, conditions.attestation or "", verify, on_progress)
    asked = f"a statement about its files is signed by {key}"
    return [
        CheckedCondition.model_construct(
            name="attested_by", holds=failure is None, message=failure or asked
        )
    ]


def _find_failure(
    checkpoint: Checkpoint,
    key: str,
    file: str,
    verify: bool,
    on_progress: Callable[[str], None] | None,
) -> str | None:
    try:
        attested = read_attested(file, key)
    except UnreadableError as fault:
        return fault.message
    files = list_subjects(checkpoint, verify=verify, on_progress=on_progress)
    absent = checkpoint.source.list_files().absent
    if not files or absent:
        lost = f" ({absent[0]} is not here)" if absent else ""
        return f"it has no weight files that could be held against {file}{lost}"
    for entry in files:
        if entry.sha256 is None:
            hint = "" if verify else "; --verify hashes files on this machine"
            return (
                f"the sha256 of {entry.name} is not known, so that {file} may be of another{hint}"
            )
        if entry.sha256 not in attested:
            return f"{entry.name} ({entry.sha256[:12]}) is not among the subjects of {file}"
    return None
