"""Facts about the two designs: classes, shapes, rows, formats, draft heads."""

from __future__ import annotations

from typing import Any

from famtree.fingerprints.draft_heads import find_draft_head
from famtree.interchange.adapters import is_adapter
from famtree.interchange.kv_cache import read_layout
from famtree.interchange.pair import Fact, Pair
from famtree.interchange.side import Side
from famtree.sources.weight_files import list_weight_files

MOST_NAMED = 3
"""Differing traits a sentence names."""
_JOINT = frozenset({"fc.weight", "model.fc.weight"})
"""What joins an embedding with a hidden state: EAGLE's first heads have this tensor, and for the
rest the class name of their target (vllm/transformers_utils/configs/eagle.py)."""
MOST_LAYERS = 4
"""Of such a head; published ones have one."""
_PREDICTION_KEYS = ("num_nextn_predict_layers", "mtp_num_hidden_layers", "num_mtp_layers",
                    "mtp_num_layers", "num_mtp_modules")  # fmt: skip
"""config.json keys for prediction layers stored with a model itself."""


def class_name(side: Side) -> str | None:
    """Return `architectures[0]`, or None."""
    return side.architecture.class_name


def find_head(side: Side) -> str | None:
    """Return the kind of draft head a checkpoint is, `none` for a whole model, None if unseen."""
    files = [entry.name for entry in list_weight_files(side.listing)]
    head = find_draft_head(side.config, side.index, files)
    if head is not None:
        return head.method
    few = (side.architecture.layers or 1) <= MOST_LAYERS
    if few and _JOINT & side.index.names and (class_name(side) or "").endswith("ForCausalLM"):
        return "eagle"
    return "none" if side.config or side.index.complete else None


def predicts_ahead(side: Side) -> bool | None:
    """Return whether multi-token-prediction layers are stored with the model."""
    for config in (side.config, _text_config(side.config)):
        for key in _PREDICTION_KEYS:
            value = config.get(key)
            if type(value) is int:
                return value > 0
    return False if side.config else None


def _text_config(config: dict[str, Any]) -> dict[str, Any]:
    nested = config.get("text_config")
    return nested if isinstance(nested, dict) else {}


def _differ(pair: Pair) -> str | None:
    names = [trait.rpartition(".")[2] for trait in pair.structure.differing]
    if pair.structure.same_class is False:
        names.insert(0, "class_name")
    if pair.structure.same_rows is False:
        names.append("vocab_rows")
    if not pair.structure.same_quantization:
        names.append("quantization")
    if not names:
        return None
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return ", ".join(names[:MOST_NAMED]) + more


def _stored(side: Side) -> str:
    found = side.identification.quantization
    return found.method if found is not None else "none"


def _difference(left: int | None, right: int | None) -> int | None:
    return None if left is None or right is None else abs(left - right)


def _same(pair: Pair, name: str) -> bool | None:
    left, right = getattr(pair.a.architecture, name), getattr(pair.b.architecture, name)
    return None if left is None or right is None else left == right


def _share(pair: Pair) -> float | None:
    left, right = pair.a.identification.parameters, pair.b.identification.parameters
    return left / right if left and right else None


def _classes(side: Side) -> int | None:
    listed = side.config.get("architectures")
    return len(listed) if isinstance(listed, list) and listed else None


def _head_width(pair: Pair) -> bool | None:
    """A draft head reads the target's hidden states: `target_hidden_size`, else its own width."""
    stated = pair.a.config.get("target_hidden_size")
    own = stated if type(stated) is int else pair.a.architecture.hidden_size
    target = pair.b.architecture.hidden_size
    return None if own is None or target is None else own == target


def _head_rows(pair: Pair) -> bool | None:
    """A head proposes ids of its target: `vocab_size` is the target's, whatever it drafts from."""
    stated = pair.a.config.get("vocab_size")
    own = stated if type(stated) is int else pair.a.architecture.vocab_rows
    stated = pair.b.config.get("vocab_size")
    target = pair.b.architecture.vocab_rows or (stated if type(stated) is int else None)
    return None if own is None or target is None else own == target


