"""Where each role of a layer lies: fused, split, expert or renamed, all come out as one matrix.

Roles of block matrices are q, k, v, o, gate, up and down; outside blocks embedding and head. Rows
are numbered as transformers does, whatever order the file keeps them in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from famtree.files import load_data
from famtree.packings.floats import SIZES
from famtree.packings.stored import Form, UnreadableWeightError
from famtree.weights.forms import make_form

if TYPE_CHECKING:
    from famtree.fingerprints.tensor_names import Module
    from famtree.weights.open import Weights

INPUT_ROLES = ("q", "k", "v", "gate", "up")
"""Matrices whose rows live on the hidden axis."""
OUTPUT_ROLES = ("o", "down")

_PLACES: dict[str, tuple[tuple[str, str], ...]] = {
    "q": (("q_a", ""), ("q", ""), ("qkv", "q"), ("ssm", "")),
    "k": (("kv_a", ""), ("k", ""), ("qkv", "k"), ("kv", "first")),
    "v": (("v", ""), ("qkv", "v"), ("kv", "second")),
    "o": (("o", ""),),
    "gate": (("gate", ""), ("gate_up", "first"), ("expert_gate", ""), ("experts_gate", ""),
             ("experts_gate_up", "first")),
    "up": (("up", ""), ("gate_up", "second"), ("wide", ""), ("expert_up", ""), ("experts_up", ""),
           ("experts_gate_up", "second")),
    "down": (("down", ""), ("expert_down", ""), ("experts_down", "")),
}  # fmt: skip
"""Where a role may be found, in order: role of the module, and which part of it."""
_EXPERTS = frozenset(
    name for places in _PLACES.values() for name, _ in places if name.startswith("expert")
)


@dataclass(frozen=True, slots=True)
class View:
    """A role's matrix: its form, and the stored row of each of its rows."""

    form: Form
    rows: int
    place: Callable[[int], int]

    @property
    def columns(self) -> int:
        """Return the width of a row."""
        return self.form.columns

    @property
    def row_bytes(self) -> int:
        """Return about how many bytes a row takes; of packed ones at most that."""
        return self.columns * SIZES.get(self.form.kind, 2)


@cache
def load_layouts() -> dict[str, Any]:
    """Return `data/layouts.json`."""
    found: dict[str, Any] = load_data("weights/data/layouts.json")
    return found


def require_roles(weights: Weights, roles: Iterable[str], layers: Iterable[int]) -> None:
    """Read the headers that the roles of these layers (and what is outside blocks) need."""
    layers = list(layers)
    names: list[str] = []
    for role in roles:
        for layer in layers if role in _PLACES or role == "norm" else (0,):
            for module in _candidates(weights, role, layer):
                names += _names(weights, module)
    weights.require(names)


def require_places(weights: Weights, places: Iterable[tuple[str, int, int]]) -> None:
    """Read the headers that (role, layer, expert) need, all missing ones in one wave."""
    weights.require(
        name
        for role, layer, expert in places
        for module in _candidates(weights, role, layer, expert)
        for name in _names(weights, module)
    )


def count_experts(weights: Weights, role: str, layer: int) -> int:
    """Return how many matrices of a role a layer has; 0 where it has none."""
    found = next(iter(_candidates(weights, role, layer)), None)
    if found is None or found.role not in _EXPERTS:
        return int(found is not None)
    if found.role.startswith("experts"):
        shapes = [leaf.shape for leaf in found.leaves.values() if leaf is not None]
        return max((shape[0] for shape in shapes if len(shape) == 3), default=1)
    main = weights.layout.main
    assert main is not None  # noqa: S101 - it has a candidate
    block = main.blocks[weights.block_numbers[layer]]
    return sum(module.role == found.role for module in block)


