"""Claims about one parent put together, and which of several parents they mean."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct
from msgspec.structs import replace

from famtree.checkpoint.facts import NodeFacts
from famtree.checkpoint.references import same_reference
from famtree.types.claim import Claim, ClaimSource, Role
from famtree.types.identification import LinkRelation

MAX_PARENTS = 64
"""mergekit recipes of more models exist, but say no more than that everything was stirred in."""
TRUST: dict[ClaimSource, float] = {
    "download": 0.95, "mergekit": 0.7, "adapter": 0.7, "card": 0.65, "tag": 0.65, "registry": 0.65,
    "gguf": 0.6, "quantizer": 0.55, "config": 0.5, "readme": 0.4, "name": 0.3,
    "atlas": 0.6, "candidate": 0.6,
}  # fmt: skip
"""Confidence in a link that nobody could check, by who claims it. Of the parents that cards name
about 1.7 % are wrong, of paths in config.json and of names far more."""


class Link(Struct, frozen=True):
    """One claimed parent with everything that claims it."""

    parent: str
    claims: tuple[Claim, ...]
    aside: bool = False
    """True where a more trusted source names other parents and this one not: an earlier or a later
    state of the same ancestry as often as a contradiction."""
    role: Role | None = None
    """The part of a composition that the parent became."""

    @property
    def resolvable(self) -> bool:
        """True if any claim gives a Hub id."""
        return any(claim.resolvable for claim in self.claims)

    @property
    def trust(self) -> float:
        """Confidence as long as nothing was checked."""
        return max((TRUST[claim.source] for claim in self.claims), default=0.0)

    @property
    def is_hint(self) -> bool:
        """True where nothing but a name points to the parent."""
        return all(claim.source == "name" for claim in self.claims)

    @property
    def is_found(self) -> bool:
        """True where nobody claims the parent: it was found, in an atlas or among candidates."""
        return not self.is_hint and all(
            claim.source in ("name", "atlas", "candidate") for claim in self.claims
        )

    @property
    def is_placed(self) -> bool:
        """True where only weights place the checkpoint below this one, of several at hand."""
        return self.is_found and any(claim.source == "candidate" for claim in self.claims)

    @property
    def stated(self) -> list[LinkRelation]:
        """Relations that were stated, most trusted first."""
        return [claim.relation for claim in self.claims if claim.relation is not None]

    @property
    def sources(self) -> list[str]:
        """Who claims it, without repetition."""
        return list(dict.fromkeys(claim.source for claim in self.claims))


def group_claims(claims: Iterable[Claim]) -> list[Link]:
    """Return one link a parent, the most trusted claim's first.

    A name counts only where nothing that can be looked up is claimed, a path on the author's
    machine only where nothing else is (but as a part of a merge it stays). What a conversion
    repeats of its original counts only where the original itself is not named.
    """
    kept = sorted(claims, key=lambda claim: -TRUST[claim.source])
    if any(not claim.of_parent for claim in kept):
        kept = [claim for claim in kept if not claim.of_parent]
    if any(claim.resolvable and claim.source != "name" for claim in kept):
        kept = [
            claim
            for claim in kept
            if claim.source != "name" and (claim.resolvable or claim.source == "mergekit")
        ]
    groups: list[list[Claim]] = []
    for claim in kept:
        for group in groups:
            if same_reference(group[0].parent, claim.parent):
                group.append(claim)
                break
        else:
            groups.append([claim])
    leading = groups[0][0].source if groups else None
    return [
        Link(
            group[0].parent,
            tuple(group),
            # Parts of one model stand beside each other, whoever names them.
            aside=all(claim.source != leading and claim.role is None for claim in group),
            role=next((claim.role for claim in group if claim.role is not None), None),
        )
        for group in groups[:MAX_PARENTS]
    ]


def raise_claims(claims: Iterable[Claim]) -> tuple[Claim, ...]:
    """Return what is said of the parent's own parents, as said of the parent."""
    return tuple(replace(one, of_parent=False) for one in claims if one.of_parent)


def inherit_claims(child: NodeFacts, parent: NodeFacts) -> NodeFacts:
    """Give a parent that claims nothing what its conversion `child` repeats of its parents."""
    raised = raise_claims(child.claims)
    told = any(claim.source != "name" for claim in parent.claims)
    if told or parent.root or not raised or len(raised) == len(child.claims):
        return parent
    return replace(parent, claims=raised)
