"""What the matchers look at: traits of the language model, whatever it is wrapped in."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from famtree.types.family import GenericTraits
from famtree.types.fingerprint import Fingerprint
from famtree.types.traits import Trait, flatten

MODEL_TYPE = "architecture.model_type"
TEXT_MODEL_TYPE = "architecture.text_model_type"
CLASS_NAME = "architecture.class_name"
WRAPPER = "architecture.wrapper"


class Observation(Struct, frozen=True):
    """A fingerprint as the matchers see it."""

    fingerprint: Fingerprint
    traits: Mapping[str, Trait]
    wrapper: str | None
    """`model_type` of the multimodal wrapper that takes any language model, if there is one."""


def observe(fingerprint: Fingerprint, generic: GenericTraits) -> Observation:
    """Flatten a fingerprint, looking through wrappers that take any language model.

    Such a wrapper's own model_type and class say nothing about the language model inside, so the
    inner model_type stands in for the outer one.
    """
    traits = dict(flatten(fingerprint))
    architecture = fingerprint.architecture
    outer = architecture.model_type
    inner = architecture.text_model_type
    if outer not in generic.wrappers:
        return Observation(fingerprint, traits, None)
    flat = generic.wrappers[outer]
    if inner == outer or inner is None:
        inner = flat or None
    for name in (CLASS_NAME, WRAPPER, MODEL_TYPE, TEXT_MODEL_TYPE):
        traits.pop(name, None)
    if inner is not None:
        for name in (MODEL_TYPE, TEXT_MODEL_TYPE):
            traits[name] = Trait(inner, "config")
    return Observation(fingerprint, traits, outer)
