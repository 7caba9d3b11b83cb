"""Whether b can take a's place, in one word and one sentence, from the answers to all questions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from famtree.types.comparison import Replacement

if TYPE_CHECKING:
    from famtree.types.comparison import (
        Answer,
        ArchitectureRelation,
        LineageVerdict,
        Question,
        Replace,
        Sameness,
        TokenizerRelation,
    )

VERDICTS = {
    "same-weights": "the same weights",
    "a-derives-from-b": "a derives from b",
    "b-derives-from-a": "b derives from a",
    "siblings": "siblings",
    "related": "related",
    "shared-init": "one initialisation, trained apart",
    "independent": "independent",
    "undetermined": "undetermined",
}
_DROP_IN: tuple[Question, ...] = ("serve", "chat", "context", "memory", "quantization")
_WORDS: dict[Replace | None, str] = {
    "drop-in": "b is a drop-in for a",
    "restart": "b can replace a after a restart",
    "rebuild": "b can replace a after a rebuild",
    "no": "b cannot replace a",
    None: "whether b can replace a is not known",
}


def find_obstacle(
    tokenizer: TokenizerRelation, answers: Iterable[Answer], engines: Iterable[str] = ()
) -> str | None:
    """Return what keeps b from being a drop-in for a; `engines` are those it must suit too.

    A drop-in needs no condition: the same tokens, graph and prompts. Context, memory and
    quantization speak of a plan or a machine that may not have been named, so only their no is an
    obstacle. An engine's conditions are part of its ordinary use.
    """
    if tokenizer != "identical":
        return f"the tokenizers are {tokenizer}"
    asked = set(engines)
    for one in answers:
        general = one.engine is None
        if one.question not in _DROP_IN or not (general or one.engine in asked):
            continue
        wanted = general and one.question in ("serve", "chat")
        if one.answer == "no" or (wanted and one.answer != "yes"):
            where = "" if general else f" with {one.engine}"
            return f"{one.question}{where} is {one.answer}: {one.reason}"
    return None


def judge_replacement(
    architecture: ArchitectureRelation,
    tokenizer: TokenizerRelation,
    lineage: LineageVerdict,
    answers: Sequence[Answer],
    engines: Sequence[str],
    family: Sameness = "unknown",
    lack: str | None = None,
) -> Replacement:
    """Return whether b can take a's place, and how they are related.

    `engines` are those that were named: where none was, what any single one refuses is no refusal.
    `lack` is a part that b promises and does not hold.
    """
    replace, why = _judge(architecture, tokenizer, answers, engines)
    if lack is not None:
        replace, why = "no", f"b is not whole: {lack}"
    told = f"{_WORDS[replace]}: {why}"
    return Replacement.model_construct(replace=replace, text=f"{told}; {_relate(lineage, family)}")


def _judge(
    architecture: ArchitectureRelation,
    tokenizer: TokenizerRelation,
    answers: Sequence[Answer],
    engines: Sequence[str],
) -> tuple[Replace | None, str]:
    obstacle = find_obstacle(tokenizer, answers, engines)
    if obstacle is None:
        return "drop-in", "same graph, same tokens, same prompts"
    general = next((one for one in answers if one.question == "serve" and one.engine is None), None)
    if general is not None and general.answer == "no":
        return "no", general.reason
    own = {
        question: [one for one in answers if one.question == question and one.engine is not None]
        for question in ("serve", "engine")
    }
    refused = [one for one in own["serve"] if one.answer == "no"]
    if refused and len(refused) == len(own["serve"]):
        return "no", f"{refused[0].engine} refuses b: {refused[0].reason}"
    # An engine that runs a's class reads the rest of b's files when it starts.
    alike = architecture in ("identical", "same-class")
    if not alike and (general is None or general.answer == "unknown"):
        return None, obstacle if general is None else general.reason
    if own["engine"] and all(one.answer == "no" for one in own["engine"]):
        return "rebuild", own["engine"][0].reason
    if general is None or general.answer == "unknown":
        return "restart", "same class; whether tokens and prompts are the same too was not seen"
    return "restart", general.reason if general.answer == "conditional" else obstacle


def _relate(lineage: LineageVerdict, family: Sameness) -> str:
    if lineage.status == "contradicted":
        known = f"{VERDICTS[lineage.verdict]}, and " * (lineage.verdict != "undetermined")
        return f"{known}a claim that one comes from the other is ruled out"
    if lineage.verdict == "undetermined":
        families = {"same": "of one family; ", "different": "of different families; "}
        return f"{families.get(family, '')}nothing shows that one comes from the other"
    return f"{VERDICTS[lineage.verdict]} ({lineage.status})"
