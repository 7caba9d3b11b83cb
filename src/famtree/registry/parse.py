"""The text of registry files -> families, strictly; every fault of every file at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from famtree.registry.locate import describe_fault, describe_unreadable
from famtree.registry.records import FieldPath, is_records, join_records, name_file, read_records
from famtree.types.family import OPERATORS, Condition, Family, GenericTraits

GENERIC = "_generic.toml"
_T = TypeVar("_T")


def parse_sources(
    sources: dict[str, bytes],
) -> tuple[dict[str, Family], GenericTraits | None, list[str]]:
    """Return the families that are sound by themselves, by file name; and every fault."""
    import tomllib  # not needed where the compiled form is at hand, which is nearly always

    faults: list[str] = []
    families: dict[str, Family] = {}
    generic: GenericTraits | None = None
    for name, data in sources.items():
        if is_records(name):
            continue
        try:
            text = data.decode("utf-8")
            table = tomllib.loads(text)
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as fault:
            faults.append(describe_unreadable(name, data, fault))
            continue
        origins: dict[FieldPath, str] = {}
        beside = name_file(name.removesuffix(".toml"))
        if beside in sources:
            try:
                origins, unfit = join_records(table, read_records(sources[beside]))
            except ValueError as fault:
                faults.append(describe_unreadable(beside, sources[beside], fault))
                unfit = []
            faults += [f"{beside}: {one}" for one in unfit]
        try:
            if name == GENERIC:
                generic = validate(GenericTraits, table)
            else:
                families[name] = validate(Family, expand_conditions(table))
        except ValidationError as fault:
            faults.extend(describe_faults(name, text, fault, origins))
            continue
        if name != GENERIC:
            faults += [
                describe_fault(name, text, path, reason)
                for path, reason in inherit_conditions(families[name])
            ]
    beside_none = {name for name in sources if is_records(name)} - {
        name_file(name.removesuffix(".toml")) for name in sources
    }
    faults += [f"{name}: there is no family of this name" for name in sorted(beside_none)]
    if generic is None and not any(fault.startswith(GENERIC) for fault in faults):
        faults.append(f"{GENERIC}: missing")
    return families, generic, faults


def validate(kind: type[_T], table: Any) -> _T:
    """Return `table` as an entry, strictly. Raises pydantic's ValidationError with every fault."""
    if kind not in _ADAPTERS:
        _ADAPTERS[kind] = TypeAdapter(kind)
    made: _T = _ADAPTERS[kind].validate_python(table)
    return made


_ADAPTERS: dict[type[Any], TypeAdapter[Any]] = {}
"""To make one takes a thousand times as long as to use it."""


def share_conditions(families: Iterable[Family]) -> None:
    """Make equal conditions one object, as the compiled form does: each is judged once a run."""
    # By type too: True and 1 are equal, and not the same.
    held: dict[tuple[type, Condition], Condition] = {}
    for family in families:
        for generation in family.generations:
            generation.common.clear()  # every rule has them
            for rule in generation.rules:
                for name, condition in rule.when.items():
                    distinct = (type(condition.equals), condition)
                    rule.when[name] = held.setdefault(distinct, condition)


def inherit_conditions(family: Family) -> Iterator[tuple[FieldPath, str]]:
    """Give every rule the conditions that its generation states for all; yield those told twice."""
    for at, generation in enumerate(family.generations):
        for number, rule in enumerate(generation.rules):
            own = dict(rule.when)
            for trait in generation.common.keys() & own.keys():
                path = ("generation", at, "rule", number, "when", trait)
                yield path, "stands in [generation.common] too"
            rule.when.clear()
            # Sorted: no score hangs on the order of a file by a rounding.
            rule.when.update(sorted((generation.common | own).items()))


def expand_conditions(table: dict[str, Any]) -> dict[str, Any]:
    """Turn the nested `common` and `when` tables into {dotted trait: condition}.

    In the file a condition is written `architecture.vocab_rows = 151936` or
    `recipe.rope_theta = {one_of = [1e6, 5e6]}`; a plain value means equality.
    """
    for generation in table.get("generation", ()):
        if not isinstance(generation, dict):
            continue
        shared = generation.get("common")
        if isinstance(shared, dict):
            generation["common"] = dict(flatten_conditions(shared))
        for rule in generation.get("rule", ()):
            if isinstance(rule, dict) and isinstance(
                rule.get("when", {} if shared else None), dict
            ):
                rule["when"] = dict(flatten_conditions(rule.get("when", {})))
    for exemplar in table.get("exemplar", ()):
        if isinstance(exemplar, dict) and isinstance(exemplar.get("traits"), dict):
            exemplar["traits"] = {
                name: condition.get("equals", condition)
                for name, condition in flatten_conditions(exemplar["traits"])
            }
    return table


def flatten_conditions(table: dict[str, Any], prefix: str = "") -> list[tuple[str, dict[str, Any]]]:
    """Return (dotted name, operator and operand) for every condition of nested tables."""
    found: list[tuple[str, dict[str, Any]]] = []
    for key, value in table.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict) and not (value.keys() & set(OPERATORS)):
            found.extend(flatten_conditions(value, f"{name}."))
        elif isinstance(value, dict):
            found.append((name, value))
        else:
            found.append((name, {"equals": value}))
    return found


def describe_faults(
    name: str, text: str, fault: ValidationError, origins: Mapping[FieldPath, str] | None = None
) -> list[str]:
    """Return every fault of one file as `file:line: field: reason`.

    One of a field that was recorded is told of the records, by the name of the entry.
    """
    told = []
    for error in fault.errors():
        path, reason = error["loc"], _WORDS.get(error["type"], error["msg"])
        if entry := (origins or {}).get(path[:3]):
            beside = name_file(name.removesuffix(".toml"))
            told.append(f"{beside}: {entry}: {'.'.join(map(str, path[2:]))}: {reason}")
        else:
            told.append(describe_fault(name, text, path, reason))
    return told


_WORDS = {
    "extra_forbidden": "no such field",
    "dict_type": "Input should be a table",
}
"""Of pydantic's reasons those that speak of Python."""
