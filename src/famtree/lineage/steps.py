"""One step of an ancestry: a claimed parent, what it is called, and what facts say of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

from famtree.checkpoint.composition import TOWERS
from famtree.checkpoint.facts import NodeFacts
from famtree.checkpoint.records import find_named, find_released
from famtree.checkpoint.references import (
    base_name,
    is_absolute,
    is_stored_model,
    spell_as_hub,
    strip_form,
)
from famtree.lineage.checks import LinkCheck, check_link, check_tower
from famtree.lineage.links import Link
from famtree.lineage.roles import assign_roles
from famtree.registry.registry import Registry
from famtree.types.claim import LayerSpan, Role
from famtree.types.identification import ChainStep, Evidence, LinkRelation, LinkStatus
from famtree.types.links import CONTRADICTED, DECLARED, find_refutation

ASIDE_FACTOR = 0.7
"""Share of confidence left to a parent that only a less trusted source names, beside another."""
REFUTING = -4.0
"""Weight of what the child's own tensors say against a parent, in nats: that of a dimension."""
NAMED = 0.6
"""Confidence in a parent that only a name points to, where every fact fits."""


class End(Protocol):
    """The upper end of a link."""

    @property
    def ref(self) -> str:
        """Its name in the graph."""
        ...

    @property
    def facts(self) -> NodeFacts | None:
        """What is known of it, if anything is."""
        ...


class JudgedLink(Struct):
    """One link of the graph, child to parent, with its verdict."""

    child: str
    parent: str
    relation: LinkRelation
    status: LinkStatus
    confidence: float
    link: Link
    evidence: list[Evidence] = []
    aside: bool = False
    """As its link, until the ancestors on both ways are known."""
    misstated: str | None = None
    """The relation that is claimed and that the child's own form rules out, and why."""

    @property
    def stands(self) -> bool:
        """True unless the evidence rules the claim out."""
        return self.status != "contradicted"

    @property
    def weight(self) -> float | None:
        """Share of the parent in a merge, where stated."""
        return next((one.weight for one in self.link.claims if one.weight is not None), None)

    @property
    def role(self) -> Role | None:
        """The part of a composition that the parent became."""
        return self.link.role

    @property
    def layers(self) -> list[LayerSpan]:
        """Layers taken from the parent, where a merge states them."""
        return [span for claim in self.link.claims for span in claim.layers]

    def set_main(self) -> None:
        """Take the step for the way up: the parent that seemed to differ lies on it."""
        if self.aside and self.status in ("consistent", "declared"):
            self.confidence = round(self.confidence / ASIDE_FACTOR, 4)
        self.aside = False

    def tell_against(self) -> str:
        """Return one sentence: who claims the parent, and the fact that rules it out."""
        who = " and ".join(self.link.sources[:2]) or "the registry"
        against = find_refutation(self.evidence)
        told = f"{self.child} names {self.parent} as its parent ({who}), which is ruled out"
        if against is None:
            return told
        if against.source == "weights":
            return f"{told}: weights {against.seen}"
        return f"{told}: {against.signal} is {against.seen}, where {against.expected} is expected"

    def publish(self) -> ChainStep:
        """Return the step as `famtree identify` reports it."""
        return ChainStep.model_construct(
            child=self.child,
            parent=self.parent,
            relation=self.relation,
            status=self.status,
            confidence=self.confidence,
            role=self.role,
            evidence=self.evidence,
        )


def judge_links(
    node: NodeFacts,
    links: Sequence[Link],
    registry: Registry,
    find: Callable[[Link], End],
) -> list[JudgedLink]:
    """Return one step for each of `links`, in their order.

    `find` returns the parent of a link that can be looked up, with what is known of it. What a
    path or a bare name points to is looked for in the registry. Claims that turn out to mean one
    checkpoint are one step; a hint that leads nowhere is dropped beside anything better.
    """
    steps: dict[str, JudgedLink] = {}
    links = assign_roles(node, links, registry, lambda link: find(link).facts)
    for link in links:
        parent = find(link) if link.resolvable else None
        if parent is None or (parent.facts is None and "/" not in link.parent):
            step = _judge_name(node, link, links, find_named(link.parent, registry))
            if step.status == "unresolved":
                _cut_to_name(step, registry)
        else:
            step = judge_link(node, link, links, parent)
        known = steps.setdefault(step.parent.lower(), step)
        if known is not step:
            known.link = replace(known.link, claims=known.link.claims + link.claims)
    lost = [key for key, step in steps.items() if step.link.is_hint and not step.evidence]
    for key in lost:
        # A name made up after a maker's habit that nobody knows was wrong.
        if len(lost) < len(steps) or steps[key].link.resolvable:
            del steps[key]
    return list(steps.values())


