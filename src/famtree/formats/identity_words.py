"""What a checkpoint is, in sentences for people who know models and not famtree."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from famtree.formats.lineage_words import SIGNS
from famtree.formats.parts import Text
from famtree.identification.reason import join_names, name_signal
from famtree.types.links import STATUSES, find_refutation

if TYPE_CHECKING:
    from famtree.types.adapter import Adapter
    from famtree.types.identification import (
        ChainStep,
        Identification,
        LinkRelation,
        LinkStatus,
        UnknownReason,
    )

SURE = 0.75
"""Below this the answer is called probable: it is wrong more often than one time in four."""
MOST_PARENTS = 3
"""Parents named in a sentence; all stand below it."""
MOST_NAMES = 6
FULL_BITS = 16
"""Weights of fewer bits are quantized."""
_CLASHES = ("config-disagrees", "heads-disagree", "ffn-disagrees")
"""Warnings that config.json and tensors are not of one model."""
_STYLES = {"identified": "bold green", "ambiguous": "bold yellow", "unknown": "bold red"}
_VARIANTS = {
    "instruct": "Instruct", "chat": "Chat", "code": "Code", "math": "Math",
    "reasoning": "Reasoning", "embedding": "Embedding", "reward": "Reward",
}  # fmt: skip
"""Of a `vision` model its wrapper says more than a word behind its name."""
_METHODS = {
    "lora": "LoRA", "dora": "DoRA", "loha": "LoHa", "lokr": "LoKr", "ia3": "IA3",
    "eagle": "EAGLE", "eagle3": "EAGLE-3", "medusa": "Medusa", "mtp": "MTP",
}  # fmt: skip
_DERIVED: dict[LinkRelation, str] = {
    "copy": "copied",
    "finetune": "fine-tuned",
    "continued-pretrain": "trained further",
    "adapter": "adapted",
    "quantized": "quantized",
    "converted": "converted",
    "merge": "merged",
    "distill": "distilled",
    "pruned": "pruned",
    "upscaled": "stacked to more layers",
    "upcycled": "made a mixture of experts",
    "unknown": "derived",
}
_STANDINGS: dict[LinkStatus, str] = {
    "verified": "proven",
    "consistent": "declared and consistent",
    "declared": "declared, and no more",
    "inferred": "inferred, not declared",
    "unresolved": "not settled",
}
UNOPENED = "not opened"
"""Of a parent that nobody looked at: no word on whether its files fit the claim."""
UNKNOWN: dict[UnknownReason, str] = {
    "unregistered": "no family on record has this design",
    "not-judged": "its files do not suffice to tell",
    "contradictory": "it shows traits that no family on record has together",
}


def describe_identity(result: Identification) -> Iterator[Text]:
    """Yield one sentence, and one more for each claim of a parent that is ruled out."""
    told = Text(_tell_what(result), _STYLES[result.outcome])
    if result.family is not None and result.generation is None:
        told.append(f"; generation open: {_name_candidates(result)}")
    if ended := _tell_standing(result):
        told.append(f"; {ended}")
    yield told
    for step in list_refuted(result):
        yield Text(f"{SIGNS['contradicted']} {tell_refuted(step)}", "bold red")


def name_model(result: Identification) -> str | None:
    """Return what people call it: generation, size and variant; None where no family is known."""
    if result.family is None:
        return None
    name = _add((result.generation or result.family).name, result.size)
    return _add(name, _VARIANTS.get(result.variant or ""))


def list_own(result: Identification) -> list[ChainStep]:
    """Return the links from the checkpoint itself, those of its parts left out."""
    chain = result.lineage.chain
    return [step for step in chain if step.child == chain[0].child and step.role is None]


def list_refuted(result: Identification) -> list[ChainStep]:
    """Return the claimed direct parents that are ruled out."""
    chain = result.lineage.chain
    own = [step for step in chain if step.child == chain[0].child]
    return [step for step in own if step.status == "contradicted"]


def tell_refuted(step: ChainStep) -> str:
    """Return one sentence: the claim, and the fact that rules it out."""
    told = f"It names {step.parent} as its parent, which is ruled out"
    against = find_refutation(step.evidence)
    if against is None:
        return told
    if against.source == "weights":
        return f"{told}: weights {against.seen}"
    return f"{told}: {name_signal(against.signal)} {against.seen} here, {against.expected} there"


def _add(name: str, word: str | None) -> str:
    """Return `name` with `word`, unless it is said already."""
    return name if not word or word.lower() in name.lower() else f"{name} {word}"


def _name_candidates(result: Identification) -> str:
    names = dict.fromkeys(one.name or one.generation or one.family for one in result.candidates)
    return join_names(list(names)[:MOST_NAMES], "or") or "several"


def _tell_what(result: Identification) -> str:
    name = name_model(result)
    told = name
    if result.outcome == "unknown" and result.kind == "model":
        because = UNKNOWN.get(result.unknown_because or "not-judged", "")
        return f"Unknown: {because}"
    if result.kind != "model":
        return _tell_kind(result, name)
    if name is None or told is None:
        return f"Not settled which family: {_name_candidates(result)}"
    if result.outcome == "identified" and result.confidence < SURE:
        told = f"Probably {told}"
    for one in result.components:
        if one.role.endswith(" tower"):
            told = f"{told} with {_indefinite(one.role)}"
    steps = [step for step in list_own(result) if step.status != "contradicted"]
    if steps:
        told = f"{told}, {_tell_derived(steps)}"
    elif result.variant == "base":
        told = f"{told}, base model"
    bits = result.quantization.bits if result.quantization is not None else None
    if bits is None or bits >= FULL_BITS:
        return told
    of = "" if any(step.relation == "quantized" for step in steps) else ", quantized"
    return f"{told}{of} to {bits:.2g} bit"


def _indefinite(noun: str) -> str:
    return f"{'an' if noun[0].lower() in 'aeio' else 'a'} {noun}"


def _tell_derived(steps: list[ChainStep]) -> str:
    organisation, slash, _ = steps[0].child.partition("/")
    by = f" by {organisation}" if slash and organisation else ""
    relations = list(dict.fromkeys(step.relation for step in steps))
    if relations == ["merge"] and len(steps) > 1:
        return f"merged of {len(steps)} checkpoints{by}"
    return f"{' and '.join(_DERIVED[one] for one in relations)}{by}"


def _tell_kind(result: Identification, name: str | None) -> str:
    """Return what a thing is that is no model by itself."""
    target, kind = result.for_, result.kind
    if kind in ("adapter", "draft-head"):
        method = (target.layout if target is not None else None) or ""
        layout = f"{_METHODS.get(method, method)} " if method else ""
        noun = "adapter" if kind == "adapter" else "draft head"
        what = _indefinite(f"{layout}{noun}")
        whom = name or (target.name if target is not None else None)
        adapter = result.adapter
        if whom is None and adapter is not None and adapter.base_check == "unchecked":
            whom = f"{adapter.base}, which is not known" if adapter.base else None
        if whom is None and target is not None and target.hidden_size:
            whom = f"a model that is {target.hidden_size:,} wide"
        tie = " for" if kind == "adapter" else ", which speeds up"
        return f"{what[0].upper()}{what[1:]}{tie} {whom or 'a base that it does not name'}"
    parts = len(result.components)
    nouns = {
        "pipeline": f"A pipeline of {parts} parts" if parts else "A pipeline",
        "component": "One part of a larger whole",
        "vocabulary": "A vocabulary without weights",
    }
    of = "that of " if kind == "vocabulary" else ""
    if name is not None:
        probably = (
            "" if result.confidence >= SURE or result.outcome != "identified" else "probably "
        )
        tie = "; the main one is" if kind == "pipeline" and parts > 1 else ":"
        return f"{nouns[kind]}{tie} {probably}{of}{name}"
    if result.outcome == "ambiguous":
        return f"{nouns[kind]}, not settled which: {_name_candidates(result)}"
    return f"{nouns[kind]}; {UNKNOWN.get(result.unknown_because or 'not-judged', '')}"


def _tell_standing(result: Identification) -> str:
    """Return how well its descent is founded; nothing where that goes without saying."""
    if result.adapter is not None and result.adapter.base:
        unopened = any(step.parent in result.lineage.unopened for step in list_own(result))
        return _tell_base(result.adapter, unopened=unopened)
    if result.kind == "vocabulary":
        return ""
    steps = list_own(result)
    standing = [step for step in steps if step.status != "contradicted"]
    if standing:
        return _tell_statuses(standing, result.lineage.unopened)
    chain = result.lineage.chain
    if steps or list_refuted(result):
        return "the parent it names is ruled out"
    if result.outcome == "unknown" and any(one.code in _CLASHES for one in result.warnings):
        return "its files contradict each other"
    if result.kind != "model" or result.outcome == "unknown":
        return ""
    for step in chain:
        if step.child == chain[0].child:
            return f"parent of its {step.role} {_tell_found(step, result.lineage.unopened)}"
    if result.lineage.root is not None and result.lineage.complete and not result.lineage.parents:
        return "trained from scratch"
    return "no parent is declared"


def tell_status(step: ChainStep, unopened: list[str]) -> str:
    """Return the status of a link, and whether it is that of a parent that was looked at."""
    return f"{step.status}, {UNOPENED}" if step.parent in unopened else step.status


def _tell_found(step: ChainStep, unopened: list[str]) -> str:
    here = step.parent in unopened
    return f"{tell_status(step, unopened)} here" if here else _STANDINGS[step.status]


def _tell_statuses(steps: list[ChainStep], unopened: list[str]) -> str:
    told = [UNOPENED if step.parent in unopened else step.status for step in steps]
    if len(set(told)) == 1:
        return f"{'parent' if len(told) == 1 else 'parents'} {_tell_found(steps[0], unopened)}"
    counted = [f"{told.count(one)} {one}" for one in (*STATUSES, UNOPENED) if one in told]
    return f"parents: {', '.join(counted)}"


def _tell_base(adapter: Adapter, *, unopened: bool) -> str:
    unseen = f"declared, {UNOPENED} here" if unopened else _STANDINGS["declared"]
    return {
        "consistent": "base declared, and the adapter fits it",
        "contradicted": f"the base it names, {adapter.base}, is ruled out",
        "unchecked": f"base {unseen}",
    }[adapter.base_check]
