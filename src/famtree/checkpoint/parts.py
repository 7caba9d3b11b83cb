"""Parts of a whole, judged by their class: their keys mean other things than a language model's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from famtree.fingerprints.parts import CLASS_NAME
from famtree.matchers.classify import Classification
from famtree.matchers.confidence import calibrate
from famtree.matchers.wrapping import list_names
from famtree.registry.registry import Registry


def judge_part(
    config: Mapping[str, Any], result: Classification, registry: Registry
) -> Classification:
    """Return `result`, or that nothing is settled for a class of diffusers that nobody registered.

    Widths alone would make it look like some language model.
    """
    if CLASS_NAME not in config and config.get("model_type"):
        return result
    classes = config.get("architectures")
    named = isinstance(classes, list) and any(one in list_names(registry) for one in classes)
    best = result.best
    if named and (best is None or best.rule.label_fits):
        return result
    return Classification("unknown", calibrate(1.0, conflicts=0, custom=True), None, None)
