"""How much of an accelerator's memory is there for a checkpoint, and what fits into it."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from famtree.interchange.engine import Engine
from famtree.interchange.footprint import Footprint

RESERVED = 0.1
"""Share of the memory set aside for what is not counted, where the engine states nothing: what the
common setting `gpu_memory_utilization = 0.9` leaves. An allowance, not a measurement."""
GIGABYTE = 10**9
LONGEST = 2**31
"""No context and no batch is tried beyond this."""


class Room(Struct, frozen=True):
    """Memory of one accelerator, bytes."""

    total: int
    usable: int
    words: str
    """What is set aside: completes `24.00 GB, of which ...`."""


def find_room(engine: Engine | None, memory: float) -> Room:
    """Return the room in `memory` GB (10**9 bytes), as the engine takes it by default."""
    support = engine.cache if engine is not None else None
    total = int(memory * GIGABYTE)
    if support is not None and support.memory_reserve is not None:
        reserve = support.memory_reserve
        told = f"{show_bytes(reserve)} stays free for what is not counted"
        return Room(total, max(0, total - reserve), told)
    share = (support.memory_share if support is not None else None) or 1 - RESERVED
    told = f"{1 - share:.0%} stays free for what is not counted"
    return Room(total, int(total * share), told)


def find_longest_context(found: Footprint, budget: int, batch: int = 1) -> int | None:
    """Return the most tokens that each of `batch` sequences may have in `budget` bytes of cache.

    None for no limit.
    """
    return _find_most(lambda tokens: found.measure_caches(tokens, batch), budget)


def find_largest_batch(found: Footprint, budget: int, tokens: int) -> int | None:
    """Return how many sequences of `tokens` tokens fit in `budget` bytes; None for no limit."""
    return _find_most(lambda batch: found.measure_caches(tokens, batch), budget, nothing=True)


def _find_most(
    measure: Callable[[int], int | None], budget: int, *, nothing: bool = False
) -> int | None:
    if (measure(LONGEST) or 0) <= budget and budget >= 0:
        return None
    low, high = 0, LONGEST
    if budget < 0 or (not nothing and (measure(1) or 0) > budget):
        return 0
    while high - low > 1:
        middle = (low + high) // 2
        if (measure(middle) or 0) <= budget:
            low = middle
        else:
            high = middle
    return low


def show_bytes(count: float) -> str:
    """Return bytes as GB or MB (powers of ten)."""
    if count >= GIGABYTE / 10:
        return f"{count / GIGABYTE:,.2f} GB"
    return f"{count / 10**6:,.2f} MB"
