"""How the weights of two checkpoints are related: hashes first, then claims and recorded chains.

An equal design is no evidence of descent: where nothing else speaks the verdict is
`undetermined`. Where one side has no weights nothing about them is ever better than `declared`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from famtree.comparison.chains import Meeting, find_meeting, name_key
from famtree.comparison.examined import Examined
from famtree.comparison.identity import Identity, compare_identity, list_weights
from famtree.lineage.checks import check_link
from famtree.lineage.references import spell_as_hub
from famtree.types.comparison import LineageVerdict, Verdict
from famtree.types.identification import ChainStep, Evidence, LinkStatus

Judged = tuple[LineageVerdict, bool | None]
"""The verdict, and whether only light training lies between the two (None: no path is known)."""


def judge_descent(a: Examined, b: Examined, *, verify: bool) -> Judged:
    """Return the verdict on the pair."""
    identity = compare_identity(a, b, verify=verify)
    if identity.same:
        return _same(identity), True
    name_a, name_b = _names(a, b)
    steps_a = list(_check_claims(a, b, name_a, name_b))
    steps_b = list(_check_claims(b, a, name_b, name_a))
    ruled_out = [step for step in (*steps_a, *steps_b) if step.status == "contradicted"]
    meeting = find_meeting(
        name_a, name_b, _join_chain(steps_a, a, name_a), _join_chain(steps_b, b, name_b)
    )
    if meeting is not None and meeting.distance:
        weights = bool(list_weights(a)) and bool(list_weights(b))
        return _descended(name_a, meeting, identity, weights=weights)
    if ruled_out:
        return _contradicted(ruled_out, identity), None
    return _undetermined(identity), None


def _names(a: Examined, b: Examined) -> tuple[str, str]:
    """Return what both are called; two folders of one name are still two."""
    left, right = a.node.ref, b.node.ref
    if name_key(left) != name_key(right):
        return left, right
    return f"{left} (a)", f"{right} (b)"


def _check_claims(
    child: Examined, parent: Examined, name: str, parent_name: str
) -> Iterator[ChainStep]:
    """Yield the child's claims that name the other one, held against the other's own facts."""
    stated = {step.parent: step for step in child.identification.lineage.chain}
    for claim in child.node.claims:
        if claim.of_parent or not _names_it(claim.parent, parent, parent_name):
            continue
        known = stated.get(claim.parent)
        relation = claim.relation or (known.relation if known is not None else "unknown")
        checked = check_link(child.node, parent.node, relation)
        yield ChainStep.model_construct(
            child=name,
            parent=parent_name,
            relation=checked.relation,
            status=checked.status,
            confidence=checked.confidence,
            evidence=checked.evidence,
        )


def _join_chain(checked: list[ChainStep], one: Examined, name: str) -> list[ChainStep]:
    """Put the checked links before the chain's own, which has them unchecked.

    A bare name without its organisation fits many repositories and joins nothing.
    """
    decided = {name_key(step.parent) for step in checked}
    joined = list(checked)
    for step in one.identification.lineage.chain:
        own = name_key(step.child) == name_key(one.node.ref)
        if "/" not in spell_as_hub(step.parent) or (own and name_key(step.parent) in decided):
            continue
        joined.append(step.model_copy(update={"child": name}) if own else step)
    return joined


def _names_it(text: str, other: Examined, name: str) -> bool:
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
        bytes_read=identity.bytes_read,
        evidence=[_observe("weights", "listing", "equal", identity.how, supports=True)],
    )


def _descended(name_a: str, meeting: Meeting, identity: Identity, *, weights: bool) -> Judged:
    up_a, up_b = meeting.from_a, meeting.from_b
    verdict: Verdict
    if not up_b.steps:
        verdict, told = "a-derives-from-b", f"a is {_describe(meeting.from_a.steps)} b"
    elif not up_a.steps:
        verdict, told = "b-derives-from-a", f"b is {_describe(meeting.from_b.steps)} a"
    else:
        close = len(up_a.steps) == len(up_b.steps) == 1
        verdict = "siblings" if close else "related"
        told = f"both come from {meeting.ancestor}"
    status: LinkStatus = max(
        (up_a.status, up_b.status),
        key=("verified", "consistent", "declared", "inferred", "unresolved").index,
    )
    if not weights and status in ("verified", "consistent"):
        status = "declared"
    way = [name_a, *(step.parent for step in up_a.steps)]
    way += [step.child for step in reversed(up_b.steps)]
    result = LineageVerdict.model_construct(
        verdict=verdict,
        status=status,
        reason=told,
        distance=meeting.distance,
        common_ancestor=None if verdict.endswith(("-b", "-a")) else meeting.ancestor,
        path=way,
        bytes_read=identity.bytes_read,
        evidence=[one for step in (*up_a.steps, *up_b.steps) for one in step.evidence],
    )
    return result, up_a.light and up_b.light


_WORDS = {
    "copy": "a copy of", "finetune": "a fine-tune of", "continued-pretrain":
    "a continued pre-training of", "adapter": "an adapter of", "quantized": "a quantization of",
    "converted": "a conversion of", "merge": "a merge of", "distill": "distilled into",
    "pruned": "a pruning of", "upscaled": "an upscaling of", "upcycled": "an upcycling of",
}  # fmt: skip


def _describe(steps: tuple[ChainStep, ...]) -> str:
    if len(steps) > 1:
        return f"{len(steps)} steps below"
    return _WORDS.get(steps[0].relation, "a child of")


def _contradicted(steps: list[ChainStep], identity: Identity) -> LineageVerdict:
    step = steps[0]
    against = [one.signal for one in step.evidence if not one.supports]
    return LineageVerdict.model_construct(
        verdict="undetermined",
        status="contradicted",
        reason=f"{step.child} names {step.parent} as its parent, but {', '.join(against[:3])} "
        "cannot come from it",
        bytes_read=identity.bytes_read,
        evidence=step.evidence,
    )


def _undetermined(identity: Identity) -> LineageVerdict:
    evidence = []
    reason = "neither names the other or a common parent, and an equal design proves nothing"
    if identity.how:
        evidence.append(_observe("weights", "listing", "equal", identity.how, supports=False))
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
