"""What one checkpoint puts on an accelerator, as one engine holds it."""

from __future__ import annotations

from math import ceil

from msgspec import Struct

from famtree.interchange.cache_layout import (
    Cells,
    KvLayout,
    admission_bytes,
    sequence_bytes,
)
from famtree.interchange.cache_types import choose_cells, name_type
from famtree.interchange.engine import Engine
from famtree.interchange.kv_cache import UnknownLayout, find_layout
from famtree.interchange.number_types import needs_float32
from famtree.interchange.side import Plan, Side
from famtree.interchange.stored_form import read_form
from famtree.interchange.stored_methods import fits_form
from famtree.interchange.weights import WeightSize, measure_weights

GIB = 2**30


class Footprint(Struct, frozen=True):
    """Weights and caches of one checkpoint on each accelerator that shares it."""

    weights: WeightSize | None
    layout: KvLayout | UnknownLayout
    cells: Cells
    cache_type: str
    """Type of keys and values."""
    in_flight: int = 0
    """Tokens under way, for which windows are held beyond their length; 0 where that is so for
    none."""
    padding: int = 1
    """What the tokens that windows hold are padded to a multiple of."""

    @property
    def missing(self) -> str | None:
        """What is missing to tell the whole; completes `without knowing ...`."""
        found = []
        if self.weights is None:
            found.append("the size of its weights")
        if isinstance(self.layout, UnknownLayout):
            found.append(self.layout.missing)
        return " and ".join(found) or None

    def measure_caches(self, tokens: int, batch: int) -> int | None:
        """Return the bytes of `batch` sequences of `tokens` tokens, None where unknown."""
        if isinstance(self.layout, UnknownLayout):
            return None
        total = batch * sequence_bytes(self.layout, tokens, self.cells)
        if self.in_flight:
            # Tokens under way are those of all sequences together.
            total += admission_bytes(self.layout, tokens, self.in_flight, self.cells, self.padding)
        return total


def measure_footprint(side: Side, engine: Engine | None, plan: Plan, ranks: int = 1) -> Footprint:
    """Return what each of `ranks` accelerators holds, as `engine` stores it."""
    support = engine.cache if engine is not None else None
    layout = find_layout(side)
    if isinstance(layout, KvLayout):
        if support is not None and support.latent == "expanded":
            layout = layout.unpack()
        if support is not None and support.windows == "all":
            layout = layout.lift_windows()
        layout = layout.split(ranks)
    known = layout if isinstance(layout, KvLayout) else None
    weights = hold_weights(side, engine, plan)
    if weights is not None and ranks > 1:
        told = f"{weights.how}, cut in {ranks}"
        weights = WeightSize(ceil(weights.bytes / ranks), weights.source, told)
    cells = choose_cells(side, known, engine, plan)
    return Footprint(
        weights, layout, cells, name_type(side, engine, plan), count_in_flight(engine, plan),
        support.window_padding if support is not None else 1,
    )  # fmt: skip


def hold_weights(side: Side, engine: Engine | None, plan: Plan) -> WeightSize | None:
    """Return the size of all weights as the engine holds them, widened where it widens them."""
    stored = measure_weights(side)
    holding = engine.holding if engine is not None else None
    if stored is None or holding is None:
        return stored
    found = side.identification.quantization
    if found is None:
        plain = (side.recipe.dtype or "").endswith("float32")
        if needs_float32(side, engine, plan):
            told = f"{stored.how}, loaded in 32 bits"
            return WeightSize(stored.bytes * (1 if plain else 2), stored.source, told)
        if holding.floats is not None and holding.floats < 32 and plain:
            told = f"{stored.how}, loaded in {holding.floats} bits"
            return WeightSize(ceil(stored.bytes * holding.floats / 32), stored.source, told)
        return stored
    facts = read_form(found, side) if holding.forms else {}
    for form in holding.forms:
        if fits_form(form, found, facts) is False:
            continue
        if form.below is not None and not _lacks(plan, form.below):
            continue
        return _widen(side, stored, form.bits)
    return stored


def _lacks(plan: Plan, capability: int) -> bool:
    """Return whether the planned place is known to have less; a CPU has no such kernels at all."""
    if plan.capability is None:
        return plan.vendor not in (None, "nvidia", "amd")
    return plan.capability < capability


def _widen(side: Side, stored: WeightSize, bits: float) -> WeightSize:
    found = side.identification.quantization
    width = None
    if found is not None:
        width = found.effective_bits_per_weight or found.bits
    told = f"widened to {bits:g} bits, {stored.how}"
    parameters = side.identification.parameters
    if parameters:
        return WeightSize(max(stored.bytes, ceil(parameters * bits / 8)), stored.source, told)
    if width and width < bits:
        return WeightSize(ceil(stored.bytes * bits / width), stored.source, told)
    return stored


def count_in_flight(engine: Engine | None, plan: Plan) -> int:
    """Return the tokens that may be under way on the planned accelerator."""
    support = engine.cache if engine is not None else None
    if support is None or not support.steps:
        return 0
    memory = (plan.gpu_memory or 0) * 10**9 / GIB
    found = support.steps[0].tokens
    for step in support.steps[1:]:
        name = (plan.gpu_name or "").lower()
        excepted = any(name.startswith(one.lower()) for one in step.excepted)
        if memory >= step.memory and not excepted:
            found = step.tokens
    return found * support.steps_at_once