def _cut_to_name(step: JudgedLink, registry: Registry) -> None:
    """Name a parent by the last part of its path where that is a released checkpoint's name.

    Folders above it are those of somebody's machine. A relative path where models are kept is as
    much as its maker said of them, and stays.
    """
    path = step.parent
    name = find_released(path, registry)
    if name is None or name == path or (is_stored_model(path) and not is_absolute(path)):
        return
    step.parent = name
    step.evidence = [
        *step.evidence,
        Evidence.model_construct(
            signal="claim",
            source=step.link.claims[0].source,
            expected=name,
            seen=path,
            supports=True,
            weight=0.0,
        ),
    ]


def judge_link(node: NodeFacts, link: Link, links: Sequence[Link], parent: End) -> JudgedLink:
    """Return the verdict on one link of `node`, of which `links` are all.

    Without facts about the parent a claim stays `declared`.
    """
    relation = relate(node, link, links, parent.facts)
    step = JudgedLink(
        child=node.ref,
        parent=parent.ref,
        relation=relation,
        status="inferred" if link.is_hint or link.is_found else "declared",
        confidence=link.trust,
        link=link,
        aside=link.aside,
    )
    _hear_record(step)
    if parent.facts is not None:
        depth = _find_depth(links)
        # What was fetched from the parent has to fit it as a copy would; it is not called one.
        fetched = relation == "unknown" and any(one.source == "download" for one in link.claims)
        asked: LinkRelation = "copy" if fetched else relation
        if link.role in TOWERS:
            checked = check_tower(node, parent.facts, asked)
        else:
            # Of a relation that its form rules out, all the rest may still be ruled out as well.
            wrong = next((one for one in link.stated if one in _misstated(node)), None)
            checked = check_link(node, parent.facts, wrong or asked, stacked=depth)
            if wrong is not None and checked.status in ("consistent", "declared"):
                checked.relation = relation
        if fetched and checked.status != "verified" and checked.relation == asked:
            checked.relation = relation
        _settle(step, checked)
    _hear_form(step, node)
    against = node.refuted.get(link.parent.lower()) or node.refuted.get(parent.ref.lower())
    if against is not None:
        step.status, step.confidence = "contradicted", CONTRADICTED
        step.evidence = [*step.evidence, against.model_copy(update={"weight": REFUTING})]
    if step.aside and step.status in ("consistent", "declared"):
        step.confidence *= ASIDE_FACTOR
    step.confidence = round(step.confidence, 4)
    return step


def _settle(step: JudgedLink, checked: LinkCheck) -> None:
    """Take over what the check found."""
    step.evidence += checked.evidence
    step.relation = checked.relation
    if checked.status == "declared":
        return
    if checked.status == "consistent":
        if step.status == "inferred":
            step.confidence = max(step.confidence, NAMED)
            return
        checked.confidence = max(step.confidence, checked.confidence)
    step.status, step.confidence = checked.status, checked.confidence


def _judge_name(
    node: NodeFacts, link: Link, links: Sequence[Link], named: NodeFacts | None
) -> JudgedLink:
    """Return the verdict on a path or a bare name.

    It points to the one checkpoint on record that is called so, if all facts fit: `inferred`.
    Else a claim stays `unresolved`, and a hint by name an `inferred` parent without an owner.
    """
    relation = relate(node, link, links, named)
    if named is not None and named.ref.lower() != node.ref.lower():
        checked = check_link(node, named, relation, stacked=_find_depth(links))
        if checked.status in ("consistent", "verified"):
            status: LinkStatus = "verified" if checked.status == "verified" else "inferred"
            told = Evidence.model_construct(
                signal="claim",
                source=link.claims[0].source,
                expected=named.ref,
                seen=link.parent,
                supports=True,
                weight=0.5,
            )
            confidence = checked.confidence if status == "verified" else NAMED
            evidence = [told, *checked.evidence]
            return JudgedLink(
                node.ref, named.ref, checked.relation, status, confidence, link, evidence
            )
    status = "inferred" if link.is_hint else "unresolved"
    return JudgedLink(node.ref, link.parent, relation, status, round(link.trust, 4), link)


