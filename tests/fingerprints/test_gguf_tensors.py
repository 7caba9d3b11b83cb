from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from famtree.fingerprints.gguf_quantization import read_gguf_quantization
from famtree.fingerprints.gguf_tensors import translate_tensors
from famtree.fingerprints.parameters import count_parameters
from famtree.fingerprints.tensors import observe_tensors
from famtree.types.checkpoint import TensorIndex, TensorInfo
from gguf_files import TYPES, Tensors, decoder_tensors


def infos(tensors: Tensors) -> dict[str, TensorInfo]:
    found, at = {}, 0
    for name, (kind, shape) in tensors.items():
        numel = 1
        for size in shape:
            numel *= size
        _, weights, size = TYPES[kind]
        nbytes = numel // weights * size
        found[name] = TensorInfo(name, kind, shape, at, at + nbytes, "x.gguf")
        at += nbytes
    return found


def translate(tensors: Tensors, architecture: str = "llama") -> TensorIndex:
    return translate_tensors(infos(tensors), architecture, complete=True, files=("x.gguf",))


def observe(tensors: Tensors, architecture: str = "llama") -> Mapping[str, Any]:
    return observe_tensors(translate(tensors, architecture))


@pytest.mark.parametrize("kind", ["F16", "Q4_K", "Q8_0"])
def test_a_dense_decoder(kind: str) -> None:
    index = translate(decoder_tensors(kind=kind))
    seen = observe_tensors(index)
    assert (seen["layers"], seen["hidden_size"], seen["ffn"]) == (2, 256, 512)
    assert (seen["vocab_rows"], seen["tied"], seen["gated_mlp"]) == (1000, False, True)
    assert (seen["qk_norm"], seen["qkv_bias"], seen["fused_qkv"]) == (False, False, False)
    block = 256 * 256 * 2 + 2 * 128 * 256 + 3 * 256 * 512 + 2 * 256
    assert count_parameters(index, None, tied=False) == 2 * block + 2 * 1000 * 256 + 256


def test_a_tied_head_and_head_norms() -> None:
    tensors = decoder_tensors(tied=True)
    for block in (0, 1):
        tensors[f"blk.{block}.attn_q_norm.weight"] = ("F32", (64,))
        tensors[f"blk.{block}.attn_k_norm.weight"] = ("F32", (64,))
        tensors[f"blk.{block}.attn_q.bias"] = ("F32", (256,))
    # Rotary factors are computed elsewhere and are no parameters.
    tensors["rope_freqs.weight"] = ("F32", (32,))
    seen = observe(tensors)
    assert (seen["tied"], seen["qk_norm"], seen["qkv_bias"]) == (True, True, True)
    # One q_norm as long as a head shows heads only where the output is wider than it.
    assert (seen["head_dim"], seen["heads"], seen["kv_heads"]) == (64, 4, 2)
    assert not any("rope" in name for name in translate(tensors).names)


def experts(*, shared_gate: bool) -> dict[str, tuple[str, tuple[int, ...]]]:
    tensors = decoder_tensors()
    for block in (0, 1):
        at = f"blk.{block}"
        for part in ("gate", "up", "down"):
            del tensors[f"{at}.ffn_{part}.weight"]
        tensors |= {
            f"{at}.ffn_gate_inp.weight": ("F32", (8, 256)),
            f"{at}.ffn_gate_exps.weight": ("Q4_K", (8, 512, 256)),
            f"{at}.ffn_up_exps.weight": ("Q4_K", (8, 512, 256)),
            f"{at}.ffn_down_exps.weight": ("Q4_K", (8, 256, 512)),
            f"{at}.ffn_gate_shexp.weight": ("Q4_K", (1024, 256)),
            f"{at}.ffn_up_shexp.weight": ("Q4_K", (1024, 256)),
            f"{at}.ffn_down_shexp.weight": ("Q4_K", (256, 1024)),
        }
        if shared_gate:
            tensors[f"{at}.ffn_gate_inp_shexp.weight"] = ("F32", (256,))
    return tensors


def test_experts() -> None:
    seen = observe(experts(shared_gate=False), "deepseek2")
    assert (seen["experts"], seen["expert_ffn"], seen["shared_experts"]) == (8, 512, 2)
    assert seen["gated_mlp"] is True
    assert observe(experts(shared_gate=True), "qwen2moe")["shared_experts"] == 1