def _same_kv_layout(pair: Pair) -> bool | None:
    if pair.a is pair.b:
        return True
    left, right = read_layout(pair.a), read_layout(pair.b)
    return None if left is None or right is None else left == right


def _keeps(side: Side) -> str | None:
    """Return what stands against going back to an earlier token, None where it was not seen."""
    layout = read_layout(side)
    if layout is None:
        return None
    if layout.mixer is not None:
        return "recurrence"
    return "window" if any(layer.window is not None for layer in layout.layers) else "none"


def _encoder_decoder(pair: Pair) -> bool | None:
    if not pair.b.config:
        return None
    return pair.b.config.get("is_encoder_decoder") is True


DESIGN_FACTS: dict[str, Fact] = {
    "class.same": Fact("the model class of both", lambda p: p.structure.same_class),
    "class.a": Fact("the model class of a", lambda p: class_name(p.a)),
    "class.b": Fact("the model class of b", lambda p: class_name(p.b)),
    "classes.a": Fact("how many classes a's config lists", lambda p: _classes(p.a)),
    "classes.b": Fact("how many classes b's config lists", lambda p: _classes(p.b)),
    "traits.same": Fact(
        "every trait the graph depends on (depth, widths, heads, rope, norms, windows)",
        lambda p: p.structure.same_traits,
    ),
    "traits.differ": Fact("which traits differ", _differ),
    "rows.a": Fact("a's embedding rows", lambda p: p.a.architecture.vocab_rows),
    "rows.b": Fact("b's embedding rows", lambda p: p.b.architecture.vocab_rows),
    "rows.same": Fact("the embedding rows of both", lambda p: p.structure.same_rows),
    "rows.difference": Fact(
        "the embedding rows of both",
        lambda p: _difference(p.a.architecture.vocab_rows, p.b.architecture.vocab_rows),
    ),
    "shapes.same": Fact("the tensor names and shapes of both", lambda p: p.structure.same_shapes),
    "graph.same": Fact(
        "the config, tensor names and shapes of both", lambda p: p.structure.same_graph
    ),
    "hidden.same": Fact("the hidden size of both", lambda p: _same(p, "hidden_size")),
    "hidden.a": Fact("a's hidden size", lambda p: p.a.architecture.hidden_size),
    "hidden.b": Fact("b's hidden size", lambda p: p.b.architecture.hidden_size),
    "layers.same": Fact("the depth of both", lambda p: _same(p, "layers")),
    "dtype.same": Fact("the dtype of both", lambda p: p.structure.same_dtype),
    "quantization.same": Fact("how both are quantized", lambda p: p.structure.same_quantization),
    "quantization.a": Fact("how a is quantized", lambda p: _stored(p.a)),
    "quantization.b": Fact("how b is quantized", lambda p: _stored(p.b)),
    "quantized.any": Fact(
        "how both are quantized",
        lambda p: any(one.identification.quantization is not None for one in (p.a, p.b)),
    ),
    "format.a": Fact("a's format", lambda p: p.a.identification.checkpoint.format),
    "format.b": Fact("b's format", lambda p: p.b.identification.checkpoint.format),
    "adapter.a": Fact("whether a is an adapter", lambda p: is_adapter(p.a)),
    "adapter.b": Fact("whether b is an adapter", lambda p: is_adapter(p.b)),
    "parameters.share": Fact("the parameters of both", _share),
    "role.a": Fact("what a is", lambda p: p.a.identification.kind),
    "role.b": Fact("what b is", lambda p: p.b.identification.kind),
    "head.a": Fact("whether a is a draft head", lambda p: find_head(p.a)),
    "head.fits": Fact("the hidden size that a's head reads", _head_width),
    "head.rows_same": Fact("the vocabulary that a's head proposes from", _head_rows),
    "head.own": Fact("whether b has prediction layers", lambda p: predicts_ahead(p.b)),
    "kv_layout.same": Fact("the layout of both caches", _same_kv_layout),
    "cache.b": Fact("whether b keeps a state or windows", lambda p: _keeps(p.b)),
    "encoder_decoder.b": Fact("whether b has an encoder", _encoder_decoder),
}
