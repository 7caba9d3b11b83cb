"""An answer that rests on what a class assumes by itself, beside a parent of somebody else's.

Small models are trained anew for a language or a field with the published class as it stands:
class, widths and the number of rows are then those of the family, the vocabulary is not. Where no
vocabulary was read, only the declared parent tells whose it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from famtree.checkpoint.bases import find_base
from famtree.checkpoint.records import find_released
from famtree.checkpoint.references import base_name, strip_form
from famtree.fingerprints.defaults import default_traits

if TYPE_CHECKING:
    from famtree.checkpoint.findings import Findings
    from famtree.lineage.trace import Trace
    from famtree.registry.registry import Registry

UNVOUCHED_CEILING = 0.78
"""Ceiling of an answer that nothing but the defaults of a class and a stranger's name stand behind.
Assumed, not counted: the labelled corpora hold a single one, which was another family's."""
SMALL = 1_000_000_000
"""Parameters below which a parent of an unknown name may well have been trained from scratch."""


def limit_belief(
    belief: float, findings: Findings, trace: Trace, parameters: int | None, registry: Registry
) -> float:
    """Return `belief` in the answer, below UNVOUCHED_CEILING where a parent leaves it in doubt."""
    if _rests_on_defaults(findings) and _has_strange_parents(findings, trace, parameters, registry):
        return min(belief, UNVOUCHED_CEILING)
    return belief


def _rests_on_defaults(findings: Findings) -> bool:
    shown, tokenizer = findings.fingerprint.architecture, findings.fingerprint.tokenizer
    if tokenizer is not None and tokenizer.vocabulary is not None:
        return False
    rows = default_traits(shown.text_model_type or shown.model_type).get("vocab_rows")
    return rows is not None and rows == shown.vocab_rows


def _has_strange_parents(
    findings: Findings, trace: Trace, parameters: int | None, registry: Registry
) -> bool:
    """Return whether parents are declared, and none of them is known to be of the family."""
    family = findings.result.family
    steps = [one for one in trace.walk.steps.get(trace.walk.start, ()) if one.stands]
    if family is None or not steps or any(one.status == "consistent" for one in steps):
        return False
    small = parameters is None or parameters < SMALL
    for one in steps:
        facts = trace.walk.nodes.get(one.parent)
        if facts is not None and facts.family is not None:
            strange = facts.family != family.key
        elif (base := find_base(one.parent, registry)) is None:
            strange = small
        elif base.family != family.key:
            strange = True
        else:
            released = find_released(strip_form(base_name(one.parent))[0], registry)
            strange = small and base.known_by == "words" and released is None
        if not strange:
            return False
    return True
