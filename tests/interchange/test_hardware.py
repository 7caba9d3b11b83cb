"""What a GPU lacks whatever the form: its own least, bfloat16, types of caches."""

from __future__ import annotations

from typing import Any

import pytest

from famtree.interchange.footprint import measure_footprint
from famtree.interchange.load import load_engines
from famtree.interchange.memory import answer_memory
from famtree.interchange.quantization_support import answer_quantization
from famtree.interchange.side import Plan
from famtree.types.comparison import Answer
from interchange.sides import make_side

ENGINES = load_engines()


def ask(engine: str, capability: int | None, **config: Any) -> list[Answer]:
    side = make_side(**config)
    return answer_quantization(side, side, ENGINES[engine], Plan(capability=capability))


@pytest.mark.parametrize(
    ("engine", "capability", "expected"),
    [
        ("vllm", 50, "no"), ("vllm", 70, "no"), ("vllm", 75, "conditional"), ("vllm", 80, None),
        ("vllm", None, None), ("sglang", 70, "no"), ("sglang", 75, "conditional"),
        ("sglang", 80, None), ("tensorrt-llm", 75, "no"), ("lmdeploy", 60, "no"),
    ],
)  # fmt: skip
def test_plain_weights_need_what_the_engine_ships(
    engine: str, capability: int | None, expected: str | None
) -> None:
    answers = ask(engine, capability)
    assert [one.answer for one in answers] == ([] if expected is None else [expected])
    for one in answers:
        assert "compute capability" in one.reason
        assert one.source


def test_float16_needs_no_bfloat16() -> None:
    assert ask("vllm", 75, torch_dtype="float16") == []


def test_a_model_that_is_not_run_in_float16_takes_32_bits_there() -> None:
    gemma: dict[str, Any] = {"model_type": "gemma2", "architectures": ["Gemma2ForCausalLM"]}
    (answer,) = ask("vllm", 75, **gemma)
    assert answer.answer == "conditional"
    assert "float32" in str(answer.condition)
    side = make_side(**gemma)
    old, new = (measure_footprint(side, ENGINES["vllm"], Plan(capability=at)) for at in (75, 80))
    assert old.weights is not None
    assert new.weights is not None
    assert old.weights.bytes == 2 * new.weights.bytes
    assert old.cells.attention == 2 * new.cells.attention


@pytest.mark.parametrize(
    ("engine", "kind", "capability", "refused"),
    [
        ("vllm", "fp8", 75, True), ("vllm", "fp8", 80, False), ("vllm", "fp8", None, False),
        ("vllm", "nvfp4", 75, True), ("vllm", "nvfp4", 100, False),
        ("sglang", "nvfp4", 90, True), ("sglang", "nvfp4", 100, False),
        ("sglang", "nvfp4", 120, False), ("sglang", "mxfp8", 90, True),
        ("tensorrt-llm", "fp8", 80, True), ("tensorrt-llm", "fp8", 89, False),
        ("vllm", "bfloat16", 75, False),
    ],
)  # fmt: skip
def test_a_type_of_the_cache_needs_its_kernels(
    engine: str, kind: str, capability: int | None, refused: bool
) -> None:
    side = make_side()
    plan = Plan(cache_type=kind, capability=capability)
    answers = answer_memory(side, side, ENGINES[engine], plan)
    refusals = [one for one in answers if one.rule == f"{engine}/memory.cache-type"]
    assert bool(refusals) == refused
    assert all(one.answer == "no" for one in refusals)
