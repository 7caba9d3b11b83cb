"""The order of link statuses, and the confidence that goes with each: written once, here."""

from __future__ import annotations

from collections.abc import Iterable
from typing import get_args

from famtree.types.identification import Evidence, LinkStatus

STATUSES: tuple[LinkStatus, ...] = get_args(LinkStatus)
"""From the best to the worst."""
NOT_ANCESTORS: frozenset[LinkStatus] = frozenset({"unresolved", "contradicted"})
"""With these nothing can be counted as a parent."""

CERTAIN = 0.99
CONSISTENT = 0.9
DECLARED = 0.6
UNRESOLVED = 0.3
"""Confidence in a claim that weights did not bear out, where not all of them could be read."""
CONTRADICTED = 0.03


def worst_of(*statuses: LinkStatus) -> LinkStatus:
    """Return the worst of `statuses`; a way is as good as its weakest link."""
    return max(statuses, key=STATUSES.index, default="verified")


def is_worse(status: LinkStatus, bound: LinkStatus) -> bool:
    """Return whether `status` is worse than `bound`."""
    return STATUSES.index(status) > STATUSES.index(bound)


def find_refutation(evidence: Iterable[Evidence]) -> Evidence | None:
    """Return what speaks most against a link, None where nothing does.

    Of equals the plainest: a dimension says more than a family's name.
    """
    against = min(
        evidence,
        key=lambda one: (one.weight, not one.signal.startswith("architecture.")),
        default=None,
    )
    return against if against is not None and against.weight < 0 else None
