"""Answers against the conditions of the engines' own sources, over all combinations.

The functions here restate the sources; nothing of famtree's rules is used in them.
"""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from famtree.interchange.quantization_support import answer_quantization
from famtree.interchange.side import Plan
from interchange.test_engine_truths import ENGINES, store

CAPABILITIES = (70, 75, 80, 89, 90, 100, 120)


def vllm_loads_gptq(bits: int, sym: bool, order: bool, group: int, capability: int) -> bool:
    """auto_gptq.py, gptq_utils.py and marlin_utils.py of vLLM 0.33.0."""
    if order and group != -1:
        return False
    return bits in (4, 8) and sym and group in (-1, 32, 64, 128) and capability >= 75


def sglang_loads_gptq(bits: int, sym: bool, order: bool, group: int, capability: int) -> bool:
    """is_gptq_marlin_compatible of SGLang 0.5.23; nothing else is registered for CUDA."""
    return bits in (4, 8) and sym and group in (-1, 32, 64, 128) and capability >= 80


@pytest.mark.parametrize(("engine", "loads"), [("vllm", vllm_loads_gptq),
                                               ("sglang", sglang_loads_gptq)])  # fmt: skip
def test_gptq_is_loaded_exactly_where_the_source_loads_it(engine: str, loads: Any) -> None:
    wrong = []
    tried = 0
    for bits, sym, order, group in product(
        (2, 3, 4, 8), (True, False), (True, False), (-1, 16, 32, 64, 128, 256)
    ):
        side = store({"quant_method": "gptq", "bits": bits, "group_size": group, "sym": sym,
                      "desc_act": order})  # fmt: skip
        for capability in CAPABILITIES:
            (answer,) = answer_quantization(
                side, side, ENGINES[engine], Plan(capability=capability)
            )
            tried += 1
            expected = "yes" if loads(bits, sym, order, group, capability) else "no"
            if answer.answer != expected:
                wrong.append((bits, sym, order, group, capability, answer.answer))
    assert wrong == []
    assert tried == 672


Scheme = dict[str, Any]
WEIGHTS: dict[str, Scheme] = {
    "int4-group": {"num_bits": 4, "type": "int", "strategy": "group", "group_size": 128},
    "int4-channel": {"num_bits": 4, "type": "int", "strategy": "channel"},
    "int8-group": {"num_bits": 8, "type": "int", "strategy": "group", "group_size": 128},
    "int8-channel": {"num_bits": 8, "type": "int", "strategy": "channel"},
    "fp8-tensor": {"num_bits": 8, "type": "float", "strategy": "tensor"},
    "fp8-channel": {"num_bits": 8, "type": "float", "strategy": "channel"},
    "fp8-block": {"num_bits": 8, "type": "float", "strategy": "block",
                  "block_structure": [128, 128]},
    "fp4-16": {"num_bits": 4, "type": "float", "strategy": "tensor_group", "group_size": 16},
}  # fmt: skip
INPUTS: dict[str, Scheme | None] = {
    "none": None,
    "int8-token": {"num_bits": 8, "type": "int", "strategy": "token", "dynamic": True},
    "int8-tensor": {"num_bits": 8, "type": "int", "strategy": "tensor", "dynamic": False},
    "fp8-token": {"num_bits": 8, "type": "float", "strategy": "token", "dynamic": True},
    "fp4-16": {"num_bits": 4, "type": "float", "strategy": "tensor_group", "group_size": 16,
               "dynamic": "local"},
}  # fmt: skip


def format_of(weights: str, inputs: str) -> str:
    """What compressed-tensors writes for the pair."""
    if weights.startswith("fp4"):
        return "nvfp4-pack-quantized"
    if weights.startswith("fp8"):
        return "float-quantized"
    eight = weights.startswith("int8") and inputs.startswith("int8")
    return "int-quantized" if eight else "pack-quantized"


def vllm_runs(weights: str, inputs: str, capability: int) -> bool:
    """_get_scheme_from_parts of vLLM 0.33.0, in its order."""
    packed = format_of(weights, inputs) == "pack-quantized"
    if weights.startswith("fp4"):
        return inputs in ("none", "fp4-16") and capability >= 75
    if weights == "int4-group" and inputs == "fp8-token" and capability == 90:
        return True
    if weights.startswith("int") and packed and inputs in ("none", "int8-token"):
        return capability >= 75
    if weights.startswith("fp8"):
        # W8A8 for floats of 8 bits, which is W8A16 below 8.9; else weights alone, whatever inputs
        # are declared.
        return capability >= 75
    if weights == "int8-channel" and inputs in ("int8-token", "int8-tensor"):
        return capability >= 75
    return False


def sglang_runs(weights: str, inputs: str, capability: int) -> bool:
    """_get_scheme_from_parts of SGLang 0.5.23, in its order, for a dense model."""
    if weights.startswith("int") and inputs == "none":
        return format_of(weights, inputs) == "pack-quantized" and capability >= 80
    if weights.startswith("fp4"):
        return inputs in ("none", "fp4-16") and capability >= 80
    if weights.startswith("fp8") and inputs in ("fp8-token",):
        # W8A16, which runs below 8.9, has no scales by block.
        return capability >= (89 if weights == "fp8-block" else 80)
    if weights in ("fp8-tensor", "fp8-channel"):
        return capability >= 80
    if weights == "int8-channel" and inputs in ("int8-token", "int8-tensor"):
        return capability >= 80
    return False


REAL = [
    (weights, inputs)
    for weights, inputs in product(WEIGHTS, INPUTS)
    if not (weights.startswith("fp8") and inputs in ("int8-token", "int8-tensor", "fp4-16"))
]
"""Pairs that somebody writes: floats of 8 bits go with inputs of their kind or plain ones."""


@pytest.mark.parametrize(("engine", "runs"), [("vllm", vllm_runs), ("sglang", sglang_runs)])
def test_compressed_tensors_run_exactly_where_the_source_runs_them(engine: str, runs: Any) -> None:
    wrong = []
    for weights, inputs in REAL:
        group = {"targets": ["Linear"], "weights": {**WEIGHTS[weights], "symmetric": True}}
        if INPUTS[inputs] is not None:
            group["input_activations"] = {**(INPUTS[inputs] or {}), "symmetric": True}
        side = store({"quant_method": "compressed-tensors", "format": format_of(weights, inputs),
                      "config_groups": {"group_0": group}})  # fmt: skip
        for capability in CAPABILITIES:
            (answer,) = answer_quantization(
                side, side, ENGINES[engine], Plan(capability=capability)
            )
            if (answer.answer == "yes") != runs(weights, inputs, capability):
                wrong.append((weights, inputs, capability, answer.answer, answer.reason))
    assert wrong == []
    assert len(REAL) * len(CAPABILITIES) >= 120


@pytest.mark.parametrize(("engine", "least"), [("vllm", 75), ("sglang", 80)])
def test_fp8_runs_from_the_least_capability_of_its_method(engine: str, least: int) -> None:
    for block, scheme in product(([128, 128], None), ("dynamic", "static")):
        form: dict[str, Any] = {"quant_method": "fp8", "activation_scheme": scheme}
        side = store({**form, **({"weight_block_size": block} if block else {})})
        for capability in CAPABILITIES:
            (answer,) = answer_quantization(
                side, side, ENGINES[engine], Plan(capability=capability)
            )
            assert answer.answer == ("yes" if capability >= least else "no")
