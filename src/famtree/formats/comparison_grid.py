"""All answers about a pair on one screen: a mark for each question and engine, a line for why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from famtree.formats.parts import BLANK, Part, Table, Text

if TYPE_CHECKING:
    from famtree.types.comparison import Answer, Question

MARKS = {
    "yes": ("✔", "green"),
    "conditional": ("◐", "yellow"),
    "refused": ("✘", "red"),
    "senseless": ("⊘", "magenta"),
    "unknown": ("?", "dim"),
    "nothing": ("–", "dim"),
}
MEANINGS = {
    "yes": "yes",
    "conditional": "on a condition",
    "refused": "no, refused",
    "senseless": "would load, makes no sense",
    "unknown": "not known",
    "nothing": "nothing kept",
}
_SHORT: dict[Question, str] = {"kv-cache": "kv", "context": "ctx", "quantization": "quant",
                               "memory": "mem"}  # fmt: skip
_NOTHING = ("nothing is compiled", "nothing to rebuild")
"""How reasons begin where an engine keeps nothing that could be reused, whatever b is."""
ROOM = 80
"""Columns that engines and all questions take side by side; on less there are two grids."""
_LABEL = 14
_MARKS_WIDTH = 62
"""Columns of all questions together."""
_LEAST_NAMES = 18
_SENSE = ("lora", "merge", "draft", "kv-cache")
"""Questions of which an answer for any engine tells whether it makes sense, not whether it runs."""
ANY = "any engine"


def draw_grid(answers: Sequence[Answer], width: int | None) -> Iterator[Part]:
    """Yield the grid, a line of reason a question, and what the marks mean."""
    questions = list(dict.fromkeys(one.question for one in answers))
    halves = [questions]
    if width is not None and width < ROOM:
        half = (len(questions) + 1) // 2
        halves = [questions[:half], questions[half:]]
    used: dict[str, None] = {}
    for part in filter(None, halves):
        table = Table("", *(_SHORT.get(one, one) for one in part), tight=True)
        for engines, marks in _list_rows(answers, part, width).items():
            used |= dict.fromkeys(one for one in marks if one)
            cells = [Text(*MARKS[one]) if one else Text("") for one in marks]
            table.add(", ".join(engines), *cells)
        yield from (table, BLANK)
    for question in questions:
        line = Text(f"{question:<{_LABEL}}", "bold")
        style, told = _choose_reason([one for one in answers if one.question == question])
        yield line.append(_clip(told, width), style)
    legend = " · ".join(f"{MARKS[one][0]} {MEANINGS[one]}" for one in MEANINGS if one in used)
    yield from (BLANK, Text(legend, "dim"))


def mark(answer: Answer | None, general: Answer | None) -> str:
    """Return the mark of one engine's answer, beside what holds whatever the engine.

    What holds for all says whether it makes sense, an engine's own answer whether it is done.
    """
    if answer is None:
        return ""
    if answer.reason.startswith(_NOTHING):
        return "nothing"
    if answer.answer == "no":
        return "senseless" if answer.engine is None and answer.question in _SENSE else "refused"
    meant = general is None or general.answer != "no" or answer.question not in _SENSE
    if not meant and answer.answer != "unknown":
        return "senseless"
    return str(answer.answer)


def _list_rows(
    answers: Sequence[Answer], questions: list[Question], width: int | None
) -> dict[tuple[str, ...], list[str]]:
    """Return the marks of all engines that have the same, by their names."""
    found = {(one.question, one.engine): one for one in answers}
    engines = sorted({one.engine for one in answers}, key=lambda one: (one is not None, one or ""))
    alike: dict[tuple[str, ...], list[str]] = {}
    for engine in engines:
        marks = [mark(found.get((one, engine)), found.get((one, None))) for one in questions]
        if any(marks):
            # What holds for all stands alone, whoever has the same marks.
            key = (str(engine is None), *marks)
            alike.setdefault(key, []).append(engine or ANY)
    rows: dict[tuple[str, ...], list[str]] = {}
    for (_, *marks), names in alike.items():
        for line in _wrap(names, width):
            rows[line] = marks
    return rows


def _wrap(names: list[str], width: int | None) -> Iterator[tuple[str, ...]]:
    room = max((width or 0) - _MARKS_WIDTH, _LEAST_NAMES)
    line: list[str] = []
    for name in names:
        if line and width is not None and len(", ".join([*line, name])) > room:
            yield tuple(line)
            line = []
        line.append(name)
    yield tuple(line)


def _choose_reason(answers: list[Answer]) -> tuple[str, str]:
    """Return style and words of the answer that tells most: of all engines, else of most."""
    general = next((one for one in answers if one.engine is None), None)
    chosen, count = general or answers[0], 0
    if general is None:
        for one in answers:
            alike = sum(other.reason == one.reason for other in answers)
            worse = (one.answer != "yes", alike)
            if worse > (chosen.answer != "yes" if count else False, count):
                chosen, count = one, alike
    sign, style = MARKS[mark(chosen, general)]
    who = "" if chosen.engine is None else f"{chosen.engine}: "
    return style, f"{sign} {who}{chosen.reason}"


def _clip(text: str, width: int | None) -> str:
    room = None if width is None else max(width - _LABEL, 10)
    return text if room is None or len(text) <= room else f"{text[: room - 1].rstrip()}…"
