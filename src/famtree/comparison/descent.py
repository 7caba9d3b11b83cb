"""How the weights of two checkpoints are related: hashes first, then both ancestries.

An equal design is no evidence of descent: where nothing else speaks the verdict is
`undetermined`. Where one side has no weights nothing about them is ever better than `declared`.
"""

from __future__ import annotations

import os

from msgspec import Struct

from famtree.checkpoint.checkpoint import Checkpoint
from famtree.checkpoint.references import spell_as_hub
from famtree.comparison.identity import Identity, OnProgress, compare_identity, list_weights
from famtree.identification.subject import Subject
from famtree.lineage.meeting import Meeting, find_meeting, name_key
from famtree.lineage.steps import JudgedLink, judge_link
from famtree.lineage.walk import Found
from famtree.types.comparison import CommonAncestor, LineageVerdict, Verdict
from famtree.types.identification import ChainStep, Evidence, LinkRelation
from famtree.types.links import is_worse, worst_of


class Descent(Struct, frozen=True):
    """The verdict on a pair, and what the known path between the two is made of."""

    verdict: LineageVerdict
    light: bool | None = None
    """Whether only light training lies between the two; None where no path is known."""
    relations: frozenset[LinkRelation] = frozenset()
    """Of the links on the path, or of the one claim between the two that is ruled out."""
    b_is_child: bool = False
    """True where b claims to come from a."""


def judge_descent(
    a: Subject, b: Subject, *, verify: bool, on_progress: OnProgress | None = None
) -> Descent:
    """Return the verdict on the pair, by the hashes of both and by their whole ancestries."""
    one, other = a.checkpoint, b.checkpoint
    identity = compare_identity(one, other, verify=verify, on_progress=on_progress)
    if identity.same:
        return Descent(_same(identity), light=True)
    name_a, name_b = _names(one, other)
    steps_a = _list_steps(a, name_a, other, name_b)
    steps_b = _list_steps(b, name_b, one, name_a)
    meeting = find_meeting(name_a, name_b, steps_a, steps_b)
    if meeting is not None and meeting.distance:
        weights = bool(list_weights(one)) and bool(list_weights(other))
        return Descent(
            _descended(name_a, meeting, identity, weights=weights),
            meeting.light,
            frozenset(step.relation for step in meeting.steps),
            b_is_child=not meeting.from_a.steps,
        )
    between = {(name_a, name_b), (name_b, name_a)}
    refuted = [
        step
        for step in (*steps_a, *steps_b)
        if step.status == "contradicted" and (step.child, step.parent) in between
    ]
    if not refuted:
        return Descent(_undetermined(identity))
    claim = refuted[0]
    return Descent(
        _contradicted(claim, identity),
        relations=frozenset({claim.relation}),
        b_is_child=claim.child == name_b,
    )


def _names(a: Checkpoint, b: Checkpoint) -> tuple[str, str]:
    """Return what both are called; two folders of one name are still two."""
    if name_key(a.ref) != name_key(b.ref):
        return a.ref, b.ref
    return f"{a.ref} (a)", f"{b.ref} (b)"


def _list_steps(subject: Subject, name: str, other: Checkpoint, other_name: str) -> list[ChainStep]:
    """Return the links of the walk, its two ends under the names they have here.

    A bare name without its organisation fits many repositories and joins nothing. A path that
    leads to the other's folder on this machine, or the name of that folder in the form
    `org__name`, is the other one, and the claim is held against its facts.
    """
    steps, own = [], subject.checkpoint
    for step in (*subject.trace.walk.chain, *subject.trace.walk.folders):
        child = name if step.child == subject.trace.walk.start else step.child
        if _is_the_other(step.parent, other, other_name):
            facts = subject.trace.walk.nodes.get(step.child) or own.node
            if step.status != "verified" and not _was_checked(subject, step, other):
                links = [one.link for one in subject.trace.walk.steps[step.child]] or [step.link]
                step = judge_link(facts, step.link, links, Found(other.ref, other.node))
            steps.append(step.publish().model_copy(update={"child": child, "parent": other_name}))
        elif "/" in spell_as_hub(step.parent):
            steps.append(step.publish().model_copy(update={"child": child}))
    return steps


def _was_checked(subject: Subject, step: JudgedLink, other: Checkpoint) -> bool:
    """Return whether the walk held the link against this very checkpoint."""
    return subject.trace.walk.nodes.get(step.parent) is other.node


