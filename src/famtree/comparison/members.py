"""Several checkpoints together: who of them comes from whom, and which are merges of others.

Of two related checkpoints weights do not tell parent from sibling; of several they do, below a
known root. The root is known where the others declare it, or where it is on record as trained from
scratch; else whoever stands above the others is a candidate, and so is all that is placed below it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from itertools import combinations
from typing import TYPE_CHECKING

from famtree.comparison.descent import judge_descent
from famtree.comparison.member_words import (
    Group,
    tell_alone,
    tell_child,
    tell_merge,
    tell_related,
    tell_root,
    tell_unread,
)
from famtree.errors import FamtreeError
from famtree.lineage.placing import place_below, recover_merge
from famtree.types.comparison import Comparison, LineageVerdict, Member, Verdict

if TYPE_CHECKING:
    from famtree.identification.subject import Subject
    from famtree.types.proof import FoundMerge
    from famtree.weights.open import Weights
    from famtree.weights.results import Placement

MOST_PLACED = 8
"""Related checkpoints that are placed: every two of them take seconds of computing."""
_KIN: frozenset[Verdict] = frozenset(
    {"same-weights", "a-derives-from-b", "b-derives-from-a", "siblings", "related"}
)
_APART: frozenset[Verdict] = frozenset({"independent", "shared-init"})
_Verdicts = Mapping[tuple[str, str], Verdict]
"""What weights say of two references, in either order; without an entry nothing could be told."""

OnProgress = Callable[[str], None]


def place_subjects(
    subjects: Sequence[Subject],
    comparisons: Sequence[Comparison],
    on_progress: OnProgress | None = None,
) -> dict[str, Member]:
    """Return where each of `subjects` stands among the others, by reference.

    `comparisons` are of every two of them, in order, with the verdicts of weights. What cannot be
    read is told of the checkpoint it is of; nothing is raised for it.
    """
    pairs = {(pair.a.ref, pair.b.ref): pair.relation.lineage for pair in comparisons}
    by_ref = {one.identification.checkpoint.ref: one for one in subjects}
    return place_by_verdicts(by_ref, pairs, on_progress)


def place_by_verdicts(
    by_ref: Mapping[str, Subject],
    pairs: Mapping[tuple[str, str], LineageVerdict],
    on_progress: OnProgress | None = None,
    *,
    asked: str | None = None,
) -> dict[str, Member]:
    """Like `place_subjects`, by what weights say of enough pairs to join those that are kin.

    Of `asked` it is known that it declares too little: the root is the one that all others declare,
    unless the weights of the two say that `asked` came first.
    """
    verdicts = _collect_verdicts(pairs)
    opened: dict[str, Weights] = {}
    found: dict[str, Member] = {}
    for ref, subject in by_ref.items():
        try:
            opened[ref] = subject.checkpoint.weights
        except FamtreeError as fault:
            found[ref] = tell_unread(f"its weights were not read: {fault.message}")
    for names in _group(opened, verdicts):
        if len(names) == 1:
            untold = [
                ref
                for ref in by_ref
                if ref not in names and verdicts.get((names[0], ref)) not in _APART
            ]
            found[names[0]] = tell_alone(untold)
            continue
        if on_progress is not None:
            on_progress(f"placing {len(names)} related checkpoints")
        group = _describe({name: by_ref[name] for name in names})
        found |= _place_group(group, {name: opened[name] for name in names}, verdicts, asked)
    return {ref: found[ref] for ref in by_ref}


def _collect_verdicts(pairs: Mapping[tuple[str, str], LineageVerdict]) -> _Verdicts:
    verdicts: dict[tuple[str, str], Verdict] = {}
    for (a, b), lineage in pairs.items():
        if lineage.status == "verified" or lineage.verdict in _APART:
            verdicts[a, b] = verdicts[b, a] = lineage.verdict
    return verdicts


def _group(names: Mapping[str, Weights], verdicts: _Verdicts) -> list[list[str]]:
    """Return `names` by kinship, over any number of others, each group in their order."""
    groups: list[set[str]] = []
    for name in names:
        near = [
            group for group in groups if any(verdicts.get((name, one)) in _KIN for one in group)
        ]
        groups = [group for group in groups if group not in near]
        groups.append({name}.union(*near))
    return [[name for name in names if name in group] for group in groups]


def _describe(subjects: Mapping[str, Subject]) -> Group:
    above: dict[str, set[str]] = {name: set() for name in subjects}
    for one, other in combinations(subjects, 2):
        verdict = judge_descent(subjects[one], subjects[other], verify=False).verdict.verdict
        if verdict == "a-derives-from-b":
            above[one].add(other)
        elif verdict == "b-derives-from-a":
            above[other].add(one)
    return Group(
        tuple(subjects),
        {name: frozenset(found) for name, found in above.items()},
        frozenset(name for name, one in subjects.items() if one.checkpoint.node.root),
    )


def _place_group(
    group: Group, weights: Mapping[str, Weights], verdicts: _Verdicts, asked: str | None
) -> dict[str, Member]:
    found: dict[str, Member] = {}
    left = dict(weights)
    for name in group.names:
        reason = _find_unread(weights[name])
        if reason is not None:
            told = f"kin of {group.name_others(name)}, but not to be placed: {reason}"
            found[name] = tell_unread(told)
            del left[name]
    for name, merge in _find_merges(left).items():
        found[name] = tell_merge(group, name, merge)
        del left[name]
    places: dict[str, Placement] = {}
    known, why = False, "nothing says which of them came first"
    if len(left) > MOST_PLACED:
        why = "too many to be placed"
    elif len(left) > 1:
        try:
            root, known = _find_root(group, left, asked)
            places = place_below(root, left) if root is not None else {}
        except FamtreeError as fault:
            why = fault.message
    for name in left:
        if name in places:
            same = verdicts.get((name, places[name].parent)) == "same-weights"
            found[name] = tell_child(group, name, places[name], known=known, same=same)
        elif places:
            found[name] = tell_root(group, name, known=known)
        else:
            found[name] = tell_related(group, name, why)
    return found


def _find_unread(weights: Weights) -> str | None:
    """Return why no matrix of a checkpoint can be placed; None where some can."""
    from famtree.weights.blocks import read_blocks

    try:
        if read_blocks(weights, share=1.0):
            return None
    except FamtreeError as fault:
        return fault.message
    parts = weights.reading.unread
    return parts[0].reason if parts else "no matrix of its blocks is of a kind that can be read"


def _find_merges(weights: Mapping[str, Weights]) -> dict[str, FoundMerge]:
    found: dict[str, FoundMerge] = {}
    for name, child in weights.items():
        others = {other: one for other, one in weights.items() if other != name}
        if len(others) > 1:
            with suppress(FamtreeError):
                found[name] = recover_merge(name, child, others)
    return {name: merge for name, merge in found.items() if merge.method is not None}


def _find_root(
    group: Group, weights: Mapping[str, Weights], asked: str | None
) -> tuple[str | None, bool]:
    """Return whom the others come from, and whether that is declared; None where nothing tells.

    Quantized and otherwise packed copies are leaves. Where declarations leave several, the one
    that stands before all others by structure, storage and decay is a candidate.
    """
    from famtree.weights.blocks import is_packed
    from famtree.weights.direction import find_direction

    tops = [name for name in weights if not group.above[name] & weights.keys()]
    tops = [name for name in tops if not is_packed(weights[name])]
    below = {name: sum(name in group.above[other] for other in weights) for name in tops}
    known = [name for name in tops if below[name] == len(weights) - 1 or name in group.scratch]
    if len(known) == 1:
        return known[0], True
    named = [name for name in tops if below[name]]
    if len(named) == 1:
        root = named[0]
        silent = {name for name in weights if root not in group.above[name]} - {root}
        if (
            asked is not None
            and silent == {asked}
            and (find_direction(weights[root], weights[asked]).parent != "b")
        ):
            return root, True
        return root, False
    first = [
        name
        for name in named or tops
        if all(
            find_direction(weights[name], weights[other]).parent == "a"
            for other in weights
            if other != name
        )
    ]
    # Of two alone an arrow says no more than which of them changed more.
    return (first[0] if len(first) == 1 and len(weights) > 2 else None), False
