"""Published parameter counts from 4-bit versions of every published fixture."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from famtree.fingerprints.parameters import count_parameters
from famtree.fingerprints.quantization import read_quantization
from famtree.types.checkpoint import TensorIndex
from fingerprints.tensors_of import Tensor, expand_fixture, index_of_tensors, pack_matrix
from fingerprints.test_parameters import PUBLISHED

DENSE_FORMS = ["gptq", "awq", "bnb-nf4", "mlx-4bit", "ct-int4"]
LEFT = re.compile(r"embed|wte|wpe|shared\.weight|head|norm|ln_|router|\.gate\.weight|vision|conv"
                  r"|rel|bias|pooler|predictions|seq_relationship|embed_out|cls\.|position"
                  r"|multi_modal|projector|patch")  # fmt: skip
"""Matrices that quantizers leave alone: tables, heads, routers, other towers."""
TABLES = re.compile(r"(embed_tokens|wte|lm_head|embed_in|embed_out|shared)\.weight$")


def pack(tensors: list[Tensor], how: str) -> Iterator[Tensor]:
    """Replace matrices inside blocks (and the tables, for MLX) by what `how` stores."""
    for name, dtype, shape in tensors:
        block = name.endswith(".weight") and len(shape) == 2 and not LEFT.search(name)
        table = how.startswith("mlx") and TABLES.search(name) and "relative" not in name
        if (block or table) and shape[0] % 32 == 0 and shape[1] % 64 == 0 and dtype == "BF16":
            turned = shape[::-1] if ".c_" in name else shape  # Conv1D keeps its input first
            yield from pack_matrix(how, name.removesuffix(".weight"), dtype, turned)
        else:
            yield name, dtype, shape


def check(index: TensorIndex, method: str, count: int) -> None:
    found, conflicts = read_quantization({}, {}, index)
    assert conflicts == []
    assert found is not None
    assert found.method == method
    assert found.bits == 4
    assert count_parameters(index, found, None) == count


METHODS = {"gptq": "gptq", "awq": "awq", "bnb-nf4": "bitsandbytes", "mlx-4bit": "mlx",
           "ct-int4": "compressed-tensors", "ct-mxfp4": "compressed-tensors"}  # fmt: skip
PLAIN = [name for name in PUBLISHED if name not in ("deepseek-v3", "gpt-oss-20b")]
"""The other two are packed as published."""


@pytest.mark.parametrize("how", DENSE_FORMS)
@pytest.mark.parametrize("name", PLAIN)
def test_packed_models_have_the_published_count(name: str, how: str) -> None:
    tensors = [(key, "BF16" if kind in ("F16", "F32") else kind, shape)
               for key, kind, shape in expand_fixture(name)]  # fmt: skip
    index = index_of_tensors(pack(tensors, how))
    assert len(index.tensors) > len(tensors), "nothing was packed"
    check(index, METHODS[how], PUBLISHED[name])


@pytest.mark.parametrize("name", ["mixtral-8x7b", "qwen3-30b-a3b"])
def test_experts_in_mxfp4(name: str) -> None:
    check(index_of_tensors(pack(expand_fixture(name), "ct-mxfp4")), "compressed-tensors",
          PUBLISHED[name])  # fmt: skip


def fuse(name: str, experts: int, wide: int, hidden: int, blocks: int) -> list[Tensor]:
    """Put one 3-D tensor in place of the matrices of all experts of a block."""
    kept = [one for one in expand_fixture(name) if ".experts." not in one[0]]
    for block in range(blocks):
        stem = f"model.layers.{block}.mlp.experts"
        kept += [(f"{stem}.gate_up_proj", "BF16", (experts, 2 * wide, hidden)),
                 (f"{stem}.down_proj", "BF16", (experts, hidden, wide))]  # fmt: skip
    return kept


def test_fused_experts_plain_and_packed() -> None:
    tensors = fuse("qwen3-30b-a3b", experts=128, wide=768, hidden=2048, blocks=48)
    count = PUBLISHED["qwen3-30b-a3b"]
    assert count_parameters(index_of_tensors(tensors), None, None) == count

    def mxfp4(name: str, shape: tuple[int, ...]) -> Iterator[Tensor]:
        experts, rows, columns = shape
        yield f"{name}_blocks", "U8", (experts, rows, columns // 32, 16)
        yield f"{name}_scales", "U8", (experts, rows, columns // 32)

    def mlx(name: str, shape: tuple[int, ...]) -> Iterator[Tensor]:
        experts, rows, columns = shape
        yield f"{name}.weight", "U32", (experts, rows, columns // 8)
        yield f"{name}.scales", "BF16", (experts, rows, columns // 64)
        yield f"{name}.biases", "BF16", (experts, rows, columns // 64)

    for packer, method in ((mxfp4, "mxfp4"), (mlx, "mlx")):
        packed = [part for name, kind, shape in tensors
                  for part in (packer(name, shape) if ".experts." in name
                               else [(name, kind, shape)])]  # fmt: skip
        if packer is mlx:  # group sizes are read off the attention
            packed = [part for one in packed for part in pack([one], "mlx-4bit")]
        check(index_of_tensors(packed), method, count)


def test_a_tied_head_saved_packed_counts_once() -> None:
    tensors: list[Tensor] = [("model.embed_tokens.weight", "BF16", (256, 64)),
                             ("lm_head.weight", "BF16", (256, 64)),
                             ("model.layers.0.input_layernorm.weight", "BF16", (64,)),
                             ("model.layers.0.self_attn.q_proj.weight", "BF16", (64, 64)),
                             ("model.layers.0.mlp.down_proj.weight", "BF16", (64, 128)),
                             ]  # fmt: skip
    index = index_of_tensors(pack(tensors, "mlx-4bit"))
    once = 256 * 64 + 64 + 64 * 64 + 64 * 128
    assert count_parameters(index, None, True) == once
    assert count_parameters(index, None, False) == once + 256 * 64


def test_biases_that_only_the_writer_added_are_not_guessed_about() -> None:
    """A bias on some packed modules is the model's; one on all of them may be zeros."""

    def model(biased: tuple[str, ...]) -> list[Tensor]:
        tensors: list[Tensor] = [("model.layers.0.input_layernorm.weight", "F16", (128,))]
        for part in ("self_attn.q_proj", "mlp.down_proj"):
            path = f"model.layers.0.{part}"
            tensors += pack_matrix("gptq", path, "F16", (128, 128))
            tensors += [(f"{path}.bias", "F16", (128,))] if part in biased else []
        return tensors

    some = index_of_tensors(model(("self_attn.q_proj",)))
    assert count_parameters(some, None, None) == 2 * 128 * 128 + 2 * 128
    every = model(("self_attn.q_proj", "mlp.down_proj"))
    assert count_parameters(index_of_tensors(every), None, None) is None
    every.append(("model.layers.0.input_layernorm.bias", "F16", (128,)))
    assert count_parameters(index_of_tensors(every), None, None) == 2 * 128 * 128 + 4 * 128
