"""Among how many accelerators models can be cut, against the engines' own checks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from famtree.deployment.parallel import SIZES, find_obstacle, find_option, list_sizes
from famtree.interchange.load import load_engines
from famtree.interchange.side import Side
from famtree.types.quantization import Quantization
from interchange.sides import make_config_side, make_index, make_side

PARTIAL = make_index({}, complete=False)


def make(**config: Any) -> Side:
    return make_side(index=PARTIAL, **config)


def sizes(side: Side, engine: str = "vllm") -> list[int] | None:
    return list_sizes(side, load_engines()[engine])


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        # Qwen2.5-7B: 28 heads; Qwen2.5-0.5B: 14; MiniCPM-2B: 36.
        ({"num_attention_heads": 28, "num_key_value_heads": 4, "intermediate_size": 18944},
         [1, 2, 4]),
        ({"num_attention_heads": 14, "num_key_value_heads": 2, "intermediate_size": 4864}, [1, 2]),
        ({"num_attention_heads": 36, "num_key_value_heads": 36, "intermediate_size": 5760,
          "vocab_size": 122753}, [1, 2, 4]),
        # phi-4: 40 heads, 10 for keys and values.
        ({"num_attention_heads": 40, "num_key_value_heads": 10, "intermediate_size": 17920,
          "vocab_size": 100352}, [1, 2]),
        ({"num_attention_heads": 32, "num_key_value_heads": 8, "intermediate_size": 14336},
         [1, 2, 4, 8, 16, 32]),
    ],
)  # fmt: skip
def test_heads_are_dealt_out_evenly(config: dict[str, Any], expected: list[int]) -> None:
    assert sizes(make(**config)) == expected


def test_rows_are_padded_to_a_number_of_the_engine() -> None:
    """vLLM pads to 64, whatever the ranks; SGLang to 64 times the ranks where that is needed."""
    minicpm = make(num_attention_heads=36, num_key_value_heads=36, intermediate_size=5760,
                   vocab_size=122753)  # fmt: skip
    assert "122,753 rows" in str(find_obstacle(minicpm, load_engines()["vllm"], 3))
    assert sizes(minicpm, "sglang") == [1, 2, 3, 4, 6, 9, 12]
    even = make(num_attention_heads=36, num_key_value_heads=36, intermediate_size=5760,
                vocab_size=122688)  # fmt: skip
    assert sizes(even) == [1, 2, 3, 4, 6, 9, 12]


def test_blocks_of_experts_stay_whole_in_sglang_and_are_made_smaller_in_vllm() -> None:
    """Qwen3-30B-A3B-FP8 at 4 and Qwen3-235B-FP8 at 8 (sglang fp8.py, create_weights)."""
    fp8 = Quantization(method="fp8", bits=8, block_shape=[128, 128])
    small = make(num_attention_heads=32, num_key_value_heads=4, num_experts=128,
                 moe_intermediate_size=768, intermediate_size=6144, quantization=fp8)  # fmt: skip
    large = make(num_attention_heads=64, num_key_value_heads=4, num_experts=128,
                 moe_intermediate_size=1536, intermediate_size=12288, quantization=fp8)  # fmt: skip
    assert find_obstacle(small, load_engines()["sglang"], 4) is not None
    assert find_obstacle(small, load_engines()["vllm"], 4) is None
    assert find_obstacle(small, load_engines()["sglang"], 2) is None
    assert find_obstacle(large, load_engines()["sglang"], 8) is not None
    assert find_obstacle(large, load_engines()["sglang"], 4) is None


def test_groups_stay_whole() -> None:
    four = Quantization(method="gptq", bits=4, group_size=128)
    side = make(num_attention_heads=28, num_key_value_heads=4, intermediate_size=18944,
                quantization=four)  # fmt: skip
    assert find_obstacle(side, load_engines()["vllm"], 4) is None
    narrow = make(num_attention_heads=28, num_key_value_heads=4, intermediate_size=18688,
                  quantization=four)  # fmt: skip
    assert find_obstacle(narrow, load_engines()["vllm"], 4) is not None


def test_latents_do_not_limit() -> None:
    side = make(num_attention_heads=128, num_key_value_heads=128, kv_lora_rank=512,
                qk_rope_head_dim=64, intermediate_size=18432)  # fmt: skip
    assert sizes(side) == [1, 2, 4, 8, 16, 32, 64]


def test_engines_that_deal_out_layers_have_no_sizes() -> None:
    assert sizes(make(), "llama.cpp") is None
    assert sizes(make(), "transformers") is None
    assert sizes(make_config_side({})) is None


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        # Qwen3.5-27B: 24 heads, 16 and 48 of its recurrence.
        ({"num_attention_heads": 24, "num_key_value_heads": 4, "linear_num_key_heads": 16,
          "linear_num_value_heads": 48, "linear_key_head_dim": 128, "linear_value_head_dim": 128,
          "linear_conv_kernel_dim": 4, "model_type": "qwen3_next", "intermediate_size": 16896,
          "architectures": ["Qwen3NextForCausalLM"], "num_hidden_layers": 48}, [1, 2, 4, 8]),
        # One group of a Mamba-2 layer is repeated, several are dealt out.
        ({"mamba_n_heads": 24, "mamba_n_groups": 1, "mamba_d_state": 128, "mamba_d_conv": 4,
          "mamba_d_head": 64, "model_type": "falcon_h1", "num_key_value_heads": 32,
          "architectures": ["FalconH1ForCausalLM"]}, [1, 2, 4, 8]),
        ({"mamba_n_heads": 32, "mamba_n_groups": 2, "mamba_d_state": 128, "mamba_d_conv": 4,
          "mamba_d_head": 64, "model_type": "falcon_h1", "num_key_value_heads": 32,
          "architectures": ["FalconH1ForCausalLM"]}, [1, 2]),
    ],
)  # fmt: skip
def test_heads_of_a_recurrence_are_dealt_out_evenly(
    config: dict[str, Any], expected: list[int]
) -> None:
    assert sizes(make(**config)) == expected


GLM_V: dict[str, Any] = {
    "architectures": ["Glm4vForConditionalGeneration"], "model_type": "glm4v",
    "num_attention_heads": 32, "num_key_value_heads": 2, "intermediate_size": 13696,
    "vocab_size": 151552, "vision_config": {"num_heads": 12},
}  # fmt: skip


@pytest.mark.parametrize(
    ("config", "expected", "option"),
    [
        # GLM-4.1V has 12 heads in its image tower: divide() in glm4_1v.py.
        ({}, [1, 2, 4], "--mm-encoder-tp-mode data"),
        # Idefics' kin asserts the same and has no such mode.
        ({"architectures": ["Idefics3ForConditionalGeneration"]}, [1, 2, 4], None),
        # InternViT falls back to a whole tower by itself.
        ({"architectures": ["InternVLChatModel"]}, [1, 2, 4, 8, 16, 32], None),
        ({"vision_config": {"num_heads": 16}}, [1, 2, 4, 8, 16], "--mm-encoder-tp-mode data"),
        ({"vision_config": {}}, [1, 2, 4, 8, 16, 32], None),
        # Where the language tower cannot be cut either, no setting of the image tower helps.
        ({"num_attention_heads": 12, "num_key_value_heads": 12}, [1, 2, 4], None),
    ],
)
def test_image_towers_are_dealt_out_unless_they_are_kept_whole(
    config: dict[str, Any], expected: list[int], option: str | None
) -> None:
    """vllm/model_executor/models: 8 (or 32) ranks take a setting, or cannot be."""
    side = make(**{**GLM_V, **config})
    assert sizes(side) == expected
    assert find_option(side, load_engines()["vllm"], 32 if 8 in expected else 8) == option


RECURRENT = ("linear_num_key_heads", "linear_num_value_heads", "mamba_num_heads", "mamba_n_heads",
             "mamba_n_groups", "n_groups")  # fmt: skip
"""What vLLM deals out of a recurrence (layers/mamba/gdn, layers/mamba/mamba_mixer2.py)."""


NOT_CUT = (
    # HF's own towers (gemma4_mm.py), a whole tower where heads leave a rest (intern_vit.py), and
    # classes without an entry in the registry.
    "Gemma4ForConditionalGeneration", "InternVLChatModel", "LocateAnythingForConditionalGeneration",
    "MiniMaxM3SparseForConditionalGeneration", "StableDiffusionSafetyChecker",
    "ZootForConditionalGeneration", "MllamaForConditionalGeneration",
)  # fmt: skip


def read_number(config: dict[str, Any], *keys: str) -> int | None:
    """Return a number of the language tower's config, read without famtree."""
    text = next((config[key] for key in ("text_config", "llm_config") if config.get(key)), config)
    found = [text.get(key) for key in keys]
    return next((one for one in found if isinstance(one, int)), None)


