"""Is a checkpoint made from one of those that somebody suspects? By the weights of all of them.

Weights alone make relatives. A parent is named below a root that is known: declared by those asked
about, or on record as trained from scratch. A merge names its members itself. Such a link stays
`inferred`, for nobody declares it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from famtree.comparison.descent import Descent, judge_descent
from famtree.comparison.members import MOST_PLACED, place_by_verdicts
from famtree.comparison.proof import prove
from famtree.errors import UsageError
from famtree.identification.subject import Subject, examine_opened
from famtree.lineage.advice import Advice, Advisor
from famtree.types.claim import Claim
from famtree.types.comparison import LineageVerdict
from famtree.types.identification import Evidence, LinkRelation, Notice, Relative

if TYPE_CHECKING:
    from famtree.checkpoint.checkpoint import Checkpoint
    from famtree.checkpoint.facts import NodeFacts
    from famtree.types.checkpoint import CheckpointRef
    from famtree.types.comparison import Member

_WEIGHT = 10.0
"""Of the evidence, in nats."""

OnProgress = Callable[[str], None]


class CandidateAdvisor:
    """Says of one checkpoint what was found among candidates, and what `others` say."""

    def __init__(self, found: Advice, others: Advisor | None) -> None:
        self._found = found
        self._others = others

    def describe(self, name: str) -> NodeFacts | None:
        """Return what `others` know of the checkpoint called `name`."""
        return None if self._others is None else self._others.describe(name)

    def advise(self, checkpoint: Checkpoint, node: NodeFacts) -> Advice:
        """Return what was found, before what `others` say."""
        if self._others is None:
            return self._found
        told = self._others.advise(checkpoint, node)
        return replace(
            self._found, relatives=told.relatives, claims=self._found.claims + told.claims
        )


def examine_among(
    subject: Subject,
    candidates: Sequence[CheckpointRef],
    *,
    depth: int,
    on_progress: OnProgress | None = None,
) -> Subject:
    """Return `subject` with its ancestry as the weights of `candidates` show it.

    Ancestors that they and it declare are candidates too. Raises FetchError and UnreadableError kin
    for a candidate, and UsageError for too many.
    """
    if len(candidates) >= MOST_PLACED:
        told = f"{len(candidates)} candidates are too many to be placed"
        raise UsageError(told, hint=f"name at most {MOST_PLACED - 1}")
    opener = subject.opener
    own = subject.checkpoint.ref
    asked = [opener.open_start(ref, on_progress) for ref in candidates]
    opener.given |= {one.ref for one in asked}
    apart: dict[str, Checkpoint] = {}
    for one in asked:
        known = subject.checkpoint if one.ref == own else apart.get(one.ref)
        if known is None:
            apart[one.ref] = one
        elif known.source.ref.path != one.source.ref.path:
            raise UsageError(f"two folders are called {one.ref}", hint="give one another name")
    others = {
        name: examine_opened(one, opener, on_progress=on_progress) for name, one in apart.items()
    }
    named = list(others)
    others |= _open_ancestors(subject, others)
    verdicts = {
        (own, name): _compare(subject, other, on_progress) for name, other in others.items()
    }
    placed = place_by_verdicts({own: subject, **others}, verdicts, on_progress, asked=own)[own]
    found = Advice(
        claims=tuple(_claim(placed, verdicts, own)),
        candidates=tuple(_describe(others[name], verdicts[own, name]) for name in named),
        merge=placed.merge,
    )
    opener.advisor = CandidateAdvisor(found, opener.advisor)
    again = examine_opened(
        subject.checkpoint, opener, depth=depth, verify=True, on_progress=on_progress
    )
    again.seconds += subject.seconds
    return again


def _open_ancestors(subject: Subject, others: Mapping[str, Subject]) -> dict[str, Subject]:
    """Return what `others` and `subject` declare to come from, as far as there is room for it."""
    found: dict[str, Subject] = {}
    for one in (subject, *others.values()):
        for step in one.trace.walk.chain:
            above = one.opener.opened.get(step.parent)
            known = {one.checkpoint.ref, subject.checkpoint.ref, *others, *found}
            if above is None or step.parent in known or not step.stands:
                continue
            if len(others) + len(found) + 1 < MOST_PLACED:
                found[step.parent] = examine_opened(above, one.opener)
    return found


def _compare(subject: Subject, other: Subject, on_progress: OnProgress | None) -> LineageVerdict:
    """Return what hashes and weights say, whatever is declared."""
    descent = judge_descent(subject, other, verify=True, on_progress=on_progress)
    if descent.verdict.verdict != "same-weights":
        nothing = LineageVerdict.model_construct(
            verdict="undetermined",
            status="unresolved",
            reason="what is declared is not asked",
            bytes_read=descent.verdict.bytes_read,
        )
        descent = Descent(nothing)
    notices: list[Notice] = []
    ends = subject.checkpoint, other.checkpoint
    return prove(descent, *ends, notices, on_progress, subject.opener)


def _describe(other: Subject, verdict: LineageVerdict) -> Relative:
    node = other.checkpoint.node
    told = f"{verdict.verdict}: {verdict.reason}"
    if verdict.direction is not None:
        first = "it" if verdict.direction.hint == "a-derives-from-b" else "the other"
        told += f"; {first} looks like the earlier one, by {verdict.direction.by}"
    return Relative.model_construct(
        ref=other.checkpoint.ref,
        basis="hash" if verdict.z is None and verdict.verdict == "same-weights" else "weights",
        reason=told,
        family=node.family,
        generation=node.generation,
        created_at=node.created_at,
        z=None if verdict.z is None else round(verdict.z, 2),
    )


def _claim(
    placed: Member, verdicts: Mapping[tuple[str, str], LineageVerdict], own: str
) -> list[Claim]:
    """Return the parents that the weights name."""
    if placed.merge is not None:
        linear = placed.merge.method == "linear"
        return [
            replace(
                _find(part.ref, "merge", placed.reason),
                weight=part.weight if linear else None,
            )
            for part in placed.merge.parents
        ]
    if placed.parent is not None and not placed.candidate:
        same = verdicts[own, placed.parent].verdict == "same-weights"
        return [_find(placed.parent, "copy" if same else None, placed.reason)]
    equal = [name for (_, name), one in verdicts.items() if one.verdict == "same-weights"]
    return [_find(equal[0], "copy", verdicts[own, equal[0]].reason)] if equal else []


def _find(name: str, relation: LinkRelation | None, seen: str) -> Claim:
    evidence = Evidence.model_construct(
        signal="weights.placed",
        source="weights",
        expected=name,
        seen=seen,
        supports=True,
        weight=_WEIGHT,
    )
    return Claim(name, "candidate", relation, found=evidence)
