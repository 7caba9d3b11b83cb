"""Quantized checkpoints in the layouts that bitsandbytes, GPTQ and llama.cpp write."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from zoo.gguf_file import write_gguf
from zoo.network import Network, Weights, record_inputs
from zoo.storage import PACKED, export_tensors, stored_name, write_checkpoint
from zoo.text import Text
from zoo.training import draw_calibration

# The code book of bitsandbytes (`create_normal_map`), from QLoRA (arXiv 2305.14314).
NF4 = (
    -1.0, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635,
    -0.18477343022823334, -0.09105003625154495, 0.0, 0.07958029955625534, 0.16093020141124725,
    0.24611230194568634, 0.33791524171829224, 0.44070982933044434, 0.5626170039176941,
    0.7229568362236023, 1.0,
)  # fmt: skip
NF4_BLOCK = 64
GPTQ_GROUP = 64
GPTQ_DAMPING = 0.01
FORMATS = ("cast", "int8", "nf4", "gptq", "baked-int8", "baked-nf4", "q8_0", "q4_k")


def _list_linear(network: Network) -> dict[str, str]:
    """Return stored name to role name (no `.weight`) of every block matrix but routers."""
    found = {}
    for name, value in network.weights.items():
        base = name.removesuffix(".weight")
        role = base.rpartition(".")[2]
        if not name.startswith("layers.") or value.ndim != 2 or role == "router":
            continue
        if network.design.fused_qkv and role in PACKED:
            if role == "q":
                found[network.design.fused_qkv.format(i=base.split(".")[1])] = base
        else:
            found[stored_name(network.design, name).removesuffix(".weight")] = base
    return found


def _round_int8(value: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return (int8 matrix, largest magnitude of every row)."""
    largest = value.abs().amax(1)
    return (value / largest[:, None] * 127).round().to(torch.int8), largest


