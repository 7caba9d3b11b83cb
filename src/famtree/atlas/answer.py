"""An atlas opened as the advisor of a walk."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from famtree.atlas.advisor import AtlasAdvisor
from famtree.atlas.connect import open_atlas
from famtree.atlas.lookup import Atlas
from famtree.errors import FamtreeError

if TYPE_CHECKING:
    from famtree.checkpoint.checkpoint import Checkpoint
    from famtree.lineage.opener import Opener
    from famtree.types.proof import FoundMerge, Proof
    from famtree.weights.results import Placement


@contextmanager
def consult(path: Path, opener: Opener, *, verify: bool) -> Iterator[AtlasAdvisor]:
    """Open the atlas at `path` and yield its advisor.

    `verify` allows reading weights, of candidates through `opener`, whose time is the
    atlas's as well. Raises as `open_atlas`; so does a look-up once that time is over.
    """

    def prove(checkpoint: Checkpoint, name: str) -> Proof | None:
        from famtree.lineage.proving import prove_weights

        try:
            other = opener.open_candidate(name)
            return prove_weights(checkpoint.weights, other.weights, details=True)
        except FamtreeError:
            return None

    def place(
        checkpoint: Checkpoint, root: str, names: Sequence[str]
    ) -> FoundMerge | Placement | None:
        from famtree.lineage.placing import place_below, recover_merge

        sides = {}
        for name in (root, *names):
            with suppress(FamtreeError):
                sides[name] = opener.open_candidate(name).weights
        if root not in sides or len(sides) < 2:
            return None
        own = checkpoint.ref
        try:
            merge = recover_merge(own, checkpoint.weights, sides, base=root)
            if merge.method is not None:
                return merge
            return place_below(root, {**sides, own: checkpoint.weights}).get(own)
        except FamtreeError:
            return None

    with open_atlas(path, opener.access.deadline) as opened:
        yield AtlasAdvisor(
            Atlas(opened),
            verify=verify,
            prove=prove if verify else None,
            place=place if verify else None,
        )
