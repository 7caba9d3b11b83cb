"""`Comparison` -> the report people read: relation, what differs, then the answers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from famtree.formats.comparison_grid import draw_grid
from famtree.formats.comparison_words import (
    TITLES,
    fold,
    name_engines,
    name_family,
    show_value,
    tell,
    tell_lineage,
    tell_tokenizer,
    tell_verification,
)
from famtree.formats.parts import BLANK, Facts, Heading, Part, Table, Text
from famtree.formats.text_report import show_count

if TYPE_CHECKING:
    from famtree.formats.table import Options
    from famtree.types.comparison import Answer, Comparison

MOST_DIFFERENCES = 12
"""On a screen, and above the fold of a page."""
MOST_WARNINGS = 6
FEW_WARNINGS = 2
WIDEST_ENGINES = 28
"""Columns for the engines of one answer: many that agree must not squeeze what they say."""
_STYLES = {"yes": "bold green", "no": "bold red", "conditional": "bold yellow", "unknown": "dim"}
_MARKS = {"yes": "✅ yes", "no": "❌ no", "conditional": "⚠️ conditional", "unknown": "❔ unknown"}


def report_comparison(result: Comparison, options: Options) -> list[Part]:
    """Return the report of one pair: whether b can take a's place, then a grid of all answers.

    Without a screen nothing is left out. On one, `options.verbose` shows every difference and
    warning, and the rule and source behind every answer; `questions` and `at_length` show answers
    in full.
    """
    everything = options.verbose or options.width is None
    at_length = everything or options.at_length or bool(options.questions)
    heads = Table()
    for which, one in (("a", result.a), ("b", result.b)):
        size = one.size or (show_count(one.parameters) if one.parameters else "")
        family = name_family(one.family, one.generation)
        heads.add(Text(which, "bold"), Text(one.ref, "bold"), family, size)
    parts: list[Part] = [*_tell_verdict(result), heads, BLANK, _tell_relation(result)]
    answers = [
        one
        for one in result.interchange
        if not options.questions or one.question in options.questions
    ]
    if answers and not options.questions and (everything or not options.at_length):
        parts += [BLANK, *draw_grid(answers, options.width)]
    if result.differences and at_length:
        most = len(result.differences) if everything else MOST_DIFFERENCES
        parts += [BLANK, Heading("What differs"), _list_differences(result, most)]
    if at_length:
        parts += _list_answers(answers, options.verbose)
    most = MOST_WARNINGS if at_length else FEW_WARNINGS
    notices = result.warnings if everything else result.warnings[:most]
    if notices:
        parts.append(BLANK)
        parts += [Text(f"warning: {one.message} [{one.code}]", "yellow") for one in notices]
    if len(result.warnings) > len(notices):
        more = len(result.warnings) - len(notices)
        parts.append(Text(f"{more} more warnings (--verbose)", "dim"))
    if not at_length:
        count = len(result.differences)
        told = f"{count} difference{'s' * (count != 1)}, {len(result.interchange)} answers"
        parts.append(Text(f"{told}: --verbose; one of them: --question Q, --engine E", "dim"))
    if options.verbose:
        cost = result.cost
        spent = f"{cost.requests} requests, {cost.bytes:,} bytes, {cost.seconds:.2f} s"
        parts += [BLANK, Text(f"cost: {spent}", "dim")]
    return parts


def _tell_verdict(result: Comparison) -> list[Part]:
    if result.verdict is None:
        return []
    style = {"drop-in": "bold green", "no": "bold red", None: "bold"}
    return [Text(result.verdict.text, style.get(result.verdict.replace, "bold yellow")), BLANK]


def report_comparison_page(result: Comparison, _: Options) -> list[Part]:
    """Return the report of one pair for a page, where tables have room and can be folded."""
    a, b = result.a, result.b
    heads = Table("", "a", "b")
    heads.add("checkpoint", a.ref, b.ref)
    heads.add("family", name_family(a.family, a.generation), name_family(b.family, b.generation))
    heads.add("size", a.size or "-", b.size or "-")
    title = Heading(a.ref, level=3)
    title.append(" → ").append(b.ref)
    parts: list[Part] = [title]
    if result.verdict is not None:
        parts.append(Text(result.verdict.text))
    parts += [heads, _tell_relation(result)]
    if result.differences:
        parts.append(_list_differences(result, len(result.differences)))
    answers = Table("question", "engine", "answer", "why")
    for line in fold(result.interchange):
        question = f"{line.question}: {TITLES[line.question]}"
        answer = line.answer
        answers.add(question, name_engines(line), _MARKS[answer.answer], tell(answer))
    warnings = Table()
    for one in result.warnings:
        warnings.add(Text("⚠️ ").append(one.message))
    return [*parts, *(table for table in (answers, warnings) if table.rows)]


def _tell_relation(result: Comparison) -> Facts:
    relation = result.relation
    facts = Facts()
    facts.add("lineage", Text(tell_lineage(relation.lineage), "bold"))
    verified = tell_verification(relation.lineage)
    if verified is not None:
        facts.add("verify", Text(verified[1], verified[0]))
    if len(relation.lineage.path) > 2:
        facts.add("path", " - ".join(relation.lineage.path))
    facts.add("tokenizer", tell_tokenizer(result))
    told = f"{relation.family}, generation {relation.generation}"
    facts.add("family", f"{told}, architecture {relation.architecture}")
    return facts


def _list_differences(result: Comparison, most: int) -> Table:
    called = (MOST_DIFFERENCES, "differences")
    table = Table("trait", "a", "b", "matters for", fold=called)
    for one in result.differences[:most]:
        matters = Text(", ".join(one.matters_for) or "-", "dim")
        table.add(one.trait, show_value(one.a), show_value(one.b), matters)
    rest = len(result.differences) - most
    if rest > 0:
        table.add(Text(f"{rest} more", "dim"), "", "", Text("--verbose", "dim"))
    return table


def _list_answers(answers: list[Answer], verbose: bool) -> Iterator[Part]:
    lines = fold(answers)
    for question in dict.fromkeys(line.question for line in lines):
        yield from (BLANK, Heading(f"{question}: {TITLES[question]}"))
        grid = Table(widest=WIDEST_ENGINES)
        for line in lines:
            if line.question != question:
                continue
            answer = line.answer
            told = Text(answer.answer, _STYLES[answer.answer])
            grid.add(name_engines(line), told, tell(answer))
            if verbose:
                rule = f"{answer.rule}: {answer.source or 'computed'}"
                grid.add("", "", Text(rule, "dim"))
        yield grid
