"""Facts about putting a's adapter on b: a is an adapter, or a model some adapter was made for.

Of a model the question is about a plain LoRA: without DoRA, biases or whole modules.
"""

from __future__ import annotations

from collections.abc import Callable

from famtree.interchange.adapter_fit import AdapterFit, fit_adapter
from famtree.interchange.adapters import (
    count_added_tokens,
    highest_rank,
    is_adapter,
    list_features,
    read_adapter,
    saves_whole_modules,
    sort_tensors,
)
from famtree.interchange.pair import Fact, Pair
from famtree.types.recent import remember
from famtree.types.traits import Value


def _kind(pair: Pair) -> str:
    return "adapter" if is_adapter(pair.a) else "model"


@remember(8, lambda _: 1)
def _fit(pair: Pair) -> AdapterFit:
    return fit_adapter(pair.a, pair.b)


def _fits(pair: Pair) -> bool | None:
    """An adapter is held against b's modules; a model must have b's modules itself."""
    if is_adapter(pair.b):
        return False
    if is_adapter(pair.a):
        return _fit(pair).fits
    if pair.structure.same_class is False and pair.structure.same_shapes is not True:
        return None if pair.structure.same_shapes is None and not _shape_conflict(pair) else False
    return pair.structure.same_shapes


def _shape_conflict(pair: Pair) -> bool:
    return pair.structure.same_traits is False and pair.structure.same_shapes is False


def _misfit(pair: Pair) -> str | None:
    if is_adapter(pair.a) and not is_adapter(pair.b):
        return _fit(pair).misfit
    fits = _fits(pair)
    return None if fits is None else "none" if fits else "size"


def _uses(pair: Pair) -> tuple[str, ...] | None:
    return list_features(pair.a) if is_adapter(pair.a) else ()


def _uses_field(field: str) -> Callable[[Pair], bool | None]:
    def read(pair: Pair) -> bool | None:
        used = _uses(pair)
        return None if used is None else field in used

    return read


def _saves(pair: Pair) -> bool | None:
    return saves_whole_modules(pair.a) if is_adapter(pair.a) else False


def _experts(pair: Pair) -> str | None:
    if not is_adapter(pair.a):
        return "none"
    tensors = sort_tensors(pair.a)
    return tensors.experts if tensors is not None else None


def _towers(pair: Pair) -> bool | None:
    if not is_adapter(pair.a):
        return False
    tensors = sort_tensors(pair.a)
    return tensors.towers if tensors is not None else None


def _layout(pair: Pair) -> str | None:
    """MLX LM writes adapters of its own (mlx_lm/tuner/utils.py)."""
    if not is_adapter(pair.a):
        return "peft"
    adapter = read_adapter(pair.a)
    if not adapter:
        return None
    return "peft" if "peft_type" in adapter or "lora_parameters" not in adapter else "mlx"


def _plain(pair: Pair) -> bool | None:
    kind = _word(pair, "peft_type", "lora")
    return None if kind is None else kind == "lora"


def _word(pair: Pair, key: str, usual: str) -> str | None:
    """Return a word of adapter_config.json; `usual` where it is not stated, or not a word."""
    if not is_adapter(pair.a):
        return usual
    adapter = read_adapter(pair.a)
    stated = adapter.get(key)
    if isinstance(stated, str):
        return stated.lower()
    return usual if adapter else None


def read_initial(pair: Pair) -> str | None:
    """Return how the adapter began: `init_lora_weights` where it is a word, else `default`."""
    return _word(pair, "init_lora_weights", "default")


def _added(pair: Pair) -> Value | None:
    return count_added_tokens(pair.a, pair.b) if is_adapter(pair.a) else 0


LORA_FACTS: dict[str, Fact] = {
    "lora.of": Fact("whether a is an adapter", _kind),
    "lora.layout": Fact("which program wrote the adapter", _layout),
    "lora.fits": Fact("the modules that the adapter changes and b has", _fits),
    "lora.misfit": Fact("the modules that the adapter changes and b has", _misfit),
    "lora.missing": Fact(
        "the modules that the adapter changes and b has",
        lambda p: _fit(p).missing if is_adapter(p.a) else 0,
    ),
    "lora.rank": Fact("the adapter's rank", lambda p: highest_rank(p.a)),
    "lora.uses": Fact("what the adapter's config says", _uses),
    "lora.dora": Fact("whether the adapter uses DoRA", _uses_field("use_dora")),
    "lora.tokens": Fact(
        "whether single tokens were trained", _uses_field("trainable_token_indices")
    ),
    "lora.bias": Fact("whether the adapter trains biases", lambda p: _word(p, "bias", "none")),
    "lora.saves": Fact("which whole modules it carries", _saves),
    "lora.saved_same": Fact(
        "the sizes of the whole modules it carries",
        lambda p: _fit(p).saved_same if is_adapter(p.a) else None,
    ),
    "lora.experts": Fact("how the adapter names experts", _experts),
    "lora.towers": Fact("which towers the adapter changes", _towers),
    "lora.added_tokens": Fact("how many tokens the adapter adds", _added),
    "lora.type": Fact("the kind of adapter", lambda p: _word(p, "peft_type", "lora")),
    "lora.plain": Fact("the kind of adapter", _plain),
    "lora.initial": Fact("how the adapter began", read_initial),
}
