"""Facts about putting a's adapter on b: a is an adapter, or a model some adapter was made for.

Of a model the question is about a plain LoRA: without DoRA, biases or whole modules.
"""

from __future__ import annotations

from famtree.interchange.adapters import (
    fits_model,
    highest_rank,
    is_adapter,
    read_adapter,
    saves_whole_modules,
)
from famtree.interchange.pair import Fact, Pair


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


def _uses_dora(pair: Pair) -> bool | None:
    if not is_adapter(pair.a):
        return False
    adapter = read_adapter(pair.a)
    return bool(adapter.get("use_dora")) if adapter else None


def _saves(pair: Pair) -> bool | None:
    return saves_whole_modules(pair.a) if is_adapter(pair.a) else False


def _word(pair: Pair, key: str, usual: str) -> str | None:
    """Return a word of adapter_config.json; `usual` where it is not stated, or not a word."""
    if not is_adapter(pair.a):
        return usual
    adapter = read_adapter(pair.a)
    stated = adapter.get(key)
    if isinstance(stated, str):
        return stated.lower()
    return usual if adapter else None


LORA_FACTS: dict[str, Fact] = {
    "lora.of": Fact("whether a is an adapter", _kind),
    "lora.fits": Fact("the modules that the adapter changes and b has", _fits),
    "lora.rank": Fact("the adapter's rank", lambda p: highest_rank(p.a)),
    "lora.dora": Fact("whether the adapter uses DoRA", _uses_dora),
    "lora.bias": Fact("whether the adapter trains biases", lambda p: _word(p, "bias", "none")),
    "lora.saves": Fact("which whole modules it carries", _saves),
    "lora.type": Fact("the kind of adapter", lambda p: _word(p, "peft_type", "lora")),
    "lora.initial": Fact(
        "how the adapter began", lambda p: _word(p, "init_lora_weights", "default")
    ),
}
