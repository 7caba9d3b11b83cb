"""Towers for images and sound that are another family's design: parts of a checkpoint to be named.

A model that carries another family's tower is not thereby of that family; whoever asks wants to see
the part all the same.
"""

from __future__ import annotations

from collections.abc import Mapping

from famtree.checkpoint.composition import list_towers
from famtree.checkpoint.findings import Findings
from famtree.registry.conditions import fits
from famtree.registry.registry import Registry
from famtree.types.claim import Role
from famtree.types.family import Rule
from famtree.types.identification import Component
from famtree.types.traits import Value, flatten

_NAMES = ("architecture.model_type", "architecture.text_model_type")
"""The name of the whole tells more: others build their models on a design's language tower."""
_WIDTHS = ("architecture.vision_layers", "architecture.vision_hidden_size")
_ENDINGS = ("_vision_model", "_vision", "_audio_encoder", "_encoder")
"""What transformers puts behind the model_type of the whole in that of a tower."""


def find_components(findings: Findings, registry: Registry) -> list[Component]:
    """Return each tower that one other family's design has, by its own `model_type` and widths."""
    own = findings.family.key if findings.family is not None else None
    towers = list_towers(findings.found.config)
    found = (_find_owner(role, kind, findings, registry) for role, kind in towers.items() if kind)
    return [one for one in found if one is not None and one.family != own]


def _find_owner(role: Role, kind: str, findings: Findings, registry: Registry) -> Component | None:
    seen = flatten(findings.fingerprint)
    widths = {name: seen[name].value for name in _WIDTHS if name in seen}
    owners: dict[tuple[str, str], str] = {}
    for named in _NAMES:
        owners = owners or {
            (family.key, generation.key): generation.name
            for family, generation in registry.walk_generations()
            if any(_has_tower(rule, named, role, kind, widths) for rule in generation.rules)
        }
    families = {family for family, _ in owners}
    if len(families) != 1:
        return None
    alone = next(iter(owners)) if len(owners) == 1 else None
    return Component.model_construct(
        role=role,
        family=families.pop(),
        generation=alone[1] if alone else None,
        name=" or ".join(owners.values()),
    )


def _has_tower(rule: Rule, named: str, role: Role, kind: str, widths: Mapping[str, Value]) -> bool:
    names = {kind, *(kind.removesuffix(ending) for ending in _ENDINGS)}
    stated = rule.when.get(named)
    if stated is None or not any(fits(stated, name) for name in names):
        return False
    if role != "vision tower":
        return True
    told = [name for name in _WIDTHS if name in rule.when]
    if not told:
        # The tower by itself, whose own widths the sizes state.
        return fits(stated, kind) and rule.variant == "vision"
    return all(name in widths and fits(rule.when[name], widths[name]) for name in told)
