"""Context lengths as configs state them, and what engines do beyond."""

from __future__ import annotations

from typing import Any

import pytest

from famtree.interchange.context import answer_context, read_context
from famtree.interchange.load import load_engines
from famtree.interchange.side import Plan, Side
from famtree.types.comparison import Answer
from interchange.sides import make_index, make_side


def make(**options: Any) -> Side:
    return make_side(index=make_index({}, complete=False), **options)


def ask(b: Side, context: int | None = None, engine: str | None = None) -> list[Answer]:
    chosen = load_engines()[engine] if engine else None
    return answer_context(b, b, chosen, Plan(context=context))


@pytest.mark.parametrize(
    ("config", "effective", "reachable"),
    [
        ({}, 8192, 8192),
        ({"rope_scaling": {"type": "linear", "factor": 4.0}}, 32768, 32768),
        ({"rope_scaling": {"type": "dynamic", "factor": 2.0}}, 16384, 16384),
        ({"rope_scaling": {"rope_type": "llama3", "factor": 8.0}}, 8192, 8192),
        (
            {"rope_scaling": {"type": "yarn", "factor": 4.0,
                              "original_max_position_embeddings": 8192}},
            8192, 32768,
        ),
        (
            {"rope_scaling": {"type": "yarn", "factor": 40.0,
                              "original_max_position_embeddings": 4096},
             "max_position_embeddings": 163840},
            163840, 163840,
        ),
        (
            {"model_type": "gemma3_text", "max_position_embeddings": 131072,
             "rope_scaling": {"rope_type": "linear", "factor": 8.0}},
            131072, 131072,
        ),
    ],
)  # fmt: skip
def test_length_follows_the_kind_of_scaling(
    config: dict[str, Any], effective: int, reachable: int
) -> None:
    found = read_context(make(**config))
    assert found is not None
    assert (found.effective, found.reachable) == (effective, reachable)


def test_answers_follow_what_is_needed() -> None:
    assert [one.answer for one in ask(make())] == ["yes"]
    assert [one.answer for one in ask(make(), 8192)] == ["yes"]
    (scaled,) = ask(make(), 16384)
    assert (scaled.answer, scaled.condition) == (
        "conditional", "rope scaling by 2, untrained unless b's card says so",
    )  # fmt: skip
    assert [one.answer for one in ask(make(), 8192 * 4 + 1)] == ["no"]
    yarn = make(
        rope_scaling={"type": "yarn", "factor": 8.0, "original_max_position_embeddings": 8192}
    )
    (described,) = ask(yarn, 65536)
    assert described.rule == "any/context.described-scaling"


def test_a_length_nobody_states_is_unknown() -> None:
    silent = make(max_position_embeddings=None, model_type="new", architectures=["New"])
    assert [one.answer for one in ask(silent, 100)] == ["unknown"]
    assert ask(silent, 100, "vllm") == []
    assert [one.answer for one in ask(silent)] == ["yes"]  # both are it


def test_engines_speak_up_only_beyond_the_config() -> None:
    assert ask(make(), 8192, "vllm") == []
    (refuses,) = ask(make(), 100_000, "vllm")
    assert refuses.answer == "conditional"
    assert "VLLM_ALLOW_LONG_MAX_MODEL_LEN=1" in (refuses.condition or "")
    (warns,) = ask(make(), 100_000, "llama.cpp")
    assert "quality is not promised" in (warns.condition or "")


def test_a_window_in_every_layer_is_told() -> None:
    windowed = make(model_type="mistral", architectures=["MistralForCausalLM"], sliding_window=4096)
    (answer,) = ask(windowed)
    assert "every layer sees only the last 4,096" in answer.reason