def test_experts_that_are_stored_apart() -> None:
    tensors = decoder_tensors()
    for block in (0, 1):
        for part, shape in (("gate", (512, 256)), ("up", (512, 256)), ("down", (256, 512))):
            del tensors[f"blk.{block}.ffn_{part}.weight"]
            for number in range(4):
                tensors[f"blk.{block}.ffn_{part}.{number}.weight"] = ("Q4_K", shape)
        tensors[f"blk.{block}.ffn_gate_inp.weight"] = ("F16", (4, 256))
    seen = observe(tensors)
    assert (seen["experts"], seen["expert_ffn"]) == (4, 512)


def test_gate_and_up_in_one() -> None:
    tensors = decoder_tensors()
    for block in (0, 1):
        del tensors[f"blk.{block}.ffn_gate.weight"]
        tensors[f"blk.{block}.ffn_up.weight"] = ("Q4_K", (1024, 256))
    assert observe(tensors, "phi3")["gated_mlp"] is True


def test_an_encoder_and_a_decoder() -> None:
    tensors: dict[str, tuple[str, tuple[int, ...]]] = {"token_embd.weight": ("F16", (100, 64))}
    for stack, depth in (("enc", 3), ("dec", 2)):
        for block in range(depth):
            at = f"{stack}.blk.{block}"
            tensors |= {
                f"{at}.attn_norm.weight": ("F32", (64,)),
                f"{at}.attn_q.weight": ("F16", (64, 64)),
                f"{at}.attn_o.weight": ("F16", (64, 64)),
                f"{at}.ffn_down.weight": ("F16", (64, 128)),
            }
    seen = observe(tensors, "t5")
    assert (seen["encoder_layers"], seen["decoder_layers"], seen["hidden_size"]) == (3, 2, 64)


def test_prediction_blocks() -> None:
    tensors = decoder_tensors(layers=3)
    tensors["blk.2.nextn.eh_proj.weight"] = ("F16", (256, 512))
    assert observe(tensors, "glm4moe")["layers"] == 2


def test_unknown_names_are_kept() -> None:
    index = translate({"blk.0.odd_thing.weight": ("F32", (2,)), "loose": ("F32", (2,))})
    assert index.names == {"model.layers.0.odd_thing.weight", "loose"}


def quantization(label: int | None, tensors: Tensors) -> tuple[Any, list[Any]]:
    metadata = {} if label is None else {"general.file_type": label}
    return read_gguf_quantization(metadata, infos(tensors).values())


def test_the_mix_is_read_from_the_tensors() -> None:
    tensors = {
        "blk.0.a.weight": ("Q4_K", (256, 256)),
        "blk.0.b.weight": ("Q6_K", (64, 256)),
        "blk.0.n.weight": ("F32", (256,)),
    }
    found, conflicts = quantization(15, tensors)
    weights = 256 * 256 + 64 * 256 + 256
    stored = 256 * 144 + 64 * 210 + 256 * 4
    assert (found.method, found.scheme, found.source) == ("gguf", "Q4_K_M", "gguf")
    assert found.effective_bits_per_weight == pytest.approx(8 * stored / weights, abs=1e-4)
    assert found.bits == pytest.approx((4 * 65536 + 6 * 16384 + 32 * 256) / weights, abs=0.01)
    assert conflicts == []


def test_a_label_the_tensors_do_not_bear_out() -> None:
    tensors = {
        "token_embd.weight": ("Q4_K", (9000, 256)),
        "blk.0.a.weight": ("Q5_0", (64, 64)),
        "blk.0.b.weight": ("Q4_K", (8, 256)),
    }
    found, conflicts = quantization(15, tensors)
    assert found.scheme == "Q4_K_M (mostly Q5_0)"
    (one,) = conflicts
    assert (one.believed, one.other, one.other_from) == (
        "mostly Q5_0", "Q4_K_M", "general.file_type",
    )  # fmt: skip


@pytest.mark.parametrize(("number", "scheme"), [(None, "Q8_0"), (7, "Q8_0"), (7 + 1024, "Q8_0")])
def test_labels(number: int | None, scheme: str) -> None:
    found, conflicts = quantization(number, {"blk.0.a.weight": ("Q8_0", (32, 32))})
    assert (found.scheme, conflicts) == (scheme, [])


def test_plain_floats_are_no_quantization() -> None:
    floats = {"blk.0.a.weight": ("BF16", (4, 4))}
    assert quantization(32, floats) == (None, [])
    found, conflicts = quantization(15, floats)
    assert found is None
    assert conflicts[0].other == "Q4_K_M"


def test_without_tensors_the_label_stands_alone() -> None:
    found, _ = quantization(15, {})
    assert (found.scheme, found.bits, found.effective_bits_per_weight) == ("Q4_K_M", 4, None)
    assert quantization(1, {}) == (None, [])
    assert quantization(999, {}) == (None, [])
