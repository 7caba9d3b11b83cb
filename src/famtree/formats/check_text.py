"""`CheckReport` as lines for people, and as Markdown for a CI's summary page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from famtree.formats.escape import clip_text
from famtree.formats.lineage_words import describe_verification
from famtree.formats.markdown import escape_markdown
from famtree.types.policy import CheckedCheckpoint, CheckReport, PolicyFault

if TYPE_CHECKING:
    from famtree.formats.table import Options

_SIGNS = {"passed": "✔", "failed": "✘", "error": "!"}
_COLORS = {"passed": "32", "failed": "31", "error": "33"}
"""Of a terminal (ECMA-48, SGR): green, red, yellow."""


def render_check(report: CheckReport, options: Options) -> str:
    """Return one line a checkpoint, and one below it for all that is wrong with it."""
    lines = []
    for row in report.checkpoints:
        sign = _SIGNS[row.result]
        told = f"{sign} {clip_text(row.ref)}  {row.describe()}".rstrip()
        [first, *more] = _wrap(told, options.width, indent="  ")
        if options.color:
            first = f"\x1b[{_COLORS[row.result]}m{sign}\x1b[0m{first[len(sign) :]}"
        lines += [first, *more]
        for text in (*list_faults(row), *list_notes(row)):
            lines += _wrap(f"    {clip_text(text)}", options.width, indent="      ")
    for text in (*list_changes(report), *list_excuses(report)):
        lines += _wrap(clip_text(text), options.width, indent="  ")
    return "\n".join([*lines, _count(report)]) + "\n"


def _wrap(text: str, width: int | None, *, indent: str) -> list[str]:
    """Return the lines of a screen, none broken within a word; whole where there is no screen."""
    if width is None:
        return [text]
    from textwrap import wrap

    lead = text[: len(text) - len(text.lstrip())]
    return wrap(
        text.lstrip(),
        max(width, 20),
        initial_indent=lead,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    ) or [text]


def render_check_page(report: CheckReport, _: Options) -> str:
    """Return a heading and a table in GitHub's Markdown."""
    verdict = "passed" if report.holds else "failed"
    if report.faults:
        told = [f"- line {one.line}: {escape_markdown(_tell(one))}" for one in report.faults]
        return "\n".join(["### famtree check: the policy is faulty", "", *told]) + "\n"
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
    if told := [*list_changes(report), *list_excuses(report)]:
        lines += ["", *(f"- {escape_markdown(line)}" for line in told)]
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


def list_excuses(report: CheckReport) -> list[str]:
    """Return one sentence for each waiver, whether it counted, and for the baseline."""
    told = []
    for one in report.waivers:
        about = f" ({', '.join(one.conditions)})" if one.conditions else ""
        state = f"expired on {one.expires}, and counts no longer"
        if one.state != "expired":
            state = f"until {one.expires}" + (", not needed" if one.state == "unused" else "")
        told.append(f"waiver of {one.ref}{about}: {one.reason}; {state}")
    if report.baseline is not None:
        told.append(f"baseline {report.baseline.file}: {report.baseline.known} known")
        told += [f"no longer needed in the baseline: {one}" for one in report.baseline.gone]
    return told


def _tell(fault: PolicyFault) -> str:
    return f"{fault.field}: {fault.message}" if fault.field else fault.message


def list_faults(row: CheckedCheckpoint) -> list[str]:
    """Return one sentence for each condition that does not hold, or why nothing was checked."""
    if row.error is not None:
        hint = f" ({row.error.hint})" if row.error.hint else ""
        return [f"{row.error.code}: {row.error.message}{hint}"]
    return [
        f"{one.name}: {one.message}"
        for one in row.conditions
        if not one.holds and one.waived is None
    ]


def list_notes(row: CheckedCheckpoint) -> list[str]:
    """Return what is to be known whatever was demanded: ruled out parents, what weights told."""
    told = [
        f"waived: {one.name}: {one.message}; {one.waived}"
        for one in row.conditions
        if one.waived is not None
    ]
    told += row.contradicted
    told += [f"warning: {one.message} [{one.code}]" for one in row.warnings]
    if row.verification is not None:
        told += [f"verify: {line}" for _, line in describe_verification(row.verification)]
    return told


def _count(report: CheckReport) -> str:
    waived = f", {report.waived} waived" if report.waived else ""
    return (
        f"{report.passed} passed, {report.failed} failed, "
        f"{report.errors} could not be checked{waived}"
    )
