"""What llama.cpp keeps of a sequence, by headers as released files have them."""

from __future__ import annotations

from typing import Any

import pytest

from famtree.interchange.cache_kinds import UnseenError
from famtree.interchange.cache_layout import (
    Cells,
    KvLayout,
    bytes_per_token,
    fixed_bytes,
    sequence_bytes,
    state_bytes,
)
from famtree.interchange.gguf_caches import describes_caches, read_gguf_layout
from gguf_files import design_of

STATES = Cells(convolution=4.0, recurrent=4.0)


def read(architecture: str, context: int | None = None, **keys: Any) -> KvLayout:
    metadata = design_of(architecture, **keys)
    assert describes_caches(metadata)
    return read_gguf_layout(metadata, context, ())


def measure(layout: KvLayout) -> tuple[int, int, int]:
    return bytes_per_token(layout), fixed_bytes(layout), state_bytes(layout, STATES)


GEMMA4 = [at % 6 != 5 for at in range(30)]


@pytest.mark.parametrize(
    ("architecture", "keys", "expected"),
    [
        (
            "llama",
            {"block_count": 32, "embedding_length": 4096, "attention__head_count": 32,
             "attention__head_count_kv": 8, "attention__sliding_window": 4096},
            (32 * 2 * 8 * 128 * 2, 0, 0),
        ),
        (
            "gemma4",
            {"block_count": 30, "embedding_length": 2816, "attention__head_count": 16,
             "attention__head_count_kv": [8 if local else 2 for local in GEMMA4],
             "attention__key_length": 512, "attention__value_length": 512,
             "attention__key_length_swa": 256, "attention__value_length_swa": 256,
             "attention__sliding_window": 1024, "attention__sliding_window_pattern": GEMMA4},
            (5 * 2 * (512 + 512) * 2, 25 * 8 * (256 + 256) * 2 * 1024, 0),
        ),
        (
            "gemma3",
            {"block_count": 62, "embedding_length": 5376, "attention__head_count": 32,
             "attention__head_count_kv": 16, "attention__key_length": 128,
             "attention__value_length": 128, "attention__sliding_window": 1024},
            (10 * 2 * 16 * 128 * 2, 52 * 2 * 16 * 128 * 2 * 1024, 0),
        ),
        (
            "gemma3n",
            {"block_count": 35, "embedding_length": 2048, "attention__head_count": 8,
             "attention__head_count_kv": 2, "attention__key_length": 256,
             "attention__value_length": 256, "attention__sliding_window": 512,
             "attention__sliding_window_pattern": [at % 5 != 4 for at in range(35)]},
            (4 * 2 * 2 * 256 * 2, 16 * 2 * 2 * 256 * 2 * 512, 0),
        ),
        (
            "phi3",
            {"block_count": 32, "embedding_length": 3072, "attention__head_count": 32,
             "attention__head_count_kv": 32, "attention__sliding_window": 2047},
            (32 * 2 * 32 * 96 * 2, 0, 0),
        ),
        (
            "gpt-oss",
            {"block_count": 24, "embedding_length": 2880, "attention__head_count": 64,
             "attention__head_count_kv": 8, "attention__key_length": 64,
             "attention__value_length": 64, "attention__sliding_window": 128},
            (12 * 2 * 8 * 64 * 2, 12 * 2 * 8 * 64 * 2 * 128, 0),
        ),
        (
            "lfm2",
            {"block_count": 16, "embedding_length": 2048, "attention__head_count": 32,
             "attention__head_count_kv": [0, 0, 8, 0, 0, 8, 0, 0, 8, 0, 8, 0, 8, 0, 8, 0],
             "shortconv__l_cache": 3, "feed_forward_length": 8192},
            (6 * 2 * 8 * 64 * 2, 0, 10 * 2048 * 2 * 4),
        ),
        (
            "qwen35",
            {"block_count": 65, "nextn_predict_layers": 1, "embedding_length": 5120,
             "attention__head_count": 24, "attention__head_count_kv": 4,
             "attention__key_length": 256, "attention__value_length": 256,
             "full_attention_interval": 4, "ssm__conv_kernel": 4, "ssm__state_size": 128,
             "ssm__group_count": 16, "ssm__time_step_rank": 48, "ssm__inner_size": 6144},
            (16 * 2 * 4 * 256 * 2, 0,
             48 * (48 * 128 * 128 + (2 * 16 * 128 + 48 * 128) * 3) * 4),
        ),
        (
            "nemotron_h",
            {"block_count": 6, "embedding_length": 4096, "attention__head_count": 32,
             "attention__head_count_kv": [0, 0, 0, 8, 0, 0],
             "feed_forward_length": [0, 12288, 0, 0, 12288, 0], "attention__key_length": 128,
             "attention__value_length": 128, "ssm__conv_kernel": 4, "ssm__state_size": 128,
             "ssm__group_count": 8, "ssm__inner_size": 8192},
            (2 * 8 * 128 * 2, 0, 3 * ((8192 + 2048) * 3 + 8192 * 128) * 4),
        ),
        (
            "deepseek2",
            {"block_count": 61, "embedding_length": 7168, "attention__head_count": 128,
             "attention__head_count_kv": 1, "attention__kv_lora_rank": 512,
             "attention__key_length": 576, "attention__value_length": 512,
             "attention__key_length_mla": 192, "attention__value_length_mla": 128},
            (61 * 576 * 2, 0, 0),
        ),
        (
            "mamba",
            {"block_count": 64, "embedding_length": 4096, "attention__head_count": 0,
             "ssm__conv_kernel": 4, "ssm__inner_size": 8192, "ssm__state_size": 16},
            (0, 0, 64 * 8192 * (3 + 16) * 4),
        ),
        (
            "falcon-h1",
            {"block_count": 44, "embedding_length": 3072, "attention__head_count": 12,
             "attention__head_count_kv": 2, "attention__key_length": 128,
             "attention__value_length": 128, "ssm__conv_kernel": 4, "ssm__inner_size": 3072,
             "ssm__group_count": 1, "ssm__state_size": 256},
            (44 * 2 * 2 * 128 * 2, 0, 44 * ((3072 + 512) * 3 + 3072 * 256) * 4),
        ),
        (
            "rwkv7",
            {"block_count": 12, "embedding_length": 768, "attention__head_count": 0,
             "wkv__head_size": 64, "token_shift_count": 2},
            (0, 0, 12 * (2 * 768 + 768 * 64) * 4),
        ),
        (
            "llama4",
            {"block_count": 48, "embedding_length": 5120, "attention__head_count": 40,
             "attention__head_count_kv": 8, "attention__key_length": 128,
             "attention__value_length": 128},
            (12 * 2 * 8 * 128 * 2, 36 * 2 * 8 * 128 * 2 * 8192, 0),
        ),
        ("bert", {"block_count": 12, "embedding_length": 768}, (0, 0, 0)),
        (
            "deepseek4",
            {"block_count": 44, "nextn_predict_layers": 1, "embedding_length": 4096,
             "attention__head_count": 64, "attention__head_count_kv": 1,
             "attention__key_length": 512, "rope__dimension_count": 64,
             "attention__sliding_window": 128, "attention__indexer__key_length": 128,
             "attention__compress_ratios": [0, 0, *([4, 128] * 20), 4, 0]},
            (6229, 17_842_176, 0),
        ),
    ],
)  # fmt: skip
def test_bytes_are_exact(
    architecture: str, keys: dict[str, Any], expected: tuple[int, int, int]
) -> None:
    assert measure(read(architecture, **keys)) == expected


