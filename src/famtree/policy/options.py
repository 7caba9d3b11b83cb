"""Conditions given one by one, as options of a command."""

from __future__ import annotations

from typing import Any

from famtree.errors import UsageError
from famtree.policy.expectation import check_confidence_bound, parse_expectation, suggest_family
from famtree.registry.places import Places, find_places, load_places
from famtree.types.policy import Conditions


def read_conditions(given: dict[str, Any], registry: Places = ()) -> Conditions:
    """Return the conditions by the field names of `Conditions`; None is not asked for.

    Raises UsageError for keys that the registry does not have and a confidence beyond 0 to 1.
    """
    conditions = Conditions.model_construct(
        **{name: value for name, value in given.items() if value is not None}
    )
    check_confidence_bound(conditions.min_confidence)
    keys = [*(conditions.allow_families or ()), *(conditions.deny_families or ())]
    if conditions.expect is None and not keys:
        return conditions
    families = load_places(find_places(registry)).families
    if conditions.expect is not None:
        parse_expectation(conditions.expect, families)
    known = {family.key for family in families}
    for key in keys:
        if key.lower() not in known:
            raise UsageError(f"no family {key!r}", hint=suggest_family(key, families))
    return conditions
