"""What can be said of a checkpoint whose files may not be read: its record, its listing."""

from __future__ import annotations

from collections.abc import Iterator

from famtree.checkpoint.facts import read_license
from famtree.checkpoint.records import find_known
from famtree.errors import AccessError, FamtreeError
from famtree.registry.registry import Registry
from famtree.sources.weight_files import list_weight_files
from famtree.types.source import CheckpointSource


def tell_known(source: CheckpointSource, fault: AccessError, registry: Registry) -> AccessError:
    """Return the refusal of a Hub checkpoint with what is known of it nevertheless.

    None of that was seen in its files: a record is of what was published under its name.
    """
    if source.kind != "hub":
        return fault
    told = [*_tell_record(source.ref.repo_id or "", registry), *_tell_listing(source)]
    if not told:
        return fault
    return AccessError(f"{fault.message} ({'; '.join(told)})", hint=fault.hint, code=fault.code)


def _tell_record(repo: str, registry: Registry) -> Iterator[str]:
    known = find_known(repo, registry)
    if known is None or known.family is None:
        return
    generation = registry.find_generation(known.family, known.generation or "")
    name = generation.name if generation is not None else known.family
    key = f"{known.family}/{known.generation}" if known.generation else known.family
    size = f" {known.size}" if known.size and known.size.lower() not in name.lower() else ""
    yield f"on record as {name}{size}, {key}"
    if known.root:
        yield "trained from scratch"
    elif known.claims:
        yield "from " + ", ".join(f"{one.parent} ({one.relation})" for one in known.claims)


def _tell_listing(source: CheckpointSource) -> Iterator[str]:
    try:
        listing = source.list_files()
    except FamtreeError:
        return
    weights = list_weight_files(listing)
    if weights:
        count = f"{len(weights)} weight file{'s' if len(weights) > 1 else ''}"
        yield f"it lists {count} of {sum(one.size or 0 for one in weights) / 10**9:,.2f} GB"
    licence = read_license(listing)
    if licence is not None:
        yield f"licence {licence}"
