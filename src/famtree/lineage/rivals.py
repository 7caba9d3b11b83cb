"""Which of several checkpoints the recipe fits: those that are named, and those on record.

Rope, context and special ids come with the weights. Two checkpoints of one shape differ in them
alone; one that has those of the other is not likely to come from the first. This tells them apart
where shapes cannot, and no more: what a recipe contradicts is `declared`, not ruled out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import Struct

from famtree.checkpoint.facts import NodeFacts
from famtree.checkpoint.records import find_named, find_released, list_bases
from famtree.checkpoint.references import same_reference, split_words
from famtree.lineage.links import Link
from famtree.lineage.steps import JudgedLink, judge_link
from famtree.registry.registry import Registry
from famtree.types.identification import Evidence, Notice
from famtree.types.links import DECLARED

_TRAITS = (
    "recipe.rope_theta", "recipe.rope_type", "recipe.rope_factor", "recipe.context",
    "recipe.sliding_window", "recipe.bos_id", "recipe.eos_ids", "architecture.vocab_rows",
)  # fmt: skip
ENOUGH = 2
"""So many traits have to fit a checkpoint that nobody names; of one that is named, one."""
AGAINST = -1.0
"""Weight of a trait that is another's, in nats: fine-tuners stretch contexts and change ends."""


class _Recorded(Struct, frozen=True):
    """A checkpoint on record as the upper end of a link."""

    ref: str
    facts: NodeFacts | None


def list_rivals(
    node: NodeFacts, steps: list[JudgedLink], registry: Registry
) -> Iterator[JudgedLink]:
    """Yield a step aside to each released checkpoint that only a name of `node` points to.

    Names with the words of a claimed parent mean that one, or what it was made of.
    """
    for claim in node.claims:
        if claim.source != "name" or claim.of_parent or claim.resolvable:
            continue
        words = split_words(claim.parent)
        known = [split_words(step.parent) for step in steps]
        if words < split_words(node.ref) or any(words <= one or one <= words for one in known):
            continue
        named = find_named(claim.parent, registry)
        if named is None and find_released(claim.parent, registry) is None:
            continue
        parent = _Recorded(claim.parent if named is None else named.ref, named)
        link = Link(parent.ref, (claim,), aside=True)
        yield judge_link(node, link, [link], parent)


def settle_rivals(
    node: NodeFacts,
    steps: list[JudgedLink],
    known: Mapping[str, NodeFacts | None],
    registry: Registry,
) -> list[Notice]:
    """Let the parent that the recipe fits lead, and return what has to be said of the others.

    `known` is what is known of the parents. Steps to rivals that nothing tells apart are removed.
    """
    notices: list[Notice] = []
    for step in [one for one in steps if not _is_part(one) and one.status != "verified"]:
        claimed = known.get(step.parent)
        if claimed is None or step.link.sources == ["name"]:
            continue
        for other in [one for one in steps if one is not step and not _is_part(one)]:
            hint = other.link.sources == ["name"] and not step.link.is_hint
            rival = known.get(other.parent)
            if rival is None:
                notices += [_note_doubt(node, step, other)] if hint else []
                continue
            told = _list_fitting(node, rival, instead=claimed)
            fits_claim = bool(_list_fitting(node, claimed, instead=rival))
            if told and not fits_claim and step.stands and other.stands:
                _yield_to(step, told, node, claimed)
                other.set_main()
                who = " and ".join(other.link.sources)
                notices.append(_note(node, step.parent, told, f"{other.parent} ({who})"))
            elif hint:
                if fits_claim or not _differ(claimed, rival):
                    steps.remove(other)
                else:
                    notices.append(_note_doubt(node, step, other))
        if step.status == "consistent" and claimed.generation != node.generation:
            notices += _ask_record(node, step, claimed, registry)
    return notices


def _ask_record(
    node: NodeFacts, step: JudgedLink, claimed: NodeFacts, registry: Registry
) -> Iterator[Notice]:
    """Yield what is to be said where a checkpoint on record fits that is no child of `claimed`."""
    for base in list_bases(node, registry):
        told = _list_fitting(node, base, instead=claimed)
        below = any(same_reference(claim.parent, claimed.ref) for claim in base.claims)
        if len(told) < ENOUGH or below or _list_fitting(node, claimed, instead=base):
            continue
        _yield_to(step, told, node, claimed)
        yield _note(node, step.parent, told, f"{base.ref} (on record)")
        return


def _is_part(step: JudgedLink) -> bool:
    """A merge has what it has from any of its parents, a composition from each."""
    return step.relation in ("merge", "upcycled", "distill") or step.role is not None


def _list_fitting(node: NodeFacts, parent: NodeFacts, *, instead: NodeFacts) -> list[str]:
    """Return the traits in which the two differ and `node` is as `parent`."""
    found = []
    for name in _TRAITS:
        traits = [one.traits.get(name) for one in (node, parent, instead)]
        ours, its, others = (trait.value if trait is not None else None for trait in traits)
        if None not in (ours, its, others) and _agree(ours, its) and not _agree(ours, others):
            found.append(name)
    return found


def _differ(left: NodeFacts, right: NodeFacts) -> bool:
    """Return whether anything tells two checkpoints apart."""
    for name in _TRAITS:
        ours, theirs = left.traits.get(name), right.traits.get(name)
        if ours is not None and theirs is not None and not _agree(ours.value, theirs.value):
            return True
    return left.generation != right.generation


def _agree(left: object, right: object) -> bool:
    if isinstance(left, list | tuple) and isinstance(right, list | tuple):
        return not set(left).isdisjoint(right)
    return left == right


def _yield_to(step: JudgedLink, told: list[str], node: NodeFacts, claimed: NodeFacts) -> None:
    for name in told:
        step.evidence.append(
            Evidence.model_construct(
                signal=name,
                source=node.traits[name].source,
                expected=str(claimed.traits[name].value),
                seen=str(node.traits[name].value),
                supports=False,
                weight=AGAINST,
            )
        )
    step.aside = True
    if step.status == "consistent":
        step.status = "declared"
        step.confidence = min(step.confidence, DECLARED)


def _note_doubt(node: NodeFacts, step: JudgedLink, other: JudgedLink) -> Notice:
    who = " and ".join(step.link.sources)
    text = (
        f"{node.ref} names {step.parent} as its parent ({who}), but its file's name or title says "
        f"{other.link.claims[0].parent}"
    )
    return Notice.model_construct(code="claims-disagree", message=text)


def _note(node: NodeFacts, claimed: str, told: list[str], other: str) -> Notice:
    names = ", ".join(told)
    text = f"{node.ref} names {claimed} as its parent, but its {names} fit {other} better"
    return Notice.model_construct(code="recipe-fits-other", message=text)
