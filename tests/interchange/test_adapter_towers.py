"""Adapters of image towers: where vLLM takes them, where it would leave that part out."""

from __future__ import annotations

import pytest

from checkpoint.folders import llama_tensors
from famtree.interchange.side import Side
from interchange.sides import make_index, make_side
from interchange.test_engine_truths import ask

TEXT = "model.language_model.layers.0.self_attn.q_proj"
IMAGE = "model.visual.blocks.0.attn.proj"


def make_model(name: str) -> Side:
    text = {f"model.language_{key}" if key.startswith("model.") else key: shape
            for key, shape in llama_tensors(rows=128256).items()}  # fmt: skip
    image = {f"model.visual.blocks.{at}.attn.proj.weight": (1280, 1280) for at in range(4)}
    return make_side(index=make_index({**text, **image}), architectures=[name])


def adapt(*paths: str, rank: int = 8) -> Side:
    wide = {TEXT: (4096, 4096), IMAGE: (1280, 1280)}
    tensors = {}
    for path in paths:
        tall, low = wide[path]
        tensors[f"base_model.model.{path}.lora_A.weight"] = (rank, low)
        tensors[f"base_model.model.{path}.lora_B.weight"] = (tall, rank)
    config = {"peft_type": "LORA", "r": rank, "target_modules": "all-linear"}
    files = {"adapter_config.json": config}
    return make_side(index=make_index(tensors), form="adapter", side_files=files)


@pytest.mark.parametrize(
    ("name", "paths", "expected"),
    [
        ("Qwen2_5_VLForConditionalGeneration", (TEXT, IMAGE), "conditional"),
        ("Qwen2_5_VLForConditionalGeneration", (TEXT,), "yes"),
        ("Mistral3ForConditionalGeneration", (TEXT, IMAGE), "no"),
        ("Mistral3ForConditionalGeneration", (TEXT,), "yes"),
    ],
)
def test_a_tower_takes_an_adapter_where_its_class_says_so(
    name: str, paths: tuple[str, ...], expected: str
) -> None:
    answer = ask("vllm", "lora", adapt(*paths), make_model(name))
    assert answer.answer == expected, answer.reason


def test_the_flag_is_named() -> None:
    model = make_model("Qwen2_5_VLForConditionalGeneration")
    answer = ask("vllm", "lora", adapt(TEXT, IMAGE, rank=24), model)
    assert "--enable-tower-connector-lora" in str(answer.condition)
    assert "--max-lora-rank 32" in str(answer.condition)


@pytest.mark.parametrize(("engine", "needed"), [("vllm", "5.16.1 to 5.20"), ("sglang", "5.19.0")])
def test_what_only_transformers_runs_takes_the_transformers_it_requires(
    engine: str, needed: str
) -> None:
    model = make_side(architectures=["NovelForCausalLM"])
    answer = ask(engine, "serve", make_side(), model)
    assert answer.answer == "conditional"
    assert needed in str(answer.condition)
