"""What someone who knows many checkpoints adds to what one says of itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

from famtree.checkpoint.facts import NodeFacts
from famtree.types.claim import Claim
from famtree.types.identification import Relative

if TYPE_CHECKING:
    from famtree.checkpoint.checkpoint import Checkpoint
    from famtree.types.proof import FoundMerge


class Advice(Struct, frozen=True):
    """Relatives of one checkpoint, and those of them that it seems to come from."""

    relatives: tuple[Relative, ...] = ()
    claims: tuple[Claim, ...] = ()
    candidates: tuple[Relative, ...] = ()
    """What weights say of checkpoints that were named as possible relatives."""
    merge: FoundMerge | None = None
    """The merge that it was found to be, of some of them."""


class Advisor(Protocol):
    """Knows checkpoints by name and by what they hold."""

    def describe(self, name: str) -> NodeFacts | None:
        """Return what is known of the checkpoint called `name`."""
        ...

    def advise(self, checkpoint: Checkpoint, node: NodeFacts) -> Advice:
        """Return the relatives of `checkpoint`, and claims where it names no parent itself.

        `node` is the checkpoint as an end of links. Raises FetchError kin where weights are read
        and cannot be had.
        """
        ...


def is_undeclared(node: NodeFacts) -> bool:
    """Return whether a checkpoint names no parent that can be looked up."""
    return not any(claim.resolvable and claim.source != "name" for claim in node.claims)
