"""Weights, caches and plans: what fits and what is said where it cannot be told."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from famtree.interchange.cache_layout import Cells, KvLayout, LayerCache, sequence_bytes
from famtree.interchange.footprint import Footprint, hold_weights
from famtree.interchange.load import load_engines
from famtree.interchange.memory import answer_memory
from famtree.interchange.room import find_longest_context
from famtree.interchange.side import Plan, Side
from famtree.interchange.weights import measure_weights
from famtree.types.comparison import Answer
from famtree.types.quantization import CacheScheme, Quantization
from interchange.sides import make_index, make_side

WEIGHTS = 16_060_522_496
"""Llama 3 8B in bf16: 8,030,261,248 parameters."""
TOKEN = 131_072


def make_sized(**options: Any) -> Side:
    return make_side(index=make_index({}, complete=False), **{"parameters": 8030261248, **options})


def make_long(**options: Any) -> Side:
    return make_sized(max_position_embeddings=1_000_000, **options)


def ask(
    b: Side, plan: Plan | None = None, engine: str | None = None, a: Side | None = None
) -> Answer:
    chosen = load_engines()[engine] if engine else None
    (answer,) = answer_memory(a or b, b, chosen, plan or Plan())
    return answer


def test_headers_are_exact() -> None:
    index = make_index({"model.embed_tokens.weight": (100, 8)})
    tensor = index.tensors["model.embed_tokens.weight"]
    index.tensors[tensor.name] = type(tensor)(tensor.name, "BF16", (100, 8), 64, 1664, tensor.file)
    size = measure_weights(make_side(index=index))
    assert size is not None
    assert (size.bytes, size.source, size.how) == (1600, "headers", "from the tensor headers")


def test_parameters_serve_where_headers_were_not_read() -> None:
    plain = measure_weights(make_sized())
    assert plain is not None
    assert (plain.bytes, plain.source) == (WEIGHTS, "estimate")
    assumed = measure_weights(make_sized(torch_dtype=None))
    assert assumed is not None
    assert assumed.how == "estimate: parameters x 16 bits, assumed"
    quantized = make_sized(quantization=Quantization(method="gptq", bits=4))
    size = measure_weights(quantized)
    assert size is not None
    assert size.bytes > 8030261248 // 2
    assert "estimate" in size.how
    assert measure_weights(make_sized(parameters=None)) is None
    assert measure_weights(make_sized(quantization=Quantization(method="new"))) is None


def test_the_same_needs_no_more() -> None:
    answer = ask(make_sized())
    assert (answer.answer, answer.rule) == ("yes", "any/memory.no-more")
    assert answer.figures == {
        "weight_bytes": WEIGHTS, "bytes_per_token": TOKEN, "bytes_per_sequence": 0,
    }  # fmt: skip
    assert "16.06 GB" in answer.reason


def test_more_is_conditional_and_says_how_much() -> None:
    answer = ask(make_sized(num_key_value_heads=16), a=make_sized())
    assert answer.answer == "conditional"
    assert answer.condition == "131,072 bytes of cache a token more must be free"
    assert ask(make_sized(), a=make_sized(num_key_value_heads=16)).answer == "yes"


def test_a_plan_without_a_gpu_compares_the_whole() -> None:
    plan = Plan(context=1000, batch=2)
    small, large = make_sized(), make_sized(num_key_value_heads=16)
    answer = ask(large, plan, a=small)
    assert answer.figures["needed_bytes"] == WEIGHTS + 2 * 1000 * 2 * TOKEN
    assert (answer.answer, answer.condition) == (
        "conditional", "0.26 GB in all more must be free",
    )  # fmt: skip
    assert ask(small, plan, a=large).answer == "yes"


def test_a_checkpoint_needs_what_it_needs() -> None:
    assert ask(make_sized(parameters=None)).answer == "yes"


def test_what_cannot_be_seen_is_unknown() -> None:
    assert "size of its weights" in ask(make_sized(parameters=None), a=make_sized()).reason
    odd = ask(
        make_sized(sliding_window=16, model_type="new", architectures=["New"]), a=make_sized()
    )
    assert odd.answer == "unknown"
    assert "which layers have the sliding window" in odd.reason
    assert odd.figures["weight_bytes"] == WEIGHTS
    other = ask(make_sized(), a=make_sized(parameters=None))
    assert (other.answer, other.rule) == ("unknown", "any/memory.a-unseen")


def test_a_plan_is_exact_to_the_byte() -> None:
    usable = 21_600_000_000
    left = usable - WEIGHTS
    most = left // (8192 * TOKEN)
    fits = ask(make_long(), Plan(context=8192, batch=most, gpu_memory=24))
    assert fits.answer == "yes"
    assert fits.figures["usable_bytes"] == usable
    assert fits.figures["largest_batch"] == most == 5
    assert fits.figures["largest_context"] == left // 5 // TOKEN
    assert fits.figures["needed_bytes"] == WEIGHTS + 5 * 8192 * TOKEN
    assert ask(make_sized(), Plan(context=8192, batch=6, gpu_memory=24)).answer == "no"
    assert "10% stays free" in fits.reason


def test_weights_alone_may_be_too_much() -> None:
    answer = ask(make_sized(), Plan(gpu_memory=16))
    assert (answer.answer, answer.rule) == ("no", "any/memory.weights")


def test_an_8_bit_cache_doubles_the_context() -> None:
    plain = ask(make_long(), Plan(gpu_memory=24)).figures["largest_context"]
    half = ask(make_long(), Plan(gpu_memory=24, cache_type="fp8")).figures["largest_context"]
    assert half // 2 == plain


def test_engines_differ_in_share_state_and_types() -> None:
    plan = Plan(gpu_memory=24)
    general, own = ask(make_sized(), plan), ask(make_sized(), plan, "vllm")
    assert own.figures["usable_bytes"] == 22_080_000_000 > general.figures["usable_bytes"]
    assert own.source
    engines = load_engines()
    refused = answer_memory(make_sized(), make_sized(), engines["sglang"], Plan(cache_type="int8"))
    assert [one.answer for one in refused] == ["no"]
    assert answer_memory(make_sized(), make_sized(), engines["vllm"], Plan()) == []
    assert answer_memory(make_sized(), make_sized(), engines["mlc-llm"], plan) == []


def test_the_largest_context_is_never_above_the_models_own_in_silence() -> None:
    answer = ask(make_sized(), Plan(gpu_memory=24))
    assert answer.figures["largest_context"] == 8192
    assert "largest context 8,192, as long as b's own, though 42,262 would fit" in answer.reason


def test_windows_are_admitted_with_the_tokens_under_way() -> None:
    """vllm/v1/kv_cache_interface.py: window - 1 + tokens of two steps, by memory and GPU."""
    gemma = make_sized(
        model_type="gemma3_text", architectures=["Gemma3ForCausalLM"], num_hidden_layers=62,
        num_attention_heads=32, num_key_value_heads=16, head_dim=128, sliding_window=1024,
        max_position_embeddings=131072, parameters=27_009_002_240,
    )  # fmt: skip
    window = 52 * 2 * 16 * 128 * 2
    plain = 10 * 2 * 16 * 128 * 2 * 131072

    def need(name: str | None, memory: float, context: int = 131072) -> float:
        plan = Plan(context=context, gpu_memory=memory, gpu_name=name)
        answer = ask(gemma, plan, "vllm")
        return answer.figures["needed_bytes"] - answer.figures["weight_bytes"]

    assert need("H100", 80) == plain + window * (1023 + 2 * 8192)
    assert need("A100-80GB", 80) == plain + window * (1023 + 2 * 2048)
    assert need("L4", 24) == plain + window * (1023 + 2 * 2048)
    assert need("B200", 192) == plain + window * (1023 + 2 * 16384)
    # src/llama-kv-cache-iswa.cpp: n_swa + n_ubatch, padded to 256, and n_swa a further sequence.
    batch = Plan(context=131072, batch=3, gpu_memory=300)
    for plan, cells in ((Plan(context=131072, gpu_memory=80), 1024 + 512),
                        (Plan(context=600, gpu_memory=80), 768),
                        (batch, 3 * 1024 + 512)):  # fmt: skip
        figures = ask(gemma, plan, "llama.cpp").figures
        held = figures["needed_bytes"] - figures["weight_bytes"]
        tokens, sequences = plan.context or 0, plan.batch or 1
        assert held == sequences * plain * tokens // 131072 + window * cells
    # No sequence holds more than it is long.
    assert need("H100", 80, 2000) == 2000 * (plain // 131072 + window)
    answer = ask(gemma, Plan(gpu_memory=80, gpu_name="H100"), "vllm")
    assert answer.figures["largest_context"] == 131072
    # Without them 223,376 tokens would be promised.
    [told] = re.findall(r"though ([0-9,]+) would fit", answer.reason)
    assert 131072 < int(told.replace(",", "")) < 150_000


def test_the_checkpoints_own_cache_type_counts_where_the_engine_follows_it() -> None:
    declared = CacheScheme(bits=8, type="FP8")
    own = make_sized(quantization=Quantization(method="modelopt", bits=8, kv_cache=declared))
    plan = Plan(gpu_memory=24)
    for engine, width in (("vllm", 1), ("sglang", 1), ("llama.cpp", 2), ("transformers", 2)):
        assert ask(own, plan, engine).figures["bytes_per_token"] == TOKEN // 2 * width, engine
    asked = Plan(gpu_memory=24, cache_type="bfloat16")
    assert ask(own, asked, "vllm").figures["bytes_per_token"] == TOKEN
    other = make_sized(
        quantization=Quantization(method="compressed-tensors", bits=8, kv_cache=declared)
    )
    assert ask(other, plan, "vllm").figures["bytes_per_token"] == TOKEN // 2
    assert ask(other, plan, "sglang").figures["bytes_per_token"] == TOKEN
    integers = CacheScheme(bits=8, type="int")
    odd = make_sized(quantization=Quantization(method="modelopt", bits=8, kv_cache=integers))
    assert ask(odd, plan, "vllm").figures["bytes_per_token"] == TOKEN


def test_llama_cpp_has_eight_bit_caches() -> None:
    plan = Plan(gpu_memory=24, cache_type="int8")
    assert ask(make_sized(), plan, "llama.cpp").figures["bytes_per_token"] == TOKEN * 34 // 64
    plan = Plan(gpu_memory=24, cache_type="q8_0")
    assert ask(make_sized(), plan, "llama.cpp").figures["bytes_per_token"] == TOKEN * 34 // 64
    assert ask(make_sized(), Plan(cache_type="nvfp4"), "llama.cpp").answer == "no"


def test_llama_cpp_leaves_a_gibibyte_free() -> None:
    """70B as Q4_K_M, 42.5 GB, runs in 48 GB at 8,192 tokens."""
    big = make_side(
        form="gguf", index=make_index({}, complete=False), parameters=70_553_706_496,
        num_hidden_layers=80, hidden_size=8192, num_attention_heads=64,
        max_position_embeddings=131072,
        quantization=Quantization(method="gguf", bits=4, effective_bits_per_weight=4.82),
    )  # fmt: skip
    answer = ask(big, Plan(context=8192, gpu_memory=48), "llama.cpp")
    assert answer.answer == "yes"
    assert answer.figures["usable_bytes"] == 48 * 10**9 - 2**30
    assert ask(big, Plan(context=8192, gpu_memory=48)).answer == "no"


def test_weights_are_counted_as_the_engine_holds_them() -> None:
    fp8 = make_sized(quantization=Quantization(method="fp8", bits=8, granularity="tensor"))
    assert ask(fp8, Plan(gpu_memory=16, capability=80), "transformers").answer == "no"
    assert "widened" in ask(fp8, Plan(gpu_memory=16, capability=80), "transformers").reason
    assert ask(fp8, Plan(gpu_memory=16, capability=89), "transformers").answer == "yes"
    assert ask(fp8, Plan(gpu_memory=16), "llama.cpp").answer == "no"
    assert ask(fp8, Plan(gpu_memory=16, capability=80), "vllm").answer == "yes"
    nvfp4 = make_sized(quantization=Quantization(method="modelopt", bits=4, scheme="NVFP4"))
    figures = ask(nvfp4, Plan(gpu_memory=16), "llama.cpp").figures
    assert figures["weight_bytes"] < WEIGHTS / 2
    wide = make_sized(torch_dtype="float32")
    assert ask(wide, Plan(gpu_memory=40), "vllm").figures["weight_bytes"] == WEIGHTS
    assert ask(wide, Plan(gpu_memory=40), "transformers").figures["weight_bytes"] == 2 * WEIGHTS


def test_a_window_longer_than_the_model_is_none() -> None:
    phi = make_sized(
        model_type="phi3", architectures=["Phi3ForCausalLM"], num_key_value_heads=32,
        hidden_size=3072, sliding_window=262144, max_position_embeddings=131072,
    )  # fmt: skip
    answer = ask(phi)
    assert answer.figures["bytes_per_token"] == 393_216
    assert answer.figures["bytes_per_sequence"] == 0
    short = ask(make_sized(model_type="mistral", sliding_window=4096)).reason
    assert "cache 131,072 bytes a token up to 4,096, 536,870,912 a sequence at most" in short
    assert "whatever its length" not in short


def test_states_are_as_wide_as_the_engine_keeps_them() -> None:
    recurrent = make_sized(
        model_type="falcon_mamba", architectures=["FalconMambaForCausalLM"], num_hidden_layers=64,
        intermediate_size=8192, state_size=16, conv_kernel=4, max_position_embeddings=None,
    )  # fmt: skip
    general = ask(recurrent).figures["bytes_per_sequence"]
    own = ask(recurrent, engine="llama.cpp").figures["bytes_per_sequence"]
    assert (general, own) == (64 * 8192 * 19 * 2, 64 * 8192 * (3 + 16) * 4)
    assert "whatever its length" in ask(recurrent).reason
    assert "any" in ask(recurrent, Plan(gpu_memory=24)).reason


layers = st.builds(
    LayerCache,
    heads=st.integers(0, 8),
    key_width=st.integers(0, 64),
    value_width=st.integers(0, 64),
    window=st.none() | st.integers(1, 5000),
    convolution=st.integers(0, 1000),
    recurrent=st.integers(0, 1000),
)


@pytest.mark.property
@settings(max_examples=100, deadline=None)
@given(st.lists(layers, min_size=1, max_size=4), st.integers(0, 10**8))
def test_the_longest_context_is_the_longest(found: list[LayerCache], budget: int) -> None:
    layout, cells = KvLayout(tuple(found)), Cells()
    load = Footprint(None, layout, cells, "bfloat16")
    longest = find_longest_context(load, budget)
    if longest is None:
        assert sequence_bytes(layout, 10**9, cells) <= budget
    else:
        assert longest == 0 or sequence_bytes(layout, longest, cells) <= budget
        assert sequence_bytes(layout, longest + 1, cells) > budget


@pytest.mark.parametrize(
    ("engine", "form", "widened"),
    [
        ("exllamav3", {"method": "fp8", "bits": 8, "block_shape": [128, 128]}, True),
        ("mlx-lm", {"method": "fp8", "bits": 8, "block_shape": [128, 128]}, True),
        ("mlx-lm", {"method": "fp8", "bits": 8, "block_shape": [32, 32]}, False),
        ("llama.cpp", {"method": "compressed-tensors", "bits": 4, "weight_type": "int"}, True),
        ("llama.cpp", {"method": "compressed-tensors", "bits": 4, "weight_type": "e2m1"}, False),
        ("vllm", {"method": "fp8", "bits": 8, "block_shape": [128, 128]}, False),
    ],
)
def test_what_an_engine_widens_counts_as_it_holds_it(
    engine: str, form: dict[str, Any], widened: bool
) -> None:
    """exllamav3 load_fp16; mlx_lm sanitize, but for mxfp8 blocks; llama.cpp dequant_model."""
    side = make_side(index=make_index({}, complete=False), quantization=Quantization(**form))
    held = hold_weights(side, load_engines()[engine], Plan())
    assert held is not None
    assert (held.bytes == 16_000_000_000) is widened
