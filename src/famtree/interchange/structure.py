"""Two designs against each other: traits, then tensor names and shapes.

Three values throughout. A trait that one side does not show says nothing, unless that side has a
config.json, where a missing window or cap means that there is none.
"""

from __future__ import annotations

from msgspec import Struct

from famtree.fingerprints.tensor_names import Layout, Module, organise
from famtree.fingerprints.tensor_packing import logical_numel
from famtree.fingerprints.tensors import find_packed_group
from famtree.interchange.side import Side
from famtree.packings.sizes import FLOATS

_SHAPE = (
    "layers", "hidden_size", "heads", "kv_heads", "head_dim", "ffn", "experts",
    "experts_per_token", "expert_ffn", "shared_experts", "kv_lora_rank", "q_lora_rank",
    "qk_rope_head_dim", "state_size", "linear_heads", "encoder_layers", "decoder_layers",
    "vision_layers", "vision_hidden_size",
)  # fmt: skip
_BLOCK = (
    "qk_norm", "qkv_bias", "o_bias", "mlp_bias", "fused_qkv", "gated_mlp", "norm_type", "tied",
)  # fmt: skip
_COMPUTED = (
    "rope_theta", "rope_type", "rope_factor", "rope_original_context", "rope_local_theta",
    "partial_rotary", "position", "norm_eps", "activation", "sliding_window", "layer_pattern",
    "logit_cap", "attention_cap", "embedding_scale", "residual_scale", "logit_scale",
)  # fmt: skip
"""What the graph computes without a tensor to show for it."""
_NONE_MEANS_NONE = frozenset(
    {
        "sliding_window", "layer_pattern", "logit_cap", "attention_cap", "embedding_scale",
        "residual_scale", "logit_scale", "rope_factor", "rope_local_theta", "experts",
        "kv_lora_rank", "state_size", "linear_heads",
    }
)  # fmt: skip
CORE = ("layers", "hidden_size", "heads")
"""Without these on both sides nothing is called equal."""

Shape = tuple[int, ...]


class StructureComparison(Struct, frozen=True):
    """Equalities of two designs; None where it could not be seen."""

    same_class: bool | None
    """One implementation class: `architectures[0]`, else the language tower's `model_type`."""
    same_traits: bool | None
    """Every trait the graph depends on, embedding rows left out."""
    differing: tuple[str, ...]
    """Traits that differ, most telling first."""
    same_rows: bool | None
    same_shapes: bool | None
    """Names and logical shapes of all parameters but embedding and head."""
    same_quantization: bool
    same_dtype: bool | None
    same_graph: bool | None
    """All of these: a runtime that holds one could be given the other's weights."""


def compare_structure(a: Side, b: Side) -> StructureComparison:
    """Compare two designs; one and the same checkpoint is equal in what was not seen, too."""
    if a is b:
        return StructureComparison(True, True, (), True, True, True, True, True)
    same_class = _same_class(a, b)
    differing, unseen = _compare_traits(a, b)
    same_traits = False if differing else None if unseen else True
    rows = _equal(a.architecture.vocab_rows, b.architecture.vocab_rows)
    shapes = False if same_traits is False and _shapes_differ(differing) else _same_shapes(a, b)
    quantization = _quantization(a) == _quantization(b)
    dtype = _equal(a.recipe.dtype, b.recipe.dtype)
    parts = (same_class, same_traits, rows, shapes, quantization)
    graph = False if False in parts else None if None in parts else True
    return StructureComparison(
        same_class, same_traits, tuple(differing), rows, shapes, quantization, dtype, graph
    )


def _same_class(a: Side, b: Side) -> bool | None:
    left, right = a.architecture, b.architecture
    if left.class_name and right.class_name:
        return left.class_name == right.class_name
    return _equal(left.text_model_type, right.text_model_type)


def _compare_traits(a: Side, b: Side) -> tuple[list[str], bool]:
    """Return (traits that differ, whether a trait without which nothing is equal is unseen)."""
    differing: list[str] = []
    stated = bool(a.config) and bool(b.config) and not _is_gguf(a) and not _is_gguf(b)
    for section, names in (("recipe", _COMPUTED), ("architecture", (*_SHAPE, *_BLOCK))):
        for name in names:
            left = getattr(getattr(a, section), name)
            right = getattr(getattr(b, section), name)
            if left == right:
                continue
            absent = left is None or right is None
            if absent and not (stated and name in _NONE_MEANS_NONE):
                continue
            differing.append(f"{section}.{name}")
    unseen = any(
        getattr(side.architecture, name) is None for side in (a, b) for name in CORE
    ) and not _is_recurrent(a, b)
    return differing, unseen


def _is_recurrent(a: Side, b: Side) -> bool:
    """A model without attention has no heads to show."""
    return all(
        side.architecture.state_size is not None and side.architecture.layers is not None
        for side in (a, b)
    )


def _is_gguf(side: Side) -> bool:
    return side.identification.checkpoint.format == "gguf"


def _shapes_differ(differing: list[str]) -> bool:
    names = {*_SHAPE, "fused_qkv", "gated_mlp", "qk_norm"} - {"heads", "experts_per_token"}
    return any(trait.rpartition(".")[2] in names for trait in differing)


def _quantization(side: Side) -> tuple[object, ...]:
    found = side.identification.quantization
    if found is None:
        return ()
    return (found.method, found.bits, found.group_size, found.scheme)


def _equal(left: object, right: object) -> bool | None:
    return None if left is None or right is None else left == right


def _same_shapes(a: Side, b: Side) -> bool | None:
    """None unless all headers were read on both sides and name their parts alike."""
    left, right = list_shapes(a), list_shapes(b)
    if left is None or right is None:
        return None
    if left.keys() != right.keys():
        # Experts fused or apart, other names in GGUF: another spelling is not another shape.
        return None
    return all(_fits(left[name], right[name]) for name in left)


def list_shapes(side: Side) -> dict[str, tuple[int, Shape | None]] | None:
    """Return module name -> (number of weights, shape where stored unpacked); None if unseen.

    Names are relative to the language tower, so that a wrapper's prefix does not count. Embedding
    and head are left out: their rows are compared by themselves.
    """
    if not side.index.complete or not side.index.tensors:
        return None
    layout = organise(side.index)
    if layout.main is None:
        return None
    outer = {
        module.path for role in ("embedding", "head") for module in layout.outside.get(role, ())
    }
    group = find_packed_group(layout, layout.main, side.architecture.hidden_size)
    found: dict[str, tuple[int, Shape | None]] = {}
    for module in layout.modules:
        if module.path in outer:
            continue
        numel = logical_numel(module.leaves, group)
        if numel is None and set(module.leaves) != {"bias"}:
            return None
        found[name_module(module, layout)] = (numel or 0, plain_shape(module))
    return found


def name_module(module: Module, layout: Layout) -> str:
    """Return the module's name within its tower: `<block>.<part>`, or its path elsewhere."""
    stack = layout.main.path if layout.main is not None else ""
    if stack and module.path.startswith(f"{stack}."):
        return module.path.removeprefix(f"{stack}.")
    prefix = stack.rpartition(".")[0]
    return module.path.removeprefix(f"{prefix}.") if prefix else module.path


def plain_shape(module: Module) -> Shape | None:
    """Return the weight's shape where it is stored as floats."""
    weight = module.leaves.get("weight", module.leaves.get(""))
    return weight.shape if weight is not None and weight.dtype in FLOATS else None


def _fits(left: tuple[int, Shape | None], right: tuple[int, Shape | None]) -> bool:
    if left[1] is not None and right[1] is not None:
        return left[1] == right[1]
    return left[0] == right[0]