def find_view(weights: Weights, role: str, layer: int = 0, expert: int = 0) -> View:
    """Return the matrix of `role` in the layer of that order number, of experts the one asked for.

    Raises UnreadableWeightError where there is none, or its form is not read.
    """
    require_places(weights, [(role, layer, expert)])
    found = next(iter(_candidates(weights, role, layer, expert)), None)
    if found is None:
        raise UnreadableWeightError(f"layer {layer} has no {role} matrix")
    if role not in _PLACES:
        form = make_form(weights, found, weights.hidden)
        return View(form, form.rows, _same)
    part = next(part for name, part in _PLACES[role] if name == found.role)
    fused = expert if (found.role or "").startswith("experts") else 0
    form = make_form(weights, found, _inputs(weights, role), expert=fused)
    if found.role == "experts_gate_up" and _has_role(weights, layer, "experts_up"):
        part = ""  # a file format that splits what others fuse, under the fused name
    if found.role == "qkv":
        return _split_qkv(weights, found, form, part)
    if part in ("first", "second"):
        return _split_half(weights, form, part)
    if role in ("q", "k") and found.role == role and _keeps_pairs_adjacent(weights):
        heads = _heads(weights)[0 if role == "q" else 1]
        if form.rows % (2 * heads):
            raise UnreadableWeightError(f"{found.path}: {form.rows} rows do not fit {heads} heads")
        return View(form, form.rows, place_in_head(form.rows // heads))
    return View(form, form.rows, _same)


def find_norms(weights: Weights, layer: int) -> list[Module]:
    """Return the norms of a layer as wide as the residual stream, in order of their names."""
    return sorted(
        (
            module
            for module in _candidates(weights, "norm", layer)
            if (leaf := module.leaves.get("weight")) is None or leaf.numel == weights.hidden
        ),
        key=lambda module: module.path,
    )


def feed_forward_norm(weights: Weights, layer: int) -> Module | None:
    """Return the norm whose output the feed-forward part reads."""
    return _find_norm(weights, layer, load_layouts()["feed_forward_norms"])


def attention_norm(weights: Weights, layer: int) -> Module | None:
    """Return the norm whose output the attention part reads."""
    return _find_norm(weights, layer, load_layouts()["attention_norms"])


def _find_norm(weights: Weights, layer: int, names: Iterable[str]) -> Module | None:
    by_name = {module.path.rpartition(".")[2]: module for module in find_norms(weights, layer)}
    return next((by_name[name] for name in names if name in by_name), None)


def count_heads(weights: Weights) -> int | None:
    """Return how many heads of keys and values there are, where the config says so."""
    found = weights.architecture
    return None if found is None else found.kv_heads or found.heads


def norm_offset(weights: Weights) -> float:
    """Return what the class adds to stored norm weights before it multiplies."""
    table = load_layouts()["unit_offset_norms"]["model_types"]
    return 1.0 if weights.format != "gguf" and _model_type(weights) in table else 0.0


def _candidates(weights: Weights, role: str, layer: int, expert: int = 0) -> Iterator[Module]:
    main = weights.layout.main
    if role in ("embedding", "head"):
        modules = weights.layout.outside.get(role, [])
        yield from sorted(modules, key=lambda module: (-_numel(module), module.path))
        return
    numbers = weights.block_numbers
    if main is None or not 0 <= layer < len(numbers):
        return
    block = main.blocks[numbers[layer]]
    if role == "norm":
        yield from (module for module in block if module.role == "norm")
        return
    for name, _ in _PLACES[role]:
        found = [module for module in block if module.role == name]
        if name == "wide" and any(module.role == "gate" for module in block):
            continue
        if name in _EXPERTS and expert < len(found):
            found.sort(key=lambda module: (len(module.path), module.path))
            yield found[expert]
        elif found:
            yield min(found, key=lambda module: (len(module.path), module.path))


def _names(weights: Weights, module: Module) -> list[str]:
    return [
        name
        for leaf in module.leaves
        for name in (f"{module.path}.{leaf}" if leaf else module.path, f"{module.path}_{leaf}")
        if name in weights.file_of
    ]


def _inputs(weights: Weights, role: str) -> int | None:
    """Return how wide the input side is, which flattened forms do not show."""
    if role in INPUT_ROLES:
        return weights.hidden
    known = weights.architecture
    if known is None or role == "down":
        return known.ffn if known is not None else None
    return known.heads * known.head_dim if known.heads and known.head_dim else None


def _has_role(weights: Weights, layer: int, role: str) -> bool:
    main = weights.layout.main
    return main is not None and any(
        module.role == role for module in main.blocks[weights.block_numbers[layer]]
    )


def _numel(module: Module) -> int:
    return max((leaf.numel for leaf in module.leaves.values() if leaf is not None), default=0)


def _model_type(weights: Weights) -> str | None:
    found = weights.architecture
    return None if found is None else found.text_model_type or found.model_type


def _keeps_pairs_adjacent(weights: Weights) -> bool:
    known = load_layouts()["rotary_pairs_adjacent"]["architectures"]
    return weights.gguf_architecture in known


def _heads(weights: Weights) -> tuple[int, int]:
    """Return (query heads, key heads) from the config; raises where it does not say."""
    found = weights.architecture
    heads = found.heads if found is not None else None
    if not heads or found is None:
        raise UnreadableWeightError("the number of attention heads is not known")
    return heads, found.kv_heads or heads


def _same(row: int) -> int:
    return row


def place_in_head(width: int) -> Callable[[int], int]:
    """Return where rows of the usual order stand in heads that keep rotary pairs adjacent.

    Row 2j + s of a head holds row s * width / 2 + j of the usual order.
    """
    half = width // 2

    def place(row: int) -> int:
        head, inner = divmod(row, width)
        side, at = divmod(inner, half)
        return head * width + 2 * at + side

    return place


def _split_half(weights: Weights, form: Form, part: str) -> View:
    half = form.rows // 2
    second = int(part == "second")
    if _model_type(weights) in load_layouts()["fused_gate_up"]["interleaved_model_types"]:
        return View(form, half, lambda row: 2 * row + second)
    return View(form, half, lambda row: row + second * half)


def _split_qkv(weights: Weights, module: Module, form: Form, part: str) -> View:
    heads, groups = _heads(weights)
    width, odd = divmod(form.rows, heads + 2 * groups)
    if odd or heads % groups:
        raise UnreadableWeightError(f"{module.path}: {form.rows} rows do not fit {heads} heads")
    order, which = _fused_order(weights, module), "qkv".index(part)
    if order == "concatenated":
        first = (0, heads * width, (heads + groups) * width)[which]
        return View(form, (heads if part == "q" else groups) * width, lambda row: first + row)
    if order == "per_head" and heads == groups:
        return View(
            form, heads * width, lambda row: (row // width * 3 + which) * width + row % width
        )
    share = heads // groups

    def grouped(row: int) -> int:
        head, inner = divmod(row, width)
        group, within = divmod(head, share) if part == "q" else (head, share + which - 1)
        return (group * (share + 2) + within) * width + inner

    return View(form, (heads if part == "q" else groups) * width, grouped)


def _fused_order(weights: Weights, module: Module) -> str:
    table = load_layouts()["fused_qkv"]
    if weights.format == "gguf":
        return "concatenated"  # the converter brings every order to this one
    stack = weights.layout.main
    prefix = f"{stack.path}.{module.block}." if stack is not None else ""
    path = module.path.removeprefix(prefix)
    known = table["by_model_type"].get(path, {}).get(_model_type(weights))
    for order in ("concatenated", "per_head", "grouped"):
        if known == order or path in table[order]:
            return order
    raise UnreadableWeightError(f"{module.path}: in which order it holds q, k and v is not known")
