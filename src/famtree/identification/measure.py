"""How large a checkpoint is, and whether it makes embeddings: counted before it is believed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from famtree.checkpoint.composition import list_parts
from famtree.checkpoint.records import find_known
from famtree.fingerprints.parameters import count_parameters, estimate_parameters

if TYPE_CHECKING:
    from famtree.checkpoint.facts import NodeFacts
    from famtree.checkpoint.findings import Findings
    from famtree.registry.registry import Registry
    from famtree.types.family import Size

_EMBEDS = frozenset({"modules.json", "config_sentence_transformers.json", "1_Pooling/config.json"})
"""Files that sentence-transformers writes beside what it pools."""
_TOWER = 12
"""Weights of a block of a vision transformer, in squares of its width: four of attention, and eight
of an MLP four times as wide (arXiv 2010.11929, section 3.1)."""
_RESOLUTION = re.compile(r"-\d{3}$")
"""Towers that differ in the images they take alone."""
_NUMBER = re.compile(r"(\d{1,4}(?:\.\d{1,3})?)B$")
_NEAR = 0.1
_SAME = 1.01
"""Within this a count is that of the language model alone: buffers and rows differ."""


def measure(
    findings: Findings, registry: Registry, *, settled: bool
) -> tuple[str | None, int | None]:
    """Return (size name, parameter count) of the whole.

    `settled` tells whether the evidence of the design is what the answer rests on. The registry's
    count of a language model is not that of a model around it: such a size is named by what all
    parts have, rounded, or not at all.
    """
    fingerprint = findings.fingerprint
    counted = count_parameters(
        findings.found.index, findings.quantization, fingerprint.architecture.tied
    )
    best = findings.result.best if settled else None
    official = best.size.size if best is not None and best.size is not None else None
    if official is None:
        # A head's config repeats widths and vocabulary of its target.
        guessed = None if findings.target else estimate_parameters(fingerprint.architecture)
        return None, counted or guessed
    if official.parameters is not None and _has_towers(findings):
        whole = counted or _add_tower(official, findings, registry)
        if counted is None or counted > official.parameters * _SAME:
            return _name_whole(official, whole), counted
    if counted is None:
        return official.name, official.parameters or estimate_parameters(fingerprint.architecture)
    return official.name, counted


def _name_whole(official: Size, whole: int | None) -> str | None:
    """Return the official name where it is about as large: makers keep it beside a small tower."""
    if whole is None:
        return None
    stated = _NUMBER.match(official.name)
    near = stated is not None and abs(whole / (float(stated[1]) * 1e9) - 1) <= _NEAR
    return official.name if near else name_size(whole)


def makes_embeddings(findings: Findings) -> bool:
    """Return whether files say so: sentence-transformers' own, or a decoder that looks ahead."""
    names = {entry.name for entry in findings.found.listing.files}
    return not names.isdisjoint(_EMBEDS) or findings.found.config.get("is_causal") is False


def name_size(parameters: int) -> str:
    """Return a count as makers write it, two digits: `4.2B`, `27B`, `460M`."""
    unit, word = (1e9, "B") if parameters >= 1e9 else (1e6, "M")
    value = parameters / unit
    return f"{value:.0f}{word}" if value >= 9.95 else f"{value:.1f}".removesuffix(".0") + word


def _has_towers(findings: Findings) -> bool:
    architecture, best = findings.fingerprint.architecture, findings.result.best
    seen = architecture.vision_layers is not None or findings.wrapper is not None
    return seen or (best is not None and best.rule.rule.variant == "vision")


def _add_tower(official: Size, findings: Findings, registry: Registry) -> int | None:
    """Return the language model's count with that of the vision tower, as far as it is shown."""
    shown = findings.fingerprint.architecture
    shape = (shown.vision_layers, shown.vision_hidden_size)
    for part in list_parts(findings.found.config) if None in shape else ():
        name = _RESOLUTION.sub("", part.parent)
        known = find_known(name, registry) if part.role == "vision tower" else None
        if known is not None:
            shape = (_number(known, "vision_layers"), _number(known, "vision_hidden_size"))
    layers, width = shape
    if official.parameters is None or not layers or not width:
        return None
    return official.parameters + int(_TOWER * layers * width * width)


def _number(known: NodeFacts, name: str) -> int | None:
    trait = known.traits.get(f"architecture.{name}")
    return trait.value if trait is not None and type(trait.value) is int else None