def relate(
    node: NodeFacts, link: Link, links: Sequence[Link], parent: NodeFacts | None = None
) -> LinkRelation:
    """Return how: what the files show, then what is stated, then what is usual."""
    stated = [one for one in link.stated if one not in _misstated(node)]
    if any(claim.source == "download" for claim in link.claims):
        # Where the folder was fetched from is recorded; what it is to that, the hashes tell.
        return stated[0] if stated else "unknown"
    if node.format == "adapter":
        return "adapter"
    if any(claim.source == "mergekit" for claim in link.claims):
        return link.stated[0]
    if link.role is not None:
        # The Hub calls everything with two parents a merge.
        stated = [one for one in stated if one != "merge"]
    if link.role in TOWERS:
        return stated[0] if stated else "finetune"
    if "merge" in stated or _are_several(link, links):
        return "merge"
    if _name_says_distilled(node, link) and (not stated or stated[0] == "finetune"):
        return "distill"
    # A parent that is itself quantized is trained on, not quantized again.
    newly = node.quantization is not None and (parent is None or parent.quantization is None)
    form = _read_form(node.ref, link.parent)
    form = None if form in _misstated(node) else form
    copied = link.resolvable and link.sources == ["config"]
    if newly and form is None and copied and _has_form(node.ref):
        # Quantizers copy config.json, so this may be the parent of what was quantized.
        return "unknown"
    if newly and (not stated or stated[0] in ("finetune", "converted")):
        return "quantized"
    if stated:
        return stated[0]
    if form is not None:
        return form
    if node.format == "gguf":
        return "converted"
    saying = ("card", "tag", "config", "gguf", "atlas", "candidate")
    if any(claim.source in saying for claim in link.claims):
        return "finetune"
    return "unknown"


def _misstated(node: NodeFacts) -> dict[LinkRelation, str]:
    """Return the relations that the form of `node` rules out, and what was seen instead."""
    seen: dict[LinkRelation, str] = {}
    if node.plain_floats:
        seen["quantized"] = "full-size floats"
    if node.whole_model:
        seen["adapter"] = "a whole model"
    return seen


def _hear_form(step: JudgedLink, node: NodeFacts) -> None:
    """A parent that is claimed by a relation which the files rule out is no more than declared."""
    wrong = _misstated(node)
    for told in dict.fromkeys(one for one in step.link.stated if one in wrong):
        step.evidence.append(
            Evidence.model_construct(
                signal="relation",
                source="header",
                expected=told,
                seen=wrong[told],
                supports=False,
                weight=-1.0,
            )
        )
        step.misstated = f"{told}; it is stored as {wrong[told]}"
        if step.status == "consistent":
            step.status = "declared"
            step.confidence = min(step.confidence, DECLARED)


def _read_form(child: str, parent: str) -> LinkRelation | None:
    """Return what two names tell that differ in the words for the form alone; `copy` if equal."""
    stripped, told = strip_form(base_name(spell_as_hub(child)))
    original = strip_form(base_name(parent))[0]
    return (told or "copy") if stripped.lower() == original.lower() else None


def _has_form(ref: str) -> bool:
    return strip_form(base_name(spell_as_hub(ref)))[1] == "quantized"


def _hear_record(step: JudgedLink) -> None:
    """The path that a download has is one more thing that a folder's maker chose."""
    step.evidence += [claim.found for claim in step.link.claims if claim.found is not None]
    for claim in step.link.claims:
        if claim.source == "download":
            step.evidence.append(
                Evidence.model_construct(
                    signal="recorded",
                    source="listing",
                    expected=f"{claim.parent}@{claim.revision}" if claim.revision else claim.parent,
                    seen="recorded in the folder's path, which proves nothing",
                    supports=True,
                    weight=0.0,
                )
            )


def _find_depth(links: Sequence[Link]) -> int | None:
    """Return how many layers the recipe builds; None where it names none."""
    spans = [span for link in links for claim in link.claims for span in claim.layers]
    ends = [span.to + span.stop - span.start for span in spans if span.to is not None]
    return max(ends, default=None)


def _are_several(link: Link, links: Sequence[Link]) -> bool:
    """Several parents by one source are parts of a merge; by different ones they are doubt."""
    together = [
        one
        for one in links
        if one.resolvable and not (one.aside or one.is_hint or one.role in TOWERS)
    ]
    return len(together) > 1 and not (link.aside or link.is_hint)


def _name_says_distilled(node: NodeFacts, link: Link) -> bool:
    return "distill" in base_name(node.ref).lower() and (
        "distill" not in base_name(link.parent).lower()
    )
