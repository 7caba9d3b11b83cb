"""`CheckReport` as lines for people, and as Markdown for a CI's summary page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from famtree.formats.escape import clip_text
from famtree.formats.lineage_words import describe_verification
from famtree.formats.markdown import escape_markdown
from famtree.types.policy import CheckedCheckpoint, CheckReport

if TYPE_CHECKING:
    from famtree.formats.table import Options

_SIGNS = {"passed": "✔", "failed": "✘", "error": "!"}


def render_check(report: CheckReport, _: Options) -> str:
    """Return one line a checkpoint, and one below it for all that is wrong with it."""
    lines = []
    for row in report.checkpoints:
        lines.append(f"{_SIGNS[row.result]} {clip_text(row.ref)}  {_describe_answer(row)}".rstrip())
        lines += [f"    {clip_text(text)}" for text in (*list_faults(row), *list_notes(row))]
    return "\n".join([*lines, _count(report)]) + "\n"


def render_check_page(report: CheckReport, _: Options) -> str:
    """Return a heading and a table in GitHub's Markdown."""
    verdict = "passed" if report.holds else "failed"
    lines = [
        f"### famtree check: {verdict}",
        "",
        _count(report),
        "",
        "| | checkpoint | answer | confidence | what is wrong |",
        "|---|---|---|---|---|",
    ]
    for row in report.checkpoints:
        confidence = "" if row.confidence is None else f"{row.confidence:.2f}"
        wrong = "<br>".join(escape_markdown(text) for text in (*list_faults(row), *list_notes(row)))
        answer = escape_markdown(_describe_answer(row, confidence=False))
        ref = escape_markdown(row.ref)
        lines.append(f"| {_SIGNS[row.result]} | {ref} | {answer} | {confidence} | {wrong} |")
    return "\n".join(lines) + "\n"


def list_faults(row: CheckedCheckpoint) -> list[str]:
    """Return one sentence for each condition that does not hold, or why nothing was checked."""
    if row.error is not None:
        hint = f" ({row.error.hint})" if row.error.hint else ""
        return [f"{row.error.code}: {row.error.message}{hint}"]
    return [f"{one.name}: {one.message}" for one in row.conditions if not one.holds]


def list_notes(row: CheckedCheckpoint) -> list[str]:
    """Return what is to be known whatever was demanded: ruled out parents, what weights told."""
    told = list(row.contradicted)
    told += [f"warning: {one.message} [{one.code}]" for one in row.warnings]
    if row.verification is not None:
        told += [f"verify: {line}" for _, line in describe_verification(row.verification)]
    return told


def _describe_answer(row: CheckedCheckpoint, *, confidence: bool = True) -> str:
    if row.outcome is None:
        return ""
    name = "/".join(part for part in (row.family, row.generation) if part)
    words = [name] if name else []
    if row.outcome != "identified":
        words.append(row.outcome)
    if confidence and row.confidence is not None:
        words.append(f"{row.confidence:.2f}")
    return " ".join(words)


def _count(report: CheckReport) -> str:
    return f"{report.passed} passed, {report.failed} failed, {report.errors} could not be checked"
