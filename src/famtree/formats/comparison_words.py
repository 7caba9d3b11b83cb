"""What every rendering of a comparison says, in one place: headlines, values, folded answers."""

from __future__ import annotations

from msgspec import Struct

from famtree.comparison.replacement import VERDICTS
from famtree.types.comparison import Answer, Comparison, LineageVerdict, Question, Value
from famtree.types.identification import FamilyName, GenerationName

TITLES: dict[Question, str] = {
    "serve": "serve b where a was served",
    "engine": "reuse what was compiled for a",
    "lora": "put a's adapter on b",
    "merge": "merge a and b",
    "draft": "draft for b with a",
    "kv-cache": "use a's cache for b",
    "chat": "send a's requests to b",
    "context": "give b prompts as long",
    "quantization": "run b's stored form",
    "memory": "fit b where a fits",
}
LONGEST_VALUE = 48


class AnswerLine(Struct, frozen=True):
    """One answer, for every engine that gives it in the same words."""

    question: Question
    engines: tuple[str, ...]
    answer: Answer


def fold(answers: list[Answer]) -> list[AnswerLine]:
    """Join answers to one question that differ in nothing but the engine."""
    lines: dict[tuple[object, ...], list[Answer]] = {}
    for one in answers:
        general = one.engine is None
        key = (one.question, general, one.answer, one.reason, one.condition)
        lines.setdefault(key, []).append(one)
    return [
        AnswerLine(group[0].question, tuple(one.engine or "" for one in group), group[0])
        for group in lines.values()
    ]


def name_engines(line: AnswerLine) -> str:
    """Return the engines of a line, `any engine` where it holds for all."""
    return ", ".join(line.engines) if line.engines[0] else "any engine"


def tell(answer: Answer) -> str:
    """Return reason and condition as one text."""
    return (
        answer.reason
        if answer.condition is None
        else (f"{answer.reason}. Needed: {answer.condition}")
    )


def tell_lineage(lineage: LineageVerdict) -> str:
    """Return the verdict with its standing and reason."""
    words = VERDICTS[lineage.verdict]
    standing = "" if lineage.verdict == "undetermined" else f" ({lineage.status})"
    told = f"{words}{standing}"
    if lineage.status == "contradicted":
        told = f"{words} (a claim is contradicted)"
    return f"{told}: {lineage.reason}" if lineage.reason else told


def tell_verification(lineage: LineageVerdict) -> tuple[str, str] | None:
    """Return (style, line) of what came of comparing the weights; None where none were to be."""
    if lineage.verification is None:
        return None
    [link] = lineage.verification.links
    words, style = _VERIFIED[link.outcome]
    return style, f"{words}: {link.text}"


_VERIFIED = {
    "proven": ("✔ proven: the weights are related", "green"),
    "refuted": ("✘ refuted: no descent is in the weights", "red"),
    "untold": ("○ nothing told", "dim"),
}


def tell_tokenizer(comparison: Comparison) -> str:
    """Return the relation of the tokenizers with its counts."""
    counts = comparison.relation.vocabulary
    relation = comparison.relation.tokenizer
    if counts is None:
        return relation if relation != "unknown" else "unknown: a vocabulary was not read"
    split = ", but texts are split otherwise" if counts.same_splitting is False else ""
    if counts.a == counts.b == counts.same_id:
        return f"{relation}: {counts.a:,} tokens{split}"
    return (
        f"{relation}: {counts.a:,} and {counts.b:,} tokens, {counts.shared:,} shared, "
        f"{counts.same_id:,} of them with the same id{split}"
    )


def name_family(family: FamilyName | None, generation: GenerationName | None) -> str:
    """Return family and generation in words."""
    if family is None:
        return "family not settled"
    return generation.name if generation is not None else f"{family.name}, generation open"


def show_value(value: Value) -> str:
    """Return a trait's value for a table, cut where it is long."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}" if value >= 10_000 else str(value)
    if isinstance(value, float):
        return f"{value:g}" if abs(value) < 1e6 else f"{value:.10g}"
    text = ", ".join(show_value(item) for item in value) if isinstance(value, list) else value
    return text if len(text) <= LONGEST_VALUE else f"{text[: LONGEST_VALUE - 3]}..."
