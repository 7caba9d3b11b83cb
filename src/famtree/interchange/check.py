"""What must hold for an engine file beyond the types of its fields."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from famtree.interchange.engine import Engine, EngineRule
from famtree.interchange.facts import FACTS
from famtree.interchange.rules import PLACEHOLDER
from famtree.interchange.stored_form import FORM_FACTS
from famtree.interchange.versions import read_version
from famtree.registry.locate import describe_fault

Fault = tuple[tuple[str | int, ...], str]


def check_engine(engine: Engine, file: str, text: str, known: Collection[str]) -> list[str]:
    """Return every fault as `file:line: field: reason`; `known` are the facts of its source."""
    faults = [*_check(engine, file), *_check_forms(engine), *_check_cited(engine, known)]
    return [describe_fault(file, text, path, reason) for path, reason in faults]


def _check_cited(engine: Engine, known: Collection[str]) -> Iterator[Fault]:
    cited: list[tuple[tuple[str | int, ...], list[str]]] = [
        (("rule", at, "facts"), one.facts) for at, one in enumerate(engine.rules)
    ]
    methods = engine.quantization.methods if engine.quantization else ()
    cited += [(("quantization", "method", at, "facts"), one.facts)
              for at, one in enumerate(methods)]  # fmt: skip
    for where, names in cited:
        for name in names:
            if name not in known:
                yield where, f"no fact {name!r} was read from this engine's source"


def _check_forms(engine: Engine) -> Iterator[Fault]:
    for at, method in enumerate(engine.quantization.methods if engine.quantization else ()):
        where = ("quantization", "method", at)
        for name in method.when:
            if name not in FORM_FACTS:
                yield (*where, "when", name), "no such fact of a stored form"
        if method.only and (method.capability or method.highest):
            yield (*where, "only"), "the capabilities are a range, or these alone"
        if method.refused and (method.capability or method.only or method.condition):
            yield (*where, "refused"), "what is refused has no capability and no condition"


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
