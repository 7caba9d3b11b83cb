"""Is a proven parent a parent, or a sibling? By what it says of its own parent, and the weights.

Dependence makes parent and child, siblings and cousins alike. Where the parent names a parent of
its own, the three tell: a child has what its parent learned since, a sibling has none of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from famtree.errors import FamtreeError
from famtree.lineage.links import group_claims
from famtree.types.identification import Notice
from famtree.types.proof import Kinship

if TYPE_CHECKING:
    from famtree.checkpoint.checkpoint import Checkpoint
    from famtree.lineage.opener import Opener
    from famtree.types.proof import Proof


def look_above(child: Checkpoint, parent: Checkpoint, opener: Opener, proof: Proof) -> Proof:
    """Return `proof` with what the parent's own parent shows of it, where that can be had."""
    if proof.verdict != "derived":
        return proof
    try:
        found = _compare(child, parent, opener)
    except FamtreeError:
        return proof
    return proof if found is None else proof.model_copy(update={"kinship": found})


def _compare(child: Checkpoint, parent: Checkpoint, opener: Opener) -> Kinship | None:
    above = _find_above(child, parent, opener)
    if above is None:
        return None
    from famtree.weights.draw import make_draw
    from famtree.weights.update_share import came_first, measure_share

    draw = make_draw(child.weights, parent.weights, nonce=opener.options.nonce)
    if above is child:
        first = came_first(child.weights, parent.weights, draw)
        if first is not False:
            return None
        return Kinship.model_construct(
            kind="child",
            root=child.ref,
            reason=f"{parent.ref} names {child.ref} as its own, and looks like the later one",
        )
    share = measure_share(child.weights, parent.weights, above.weights, draw)
    if share is None:
        return None
    if share.verdict != "sibling":
        return Kinship.model_construct(
            kind=share.verdict, root=above.ref, beta=round(share.beta, 4)
        )
    return Kinship.model_construct(
        kind="sibling",
        root=above.ref,
        beta=round(share.beta, 4),
        reason=f"{child.ref} has nothing of what {parent.ref} learned since {above.ref} "
        f"(share {share.beta:.2f}): both come from there",
    )


def _find_above(child: Checkpoint, parent: Checkpoint, opener: Opener) -> Checkpoint | None:
    links = [link for link in group_claims(parent.node.claims) if link.resolvable]
    links = [link for link in links if not (link.aside or link.is_hint)]
    if len(links) != 1 or links[0].stated[:1] == ["merge"]:
        return None
    if links[0].parent.lower() == child.ref.lower():
        return child
    [found] = opener.open_parents([(links[0].parent, None)], 1)
    above = opener.opened.get(found.ref)
    return None if above is parent else above


def tell_kinship(child: str, parent: str, proof: Proof) -> Notice | None:
    """Return the warning that a named parent is none; None where nothing says so."""
    kin = proof.kinship
    if kin is None or kin.kind not in ("sibling", "child"):
        return None
    code = "parent-is-sibling" if kin.kind == "sibling" else "parent-is-child"
    return Notice.model_construct(
        code=code, message=f"{child} names {parent} as its parent, but {kin.reason}"
    )