def read_configs(shared: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    for path in sorted((shared / "corpus").glob("*/*/config.json")):
        config = json.loads(path.read_text(errors="replace"))
        if isinstance(config, dict):
            yield path.parent.name, config


@pytest.mark.corpus
def test_the_sizes_of_all_configs_are_those_of_the_engines_checks(shared: Path) -> None:
    """vllm/config/model.py, verify_with_parallel_config; linear.py, QKVParallelLinear, divide."""
    engine = load_engines()["vllm"]
    seen = 0
    for name, config in read_configs(shared):
        side = make_config_side(config)
        a = side.architecture
        if a.heads is None:
            assert list_sizes(side, engine) is None
            continue
        seen += 1
        for ranks in SIZES:
            legal = a.heads % ranks == 0
            if a.kv_lora_rank is None and a.kv_heads:
                legal &= a.kv_heads % ranks == 0 or ranks % a.kv_heads == 0
            legal &= not a.ffn or a.ffn % ranks == 0
            for key in RECURRENT:
                count = read_number(config, key)
                one_is_repeated = key.endswith("groups") and count == 1
                legal &= not count or count % ranks == 0 or one_is_repeated
            legal &= not (a.experts and a.expert_ffn) or a.expert_ffn % ranks == 0
            legal &= not a.vocab_rows or -(-a.vocab_rows // 64) * 64 % ranks == 0
            tower = config.get("vision_config") or {}
            heads = tower.get("num_heads") or tower.get("num_attention_heads")
            legal &= not heads or a.class_name in NOT_CUT or heads % ranks == 0
            assert (find_obstacle(side, engine, ranks) is None) == legal, (name, ranks)
    assert seen > 150


@pytest.mark.corpus
def test_what_cannot_be_split_by_two_four_or_eight_is_seen_in_the_heads(shared: Path) -> None:
    """vllm/config/model.py, verify_with_parallel_config: heads, read without famtree."""
    engine = load_engines()["vllm"]
    stuck, seen = [], 0
    for name, config in read_configs(shared):
        heads = read_number(config, "num_attention_heads", "n_head", "n_heads")
        side = make_config_side(config)
        if heads is None or side.architecture.heads is None:
            continue
        seen += 1
        assert side.architecture.heads == heads, name
        legal = list_sizes(side, engine) or []
        for size in (2, 4, 8):
            assert heads % size == 0 or size not in legal, (name, size)
        stuck += [name] * (heads % 8 != 0)
    assert seen > 150
    assert len(stuck) >= 15
