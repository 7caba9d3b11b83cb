"""`famtree.toml` -> checkpoints with all their conditions, validated before any work is done."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

from pydantic import ValidationError

from famtree.errors import FamtreeError, UsageError
from famtree.files import read_stream
from famtree.policy.expectation import parse_expectation, suggest_family
from famtree.registry.locate import describe_fault, locate
from famtree.registry.registry import Registry
from famtree.sources.reference import parse_reference
from famtree.types.policy import CheckpointPolicy, Conditions, Policy

MAX_BYTES = 4 << 20
MAX_PARTS = 64
"""Names of one dotted key; tomllib takes the square of their number."""
_HINT = "see docs/ci.md, or `famtree schema policy`"
_MOST_FAULTS = 20
Where = tuple[str | int, ...]
_DOTTED = re.compile(
    r"""(?:(?:(?<![\w-])[\w-]++|"[^"\\\n]*+(?:\\.[^"\\\n]*+)*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+)++"""
)


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
    return read_policy(_read(path), path, registry)


def read_policy(data: bytes, path: Path, registry: Registry) -> list[Demand]:
    """Return every checkpoint of a policy file at `path` that holds `data`; else UsageError."""
    text = _decode(path, data)
    policy = _parse(path, text)
    if policy.registry not in (None, registry.knowledge.digest):
        raise UsageError(
            f"{path} is pinned to the registry {policy.registry}, and this one is "
            f"{registry.knowledge.digest} ({', '.join(registry.sources)})",
            hint="check with that registry, or change the pin after looking at what it changes",
            code="registry-pinned",
        )
    demands = []
    faults = [_find_unknown(policy.defaults, ("defaults",), registry)]
    for number, row in enumerate(policy.checkpoints):
        place: Where = ("checkpoint", number)
        full = row.model_copy(update=_fill(policy.defaults, row))
        ref = _place(path, row.ref) if row.ref.startswith(("./", "../")) else row.ref
        faults += [_find_unknown(row, place, registry), _find_faults(ref, full, place)]
        demands.append(Demand(locate(text, (*place, "ref")) or 1, ref, full))
    _refuse(path, text, chain.from_iterable(faults))
    return demands


PATIENCE = 10.0
"""Seconds in which a pipe that is given for the policy has to end."""


def _read(path: Path) -> bytes:
    try:
        return read_stream(path, MAX_BYTES + 1, seconds=PATIENCE)
    except (OSError, ValueError) as fault:
        reason = getattr(fault, "strerror", None) or fault
        raise UsageError(f"{path} cannot be read: {reason}", hint=_HINT) from fault


def _decode(path: Path, data: bytes) -> str:
    if len(data) > MAX_BYTES:
        raise UsageError(f"{path} has more than {MAX_BYTES} bytes", hint=_HINT)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as fault:
        raise UsageError(f"{path} is not UTF-8", hint=_HINT) from fault


def _parse(path: Path, text: str) -> Policy:
    import tomllib

    if any(key[0].count(".") >= MAX_PARTS for key in _DOTTED.finditer(text)):
        raise UsageError(f"{path} has a key of more than {MAX_PARTS} parts", hint=_HINT)
    try:
        table = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError, ValueError) as fault:
        raise UsageError(f"{path} is not TOML: {fault}", hint=_HINT) from fault
    try:
        return Policy.model_validate(table, strict=True)
    except ValidationError as fault:
        errors = fault.errors(include_url=False, include_input=False)
        _refuse(path, text, ((one["loc"], one["msg"]) for one in errors))
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


def _place(path: Path, ref: str) -> str:
    """Return the path `ref` beside the policy file, in a form that is never taken for a Hub id."""
    place = path.parent / ref
    return str(place) if place.is_absolute() else f"./{place.as_posix()}"


def _find_faults(ref: str, full: CheckpointPolicy, place: Where) -> Iterator[tuple[Where, str]]:
    """Yield what else is wrong with one checkpoint: a reference of no form, nothing demanded."""
    try:
        parse_reference(ref, revision=full.revision)
    except UsageError as fault:
        yield (*place, "ref"), fault.message
    except FamtreeError:
        pass  # well formed; that it cannot be opened is told with its row
    if not full.model_fields_set - {"ref", "revision"}:
        yield place, "nothing is demanded of it"


def _refuse(path: Path, text: str, faults: Iterable[tuple[Where, str]]) -> None:
    """Raise UsageError telling the first faults, if any; no more are looked for than are told."""
    first = list(islice(faults, _MOST_FAULTS + 1))
    if first:
        told = [describe_fault(path.name, text, *one) for one in first[:_MOST_FAULTS]]
        more = ["and more"] if len(first) > _MOST_FAULTS else []
        raise UsageError("; ".join(told + more), hint=_HINT)
