"""Claims that name an ancestor further up are agreement, not a second parent."""

from __future__ import annotations

from collections.abc import Mapping

from famtree.lineage.steps import JudgedLink
from famtree.types.identification import Evidence


def fold_shortcuts(steps: Mapping[str, list[JudgedLink]]) -> None:
    """Fold each step that another one of the same child leads to anyway into that other one.

    A card often names the base model where config.json names the stage between them, or the other
    way round. Parents of one merge recipe are all kept: there, the base is a part of its own.
    """
    for found in steps.values():
        for step in list(found):
            nearer = next((one for one in found if _leads_to(one, step, steps)), None)
            if nearer is None:
                continue
            found.remove(step)
            nearer.evidence.append(
                Evidence.model_construct(
                    signal="claim",
                    source=step.link.sources[0] if step.link.sources else "registry",
                    expected=nearer.parent,
                    seen=f"{step.parent}, an ancestor of it",
                    supports=True,
                    weight=0.3,
                )
            )
            nearer.set_main()


def _leads_to(nearer: JudgedLink, step: JudgedLink, steps: Mapping[str, list[JudgedLink]]) -> bool:
    if nearer is step or not (nearer.stands and step.stands):
        return False
    if not (nearer.aside or step.aside) or step.status == "verified":
        return False
    seen, waiting = set[str](), [nearer.parent]
    while waiting:
        ref = waiting.pop()
        if ref == step.parent:
            return True
        if ref not in seen:
            seen.add(ref)
            waiting += [one.parent for one in steps.get(ref, ()) if one.stands]
    return False
