"""The parent that evidence points to where every claimed one is ruled out."""

from __future__ import annotations

from famtree.checkpoint.facts import NodeFacts
from famtree.checkpoint.records import list_bases
from famtree.lineage.checks import check_link
from famtree.lineage.links import Link
from famtree.lineage.steps import NAMED, JudgedLink, relate
from famtree.registry.registry import Registry
from famtree.types.identification import Evidence


def find_supported(node: NodeFacts, registry: Registry) -> JudgedLink | None:
    """Return a step to the only recorded checkpoint that `node` can come from, or None.

    An equal design is no descent, so a family, a generation and a size are not enough: the
    vocabulary has to be that checkpoint's as well, and no other one may fit.
    """
    if node.generation is None or node.size is None:
        return None
    fitting = []
    for base in list_bases(node, registry):
        link = Link(base.ref, ())
        checked = check_link(node, base, relate(node, link, [link], base))
        seen = {one.signal for one in checked.evidence if one.supports}
        if checked.status == "consistent" and "tokenizer.vocabulary" in seen:
            fitting.append((base, link, checked))
    if len(fitting) != 1:
        return None
    base, link, checked = fitting[0]
    told = Evidence.model_construct(
        signal="generation",
        source="registry",
        expected=f"{base.generation} {base.size}",
        seen=f"{node.generation} {node.size}",
        supports=True,
        weight=1.0,
    )
    relation = "finetune" if checked.relation == "unknown" else checked.relation
    return JudgedLink(
        node.ref, base.ref, relation, "inferred", NAMED, link, [told, *checked.evidence]
    )
