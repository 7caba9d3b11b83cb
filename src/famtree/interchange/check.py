"""What must hold for an engine file beyond the types of its fields."""

from __future__ import annotations

from collections.abc import Iterator

from famtree.interchange.engine import Engine, EngineRule
from famtree.interchange.facts import FACTS
from famtree.interchange.rules import PLACEHOLDER
from famtree.interchange.versions import read_version
from famtree.registry.locate import describe_fault

Fault = tuple[tuple[str | int, ...], str]


def check_engine(engine: Engine, file: str, text: str) -> list[str]:
    """Return every fault as `file:line: field: reason`."""
    return [describe_fault(file, text, path, reason) for path, reason in _check(engine, file)]


def _check(engine: Engine, file: str) -> Iterator[Fault]:
    if file.removesuffix(".toml") != engine.key:
        yield ("key",), f"{engine.key!r} is not the name of the file"
    seen: set[tuple[str, str]] = set()
    last: dict[str, tuple[int, EngineRule]] = {}
    for at, rule in enumerate(engine.rules):
        where = ("rule", at)
        if (rule.question, rule.key) in seen:
            yield (*where, "key"), f"{rule.question} has two rules called {rule.key!r}"
        seen.add((rule.question, rule.key))
        last[rule.question] = (at, rule)
        for path, reason in _check_rule(rule):
            yield (*where, *path), reason
    for question, (at, rule) in last.items():
        if rule.when or rule.since or rule.until:
            yield (
                ("rule", at),
                f"the last rule of {question} must hold always: leave out when, since and until",
            )
    if engine.support is not None:
        for name, version in engine.support.removed.items():
            if read_version(version) is None:
                yield ("support", "removed"), f"{name}: {version!r} is no version"
            if name in engine.support.architectures:
                yield ("support", "removed"), f"{name} cannot be removed and supported"


def _check_rule(rule: EngineRule) -> Iterator[Fault]:
    for name, condition in rule.when.items():
        if name not in FACTS:
            yield ("when", name), "no such fact; docs/add-an-engine.md lists them"
        if condition.absent:
            yield ("when", name), "a fact that is not known is never a condition: drop `absent`"
    for field in ("reason", "condition"):
        for name in PLACEHOLDER.findall(getattr(rule, field) or ""):
            if name not in FACTS:
                yield (field,), f"{{{name}}} names no fact"
    if not rule.reason.strip() or not rule.source.strip():
        yield ("reason",), "reason and source must be given"
    if (rule.answer == "conditional") != bool(rule.condition):
        yield ("condition",), "a conditional answer says what it depends on, and no other does"
    for field in ("since", "until"):
        version = getattr(rule, field)
        if version is not None and read_version(version) is None:
            yield (field,), f"{version!r} is no version"
