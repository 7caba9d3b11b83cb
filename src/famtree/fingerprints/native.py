"""Configs of makers and engines that are not transformers, in the terms of config.json.

Meta's and Mistral's `params.json`, and the `config.json` of a TensorRT-LLM checkpoint or engine.
Which keys show which layout is data (`data/native.json`).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from famtree.files import load_data
from famtree.fingerprints.defaults import load_defaults

MAX_WIDTH = 1 << 24
"""Wider than any model; larger numbers are not computed with."""


@cache
def load_layouts() -> dict[str, Any]:
    """Return `data/native.json`."""
    table: dict[str, Any] = load_data("fingerprints/data/native.json")
    return table


def read_params(params: Mapping[str, Any]) -> tuple[dict[str, Any], str | None]:
    """Return (config in transformers' terms, name of the layout) of a `params.json`.

    ({}, None) when it is of no known layout, as many programs write a file of this name.
    """
    model = params.get("model")
    if isinstance(model, dict) and "dim" in model:
        params = model
    for layout in load_layouts()["params"]:
        absent = [key for key in layout.get("lacks", ()) if _is_given(params.get(key))]
        if absent or not all(_is_given(params.get(key)) for key in layout["has"]):
            continue
        config = _rename(params)
        config.update(layout.get("set", {}))
        if "norm_eps" in params:
            config["rms_norm_eps"] = params["norm_eps"]
        stated = params.get("model_type")
        own = isinstance(stated, str) and stated not in ("", layout.get("model_type"))
        if "model_type" in layout and not own:
            config["model_type"] = layout["model_type"]
        if not own:  # another design under the same keys has other widths
            _complete(params, config, layout)
        return config, layout["name"]
    return {}, None


def read_engine_config(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a TensorRT-LLM config in transformers' terms; {} for any other config.

    An engine keeps the checkpoint's config under `pretrained_config`. `architecture` is the name
    of a transformers class.
    """
    inner = config.get("pretrained_config")
    stated = inner if isinstance(inner, dict) else config
    architecture = stated.get("architecture")
    if not isinstance(architecture, str) or "model_type" in stated or "mapping" not in stated:
        return {}
    found = _rename(stated)
    found["architectures"] = [architecture]
    own = [
        name
        for name, entry in load_defaults().items()
        if architecture in entry["classes"]
        # Later types reuse an earlier one's class, which is named after its first owner.
        and architecture.lower().startswith(name.replace("_", ""))
    ]
    if own:
        found["model_type"] = max(own, key=len)
    quantization = found.pop("quantization", None)
    if isinstance(quantization, dict) and quantization.get("quant_algo"):
        found["quantization_config"] = {"quant_method": "modelopt", **quantization}
    return found


def ranks(config: Mapping[str, Any]) -> int:
    """Return over how many devices a TensorRT-LLM checkpoint is cut (1 where it does not say)."""
    inner = config.get("pretrained_config")
    stated = inner if isinstance(inner, dict) else config
    mapping = stated.get("mapping")
    count = mapping.get("world_size") if isinstance(mapping, dict) else None
    return count if type(count) is int and count > 0 else 1


def _rename(stated: Mapping[str, Any]) -> dict[str, Any]:
    renamed: dict[str, str] = load_layouts()["renamed"]
    found: dict[str, Any] = {}
    for key, value in stated.items():
        if _is_given(value):
            found[renamed.get(key, key)] = value
    return found


def _is_given(value: Any) -> bool:
    return value is not None and value not in (-1, {}, [])


def _complete(params: Mapping[str, Any], config: dict[str, Any], layout: Mapping[str, Any]) -> None:
    if "intermediate_size" not in config:
        width = gated_width(params)
        if width is not None:
            config["intermediate_size"] = width
    experts = params.get("moe") or params.get("moe_args")
    if isinstance(experts, dict):
        for key in ("num_experts", "num_experts_per_tok"):
            if type(experts.get(key)) is int:
                config[key] = experts[key]
    if params.get("use_scaled_rope") is True and "scaled_rope" in layout:
        config["rope_scaling"] = {"rope_type": layout["scaled_rope"]}
    yarn = params.get("yarn")
    if isinstance(yarn, dict):
        config["rope_scaling"] = {
            "rope_type": "yarn",
            "factor": yarn.get("factor"),
            "original_max_position_embeddings": yarn.get("original_max_position_embeddings"),
        }
    # Without a base the reference code takes 10000.
    config.setdefault("rope_theta", 10000.0)


def gated_width(params: Mapping[str, Any]) -> int | None:
    """Return the width of Meta's gated MLP, which `params.json` gives only as a formula.

    Two thirds of four times `dim`, times `ffn_dim_multiplier`, up to a whole `multiple_of`
    (`FeedForward` in models/llama3/model.py).
    """
    dim, multiple = params.get("dim"), params.get("multiple_of")
    factor = params.get("ffn_dim_multiplier")
    if not isinstance(dim, int) or not isinstance(multiple, int):
        return None
    if not 0 < dim <= MAX_WIDTH or not 0 < multiple <= MAX_WIDTH:
        return None
    width = int(2 * 4 * dim / 3)
    if isinstance(factor, int | float) and 0 < factor < 1000:
        width = int(factor * width)
    return multiple * ((width + multiple - 1) // multiple)
