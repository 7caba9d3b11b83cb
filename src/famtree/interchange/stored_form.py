"""What engine files may ask about the form in which weights are stored.

None is what the checkpoint does not show. Declarations tell what they leave out where their format
says so: compressed-tensors without input activations quantizes weights alone.
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from famtree.fingerprints.quantization_declaration import find_declared
from famtree.interchange.side import Side
from famtree.types.quantization import Quantization
from famtree.types.traits import Value

_WHOLE = -1
"""Group size of GPTQ for one scale a row (AutoGPTQ quantize_config)."""
_DECLARED = "compressed-tensors"
"""Method whose declaration names whatever is not usual (compressed_tensors QuantizationArgs:
symmetric, not ordered, inputs left alone)."""
_NVFP4 = "nvfp4-pack-quantized"
"""Format of compressed-tensors that tells the scheme by itself."""
_FORMATS = {"gptq": "gptq", "awq": "gemm"}
"""Checkpoint format of a declaration that names none (transformers AwqConfig, GPTQConfig)."""


class FormFact(Struct, frozen=True):
    """How a fact of a stored form is read, and what it is called in a sentence."""

    words: str
    read: Callable[[Quantization, Side], Value | None]


def read_form(found: Quantization, side: Side) -> dict[str, Value | None]:
    """Return every fact of the form in which `side` is stored."""
    return {name: fact.read(found, side) for name, fact in FORM_FACTS.items()}


def _group(found: Quantization, _: Side) -> int | None:
    if found.group_size is not None:
        return found.group_size
    return _WHOLE if found.granularity in ("channel", "tensor") else None


def _activations(found: Quantization, _: Side) -> str | None:
    if found.activations is not None:
        return found.activations.type
    told = found.weight_type is not None and (
        (found.method == _DECLARED and found.source == "config") or found.packing is not None
    )
    return "none" if told else None


def _of_activations(name: str) -> Callable[[Quantization, Side], Value | None]:
    def read(found: Quantization, _: Side) -> Value | None:
        value: Value | None = getattr(found.activations, name) if found.activations else None
        return value

    return read


def _usual(name: str, usual: bool) -> Callable[[Quantization, Side], bool | None]:
    """Read a field that compressed-tensors names only where it is not usual."""

    def read(found: Quantization, _: Side) -> bool | None:
        value: bool | None = getattr(found, name)
        if value is None and found.method == _DECLARED and found.source == "config":
            return usual
        return value

    return read


def _sparse(found: Quantization, _: Side) -> bool:
    """Sparsity is declared, by a structure or by a format that leaves weights out."""
    stored = found.checkpoint_format or ""
    return found.sparsity is not None or "sparse" in stored or stored.endswith("-24")


def _block(found: Quantization, _: Side) -> str | None:
    if found.block_shape:
        return "x".join(map(str, found.block_shape))
    return "none" if found.granularity is not None or found.source == "config" else None


def _format(found: Quantization, _: Side) -> str | None:
    if found.checkpoint_format is not None:
        return found.checkpoint_format.lower()
    return _FORMATS.get(found.method) if found.source == "config" else None


def _parts(found: Quantization, side: Side) -> tuple[str, ...] | None:
    """Return the algorithms of a mixed ModelOpt checkpoint's layers, of whichever file has them."""
    nested = side.side_files.get("hf_quant_config.json")
    named = nested.get("quantization") if isinstance(nested, dict) else None
    for told in (find_declared(side.config), named):
        layers = told.get("quantized_layers") if isinstance(told, dict) else None
        if found.method == "modelopt" and isinstance(layers, dict) and layers:
            words = [one.get("quant_algo") for one in layers.values() if isinstance(one, dict)]
            return tuple(sorted({one.upper() for one in words if isinstance(one, str)})) or None
    return None


def _schemes(_: Quantization, side: Side) -> str | None:
    """Return `one`, `several` or `nvfp4`, for the groups of modules that config.json declares."""
    told = find_declared(side.config)
    groups = told.get("config_groups") if told is not None else None
    if told is None or not isinstance(groups, dict) or not groups:
        return None
    named = (one.get("format") if isinstance(one, dict) else None for one in groups.values())
    formats = {one or told.get("format") for one in named}
    if len(groups) == 1:
        return "one"
    return "nvfp4" if told.get("format") == _NVFP4 or formats == {_NVFP4} else "several"


def _reordered(_: Quantization, side: Side) -> bool:
    """False also where no header was seen: engines raise at the tensors, not at the config."""
    return any(name.endswith(".g_idx") for name in side.index.names)


def _plain(name: str) -> Callable[[Quantization, Side], Value | None]:
    def read(found: Quantization, _: Side) -> Value | None:
        value: Value | None = getattr(found, name)
        return value

    return read


FORM_FACTS: dict[str, FormFact] = {
    "bits": FormFact("the bits of a weight", _plain("bits")),
    "group": FormFact("how many weights share a scale", _group),
    "weights": FormFact("what the weights' codes stand for", _plain("weight_type")),
    "granularity": FormFact("what shares a scale", _plain("granularity")),
    "block": FormFact("the block that shares a scale", _block),
    "symmetric": FormFact("whether it is symmetric", _usual("symmetric", usual=True)),
    "act_order": FormFact(
        "whether its columns are ordered by activation", _usual("act_order", usual=False)
    ),
    "sparse": FormFact("whether weights are left out", _sparse),
    "activations": FormFact("whether inputs are quantized too", _activations),
    "activation_bits": FormFact("the bits of inputs", _of_activations("bits")),
    "activation_granularity": FormFact(
        "what shares a scale of the inputs", _of_activations("granularity")
    ),
    "dynamic": FormFact("whether input scales are computed", _of_activations("dynamic")),
    "format": FormFact("the checkpoint format", _format),
    "reordered": FormFact("whether it stores an order of columns (g_idx)", _reordered),
    "packing": FormFact("the layout of the tensors", _plain("packing")),
    "parts": FormFact("in which forms its layers are", _parts),
    "schemes": FormFact("whether its modules share one scheme", _schemes),
    "experts": FormFact(
        "whether it has experts",
        lambda _, side: side.architecture.experts or (0 if side.config else None),
    ),
    "class": FormFact("the model class", lambda _, side: side.architecture.class_name),
    "model_type": FormFact("the model type", lambda _, side: side.architecture.model_type),
}
"""Name in `when` of a quantization method -> fact."""
