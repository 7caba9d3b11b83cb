"""The chain of a checkpoint as far as its files and the registry reach; nothing is fetched."""

from __future__ import annotations

from dataclasses import replace

from famtree.lineage.facts import NodeFacts
from famtree.lineage.known import find_known
from famtree.lineage.links import group_claims, repeated_claims
from famtree.lineage.steps import Step, judge_links
from famtree.registry.registry import Registry
from famtree.types.identification import LineageSummary

MAX_DEPTH = 12
"""Longer chains occur on the Hub only as merges of merges."""


def summarise_lineage(node: NodeFacts, registry: Registry) -> LineageSummary:
    """Return direct parents and the chain, nearest parent first.

    Every claimed parent is a step; the chain goes on above a parent that is the only one left
    standing. `complete` is True when it ends at a checkpoint recorded as trained from scratch.
    """
    steps: list[Step] = []
    parents: list[str] = []
    current, seen = join_record(node, registry), {node.ref.lower()}
    for depth in range(MAX_DEPTH):
        links = group_claims(current.claims)
        found = judge_links(current, links, lambda link: find_known(link.parent, registry))
        steps += found
        standing = [step for step in found if step.stands]
        if depth == 0:
            parents = [step.parent for step in standing]
        onward = [step for step in standing if not step.link.aside]
        if len(onward) != 1 or onward[0].parent.lower() in seen:
            break
        above = find_known(onward[0].parent, registry)
        if above is None:
            break
        seen.add(above.ref.lower())
        current = inherit_claims(current, above)
    complete = current.root and not links
    return LineageSummary.model_construct(
        parents=parents,
        chain=[step.publish() for step in steps],
        root=current.ref if complete else None,
        complete=complete,
    )


def join_record(node: NodeFacts, registry: Registry) -> NodeFacts:
    """Add what the registry records of this very checkpoint to what it claims itself."""
    known = find_known(node.ref, registry)
    if known is None:
        return node
    new = tuple(claim for claim in known.claims if claim not in node.claims)
    return replace(node, claims=node.claims + new, root=known.root)


def inherit_claims(child: NodeFacts, parent: NodeFacts) -> NodeFacts:
    """Give a parent that claims nothing what its conversion `child` repeats of its parents."""
    repeated = repeated_claims(child.claims)
    if parent.claims or parent.root or not repeated or len(repeated) == len(child.claims):
        return parent
    return replace(parent, claims=tuple(replace(one, of_parent=False) for one in repeated))
