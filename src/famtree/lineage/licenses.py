"""Licences that became looser on the way down, which no licence of the parent allows by itself."""

from __future__ import annotations

from functools import cache

from famtree.checkpoint.facts import NodeFacts
from famtree.files import load_data


def describe_loosening(child: NodeFacts, parent: NodeFacts) -> str | None:
    """Return one sentence where a restricted parent's child claims a permissive licence.

    It says nothing about descent: licences drift on the Hub. None too for licences that are not
    on the list, whose terms are not known.
    """
    table = load_licenses()
    if parent.license in table["restricted"] and child.license in table["permissive"]:
        return (
            f"{child.ref} states the licence {child.license}, its parent {parent.ref} "
            f"{parent.license}, which is stricter"
        )
    return None


@cache
def load_licenses() -> dict[str, frozenset[str]]:
    """Return the permissive and the restricted licences of `data/licenses.json`."""
    table = load_data("lineage/data/licenses.json")
    return {kind: frozenset(table[kind]) for kind in ("permissive", "restricted")}