def _round_nf4(value: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return (code indices, largest magnitude of every block of 64)."""
    blocks = value.reshape(-1, NF4_BLOCK)
    largest = blocks.abs().amax(1).clamp_min(1e-12)
    distance = (blocks / largest[:, None]).unsqueeze(-1) - torch.tensor(NF4)
    return distance.abs().argmin(-1), largest


def _pack_int8(stored: str, value: torch.Tensor) -> Weights:
    codes, largest = _round_int8(value)
    return {f"{stored}.weight": codes, f"{stored}.SCB": largest}


def _pack_nf4(stored: str, value: torch.Tensor) -> Weights:
    codes, largest = _round_nf4(value)
    pairs = codes.flatten().to(torch.uint8).view(-1, 2)
    state = {
        "quant_type": "nf4", "blocksize": NF4_BLOCK, "dtype": "bfloat16",
        "shape": list(value.shape),
    }  # fmt: skip
    return {
        f"{stored}.weight": (pairs[:, 0] << 4 | pairs[:, 1]).view(-1, 1),
        f"{stored}.weight.absmax": largest,
        f"{stored}.weight.quant_map": torch.tensor(NF4),
        f"{stored}.weight.quant_state.bitsandbytes__nf4": torch.tensor(
            list(json.dumps(state).encode()), dtype=torch.uint8
        ),
    }


def _bake_int8(stored: str, value: torch.Tensor) -> Weights:
    codes, largest = _round_int8(value)
    return {f"{stored}.weight": (codes.float() * largest[:, None] / 127).bfloat16()}


def _bake_nf4(stored: str, value: torch.Tensor) -> Weights:
    codes, largest = _round_nf4(value)
    return {
        f"{stored}.weight": (torch.tensor(NF4)[codes] * largest[:, None]).view_as(value).bfloat16()
    }


def round_gptq(value: torch.Tensor, inputs: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Round to 4 bits column by column, moving each error on (GPTQ, arXiv 2210.17323).

    Args:
        value: outputs x inputs.
        inputs: samples x inputs, what the matrix receives on calibration text.

    Returns:
        Codes 0..15 with zero at 8 (outputs x inputs), and scales (outputs x groups).

    """
    work = value.clone()
    hessian = inputs.T @ inputs
    hessian += torch.eye(len(hessian)) * GPTQ_DAMPING * hessian.diagonal().mean()
    inverse = torch.cholesky_inverse(torch.linalg.cholesky(hessian))
    upper = torch.linalg.cholesky(inverse, upper=True)
    codes = torch.zeros_like(value, dtype=torch.int32)
    scales = []
    for column in range(value.shape[1]):
        if column % GPTQ_GROUP == 0:
            group = work[:, column : column + GPTQ_GROUP]
            scales.append((group.abs().amax(1) / 7).clamp_min(1e-8).half().float())
        code = (work[:, column] / scales[-1]).round().clamp(-8, 7)
        codes[:, column] = code.int() + 8
        error = (work[:, column] - code * scales[-1]) / upper[column, column]
        work[:, column + 1 :] -= error[:, None] * upper[column, column + 1 :]
    return codes, torch.stack(scales, 1)


def _pack_words(codes: torch.Tensor) -> torch.Tensor:
    """Pack eight 4-bit codes along the first axis into one int32, the first one lowest."""
    shifts = torch.arange(0, 32, 4, dtype=torch.int64)[:, None]
    words = (codes.long().view(-1, 8, codes.shape[1]) << shifts).sum(1)
    return torch.where(words >= 2**31, words - 2**32, words).int()


def _pack_gptq(stored: str, value: torch.Tensor, inputs: torch.Tensor) -> Weights:
    codes, scales = round_gptq(value, inputs)
    # The format stores zero points minus one: 7 means 8.
    zeros = torch.full((scales.shape[0], scales.shape[1]), 7)
    return {
        f"{stored}.qweight": _pack_words(codes.T),
        f"{stored}.qzeros": _pack_words(zeros).T.contiguous(),
        f"{stored}.scales": scales.T.half(),
        f"{stored}.g_idx": torch.arange(value.shape[1], dtype=torch.int32) // GPTQ_GROUP,
    }


PACKERS: dict[str, tuple[Callable[[str, torch.Tensor], Weights], dict[str, Any] | None]] = {
    "int8": (_pack_int8, {"quant_method": "bitsandbytes", "load_in_8bit": True}),
    "nf4": (
        _pack_nf4,
        {
            "quant_method": "bitsandbytes", "load_in_4bit": True, "bnb_4bit_quant_type": "nf4",
            "bnb_4bit_use_double_quant": False, "bnb_4bit_compute_dtype": "bfloat16",
        },
    ),
    "baked-int8": (_bake_int8, None),
    "baked-nf4": (_bake_nf4, None),
}  # fmt: skip
GPTQ_CONFIG = {
    "quant_method": "gptq", "bits": 4, "group_size": GPTQ_GROUP, "desc_act": False, "sym": True,
}  # fmt: skip


def _pack(network: Network, form: str, inputs: Weights) -> Weights:
    """Return the stored tensors with every block matrix replaced by its packed parts."""
    tensors = export_tensors(network)
    packed: Weights = {}
    linear = _list_linear(network)
    for name, value in tensors.items():
        stored = name.removesuffix(".weight")
        if stored not in linear or name.endswith(".bias"):
            packed[name] = value.to(torch.float16 if form == "gptq" else torch.bfloat16)
        elif form == "gptq":
            packed |= _pack_gptq(stored, value, inputs[linear[stored]])
        else:
            packed |= PACKERS[form][0](stored, value)
    return packed


def write_packed(
    folder: Path,
    network: Network,
    form: str,
    facts: dict[str, Any],
    text: Text,
    tokenizer: str,
    name: str,
) -> None:
    """Write `network` in one of `FORMATS` into `folder`, under the model name `name`."""
    path = text.tokenizer(tokenizer)
    if form in ("q8_0", "q4_k"):
        write_gguf(folder / f"{name}.{form.upper()}.gguf", network, form, path)
        return
    if form == "cast":
        tensors = export_tensors(network)
        write_checkpoint(folder, network, tensors, tokenizer=path, dtype=torch.float16)
        return
    inputs: Weights = {}
    if form == "gptq":
        batch = draw_calibration(text, tokenizer, tuple(facts["mix"]), facts["seed"])
        inputs = record_inputs(network, batch)
    tensors = _pack(network, form, inputs)
    quantization = GPTQ_CONFIG if form == "gptq" else PACKERS[form][1]
    write_checkpoint(folder, network, tensors, tokenizer=path, quantization=quantization)
