"""`famtree.toml` -> checkpoints with all their conditions, validated before any work is done."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from famtree.errors import FamtreeError, UsageError
from famtree.policy.expectation import parse_expectation, suggest_family
from famtree.registry.locate import describe_fault, locate
from famtree.registry.registry import Registry
from famtree.sources.reference import parse_reference
from famtree.types.policy import CheckpointPolicy, Conditions, Policy

MAX_BYTES = 4 << 20
_HINT = "see docs/ci.md, or `famtree schema policy`"
_MOST_FAULTS = 20
Where = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Demand:
    """One checkpoint of a policy: where it stands, how it is reached and what is demanded."""

    line: int
    ref: str
    """What to open."""
    policy: CheckpointPolicy
    """As written, with the defaults filled in."""


def load_policy(path: Path, registry: Registry) -> list[Demand]:
    """Return every checkpoint of the policy file.

    Raises UsageError, naming line and field, for a file that cannot be read or means nothing: a
    typing error must not look like a checkpoint that failed, nor like one that passed.
    """
    text = _read(path)
    policy = _parse(path, text)
    demands = []
    faults: list[str] = []
    for where, reason in _find_unknown(policy.defaults, ("defaults",), registry):
        faults.append(describe_fault(path.name, text, where, reason))
    for number, row in enumerate(policy.checkpoints):
        place: Where = ("checkpoint", number)
        full = row.model_copy(update=_fill(policy.defaults, row))
        ref = str(path.parent / row.ref) if row.ref.startswith(("./", "../")) else row.ref
        for where, reason in _find_unknown(row, place, registry):
            faults.append(describe_fault(path.name, text, where, reason))
        try:
            parse_reference(ref, revision=row.revision)
        except UsageError as fault:
            faults.append(describe_fault(path.name, text, (*place, "ref"), fault.message))
        except FamtreeError:
            pass  # well formed; that it cannot be opened is told with its row
        demands.append(Demand(locate(text, (*place, "ref")) or 1, ref, full))
        if not full.model_fields_set - {"ref", "revision"}:
            faults.append(describe_fault(path.name, text, place, "nothing is demanded of it"))
    _raise(faults)
    return demands


def _read(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except (OSError, ValueError) as fault:
        reason = getattr(fault, "strerror", None) or fault
        raise UsageError(f"{path} cannot be read: {reason}", hint=_HINT) from fault
    if len(data) > MAX_BYTES:
        raise UsageError(f"{path} has more than {MAX_BYTES} bytes", hint=_HINT)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as fault:
        raise UsageError(f"{path} is not UTF-8", hint=_HINT) from fault


def _parse(path: Path, text: str) -> Policy:
    import tomllib

    try:
        table = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError, ValueError) as fault:
        raise UsageError(f"{path} is not TOML: {fault}", hint=_HINT) from fault
    try:
        return Policy.model_validate(table, strict=True)
    except ValidationError as fault:
        errors = fault.errors(include_url=False, include_input=False)
        _raise([describe_fault(path.name, text, one["loc"], one["msg"]) for one in errors])
        raise


def _fill(defaults: Conditions, row: CheckpointPolicy) -> dict[str, object]:
    given = row.model_fields_set
    return {
        name: getattr(defaults, name) for name in defaults.model_fields_set if name not in given
    }


def _find_unknown(
    conditions: Conditions, place: Where, registry: Registry
) -> Iterator[tuple[Where, str]]:
    """Yield (field, reason) for every key that the registry does not have."""
    if conditions.expect is not None:
        try:
            parse_expectation(conditions.expect, registry.families)
        except UsageError as fault:
            yield (*place, "expect"), f"{fault.message}; {fault.hint}"
    for name in ("allow_families", "deny_families"):
        for key in getattr(conditions, name) or ():
            if key not in registry.by_key:
                hint = suggest_family(key, registry.families)
                yield (*place, name), f"no family {key!r}; {hint}"


def _raise(faults: list[str]) -> None:
    if faults:
        shown = "; ".join(faults[:_MOST_FAULTS])
        more = len(faults) - _MOST_FAULTS
        raise UsageError(shown + (f"; and {more} more" if more > 0 else ""), hint=_HINT)
