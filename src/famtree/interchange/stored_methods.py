"""Which entries of an engine file speak of a checkpoint's stored form, and whether it is taken."""

from __future__ import annotations

from famtree.interchange.engine import (
    Engine,
    HeldForm,
    QuantizationMethod,
    QuantizationSupport,
)
from famtree.interchange.side import Side
from famtree.interchange.stored_form import read_form
from famtree.interchange.versions import holds_for
from famtree.registry.conditions import fits
from famtree.types.quantization import Quantization
from famtree.types.traits import Value


def takes_form(engine: Engine | None, version: str | None, side: Side) -> bool | None:
    """Return whether an engine loads or converts a checkpoint as it is stored, on any GPU.

    None where the engine's file or the checkpoint does not tell.
    """
    support = engine.quantization if engine is not None else None
    found = side.identification.quantization
    if support is None or version is None:
        return None
    if found is None:
        return True if side.config or side.index.complete else None
    possible, whole = find_methods(support, found, version, side)
    listed = any(method.method == found.method for method in support.methods)
    if not possible:
        return None if support.others == "unknown" and not listed else False
    taken = {method.refused is None for method in possible} | (set() if whole else {False})
    return taken.pop() if len(taken) == 1 else None


def find_methods(
    support: QuantizationSupport, found: Quantization, version: str, side: Side
) -> tuple[list[QuantizationMethod], bool]:
    """Return the entries that may be meant, up to the first that is certain; whether one is."""
    possible: list[QuantizationMethod] = []
    facts: dict[str, Value | None] | None = None
    for method in support.methods:
        if method.method != found.method or not holds_for(version, method.since, method.until):
            continue
        facts = facts or read_form(found, side)
        fits = fits_form(method, found, facts)
        if fits is False:
            continue
        possible.append(method)
        if fits:
            return possible, True
    return possible, False


def fits_form(
    method: QuantizationMethod | HeldForm, found: Quantization, facts: dict[str, Value | None]
) -> bool | None:
    """Return whether an entry speaks of a form; None where the checkpoint does not show it."""
    if method.method != found.method:
        return False
    unseen = False
    if method.schemes:
        scheme = (found.scheme or "").lower()
        unseen = not scheme
        if scheme and not any(scheme.startswith(one.lower()) for one in method.schemes):
            return False
    for name, condition in method.when.items():
        value = facts[name]
        if value is None:
            unseen = True
        elif not fits(condition, value):
            return False
    return None if unseen else True
