"""What a checkpoint lacks that an engine loads with its class: it runs on a condition at most."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from famtree.interchange.side import Side
from famtree.types.comparison import Answer

LACKING = ("shard-missing", "layer-missing", "module-missing", "tower-missing", "head-missing")
"""Warnings of a part that config.json, an index or the other parts promise, and no file holds."""
WHOLE = "what it lacks is fetched or made first"


def find_lack(side: Side) -> str | None:
    """Return what is missing, as the warning says it; None where nothing is.

    Without any weight file it is the description of a model that is whole elsewhere.
    """
    warnings = side.identification.warnings if side.weight_files else []
    return next((one.message for one in warnings if one.code in LACKING), None)


def limit_answers(answers: Iterable[Answer], side: Side) -> Iterator[Answer]:
    """Yield `answers`, none that `side` serves without a condition where it lacks a part."""
    lack = find_lack(side)
    for one in answers:
        if lack is None or one.question != "serve" or one.answer not in ("yes", "conditional"):
            yield one
            continue
        needed = WHOLE.replace("it", "b", 1)
        condition = f"{needed}; {one.condition}" if one.condition else needed
        told = {"answer": "conditional", "reason": f"b is not whole: {lack}"}
        yield one.model_copy(update={**told, "condition": condition})
