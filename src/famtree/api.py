"""The public functions: composition, no logic, no printing."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from famtree.types.identification import Identification


def identify(
    reference: str,
    *,
    revision: str | None = None,
    offline: bool = False,
    verify: bool = False,
    on_progress: Callable[[str], None] | None = None,
) -> Identification:
    """Say which family, generation and size `reference` is, on what evidence.

    `reference` is a Hub id, an `hf://` address or a local path. `offline` forbids requests.
    `verify` allows reading weight bytes to prove lineage claims; without it none is ever read.
    `on_progress` gets a short word before each step that may take long. Raises FamtreeError kin.
    """
    from famtree.identification.identify import identify_checkpoint
    from famtree.registry.load import load_registry
    from famtree.sources.open import open_source
    from famtree.sources.reference import parse_reference

    ref = parse_reference(reference, revision=revision)
    source = open_source(ref, offline=offline)
    result = identify_checkpoint(source, load_registry(), on_progress)
    if not verify:
        return result
    from famtree.verification.identification import verify_identification

    return verify_identification(
        source,
        result,
        lambda name: open_source(parse_reference(name), offline=offline),
        on_progress=on_progress,
    )


def draft(reference: str, *, revision: str | None = None, offline: bool = False) -> str:
    """Return a registry file (TOML text) drafted from one checkpoint.

    A person adds name, maker, sources and siblings; `famtree families check` then says what is
    still missing. Raises FamtreeError kin.
    """
    from famtree.registry.draft import draft_family

    result = identify(reference, revision=revision, offline=offline)
    return draft_family(result)


def check_registry(folder: Path | None = None) -> list[str]:
    """Return every fault of the registry files in `folder` (default: famtree's own).

    First that the files are well formed and hang together, then, if so, that every recorded
    checkpoint is recognised. A fault reads `file:line: field: reason`.
    """
    from famtree.matchers.recognition import check_recognition
    from famtree.registry import check
    from famtree.registry.load import load_registry

    return check.check_registry(folder) or check_recognition(load_registry(folder))
