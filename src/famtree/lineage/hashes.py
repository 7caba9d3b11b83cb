"""Hashes of whole weight files as proof: those that are only recorded are computed first."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from famtree.errors import ConfigError, FetchError
from famtree.sources.tensor_index import MAX_INDEX_BYTES, decode_index
from famtree.sources.weight_files import Hashes, hash_weights, list_weight_files
from famtree.types.checkpoint import FileEntry
from famtree.types.identification import Notice

if TYPE_CHECKING:
    from famtree.types.proof import Proof
    from famtree.types.source import CheckpointSource

MAX_LISTED = 8
_INDEX = ".index.json"


def prove_by_hashes(
    child: CheckpointSource,
    parent: CheckpointSource,
    *,
    on_progress: Callable[[str], None] | None = None,
) -> Proof | None:
    """Return the proof that all weight files of both are equal; None where hashes do not tell.

    Files on this machine whose recorded hash the other side has are hashed for it. Raises
    FetchError kin.
    """
    if not _list_stated(child):
        return None
    read = [_confirm(one, other, on_progress) for one, other in _both_ways(child, parent)]
    if not have_same_hashes(child, parent):
        return None
    from famtree.types.proof import Proof, SideReading

    return Proof.model_construct(
        child=child.ref.text,
        parent=parent.ref.text,
        verdict="same-weights",
        reason="every weight file has the same hash",
        decided_by="identity",
        sides=[
            SideReading.model_construct(ref=one.ref.text, bytes_planned=size, bytes_read=size)
            for one, size in zip((child, parent), read, strict=True)
        ],
    )


def have_same_hashes(a: CheckpointSource, b: CheckpointSource) -> bool:
    """Return whether all weight files of both have the same hashes, listed or computed.

    Those that an index names are weight files as well.
    """
    if not _hash(a) or _hash(a) != _hash(b):
        return False
    hashes = [_hash(one, _list_indexed(one)) for one in (a, b)]
    return bool(hashes[0]) and hashes[0] == hashes[1]


def confirm_hashes(
    a: CheckpointSource, b: CheckpointSource, on_progress: Callable[[str], None] | None = None
) -> int:
    """Compute every recorded hash that the other side has too; return the bytes they rest on."""
    return sum(_confirm(one, other, on_progress) for one, other in _both_ways(a, b))


def find_doubt(child: CheckpointSource, parent: CheckpointSource, verdict: str) -> str | None:
    """Return why samples may not prove `verdict`, or None.

    A file that is not what its record says, with the other side's hash in the record, was damaged
    or forged; a sample cannot tell where. Files that only an index names are nowhere to be read,
    so that equal samples are not equal weights.
    """
    if verdict in ("independent", "undetermined"):
        return None
    for one, other in _both_ways(child, parent):
        held = _list_stated(other) | {entry.recorded for entry in _weights(other)}
        for entry in _weights(one):
            if entry.belied and entry.recorded in held:
                return _tell(entry)
    if verdict == "same-weights":
        for one in (child, parent):
            lost = sorted(_list_indexed(one) - {file.name for file in _weights(one)})
            if lost:
                return f"an index names other files, of which nothing is known ({lost[0][:200]})"
    return None


def list_mismatches(source: CheckpointSource) -> list[Notice]:
    """Return a warning for each file whose computed hash is not the recorded one."""
    return [
        Notice.model_construct(code="hash-mismatch", message=_tell(entry))
        for entry in source.list_files().files
        if entry.belied
    ][:MAX_LISTED]


def _list_indexed(source: CheckpointSource) -> set[str]:
    """Return the files that its indexes name, which are loaded whatever they are called.

    An index that cannot be read stands for itself: nobody knows what it names.
    """
    indexes = [one.name for one in source.list_files().files if one.name.endswith(_INDEX)]
    try:
        wave = source.read_wave(indexes, {}, limit=MAX_INDEX_BYTES) if indexes else {}
    except FetchError:
        return set(indexes)
    found: set[str] = set()
    for name, data in wave.items():
        place = name[: name.rfind("/") + 1]
        try:
            table = decode_index(data, name) if isinstance(data, bytes) else None
        except ConfigError:
            table = None
        files = {name} if table is None else {place + file for file in table["weight_map"].values()}
        found |= files
    return found


def _hash(source: CheckpointSource, loaded: Iterable[str] = ()) -> Hashes:
    return hash_weights(source.list_files(), loaded)


def _confirm(
    one: CheckpointSource, other: CheckpointSource, on_progress: Callable[[str], None] | None
) -> int:
    held = _list_stated(other)
    names = [entry.name for entry in _weights(one) if not entry.sha256 and entry.recorded in held]
    return one.hash_files(names, on_progress or (lambda _: None)) if names else 0


def _list_stated(source: CheckpointSource) -> set[str]:
    return {entry.stated for entry in _weights(source) if entry.stated is not None}


def _weights(source: CheckpointSource) -> list[FileEntry]:
    return list_weight_files(source.list_files())


def _both_ways(
    a: CheckpointSource, b: CheckpointSource
) -> tuple[tuple[CheckpointSource, CheckpointSource], ...]:
    return (a, b), (b, a)


def _tell(entry: FileEntry) -> str:
    return f"{entry.name}: recorded is sha256 {entry.recorded}, computed {entry.sha256}"
