from __future__ import annotations

import pytest
from msgspec.structs import replace

from famtree.fingerprints.build import CheckpointFacts, build_fingerprint
from famtree.fingerprints.parameters import count_active, count_parameters, estimate_parameters
from famtree.types.checkpoint import TensorIndex
from famtree.types.quantization import Quantization
from fingerprints.tensors_of import facts, index_of, index_of_fixture

# As the Hub counts them from the same headers, or as the makers state them exactly.
PUBLISHED = {
    "llama-3.1-8b": 8_030_261_248,
    "llama-3.1-70b": 70_553_706_496,
    "qwen2.5-7b": 7_615_616_512,
    "qwen3-30b-a3b": 30_532_122_624,
    "mistral-7b-v0.3": 7_248_023_552,
    "mixtral-8x7b": 46_702_792_704,
    "gemma-2-9b": 9_241_705_984,
    "gemma-3-4b-it": 4_300_079_472,
    "phi-3-mini-4k": 3_821_079_552,
    "deepseek-v3": 671_026_419_200,  # without the prediction block
    "gpt2": 124_439_808,  # without the stored attention masks
    "olmo-2-7b": 7_298_617_344,
    "falcon3-7b": 7_455_550_464,
    "granite-3.1-8b": 8_170_835_968,
    "bert-base-uncased": 110_106_428,
    "t5-base": 222_903_552,
    "whisper-large-v3": 1_543_490_560,
    "gpt-oss-20b": 20_914_757_184,
    "hard-llava-wrapper": 7_063_427_072,
}


# As their makers state them, in billions: Mixtral's paper, DeepSeek-V3's report, Qwen3's card.
ACTIVE = {"mixtral-8x7b": 12.9, "deepseek-v3": 37, "qwen3-30b-a3b": 3.3}


@pytest.mark.parametrize(("name", "stated"), ACTIVE.items())
def test_headers_and_config_give_the_active_count(name: str, stated: float) -> None:
    config = facts(name)["config"]
    shown = build_fingerprint(CheckpointFacts(config)).architecture
    for index in (index_of_fixture(name), TensorIndex()):
        active = count_active(index, None, shown, config, PUBLISHED[name])
        assert active == pytest.approx(stated * 1e9, rel=0.02)


def test_nothing_is_idle_in_a_dense_model() -> None:
    config = facts("llama-3.1-8b")["config"]
    shown = build_fingerprint(CheckpointFacts(config)).architecture
    assert count_active(TensorIndex(), None, shown, config, 8_030_261_248) is None


def test_layers_of_two_kinds_are_not_guessed_at() -> None:
    config = {**facts("mixtral-8x7b")["config"], "mlp_only_layers": [0]}
    shown = build_fingerprint(CheckpointFacts(config)).architecture
    assert count_active(TensorIndex(), None, shown, config, 46_702_792_704) is None


@pytest.mark.parametrize(("name", "count"), PUBLISHED.items())
def test_headers_give_the_published_count(name: str, count: int) -> None:
    assert count_parameters(index_of_fixture(name), None, None) == count


@pytest.mark.parametrize("how", ["gptq", "awq", "bnb-4bit", "mlx-4bit"])
def test_packed_weights_count_as_what_they_stand_for(how: str) -> None:
    quantization = Quantization(method=how)
    index = index_of_fixture(f"llama-3.1-8b-{how}")
    assert count_parameters(index, quantization, None) == PUBLISHED["llama-3.1-8b"]


def test_a_saved_tied_head_counts_once() -> None:
    index = index_of({"model.embed_tokens.weight": "10 4", "lm_head.weight": "10 4",
                      "model.layers.0.mlp.down_proj.weight": "4 8"})  # fmt: skip
    assert count_parameters(index, None, True) == 72
    assert count_parameters(index, None, False) == 112


def test_shared_embeddings_saved_three_times_count_once() -> None:
    index = index_of_fixture("t5-base")
    table = index.tensors["shared.weight"]
    more = {name: replace(table, name=name)
            for name in ("encoder.embed_tokens.weight", "decoder.embed_tokens.weight")}  # fmt: skip
    tensors = index.tensors | more
    whole = replace(index, tensors=tensors, names=frozenset(tensors))
    assert count_parameters(whole, None, None) == PUBLISHED["t5-base"]


def test_rotary_tables_are_no_parameters() -> None:
    index = index_of({"model.layers.0.self_attn.rotary_emb.inv_freq": "F32: 64",
                      "model.layers.0.mlp.down_proj.weight": "4 8"})  # fmt: skip
    assert count_parameters(index, None, None) == 32


def test_what_cannot_be_unpacked_is_not_guessed() -> None:
    assert count_parameters(index_of({"a.0.mlp.down_proj.weight": "U8: 4 8"}), None, None) is None
    biased = index_of({"a.0.mlp.down_proj.qweight": "I32: 4 8", "a.0.mlp.down_proj.bias": "8",
                       "a.0.mlp.down_proj.g_idx": "I32: 32"})  # fmt: skip
    assert count_parameters(biased, None, None) is None


def incomplete(index: TensorIndex, size: int | None) -> TensorIndex:
    shown = {k: v for k, v in index.tensors.items() if k.startswith("model.layers.0.")}
    return replace(index, tensors=shown, complete=False, total_size=size)


def test_the_stated_size_serves_where_it_is_exact() -> None:
    index = index_of_fixture("llama-3.1-70b")
    count = PUBLISHED["llama-3.1-70b"]

    assert count_parameters(incomplete(index, 2 * count), None, False) == count
    assert count_parameters(incomplete(index, 2 * count), None, True) is None
    assert count_parameters(incomplete(index, 2 * count + 1), None, False) is None
    assert count_parameters(incomplete(index, None), None, False) is None
    fp8 = Quantization(method="fp8")
    assert count_parameters(incomplete(index, 2 * count), fp8, False) is None


def test_the_stated_size_does_not_serve_with_buffers() -> None:
    index = incomplete(index_of_fixture("llama-3.1-70b"), 2 * PUBLISHED["llama-3.1-70b"])
    names = index.names | {"model.layers.0.self_attn.rotary_emb.inv_freq"}
    assert count_parameters(replace(index, names=names), None, False) is None


PLAIN = ["llama-3.1-8b", "llama-3.1-70b", "qwen2.5-7b", "qwen3-30b-a3b", "mistral-7b-v0.3",
         "mixtral-8x7b", "gemma-2-9b", "phi-3-mini-4k", "olmo-2-7b", "falcon3-7b",
         "granite-3.1-8b"]  # fmt: skip


@pytest.mark.parametrize("name", PLAIN)
def test_the_config_alone_gives_the_same_count(name: str) -> None:
    architecture = build_fingerprint(CheckpointFacts(config=facts(name)["config"])).architecture
    assert estimate_parameters(architecture) == PUBLISHED[name]


@pytest.mark.parametrize(
    "name", ["deepseek-v3", "gpt2", "gemma-3-4b-it", "t5-base", "gpt-oss-20b", "hard-llava-wrapper"]
)
def test_other_designs_are_not_estimated(name: str) -> None:
    architecture = build_fingerprint(CheckpointFacts(config=facts(name)["config"])).architecture
    assert estimate_parameters(architecture) is None


@pytest.mark.parametrize("field", ["layers", "hidden_size", "heads", "ffn", "vocab_rows", "tied"])
def test_a_missing_shape_gives_no_estimate(field: str) -> None:
    config = facts("llama-3.1-8b")["config"]
    architecture = build_fingerprint(CheckpointFacts(config=config)).architecture
    assert estimate_parameters(architecture.model_copy(update={field: None})) is None
