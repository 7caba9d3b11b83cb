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
        lines.append(f"{_SIGNS[row.result]} {clip_text(row.ref)}  {row.describe()}".rstrip())
        lines += [f"    {clip_text(text)}" for text in (*list_faults(row), *list_notes(row))]
    lines += [clip_text(line) for line in list_changes(report)]
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
        answer = escape_markdown(row.describe(confidence=False))
        ref = escape_markdown(row.ref)
        lines.append(f"| {_SIGNS[row.result]} | {ref} | {answer} | {confidence} | {wrong} |")
    if changes := list_changes(report):
        lines += ["", *(f"- {escape_markdown(line)}" for line in changes)]
    return "\n".join(lines) + "\n"


def list_changes(report: CheckReport) -> list[str]:
    """Return one sentence for each answer that the registry of `--against` gives otherwise."""
    if report.against is None:
        return []
    known = report.against.registry
    name = f"registry {known.version} {known.digest}"
    if not report.against.changes:
        return [f"with {name} no answer changes"]
    return [f"with {name}:"] + [
        f"{one.ref}: {one.before or 'no answer'} ({one.result_before}) before, "
        f"{one.after or 'no answer'} ({one.result_after}) then"
        for one in report.against.changes
    ]


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


def _count(report: CheckReport) -> str:
    return f"{report.passed} passed, {report.failed} failed, {report.errors} could not be checked"