def test_gemma_4_at_32_768_tokens() -> None:
    layout = read(
        "gemma4", 262144, block_count=30, embedding_length=2816, attention__head_count=16,
        attention__head_count_kv=[8 if local else 2 for local in GEMMA4],
        attention__key_length=512, attention__value_length=512, attention__key_length_swa=256,
        attention__value_length_swa=256, attention__sliding_window=1024,
        attention__sliding_window_pattern=GEMMA4,
    )  # fmt: skip
    assert sequence_bytes(layout, 32768) == 880_803_840


@pytest.mark.parametrize(
    ("keys", "missing"),
    [
        ({"block_count": "many"}, "the number of layers"),
        ({"block_count": 10**9}, "the number of layers"),
        ({"block_count": 2}, "key-value heads"),
        ({"block_count": 2, "attention__head_count_kv": [8]}, "key-value heads"),
        ({"block_count": 2, "attention__head_count_kv": [8, "x"]}, "key-value heads"),
        ({"block_count": 2, "attention__head_count_kv": 8}, "the width of its heads"),
        ({"block_count": 2, "attention__head_count_kv": [0, 8], "embedding_length": 64,
          "attention__head_count": 8, "ssm__state_size": 16}, "recurrent state"),
        ({"block_count": 2, "attention__compress_ratios": [0]}, "how far each layer compresses"),
        ({"block_count": 2, "attention__compress_ratios": 7}, "how far each layer compresses"),
    ],
)  # fmt: skip
def test_what_is_missing_is_named(keys: dict[str, Any], missing: str) -> None:
    with pytest.raises(UnseenError, match=missing):
        read("llama", **keys)


def test_a_window_without_a_pattern_is_not_guessed() -> None:
    with pytest.raises(UnseenError, match="which layers have the sliding window"):
        read("gemma4", block_count=2, attention__head_count_kv=8, attention__key_length=8,
             attention__sliding_window=4)  # fmt: skip


@pytest.mark.parametrize("metadata", [{}, {"general.architecture": 5},
                                      {"general.architecture": "clip"}])  # fmt: skip
def test_other_headers_describe_no_cache(metadata: dict[str, Any]) -> None:
    assert not describes_caches(metadata)
