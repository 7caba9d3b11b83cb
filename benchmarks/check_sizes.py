"""Recompute the parameters of every official size of the registry from its shape, and compare.

    python benchmarks/check_sizes.py [FAMILY...]

Told are, and any of them exits with 1:

- a recorded parameter count that is not that of the shape;
- a size that is named after a number its shape is far from: a wrong depth or width, or another
  model's;
- a feed-forward width that the class itself makes of the stated one (`adjusted_ffn` of
  dialects.json) and that it could not have made.

Counted are the matrices of attention and feed-forward blocks, experts, embedding and head. Designs
with other parts are listed with their reason in `check_sizes.toml`; an entry that is not needed is
a fault too.
"""

from __future__ import annotations

import itertools
import re
import sys
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from famtree.fingerprints.defaults import default_traits, load_dialects
from famtree.registry.load import load_registry
from famtree.registry.registry import Registry
from famtree.types.family import Generation, Rule, Size

EXCEPTIONS = Path(__file__).with_suffix(".toml")
COUNTED = 0.02
"""Most that norms, biases and position tables add to the matrices, as a share of all."""
NAMED = 0.17
"""The same for the number in a name: makers round, and count or leave out embeddings and towers."""
_NUMBER = re.compile(r"(?:^|[-_ ])(?:(\d+)x)?(\d+(?:\.\d+)?)\s?([mbt])(?=$|[-_ .+])", re.I)
_UNITS = {"m": 1e6, "b": 1e9, "t": 1e12}


def list_faults(registry: Registry, families: Sequence[str] = ()) -> list[str]:
    """Return one line for each size whose shape and record disagree."""
    excused = load_exceptions()
    used: set[str] = set()
    faults = []
    for family, generation in registry.walk_generations():
        if families and family.key not in families:
            continue
        for size in generation.sizes:
            name = f"{family.key}/{generation.key}/{size.name}"
            told = _compare(generation, size)
            keys = {one for one in excused if name == one or name.startswith(f"{one}/")}
            if told and not keys:
                faults.append(f"{name}: {told}")
            used |= keys if told else set()
            faults += [f"{name}: {one}" for one in _check_widths(generation, size)]
    if not families:
        faults += [f"{one}: nothing to excuse" for one in sorted(excused.keys() - used)]
    return faults


def load_exceptions() -> dict[str, str]:
    """Return family, family/generation or family/generation/size to the reason it is left out."""
    table = tomllib.loads(EXCEPTIONS.read_text(encoding="utf-8"))
    return {one["key"]: one["why"] for one in table["exception"]}


def _compare(generation: Generation, size: Size) -> str | None:
    named = _NUMBER.search(size.name)
    if size.parameters is not None:
        wanted, room = float(size.parameters), COUNTED
    elif named is not None:
        wanted = float(named[2]) * _UNITS[named[3].lower()] * int(named[1] or 1)
        room = NAMED
    else:
        return None
    counts = [one for rule in generation.rules for one in _count(rule, size)]
    nearest = min(counts, key=lambda one: abs(one - wanted), default=None)
    if nearest is None or abs(nearest / wanted - 1) <= room:
        return None
    return f"the shape has about {nearest:.4g} parameters, {wanted:.4g} are on record"


def _count(rule: Rule, size: Size) -> Iterator[float]:
    """Yield the parameters of `size` in all ways that `rule` leaves open; none where unknown."""
    hidden, heads, ffn = size.hidden_size, size.heads, size.ffn or size.expert_ffn
    rows = [size.vocab_rows] if size.vocab_rows else _values(rule, "vocab_rows")
    if not (hidden and heads and ffn and size.layers) or _values(rule, "kv_lora_rank"):
        return
    keys = size.kv_heads or heads
    kinds = [default_traits(one) for one in _values(rule, "text_model_type")]
    both = any("decoder_layers" in one for one in kinds)
    decoders = size.decoder_layers or (size.layers if both else 0)
    # SiLU came with gates: no released model has one without the other.
    gates = _values(rule, "activation", "recipe") == ["silu"]
    for row, tied, width, gated in itertools.product(
        rows,
        [True, False] if size.parameters is None else _values(rule, "tied") or [True, False],
        _values(rule, "head_dim") or [hidden // heads],
        _values(rule, "gated_mlp") or ([True] if gates else [True, False]),
    ):
        attention = 2 * hidden * width * (heads + keys)
        mlp = (3 if gated else 2) * hidden * ffn
        if size.experts:
            mlp = 3 * hidden * (size.expert_ffn or ffn) * size.experts
        blocks = (size.layers + decoders) * (attention + mlp) + decoders * attention
        yield blocks + row * hidden * (1 if tied else 2)


def _check_widths(generation: Generation, size: Size) -> Iterator[str]:
    dialects = load_dialects()
    for rule in generation.rules:
        for kind in _values(rule, "text_model_type"):
            adjusted = dialects.get(kind, {}).get("adjusted_ffn")
            if adjusted and size.ffn and size.ffn % adjusted["default"]:
                yield f"{kind} makes no width of {size.ffn}"
                return


def _values(rule: Rule, name: str, part: str = "architecture") -> list[Any]:
    condition = rule.when.get(f"{part}.{name}")
    if condition is None:
        return []
    values = condition.one_of if condition.equals is None else (condition.equals,)
    return list(values or ())


if __name__ == "__main__":
    found = list_faults(load_registry(), sys.argv[1:])
    print("\n".join(found) or "every size has the parameters that its shape makes")
    sys.exit(bool(found))
