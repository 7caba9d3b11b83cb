"""Whether an answer meets a condition.

Every condition asks for something to be known. What is unknown does not meet it: a gate that
passes what nobody could tell is no gate.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from famtree.checkpoint.references import same_reference
from famtree.identification.reason import join_names
from famtree.policy.expectation import Expectation, find_failure
from famtree.sources.reference import find_repository
from famtree.types.identification import Identification, LinkStatus
from famtree.types.lineage import Lineage
from famtree.types.links import NOT_ANCESTORS, STATUSES
from famtree.types.policy import CheckedCondition, ConditionName, Conditions

FindName = Callable[[str], str]
"""The name in graphs of a checkpoint that somebody names."""
RENAMED = ("renamed", "parent-renamed")
"""Codes of warnings."""
LOOSER = "license-looser"
"""Code of the lineage's warning."""


def needs_lineage(conditions: Conditions) -> bool:
    """Return whether the ancestors have to be looked at, which costs requests."""
    return bool(
        conditions.expect_parent or conditions.max_status or conditions.require_licence_compatible
    )


def check_identification(result: Identification, conditions: Conditions) -> list[CheckedCondition]:
    """Return the conditions on family and confidence that were asked for."""
    found = []
    if conditions.expect is not None:
        family, _, generation = conditions.expect.lower().partition("/")
        expected = Expectation(family, generation or None)
        found.append(_note("expect", f"is {expected}", find_failure(result, expected, None)))
    bound = conditions.min_confidence
    if bound is not None:
        asked = f"confidence is at least {bound:g}"
        found.append(_note("min_confidence", asked, find_failure(result, None, bound)))
    if conditions.allow_families is not None:
        found.append(_check_allowed(result, conditions.allow_families))
    if conditions.deny_families is not None:
        found.append(_check_denied(result, conditions.deny_families))
    if conditions.deny_renamed:
        renamed = [one.message for one in result.warnings if one.code in RENAMED]
        asked = "is asked for by its present name"
        found.append(_note("deny_renamed", asked, "; ".join(renamed) or None))
    return found


def check_lineage(
    lineage: Lineage, conditions: Conditions, find_name: FindName = str
) -> list[CheckedCondition]:
    """Return the conditions on the ancestry that were asked for.

    `find_name` is asked for the present name of a parent that is in vain looked for by the other.
    """
    found = []
    if conditions.expect_parent is not None:
        parent = find_repository(conditions.expect_parent)
        found.append(_check_parent(lineage, parent, find_name))
    if conditions.max_status is not None:
        found.append(_check_status(lineage, conditions.max_status))
    if conditions.require_licence_compatible:
        looser = [one.message for one in lineage.warnings if one.code == LOOSER]
        asked = "no licence is looser than the parent's"
        found.append(_note("require_licence_compatible", asked, "; ".join(looser) or None))
    return found


def _check_allowed(result: Identification, allowed: Iterable[str]) -> CheckedCondition:
    possible, keys = _list_families(result), sorted({key.lower() for key in allowed})
    failure = None
    if not possible:
        failure = f"the family is unknown, and only {_join(keys)} may be used"
    elif not possible <= set(keys):
        failure = f"is {_join(sorted(possible), 'or')}, and only {_join(keys)} may be used"
    return _note("allow_families", f"is of {_join(keys, 'or')}", failure)


def _check_denied(result: Identification, denied: Iterable[str]) -> CheckedCondition:
    possible, keys = _list_families(result), sorted({key.lower() for key in denied})
    failure = None
    if not possible:
        failure = f"the family is unknown, so {_join(keys)} cannot be ruled out"
    elif possible & set(keys):
        word = "is" if len(possible) == 1 else "may be"
        failure = f"{word} {_join(sorted(possible & set(keys)), 'or')}, which is denied"
    return _note("deny_families", f"is not of {_join(keys, 'or')}", failure)


def _list_families(result: Identification) -> set[str]:
    """Return the families it may be: one where that is settled, none where nothing is known."""
    if result.outcome == "unknown":
        return set()
    if result.family is not None:
        return {result.family.key}
    return {one.family for one in result.candidates}


def _check_parent(lineage: Lineage, parent: str, find_name: FindName) -> CheckedCondition:
    own = [edge for edge in lineage.edges if edge.child == lineage.ref]
    links = [edge for edge in own if same_reference(edge.parent, parent)]
    if not links and own:
        name = find_name(parent)
        links = [edge for edge in own if same_reference(edge.parent, name)]
    others = sorted({edge.parent for edge in own if edge.status not in NOT_ANCESTORS})
    told = f"; its parent is {_join(others)}" if others else ""
    failure = None
    if not links:
        failure = f"{parent} is not among its parents{told or '; no parent is known'}"
    elif all(edge.status == "contradicted" for edge in links):
        failure = f"{parent} is claimed as parent, but the evidence rules it out{told}"
    elif all(edge.status in NOT_ANCESTORS for edge in links):
        failure = f"{parent} is claimed as parent, but that could not be settled{told}"
    return _note("expect_parent", f"comes from {parent}", failure)


def _check_status(lineage: Lineage, bound: LinkStatus) -> CheckedCondition:
    limit = STATUSES.index(bound)
    worse = [edge for edge in lineage.edges if STATUSES.index(edge.status) > limit]
    failure = None
    if worse:
        worst = max(worse, key=lambda edge: STATUSES.index(edge.status))
        failure = (
            f"the link from {worst.child} to {worst.parent} is {worst.status}, "
            f"and at worst {bound} is accepted"
        )
    elif not lineage.edges and not lineage.complete and limit < STATUSES.index("unresolved"):
        failure = "nothing is known of where it comes from"
    return _note("max_status", f"every link is at worst {bound}", failure)


def _note(name: ConditionName, asked: str, failure: str | None) -> CheckedCondition:
    return CheckedCondition.model_construct(
        name=name, holds=failure is None, message=failure or asked
    )


def _join(words: list[str], last: str = "and") -> str:
    return join_names(words, last) or "none"
