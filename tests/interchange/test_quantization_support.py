"""Which engine runs which stored form, on which GPU."""

from __future__ import annotations

from typing import Any

import pytest

from famtree.interchange.engine import QuantizationMethod, QuantizationSupport
from famtree.interchange.load import load_engines
from famtree.interchange.quantization_support import answer_quantization
from famtree.interchange.side import Plan
from famtree.interchange.stored_methods import find_methods
from famtree.types.comparison import Answer
from famtree.types.quantization import ActivationScheme, Quantization
from interchange.sides import make_index, make_side


def ask(
    form: Quantization | None, engine: str | None, capability: int | None = None
) -> list[Answer]:
    side = make_side(index=make_index({}, complete=False), quantization=form)
    plain = make_side(index=make_index({}, complete=False))
    chosen = load_engines()[engine] if engine else None
    return answer_quantization(plain, side, chosen, Plan(capability=capability))


def form(method: str, **fields: Any) -> Quantization:
    return Quantization(method=method, **fields)


@pytest.mark.parametrize(
    ("stored", "engine", "expected", "capability"),
    [
        (form("gptq", bits=4, symmetric=True, act_order=False, group_size=128), "vllm", "yes", 7.5),
        (form("gptq", bits=4, group_size=128), "vllm", "unknown", None),
        (form("awq", bits=4), "vllm", "yes", 7.5),
        (form("fp8", bits=8), "vllm", "yes", 7.5),
        (form("modelopt", scheme="FP8", bits=8), "vllm", "yes", 8.0),
        (form("modelopt", scheme="NVFP4", bits=4), "vllm", "yes", 7.5),
        (form("mxfp4", bits=4), "vllm", "yes", 8.0),
        (form("bitsandbytes", bits=4, scheme="nf4"), "vllm", "conditional", None),
        (form("gguf", scheme="Q4_K_M"), "vllm", "conditional", None),
        (form("hqq", bits=4), "vllm", "no", None),
        (form("exl3", bits=4), "vllm", "no", None),
        (form("modelopt", scheme="FP8", bits=8), "sglang", "yes", 8.9),
        (form("bitsandbytes", bits=4), "sglang", "yes", 7.0),
        (form("gguf"), "sglang", "yes", 6.0),
        (form("awq", bits=4), "sglang", "yes", 7.5),
        (form("gguf"), "llama.cpp", "yes", None),
        (form("gptq", bits=4), "llama.cpp", "conditional", None),
        (form("gptq", bits=3), "llama.cpp", "no", None),
        (form("awq", bits=4), "llama.cpp", "no", None),
        (form("fp8", bits=8), "transformers", "yes", None),
        (form("hqq", bits=4), "transformers", "conditional", None),
        (form("exl3", bits=4), "transformers", "no", None),
        (form("mlx", bits=4), "mlx-lm", "yes", None),
        (form("fp8", bits=8), "mlx-lm", "no", None),
        (form("mxfp8", bits=8), "mlx-lm", "conditional", None),
        (form("exl3", bits=4), "exllamav3", "yes", None),
        (form("modelopt", scheme="NVFP4", bits=4), "tensorrt-llm", "yes", 10.0),
        (form("gguf"), "tensorrt-llm", "unknown", None),
    ],
)  # fmt: skip
def test_engines_run_what_their_files_say(
    stored: Quantization, engine: str, expected: str, capability: float | None
) -> None:
    (answer,) = ask(stored, engine)
    assert answer.answer == expected
    assert answer.figures.get("capability") == capability
    assert answer.source
    assert answer.engine_version


def test_a_gpu_that_lacks_the_instructions_is_a_no() -> None:
    stored = form("modelopt", scheme="NVFP4", bits=4)
    assert [one.answer for one in ask(stored, "sglang", 75)] == ["no"]
    assert [one.answer for one in ask(stored, "sglang", 90)] == ["yes"]
    (answer,) = ask(stored, "sglang", 90)
    assert "computes in it from 10" in answer.reason


def test_an_unseen_fact_takes_the_entry_that_demands_most() -> None:
    """Weights of 8-bit floats in SGLang: by block from 8.9, else from 8.0."""
    unseen = form("compressed-tensors", bits=8, weight_type="e4m3",
                  activations=ActivationScheme(bits=8, type="float"))  # fmt: skip
    (answer,) = ask(unseen, "sglang", 80)
    assert answer.answer == "unknown"
    assert "what shares a scale" in answer.reason
    assert [one.answer for one in ask(unseen, "sglang", 75)] == ["no"]
    for granularity, capability, expected in (
        ("channel", 80, "yes"), ("block", 80, "no"), ("block", 89, "yes"),
    ):  # fmt: skip
        seen = unseen.model_copy(update={"granularity": granularity})
        assert [one.answer for one in ask(seen, "sglang", capability)] == [expected]


def test_a_method_begins_and_ends_with_versions() -> None:
    support = QuantizationSupport(
        source="x",
        methods=[
            QuantizationMethod(method="old", until="2.0"),
            QuantizationMethod(method="new", since="2.0"),
        ],
    )
    side = make_side(form="config-only")
    assert find_methods(support, form("old"), "1.9", side)[0]
    assert not find_methods(support, form("old"), "2.0", side)[0]
    assert not find_methods(support, form("new"), "1.9", side)[0]


def test_a_form_may_be_refused_or_run_on_some_gpus_alone() -> None:
    inputs = ActivationScheme(bits=8, type="float", dynamic=True, granularity="token")
    stored = form("compressed-tensors", bits=4, weight_type="int", symmetric=True,
                  granularity="group", group_size=128, act_order=False, activations=inputs,
                  checkpoint_format="pack-quantized")  # fmt: skip
    assert [one.answer for one in ask(stored, "vllm", 90)] == ["yes"]
    for capability in (80, 89, 100, 120):
        assert [one.answer for one in ask(stored, "vllm", capability)] == ["no"]
    (unsaid,) = ask(stored, "vllm")
    assert unsaid.answer == "conditional"
    assert unsaid.condition == "a GPU of compute capability 9"
    (refused,) = ask(stored.model_copy(update={"act_order": True}), "vllm", 90)
    assert (refused.answer, refused.rule) == ("no", "vllm/quantization.refused")


def test_plain_weights_need_nothing() -> None:
    assert [one.answer for one in ask(None, None)] == ["yes"]
    assert ask(None, "vllm") == []
    assert [one.answer for one in ask(None, "llama.cpp")] == ["conditional"]
    (general,) = ask(form("gptq", bits=4, group_size=128), None)
    assert general.answer == "conditional"
    assert "gptq 4 bits, group 128" in general.reason


def test_every_method_is_one_that_famtree_can_find() -> None:
    from famtree.packings.catalog import load_methods

    known = set(load_methods().methods)
    for engine in load_engines().values():
        if engine.quantization is not None:
            assert {one.method for one in engine.quantization.methods} <= known
