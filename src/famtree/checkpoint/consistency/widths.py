"""config.json against the shapes of the tensors."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import prod

from famtree.checkpoint.consistency.examined import Contradiction, Examined
from famtree.fingerprints.tensor_names import Module
from famtree.packings.sizes import FLOATS

_ADJUSTED = ("block_auto_adjust_ff_dim", "ffn_dim_multiplier", "intermediate_dim_ratio")
"""Keys of config.json by which a class computes widths that config.json does not state."""


def find_disagreements(one: Examined) -> Iterator[Contradiction]:
    """Traits for which config.json or a side file gives another value than what is believed."""
    for trait in (*one.architecture.disagreements, *one.findings.quantization_conflicts):
        yield Contradiction(
            f"{trait.trait}: {trait.believed_from} says {trait.believed}, "
            f"{trait.other_from} says {trait.other}; {trait.believed_from} is believed",
            trait.other,
            trait.believed,
        )


def find_wrong_heads(one: Examined) -> Iterator[Contradiction]:
    """Heads of attention that the widths of its matrices do not allow.

    The output takes `heads * head_dim` columns, the keys make `kv_heads * head_dim` rows. Latent
    attention and designs whose layers differ are left out.
    """
    a, main = one.architecture, one.layout.main
    told = {trait.trait for trait in a.disagreements}
    if main is None or main.of("kv_a") or told & {"architecture.heads", "architecture.kv_heads"}:
        return
    out, keys = _find_width(main.of("o"), a.hidden_size), _find_width(main.of("k"), a.hidden_size)
    heads, kv_heads, width = a.heads, a.kv_heads, a.head_dim
    if not out or not heads or not one.is_stated("heads"):
        return
    if one.is_stated("head_dim") and width and out != heads * width:
        yield _tell(f"{heads} heads of {width}", f"an attention output of {out} columns")
    elif out % heads:
        yield _tell(f"{heads} heads", f"an attention output of {out} columns")
    elif keys and kv_heads and one.is_stated("kv_heads") and keys * heads != out * kv_heads:
        yield _tell(
            f"{kv_heads} of {heads} heads for keys",
            f"{keys} rows of keys beside an attention output of {out} columns",
        )
    elif (fused := _find_width(main.of("qkv"), a.hidden_size)) and kv_heads:
        shared = 2 * out * kv_heads // heads
        if one.is_stated("kv_heads") and fused not in (out + shared, 2 * out + shared):
            yield _tell(
                f"{kv_heads} of {heads} heads for keys",
                f"{fused} fused rows beside an attention output of {out} columns",
            )


def find_wrong_ffn(one: Examined) -> Iterator[Contradiction]:
    """An intermediate_size that the MLP does not have; widths of experts are compared elsewhere."""
    a, main = one.architecture, one.layout.main
    stated = one.text_config.get("intermediate_size")
    if main is None or a.experts or a.encoder_layers or type(stated) is not int:
        return
    if any(one.text_config.get(key) for key in _ADJUSTED) or not one.is_from_header("ffn"):
        return
    seen = _find_width(main.of("down"), a.hidden_size)
    if seen and seen != stated and a.ffn == seen and not one.is_stated("ffn"):
        yield _tell(f"an intermediate_size of {stated}", f"an MLP of {seen}")


def _tell(expected: str, seen: str) -> Contradiction:
    return Contradiction(
        f"config.json states {expected}, but the tensors have {seen}: engines refuse the shapes",
        expected,
        seen,
    )


def _find_width(modules: Iterable[Module], hidden: int | None) -> int | None:
    """Return the side of plain matrices that is not the hidden size, equal in all of them."""
    widths = set()
    for module in modules:
        leaf = module.leaves.get("weight")
        if leaf is None or leaf.dtype not in FLOATS or len(leaf.shape) != 2 or not hidden:
            return None
        width, odd = divmod(prod(leaf.shape), hidden)
        if odd:
            return None
        widths.add(width)
    return widths.pop() if len(widths) == 1 else None
