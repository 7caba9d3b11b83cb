"""One model in the spellings of several designs: roles must come out the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gguf.constants import GGMLQuantizationType
from gguf.gguf_writer import GGUFWriter

from famtree.weights.open import Weights
from famtree.weights.read import Window, read_windows
from tiny_models import (
    FFN,
    HEADS,
    HIDDEN,
    KEYS,
    LAYERS,
    VOCABULARY,
    WIDTH,
    make_model,
    open_folder,
    open_model,
)

ROLES = ("q", "k", "v", "o", "gate", "up", "down")
ROWS = (0, 1, 17, 33, 63)
MODEL = make_model(1)
NAMES = {role: f"self_attn.{role}_proj" for role in "qkvo"} | {
    role: f"mlp.{role}_proj" for role in ("gate", "up", "down")
}


def matrix(layer: int, role: str) -> Any:
    return MODEL[f"model.layers.{layer}.{NAMES[role]}.weight"]


def check(weights: Weights, roles: tuple[str, ...] = ROLES) -> None:
    windows = [Window(role, layer, ROWS, (8, 104)) for role in roles for layer in (0, 3)]
    found = read_windows(weights, windows)
    assert weights.reading.unread == []
    for window in windows:
        expected = matrix(window.layer, window.role)[list(ROWS), 8:104]
        np.testing.assert_array_equal(found[window], expected, err_msg=str(window))


def respell(parts: Any) -> dict[str, Any]:
    """Return the model with what `parts(layer)` gives in place of the matrices of each layer."""
    arrays: dict[str, Any] = {
        name: values for name, values in MODEL.items()
        if ".self_attn." not in name and ".mlp." not in name
    }  # fmt: skip
    for layer in range(LAYERS):
        arrays |= {f"model.layers.{layer}.{name}": values for name, values in parts(layer).items()}
    return arrays


def test_separate(tmp_path: Path) -> None:
    check(open_model(tmp_path, MODEL, "F32"))


def test_concatenated_and_gate_with_up(tmp_path: Path) -> None:
    arrays = respell(
        lambda layer: {
            "self_attn.qkv_proj.weight": np.vstack([matrix(layer, role) for role in "qkv"]),
            "self_attn.o_proj.weight": matrix(layer, "o"),
            "mlp.gate_up_proj.weight": np.vstack([matrix(layer, "gate"), matrix(layer, "up")]),
            "mlp.down_proj.weight": matrix(layer, "down"),
        }
    )
    check(open_model(tmp_path, arrays, "F32", model_type="phi3"))


def test_grouped_heads(tmp_path: Path) -> None:
    share = HEADS // KEYS

    def fused(layer: int) -> dict[str, Any]:
        q = matrix(layer, "q").reshape(KEYS, share, WIDTH, HIDDEN)
        k, v = (matrix(layer, role).reshape(KEYS, 1, WIDTH, HIDDEN) for role in "kv")
        return {
            "attention.wqkv.weight": np.concatenate([q, k, v], axis=1).reshape(-1, HIDDEN),
            "attention.wo.weight": matrix(layer, "o"),
            "feed_forward.w1.weight": matrix(layer, "gate"),
            "feed_forward.w3.weight": matrix(layer, "up"),
            "feed_forward.w2.weight": matrix(layer, "down"),
        }

    check(open_model(tmp_path, respell(fused), "F32", model_type="internlm2"))


def test_heads_that_hold_q_k_and_v(tmp_path: Path) -> None:
    def fused(layer: int) -> dict[str, Any]:
        heads = [matrix(layer, "q").reshape(HEADS, 1, WIDTH, HIDDEN)] * 3
        return {
            "attention.query_key_value.weight": np.concatenate(heads, axis=1).reshape(-1, HIDDEN),
            "mlp.dense_h_to_4h.weight": matrix(layer, "up"),
        }

    weights = open_model(
        tmp_path, respell(fused), "F32", model_type="gpt_neox", num_key_value_heads=HEADS
    )
    check(weights, ("q", "up"))
    window = Window("v", 0, ROWS, (0, HIDDEN))
    np.testing.assert_array_equal(
        read_windows(weights, [window])[window], matrix(0, "q")[list(ROWS)]
    )


def test_inputs_first(tmp_path: Path) -> None:
    def transposed(layer: int) -> dict[str, Any]:
        fused = np.vstack([matrix(layer, "q")] * 3)
        return {
            "attn.c_attn.weight": fused.T.copy(),
            "attn.c_proj.weight": matrix(layer, "o").T.copy(),
            "mlp.c_fc.weight": matrix(layer, "up").T.copy(),
            "mlp.c_proj.weight": matrix(layer, "down").T.copy(),
        }

    weights = open_model(
        tmp_path, respell(transposed), "F32", model_type="gpt2", num_key_value_heads=HEADS
    )
    check(weights, ("q", "o", "up", "down"))


def test_fused_experts(tmp_path: Path) -> None:
    def fused(layer: int) -> dict[str, Any]:
        both = np.vstack([matrix(layer, "gate"), matrix(layer, "up")])
        return {
            **{f"{NAMES[role]}.weight": matrix(layer, role) for role in "qkvo"},
            "mlp.experts.gate_up_proj": np.stack([both, both + 1]),
            "mlp.experts.down_proj": np.stack([matrix(layer, "down")] * 2),
        }

    check(open_model(tmp_path, respell(fused), "F32", model_type="qwen3_moe"))


@pytest.mark.parametrize("architecture", ["llama", "qwen2"])
def test_gguf_rows_are_put_back(tmp_path: Path, architecture: str) -> None:
    path = tmp_path / "model.gguf"
    writer = GGUFWriter(path, architecture)
    writer.add_block_count(LAYERS)
    writer.add_embedding_length(HIDDEN)
    writer.add_feed_forward_length(FFN)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KEYS)
    writer.add_vocab_size(VOCABULARY)
    writer.add_tensor("token_embd.weight", MODEL["model.embed_tokens.weight"])
    writer.add_tensor("output_norm.weight", MODEL["model.norm.weight"])
    names = {"q": "attn_q", "k": "attn_k", "v": "attn_v", "o": "attn_output", "gate": "ffn_gate",
             "up": "ffn_up", "down": "ffn_down"}  # fmt: skip
    for layer in range(LAYERS):
        for role, name in names.items():
            values = matrix(layer, role)
            if architecture == "llama" and role in "qk":
                heads = HEADS if role == "q" else KEYS
                halves = values.reshape(heads, 2, WIDTH // 2, HIDDEN)
                values = halves.swapaxes(1, 2).reshape(values.shape)
            writer.add_tensor(f"blk.{layer}.{name}.weight", values.copy(),
                              raw_dtype=GGMLQuantizationType.F32)  # fmt: skip
        writer.add_tensor(f"blk.{layer}.attn_norm.weight", MODEL["model.norm.weight"])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    check(open_folder(path))


def test_wrapped_language_model(tmp_path: Path) -> None:
    arrays = {name.replace("model.", "model.language_model.", 1): values
              for name, values in MODEL.items()}  # fmt: skip
    arrays |= {
        f"model.visual.blocks.{number}.attn.qkv.weight": np.zeros((96, 32), np.float32)
        for number in range(6)
    }
    check(open_model(tmp_path, arrays, "F32"))


def test_unknown_fused_order_is_not_guessed(tmp_path: Path) -> None:
    arrays = respell(
        lambda layer: {
            "self_attention.query_key_value.weight": np.vstack([matrix(layer, r) for r in "qkv"]),
            "mlp.dense_h_to_4h.weight": matrix(layer, "up"),
        }
    )
    weights = open_model(tmp_path, arrays, model_type="somebody")
    assert read_windows(weights, [Window("q", 0, (0,), (0, 8))]) == {}
    assert "order" in weights.reading.unread[0].reason
