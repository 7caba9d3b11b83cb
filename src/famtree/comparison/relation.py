"""Architecture, family and generation of two checkpoints: equal, different or not to be told."""

from __future__ import annotations

from famtree.interchange.structure import CORE, StructureComparison
from famtree.types.comparison import ArchitectureRelation, Sameness
from famtree.types.fingerprint import Architecture
from famtree.types.identification import Identification

_DESIGN = ("text_model_type", "class_name")


def relate_architectures(
    a: Architecture, b: Architecture, structure: StructureComparison, *, renamed: bool = False
) -> ArchitectureRelation:
    """Compare designs; `renamed` tells that all tensors have a counterpart under another name.

    `identical`: every trait of shape that both show is equal, and the deciding ones are shown.
    `same-class`: one implementation in different sizes or variants. What neither shows is left out.
    """
    shown = [(getattr(a, name), getattr(b, name)) for name in _DESIGN]
    known = [(left, right) for left, right in shown if left is not None and right is not None]
    if not known:
        return "unknown"
    if all(left != right for left, right in known):
        # A class that was renamed with its tensors computes the same.
        equal = structure.same_traits is True and structure.same_rows is True
        return "identical" if renamed and equal else "different"
    shape = [trait for trait in structure.differing if trait.startswith("architecture.")]
    if shape or structure.same_rows is False or known[0][0] != known[0][1]:
        return "same-class"
    unseen = any(getattr(one, name) is None for one in (a, b) for name in CORE)
    if unseen and structure.same_traits is None:
        return "unknown"
    return "same-class" if a.wrapper != b.wrapper else "identical"


def relate_families(a: Identification, b: Identification) -> Sameness:
    """Compare families, where both were settled."""
    if a.family is None or b.family is None:
        return "unknown"
    return "same" if a.family.key == b.family.key else "different"


def relate_generations(a: Identification, b: Identification) -> Sameness:
    """Compare generations; those of different families differ, settled or not."""
    family = relate_families(a, b)
    if family != "same":
        return family
    if a.generation is None or b.generation is None:
        return "unknown"
    return "same" if a.generation.key == b.generation.key else "different"