def _is_the_other(text: str, other: Checkpoint, name: str) -> bool:
    """A Hub id, or a path that leads to the other's folder on this machine."""
    if "/" in text and name_key(text) == name_key(name):
        return True
    path = other.source.ref.path
    if path is None or not os.path.isabs(text):
        return False
    return os.path.realpath(text) == os.path.realpath(path)


def _same(identity: Identity) -> LineageVerdict:
    return LineageVerdict.model_construct(
        verdict="same-weights",
        status="verified",
        reason=identity.how,
        distance=0,
        relation="copy",
        bytes_read=identity.bytes_read,
        evidence=[_observe("weights", "listing", "equal", identity.how, supports=True)],
    )


def _descended(
    name_a: str, meeting: Meeting, identity: Identity, *, weights: bool
) -> LineageVerdict:
    up_a, up_b = meeting.from_a, meeting.from_b
    verdict: Verdict
    if meeting.mutual:
        verdict, told = "related", "each of the two names the other as what it comes from"
    elif not up_b.steps:
        verdict, told = "a-derives-from-b", f"a is {_describe(up_a.steps)} b"
    elif not up_a.steps:
        verdict, told = "b-derives-from-a", f"b is {_describe(up_b.steps)} a"
    else:
        close = len(up_a.steps) == len(up_b.steps) == 1
        verdict = "siblings" if close else "related"
        told = f"both come from {meeting.ancestor}"
        if not close:
            told += f", {_count(up_a.steps)} above a and {_count(up_b.steps)} above b"
    status = worst_of(up_a.status, up_b.status)
    if not weights and not is_worse(status, "declared"):
        status = "declared"
    steps = meeting.steps
    return LineageVerdict.model_construct(
        verdict=verdict,
        status=status,
        reason=told,
        distance=meeting.distance,
        relation=steps[0].relation if len(steps) == 1 else None,
        common_ancestor=CommonAncestor.model_construct(
            ref=meeting.ancestor, distance_a=len(up_a.steps), distance_b=len(up_b.steps)
        )
        if up_a.steps and up_b.steps
        else None,
        path=[
            name_a,
            *(step.parent for step in up_a.steps),
            *(step.child for step in reversed(up_b.steps)),
        ],
        bytes_read=identity.bytes_read,
        evidence=[one for step in steps for one in step.evidence],
    )


_WORDS = {
    "copy": "a copy of", "finetune": "a fine-tune of", "continued-pretrain":
    "a continued pre-training of", "adapter": "an adapter of", "quantized": "a quantization of",
    "converted": "a conversion of", "merge": "a merge of", "distill": "distilled into",
    "pruned": "a pruning of", "upscaled": "an upscaling of", "upcycled": "an upcycling of",
}  # fmt: skip


def _count(steps: tuple[ChainStep, ...]) -> str:
    return f"{len(steps)} link{'s' if len(steps) > 1 else ''}"


def _describe(steps: tuple[ChainStep, ...]) -> str:
    if len(steps) > 1:
        return f"{len(steps)} steps below"
    return _WORDS.get(steps[0].relation, "a child of")


def _contradicted(step: ChainStep, identity: Identity) -> LineageVerdict:
    against = [one.signal for one in step.evidence if not one.supports]
    return LineageVerdict.model_construct(
        verdict="undetermined",
        status="contradicted",
        reason=f"{step.child} names {step.parent} as its parent, but {', '.join(against[:3])} "
        "cannot come from it",
        relation=step.relation,
        bytes_read=identity.bytes_read,
        evidence=step.evidence,
    )


def _undetermined(identity: Identity) -> LineageVerdict:
    evidence = []
    reason = "neither names the other or a common parent, and an equal design proves nothing"
    if identity.how:
        evidence.append(_observe(identity.signal, "listing", "equal", identity.how, supports=False))
        reason = f"{identity.how}; {reason}"
    return LineageVerdict.model_construct(
        verdict="undetermined",
        status="unresolved",
        reason=reason,
        bytes_read=identity.bytes_read,
        evidence=evidence,
    )


def _observe(signal: str, source: str, expected: str, seen: str, *, supports: bool) -> Evidence:
    return Evidence.model_construct(
        signal=signal,
        source=source,
        expected=expected,
        seen=seen,
        supports=supports,
        weight=20.0 if supports else 0.0,
    )
