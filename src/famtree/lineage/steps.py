"""One step of an ancestry: a claimed parent, what it is called, and what facts say of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from famtree.lineage.checks import check_link
from famtree.lineage.facts import NodeFacts
from famtree.lineage.links import Link
from famtree.lineage.references import base_name
from famtree.types.identification import ChainStep, Evidence, LinkRelation, LinkStatus

ASIDE_FACTOR = 0.7
"""Share of confidence left to a parent that only a less trusted source names, beside another."""
_SURE_OF_HOW = frozenset({"adapter", "mergekit"})


@dataclass(slots=True)
class Step:
    """One link of the graph, child to parent, with its verdict."""

    child: str
    parent: str
    relation: LinkRelation
    status: LinkStatus
    confidence: float
    link: Link
    evidence: list[Evidence] = field(default_factory=list)

    @property
    def stands(self) -> bool:
        """True unless the evidence rules the claim out."""
        return self.status != "contradicted"

    @property
    def weight(self) -> float | None:
        """Share of the parent in a merge, where stated."""
        return next((one.weight for one in self.link.claims if one.weight is not None), None)

    @property
    def layers(self) -> list[tuple[int, int]]:
        """Layer spans [start, stop) taken from the parent, where a merge states them."""
        return [(span.start, span.stop) for one in self.link.claims for span in one.layers]

    def publish(self) -> ChainStep:
        """Return the step as `famtree identify` reports it."""
        return ChainStep.model_construct(
            child=self.child,
            parent=self.parent,
            relation=self.relation,
            status=self.status,
            confidence=self.confidence,
            evidence=self.evidence,
        )


def judge_links(
    node: NodeFacts, links: Sequence[Link], find: Callable[[Link], NodeFacts | None]
) -> list[Step]:
    """Return one step for each of `links`, in their order.

    `find` returns what is known of a link's parent, or None where nothing is.
    """
    return [judge_link(node, link, links, find(link)) for link in links]


def judge_link(
    node: NodeFacts, link: Link, links: Sequence[Link], parent: NodeFacts | None
) -> Step:
    """Return the verdict on one link of `node`, of which `links` are all.

    Without facts about the parent a claim stays `declared`, a hint by name `inferred`, and a path
    or a name that nothing is known by `unresolved`.
    """
    relation = relate(node, link, links, parent)
    hint = all(claim.source == "name" for claim in link.claims)
    status: LinkStatus = "inferred" if hint else "declared" if link.resolvable else "unresolved"
    confidence, evidence = link.trust, []
    if parent is not None:
        checked = check_link(node, parent, relation)
        relation, evidence = checked.relation, checked.evidence
        if checked.status == "verified":
            status, confidence = checked.status, checked.confidence
        elif hint:
            # Nobody claims it: facts that fit leave it a hint, facts that do not end it.
            fits = checked.status == "consistent"
            confidence = 0.6 if fits else confidence if checked.status == "declared" else 0.0
        elif checked.status != "declared":
            status, confidence = checked.status, checked.confidence
    if link.aside and status in ("consistent", "declared"):
        confidence *= ASIDE_FACTOR
    return Step(
        child=node.ref,
        parent=parent.ref if parent is not None else link.parent,
        relation=relation,
        status=status,
        confidence=round(confidence, 4),
        link=link,
        evidence=evidence,
    )


def relate(
    node: NodeFacts, link: Link, links: Sequence[Link], parent: NodeFacts | None = None
) -> LinkRelation:
    """Return how: what the files show, then what is stated, then what is usual."""
    stated = link.stated
    if node.format == "adapter":
        return "adapter"
    if "merge" in stated or _are_several(link, links):
        return "merge"
    if _name_says_distilled(node, link) and (not stated or stated[0] == "finetune"):
        return "distill"
    # A parent that is itself quantized is trained on, not quantized again.
    newly = node.quantization is not None and (parent is None or parent.quantization is None)
    if newly and (not stated or stated[0] in ("finetune", "converted")):
        return "quantized"
    if stated:
        return stated[0]
    if node.format == "gguf":
        return "converted"
    if base_name(node.ref).lower() == base_name(link.parent).lower():
        return "copy"
    if any(claim.source in ("card", "tag", "config") for claim in link.claims):
        return "finetune"
    return "unknown"


def _are_several(link: Link, links: Sequence[Link]) -> bool:
    """Several parents by one source are parts of a merge; by different ones they are doubt."""
    together = [one for one in links if one.resolvable and not one.aside]
    return len(together) > 1 and not link.aside


def _name_says_distilled(node: NodeFacts, link: Link) -> bool:
    return "distill" in base_name(node.ref).lower() and (
        "distill" not in base_name(link.parent).lower()
    )
