"""Two examined checkpoints, each with its whole ancestry -> the finished answer."""

from __future__ import annotations

import time
from collections.abc import Callable

from msgspec import Struct, field

from famtree import __version__
from famtree.checkpoint.composition import list_towers
from famtree.comparison.descent import judge_descent
from famtree.comparison.differences import list_differences
from famtree.comparison.identity import same_place
from famtree.comparison.proof import prove
from famtree.comparison.relation import relate_architectures, relate_families, relate_generations
from famtree.comparison.renaming import Renaming, find_renaming
from famtree.comparison.replacement import judge_replacement
from famtree.errors import TokenizerError
from famtree.identification.side import make_side
from famtree.identification.subject import Subject
from famtree.interchange.answer import ChosenEngine, answer_pair
from famtree.interchange.engine import Engine
from famtree.interchange.pair import Pair
from famtree.interchange.side import Plan, Side
from famtree.interchange.structure import compare_structure
from famtree.interchange.tokens import compare_tokens, need_vocabularies
from famtree.interchange.wholeness import find_lack
from famtree.lineage.hashes import list_mismatches
from famtree.types.comparison import ComparedCheckpoint, Comparison, Relation
from famtree.types.identification import Identification, Notice


class Request(Struct, frozen=True):
    """What is asked about every pair."""

    engines: dict[str, Engine]
    chosen: tuple[ChosenEngine, ...]
    plan: Plan = field(default_factory=Plan)
    verify: bool = False
    named: tuple[str, ...] = ()
    """Keys of the engines that were asked for by name."""
    notices: tuple[Notice, ...] = ()
    """What must be said of the request itself."""


def compare_subjects(
    a: Subject,
    b: Subject,
    request: Request,
    on_progress: Callable[[str], None] | None = None,
) -> Comparison:
    """Return how `a` and `b` are related, and what can be swapped for what.

    Reads vocabularies where digests do not settle whether they are equal, and weight files only
    if the request allows it. Raises FetchError kin.
    """
    started = time.perf_counter()
    notices = list(request.notices)
    left, right = _make_sides(a, b, notices, on_progress)
    one, other = a.checkpoint, b.checkpoint
    structure = compare_structure(left, right)
    tokens = compare_tokens(left, right)
    renaming = find_renaming(left, right)
    descent = judge_descent(a, b, verify=request.verify, on_progress=on_progress)
    lineage = descent.verdict
    if request.verify:
        lineage = prove(descent, one, other, notices, on_progress, a.opener)
    pair = Pair(left, right, structure, tokens, lineage, descent.light)
    ours, theirs = a.identification, b.identification
    notices += _tell_alike(a, b, left, right, renaming)
    architecture = relate_architectures(
        left.architecture, right.architecture, structure, renamed=bool(renaming)
    )
    answers = answer_pair(pair, request.chosen, request.engines, request.plan)
    family = relate_families(ours, theirs)
    cost = a.opener.sum_costs(a.seconds + b.seconds + time.perf_counter() - started)
    return Comparison.model_construct(
        famtree=__version__,
        a=_summarise(ours),
        b=_summarise(theirs),
        relation=Relation.model_construct(
            architecture=architecture,
            tokenizer=tokens.relation,
            vocabulary=tokens.counts,
            family=family,
            generation=relate_generations(ours, theirs),
            lineage=lineage,
        ),
        verdict=judge_replacement(
            architecture,
            tokens.relation,
            lineage,
            answers,
            request.named,
            family,
            None if find_lack(left) else find_lack(right),
        ),
        interchange=answers,
        differences=list_differences(ours, theirs, structure, tokens),
        warnings=notices + _join_warnings(a, b, request),
        registry=a.checkpoint.registry.knowledge,
        cost=cost,
    )


def _tell_alike(
    a: Subject, b: Subject, left: Side, right: Side, renaming: Renaming | None
) -> list[Notice]:
    """Return what two designs share that the list of differences does not show."""
    told = []
    if renaming:
        pairs = ", ".join(f"{ours} is {theirs}" for ours, theirs in list(renaming.items())[:4])
        told.append(("tensors-renamed", f"the tensors are the same but for names: {pairs}"))
    towers = [list_towers(side.config) for side in (left, right)]
    widths = [
        (one.vision_layers, one.vision_hidden_size)
        for one in (left.architecture, right.architecture)
    ]
    kind = towers[0].get("vision tower")
    alike = kind and kind == towers[1].get("vision tower") and widths[0] == widths[1]
    if alike and a.checkpoint.findings.family is not b.checkpoint.findings.family:
        layers, width = widths[0]
        text = f"both have a vision tower of one design: {kind}, {layers} layers, {width} wide"
        told.append(("same-tower", text))
    return [Notice.model_construct(code=code, message=message) for code, message in told]


def _make_sides(
    a: Subject, b: Subject, notices: list[Notice], on_progress: Callable[[str], None] | None
) -> tuple[Side, Side]:
    if same_place(a.checkpoint, b.checkpoint):
        side = _make_side("a", a, notices, needed=False)
        return side, side
    tokenizers = [one.identification.fingerprint.tokenizer for one in (a, b)]
    needed = need_vocabularies(tokenizers[0], tokenizers[1])
    if needed and on_progress is not None:
        on_progress("reading both vocabularies")
    return _make_side("a", a, notices, needed=needed), _make_side("b", b, notices, needed=needed)


def _make_side(which: str, subject: Subject, notices: list[Notice], *, needed: bool) -> Side:
    vocabulary = None
    if needed:
        try:
            vocabulary = subject.checkpoint.vocabulary
        except TokenizerError as fault:
            notices.append(Notice.model_construct(code=fault.code, message=f"{which}: {fault}"))
    return make_side(subject, vocabulary)


def _summarise(one: Identification) -> ComparedCheckpoint:
    return ComparedCheckpoint.model_construct(
        ref=one.checkpoint.ref,
        family=one.family,
        generation=one.generation,
        outcome=one.outcome,
        confidence=one.confidence,
        size=one.size,
        parameters=one.parameters,
    )


def _warn(one: Subject, request: Request) -> list[Notice]:
    """Return the warnings of one side, those of files that were looked at for this pair as well."""
    warnings = one.identification.warnings
    told = list_mismatches(one.checkpoint.source)
    if request.verify:
        told += one.checkpoint.refusals
    return warnings + [notice for notice in told if notice not in warnings]


def _join_warnings(a: Subject, b: Subject, request: Request) -> list[Notice]:
    """Return what is said of either, with its side; of a link that both have, once."""
    links = [{(one.code, one.message) for one in side.trace.walk.notices} for side in (a, b)]
    shared = links[0] & links[1]
    found = []
    for which, side in (("a", a), ("b", b)):
        for one in _warn(side, request):
            if (one.code, one.message) not in shared:
                told = f"{which}: {one.message}"
                found.append(Notice.model_construct(code=one.code, message=told))
            elif which == "a":
                found.append(one)
    return found
