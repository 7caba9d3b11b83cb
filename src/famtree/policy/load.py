"""`famtree.toml` -> checkpoints with all their conditions, validated before any work is done."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError

from famtree.errors import FamtreeError, PolicyError, UsageError
from famtree.files import read_given
from famtree.policy.expectation import parse_expectation, suggest_family
from famtree.policy.fault_words import describe_error
from famtree.policy.waivers import PlacedWaiver
from famtree.registry.locate import locate
from famtree.registry.registry import Registry
from famtree.sources.reference import check_pattern, is_pattern, parse_reference
from famtree.types.policy import CheckpointPolicy, Conditions, Policy

MAX_BYTES = 4 << 20
MAX_PARTS = 64
"""Names of one dotted key; tomllib takes the square of their number."""
SCHEMA = "famtree/policy/1"
_HINT = "`famtree check --help` shows a policy, `famtree schema policy` all it may say"
_LINE = re.compile(r"at line (\d+)")
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
    target: str = ""
    """How the policy writes it, where that stands for several."""


class LoadedPolicy(NamedTuple):
    """What a policy file demands, and what it waives."""

    demands: list[Demand]
    waivers: list[PlacedWaiver]


def load_policy(path: Path, registry: Registry) -> LoadedPolicy:
    """Return every checkpoint of the policy file, and its waivers.

    Raises PolicyError, naming line and field of all faults, for a file that cannot be read or means
    nothing: a typing error must not look like a checkpoint that failed, nor like one that passed.
    """
    return read_policy(_read(path), path, registry)


def read_policy(data: bytes, path: Path, registry: Registry) -> LoadedPolicy:
    """Return what a policy file at `path` that holds `data` says; else PolicyError."""
    text = _decode(path, data)
    policy, faults = _parse(path, text)
    if policy.registry not in (None, registry.knowledge.digest) and not faults:
        told = (
            f"{path} is pinned to the registry {policy.registry}, and this one is "
            f"{registry.knowledge.digest} ({', '.join(registry.sources)})"
        )
        raise PolicyError(
            told,
            [(locate(text, ("registry",)) or 1, "registry", told)],
            hint="check with that registry, or change the pin after looking at what it changes",
            code="registry-pinned",
        )
    wrong = {place[:2] for place, _ in faults}
    demands = []
    more = [_find_unknown(policy.defaults, ("defaults",), registry)]
    for number, row in enumerate(policy.checkpoints):
        place: Where = ("checkpoint", number)
        full = _place_files(path, row.model_copy(update=_fill(policy.defaults, row)))
        ref = _place(path, row.ref) if row.ref.startswith(("./", "../")) else row.ref
        more.append(_find_unknown(row, place, registry))
        if place not in wrong:
            more.append(_find_faults(ref, full, place))
        demands.append(Demand(locate(text, (*place, "ref")) or 1, ref, full))
    _refuse(path, text, chain(faults, chain.from_iterable(more)))
    waivers = [
        PlacedWaiver(locate(text, ("waiver", number, "ref")) or 1, one)
        for number, one in enumerate(policy.waivers)
    ]
    return LoadedPolicy(demands, waivers)


def _read(path: Path) -> bytes:
    try:
        return read_given(path, MAX_BYTES + 1)
    except ValueError as fault:
        raise _broken(str(fault)) from fault


def _decode(path: Path, data: bytes) -> str:
    if len(data) > MAX_BYTES:
        raise _broken(f"{path} has more than {MAX_BYTES} bytes")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as fault:
        raise _broken(f"{path} is not UTF-8") from fault


def _parse(path: Path, text: str) -> tuple[Policy, list[tuple[Where, str]]]:
    """Return what can be read of the file, and the faults of the rest."""
    import tomllib

    if any(key[0].count(".") >= MAX_PARTS for key in _DOTTED.finditer(text)):
        raise _broken(f"{path} has a key of more than {MAX_PARTS} parts")
    try:
        table = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError, ValueError) as fault:
        line = _LINE.search(str(fault))
        raise _broken(f"{path} is not TOML: {fault}", int(line[1]) if line else 1) from fault
    try:
        return Policy.model_validate(table, strict=True), []
    except ValidationError as fault:
        errors = fault.errors(include_url=False)
    faults = [(one["loc"], describe_error(one)) for one in errors[: _MOST_FAULTS + 1]]
    # What is well formed beside them is looked through as well: all faults at once.
    for one in errors:
        _drop(table, one["loc"])
    table["schema"] = SCHEMA
    try:
        return Policy.model_validate(table, strict=True), faults
    except ValidationError:
        _refuse(path, text, faults)
        raise


def _drop(table: Any, place: Where) -> None:
    """Take a faulty value out; a checkpoint without one it needs stays, to keep the count."""
    # Waivers are looked through by the first validation alone.
    *way, last = place[:1] if place[:1] == ("waiver",) else place[:3]
    for step in way:
        try:
            table = table[step]
        except (LookupError, TypeError):
            return
    if isinstance(table, dict):
        table.pop(last, None)
        if last == "ref":
            table["ref"] = "."
    elif isinstance(table, list) and isinstance(last, int) and last < len(table):
        table[last] = {"ref": "."}


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
            if key.lower() not in registry.by_key:
                hint = suggest_family(key, registry.families)
                yield (*place, name), f"no family {key!r}; {hint}"


def _place(path: Path, ref: str) -> str:
    """Return the path `ref` beside the policy file, in a form that is never taken for a Hub id."""
    place = path.parent / ref
    return str(place) if place.is_absolute() else f"./{place.as_posix()}"


def _place_files(path: Path, row: CheckpointPolicy) -> CheckpointPolicy:
    """Return the row with the files that it names where they lie: beside the policy file."""
    named = {"attested_by": row.attested_by, "attestation": row.attestation}
    found = {name: str(path.parent / file) for name, file in named.items() if file is not None}
    return row.model_copy(update=found) if found else row


def _find_faults(ref: str, full: CheckpointPolicy, place: Where) -> Iterator[tuple[Where, str]]:
    """Yield what else is wrong with one checkpoint: a reference of no form, nothing demanded."""
    try:
        if is_pattern(ref):
            check_pattern(ref)
        else:
            parse_reference(ref, revision=full.revision)
    except UsageError as fault:
        yield (*place, "ref"), fault.message
    except FamtreeError:
        pass  # well formed; that it cannot be opened is told with its row
    if (full.attested_by is None) != (full.attestation is None):
        lacking = "attestation" if full.attestation is None else "attested_by"
        yield place, f"a key and what it signed go together: {lacking} is missing"
    if not full.model_fields_set - {"ref", "revision"}:
        yield place, "nothing is demanded of it"


def _refuse(path: Path, text: str, faults: Iterable[tuple[Where, str]]) -> None:
    """Raise PolicyError telling the first faults, if any; no more are looked for than are told."""
    first = list(islice(faults, _MOST_FAULTS + 1))
    if first:
        placed = sorted(
            (locate(text, place) or 1, ".".join(map(str, place)), reason)
            for place, reason in first[:_MOST_FAULTS]
        )
        told = [f"{path.name}:{line}: {field}: {reason}" for line, field, reason in placed]
        more = ["and more"] if len(first) > _MOST_FAULTS else []
        raise PolicyError("; ".join(told + more), placed, hint=_HINT)


def _broken(message: str, line: int = 1) -> PolicyError:
    """Return the error of a file that is no policy at all."""
    return PolicyError(message, [(line, "", message)], hint=_HINT)
