"""An answer completed by an atlas."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from famtree.atlas.advisor import AtlasAdvisor
from famtree.atlas.connect import open_atlas
from famtree.atlas.lookup import Atlas
from famtree.errors import FamtreeError
from famtree.lineage.summary import summarise_lineage

if TYPE_CHECKING:
    from famtree.lineage.facts import NodeFacts
    from famtree.registry.registry import Registry
    from famtree.types.identification import Identification
    from famtree.types.proof import Proof
    from famtree.types.source import CheckpointSource
    from famtree.verification.verify import OpenParent


@contextmanager
def consult(path: Path, *, verify: bool, open_parent: OpenParent) -> Iterator[AtlasAdvisor]:
    """Open the atlas at `path` and yield its advisor.

    `verify` allows reading weights, of candidates through `open_parent`. Raises as `open_atlas`.
    """

    def prove(source: CheckpointSource, name: str) -> Proof | None:
        from famtree.verification.verify import verify_pair

        try:
            return verify_pair(source, open_parent(name), details=True)
        except FamtreeError:
            return None

    with closing(open_atlas(path)) as connection:
        yield AtlasAdvisor(Atlas(connection), verify=verify, prove=prove if verify else None)


def advise_identification(
    source: CheckpointSource,
    result: Identification,
    node: NodeFacts,
    registry: Registry,
    advisor: AtlasAdvisor,
) -> Identification:
    """Return `result` with the relatives the atlas holds, and the lineage that follows from them.

    `node` is the checkpoint as an end of links. Raises FetchError kin where weights are read.
    """
    advice = advisor.advise(source, node, result.fingerprint)
    told = replace(node, claims=node.claims + advice.claims)
    lineage = summarise_lineage(told, registry, advisor)
    lineage = lineage.model_copy(update={"relatives": list(advice.relatives)})
    return result.model_copy(update={"lineage": lineage})
