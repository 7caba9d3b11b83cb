"""What checkpoints say of their parents, before any of it is checked."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from famtree.types.identification import Evidence, LinkRelation

ClaimSource = Literal[
    "mergekit", "adapter", "card", "tag", "registry", "gguf", "download", "quantizer", "config",
    "readme", "name", "atlas", "candidate",
]  # fmt: skip
"""Who says it: mergekit_config.yml, adapter_config.json, card front matter, Hub tag, famtree's own
registry, GGUF metadata, a download record, a quantizer's configuration, config._name_or_path,
running text of the card, or only the checkpoint's name; `atlas` and `candidate` are nobody's word,
but what an atlas was found to hold, and what weights say of a checkpoint that was asked about."""


Role = Literal["language model", "vision tower", "audio tower"]
"""What a parent became a part of, where a model is composed of several."""

STACKING = "passthrough"
"""mergekit's method that puts layers on each other unchanged."""
MIXTURE = "mixture-of-experts"
"""famtree's own word for what mergekit-moe makes; its configurations name no method."""


class LayerSpan(Struct, frozen=True):
    """Layers of one parent that a merge stacks: [start, stop) in the parent's numbering."""

    parent: str
    start: int
    stop: int
    to: int | None = None
    """First layer of the merge that the span becomes, where the recipe tells."""


class Claim(Struct, frozen=True):
    """One statement that a checkpoint comes from `parent`; never merged with others silently."""

    parent: str
    """The parent as claimed: a Hub id, or whatever text stands there."""
    source: ClaimSource
    relation: LinkRelation | None = None
    """None when the claim does not say how."""
    revision: str | None = None
    weight: float | None = None
    """Share of a merge's parent, as the merge recipe states it."""
    layers: tuple[LayerSpan, ...] = ()
    resolvable: bool = True
    """False for local paths and texts that cannot be a Hub id."""
    of_parent: bool = False
    """True for what a conversion repeats of the model it was made from: the claimed checkpoint is
    the parent of this one's parent."""
    role: Role | None = None
    """The part of a composition that began as the parent; None where it is no composition's."""
    found: Evidence | None = None
    """What was measured, where the claim is a finding."""


class MergeRecipe(Struct):
    """What a mergekit configuration says, in the terms of a graph."""

    method: str
    parents: list[str] = []
    base: str | None = None
    weights: dict[str, float] = {}
    revisions: dict[str, str] = {}
    spans: list[LayerSpan] = []
    """For passthrough and sliced merges, in output order."""
