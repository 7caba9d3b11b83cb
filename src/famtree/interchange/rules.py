"""Rules + facts -> answers, in three values: what cannot be seen never turns into a no."""

from __future__ import annotations

import re
from collections.abc import Iterable

from famtree.interchange.engine import GENERAL, Engine, EngineRule
from famtree.interchange.facts import FACTS, FactReader
from famtree.interchange.versions import holds_for
from famtree.registry.conditions import fits, show
from famtree.types.comparison import Answer, Question
from famtree.types.traits import Value

PLACEHOLDER = re.compile(r"\{([a-z][a-z_]*(?:\.[a-z_]+)+)\}")


def answer_rules(
    facts: FactReader, engine: Engine, version: str, questions: Iterable[Question]
) -> list[Answer]:
    """Answer those of `questions` that `engine` has rules for, as of `version`."""
    wanted = set(questions)
    by_question: dict[Question, list[EngineRule]] = {}
    for rule in engine.rules:
        if rule.question in wanted and holds_for(version, rule.since, rule.until):
            by_question.setdefault(rule.question, []).append(rule)
    return [_decide(facts, engine, rules) for rules in by_question.values()]


def _decide(facts: FactReader, engine: Engine, rules: list[EngineRule]) -> Answer:
    """Take the first rule that holds, unless one before it might, and would answer otherwise."""
    possible: list[EngineRule] = []
    for rule in rules:
        holds = _holds(facts, rule)
        if holds is False:
            continue
        possible.append(rule)
        if holds:
            break
    decided = possible[-1]
    settled = decided.answer == "unknown" or all(rule.answer == decided.answer for rule in possible)
    if settled:
        return _report(facts, engine, decided)
    unseen = [name for rule in possible for name in rule.when if facts[name] is None]
    words = [FACTS[name].words for name in dict.fromkeys(unseen)]
    return _report(facts, engine, possible[0], unseen=words)


def _holds(facts: FactReader, rule: EngineRule) -> bool | None:
    """Return whether all conditions are met; None where an unknown fact decides."""
    known = [(facts[name], condition) for name, condition in rule.when.items()]
    if any(value is not None and not fits(condition, value) for value, condition in known):
        return False
    return None if any(value is None for value, _ in known) else True


def _report(
    facts: FactReader, engine: Engine, rule: EngineRule, unseen: list[str] | None = None
) -> Answer:
    general = engine.key == GENERAL
    reason = fill(rule.reason, facts)
    condition = fill(rule.condition, facts) if rule.condition else None
    if unseen is not None:
        reason = f"cannot be told without knowing {join_words(unseen)}"
        condition = None
    unchecked = rule.unchecked if unseen is None else []
    return Answer.model_construct(
        question=rule.question,
        engine=None if general else engine.key,
        answer=rule.answer if unseen is None else "unknown",
        reason=reason + tell_unchecked(unchecked),
        rule=f"{engine.key}/{rule.question}.{rule.key}",
        condition=condition,
        engine_version=None if general else engine.version,
        source=rule.source,
        unchecked=bool(unchecked),
    )


def tell_unchecked(facts: list[str]) -> str:
    """Return what a reason ends with where its ground has moved, nothing where it has not."""
    if not facts:
        return ""
    return f" (unchecked: {join_words(facts)} changed since somebody read it)"


def fill(text: str, facts: FactReader) -> str:
    """Put the values of facts in place of `{fact.name}`."""
    return PLACEHOLDER.sub(lambda match: _word(facts[match[1]]), text)


def _word(value: Value | None) -> str:
    if value is None:
        return "unknown"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    return show(value)


def join_words(words: list[str]) -> str:
    """Return `a, b and c`."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
