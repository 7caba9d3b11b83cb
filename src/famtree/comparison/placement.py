"""Does one of two come from the other, where what both come from is known?

Weights of two alone make them kin. A root settles more: whoever is kin of a checkpoint that is on
record as trained from scratch comes from it; and of two that declare one parent, the one that has
what the other learned since is no sibling but a child (the beta test of `weights.descent`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from famtree.errors import FamtreeError
from famtree.types.comparison import LineageVerdict, Verdict

if TYPE_CHECKING:
    from famtree.checkpoint.checkpoint import Checkpoint
    from famtree.lineage.opener import Opener
    from famtree.types.proof import Proof

Placed = tuple[Verdict, str]
"""Who comes from whom, and why, in a few words."""


def place_pair(
    declared: LineageVerdict, proof: Proof, a: Checkpoint, b: Checkpoint, opener: Opener
) -> Placed | None:
    """Return what a known root tells of two whose weights are kin; None where it tells nothing.

    Nothing is told against what the weights show of which came first.
    """
    if proof.verdict != "derived" or proof.no_parent is not None:
        return None
    above = declared.common_ancestor
    if above is not None and above.distance_a == above.distance_b == 1:
        root = opener.opened.get(above.ref)
        return None if root is None else _place_below(root, a, b, opener)
    if declared.distance is not None or a.node.root == b.node.root:
        return None
    parent, child = (a, b) if a.node.root else (b, a)
    shown = proof.parent if proof.direction == "parent-first" else proof.child
    if proof.direction is not None and shown != parent.source.ref.text:
        return None
    verdict: Verdict = "b-derives-from-a" if parent is a else "a-derives-from-b"
    return verdict, f"{parent.ref} is on record as trained from scratch, so {child.ref} is later"


def _place_below(root: Checkpoint, a: Checkpoint, b: Checkpoint, opener: Opener) -> Placed | None:
    from famtree.lineage.placing import place_below
    from famtree.weights.draw import make_draw
    from famtree.weights.update_share import measure_share

    try:
        draw = make_draw(a.weights, b.weights, nonce=opener.options.nonce)
        shares = [
            measure_share(one.weights, other.weights, root.weights, draw)
            for one, other in ((a, b), (b, a))
        ]
        if not any(one is not None and one.verdict == "descendant" for one in shares):
            return None
        # Windows of kilobytes do not tell like data from descent; whole matrices do.
        sides = {"root": root.weights, "a": a.weights, "b": b.weights}
        placed = place_below("root", sides)
    except FamtreeError:
        return None
    ends: tuple[tuple[str, str, Verdict], ...] = (
        ("a", "b", "a-derives-from-b"),
        ("b", "a", "b-derives-from-a"),
    )
    for child, parent, verdict in ends:
        found = placed.get(child)
        if found is not None and found.parent == parent and not found.unresolved:
            share = "" if found.beta is None else f" ({found.beta:.2f} of it)"
            return verdict, f"{child} has what {parent} learned since {root.ref}{share}"
    return None
