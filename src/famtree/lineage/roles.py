"""Which of several parents became which part of a composition.

A model put together from a language model and towers has a parent a part, and is no merge. Config
keys say which part a parent became; where a card alone names them, what is known of a parent tells.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec.structs import replace

from famtree.checkpoint.composition import TOWERS
from famtree.checkpoint.facts import NodeFacts
from famtree.checkpoint.references import base_name
from famtree.lineage.links import Link
from famtree.matchers.names import find_claims
from famtree.registry.registry import Registry
from famtree.types.claim import Role


def assign_roles(
    node: NodeFacts,
    links: Sequence[Link],
    registry: Registry,
    find: Callable[[Link], NodeFacts | None],
) -> list[Link]:
    """Return `links`, each with the part of `node` that its parent became, where there are parts.

    `find` returns what is known of the parent of a link.
    """
    own = registry.by_key.get(node.family or "")
    if (own is not None and own.tower is not None) or not (node.towers or len(links) > 1):
        return list(links)
    roles = [link.role or _find_tower(node, link, find(link), registry) for link in links]
    if not any(role in TOWERS for role in roles):
        return list(links)
    if not node.towers and all(role in TOWERS for role in roles):
        return list(links)  # towers that were merged with each other
    return [
        replace(link, role=role or "language model", aside=link.aside and role is None)
        for link, role in zip(links, roles, strict=True)
    ]


def _find_tower(
    node: NodeFacts, link: Link, parent: NodeFacts | None, registry: Registry
) -> Role | None:
    """Return the kind of tower that a parent is; None for a language model or where unknown."""
    families = {key for key, _ in find_claims(base_name(link.parent), registry)}
    if parent is not None:
        trait = parent.traits.get("architecture.model_type")
        own = node.traits.get("architecture.model_type")
        if trait is not None and own is not None and own.value == trait.value:
            return None  # the whole of it
        nested = {kind: role for role, kind in node.towers.items() if kind}
        if trait is not None and trait.value in nested:
            return nested[str(trait.value)]
        if parent.family is not None:
            families = {parent.family}
        elif trait is not None and "architecture.vocab_rows" in parent.traits:
            return None
    towers = {registry.by_key[key].tower for key in families}
    return towers.pop() if len(towers) == 1 else None
