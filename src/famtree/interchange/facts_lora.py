"""Facts about putting a's adapter on b: a is an adapter, or a model some adapter was made for."""

from __future__ import annotations

from famtree.interchange.adapters import (
    fits_model,
    highest_rank,
    is_adapter,
    read_adapter,
    saves_whole_modules,
)
from famtree.interchange.pair import Fact, Pair
from famtree.interchange.side import Side


def _kind(pair: Pair) -> str:
    return "adapter" if is_adapter(pair.a) else "model"


def _fits(pair: Pair) -> bool | None:
    """An adapter is held against b's modules; a model must have b's modules itself."""
    if is_adapter(pair.b):
        return False
    if is_adapter(pair.a):
        return fits_model(pair.a, pair.b)
    if pair.structure.same_class is False and pair.structure.same_shapes is not True:
        return None if pair.structure.same_shapes is None and not _shape_conflict(pair) else False
    return pair.structure.same_shapes


def _shape_conflict(pair: Pair) -> bool:
    return pair.structure.same_traits is False and pair.structure.same_shapes is False


def _stated(side: Side, key: str) -> bool | None:
    adapter = read_adapter(side)
    return bool(adapter.get(key)) if adapter else None


def _bias(side: Side) -> str | None:
    adapter = read_adapter(side)
    if not adapter:
        return None
    stated = adapter.get("bias", "none")
    return stated if isinstance(stated, str) else None


def _type(side: Side) -> str | None:
    stated = read_adapter(side).get("peft_type")
    return stated.lower() if isinstance(stated, str) else None


def _initial(side: Side) -> str | None:
    adapter = read_adapter(side)
    if not adapter:
        return None
    stated = adapter.get("init_lora_weights", True)
    return stated.lower() if isinstance(stated, str) else "default"


LORA_FACTS: dict[str, Fact] = {
    "lora.of": Fact("whether a is an adapter", _kind),
    "lora.fits": Fact("the modules that the adapter changes and b has", _fits),
    "lora.rank": Fact("the adapter's rank", lambda p: highest_rank(p.a)),
    "lora.dora": Fact("whether the adapter uses DoRA", lambda p: _stated(p.a, "use_dora")),
    "lora.bias": Fact("whether the adapter trains biases", lambda p: _bias(p.a)),
    "lora.saves": Fact("which whole modules it carries", lambda p: saves_whole_modules(p.a)),
    "lora.type": Fact("the kind of adapter", lambda p: _type(p.a)),
    "lora.initial": Fact("how the adapter began", lambda p: _initial(p.a)),
}
