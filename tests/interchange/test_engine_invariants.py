"""What must hold of every engine's answers, over all pairs of recorded forms and engines."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from conftest import ROOT
from famtree.fingerprints.quantization import read_quantization
from famtree.interchange.adapters import list_features
from famtree.interchange.answer import QUESTIONS
from famtree.interchange.context import answer_context
from famtree.interchange.engine import GENERAL, QuantizationMethod
from famtree.interchange.facts import FactReader
from famtree.interchange.load import DATA, load_engines, read_facts
from famtree.interchange.quantization_support import answer_quantization
from famtree.interchange.rules import answer_rules
from famtree.interchange.side import Plan, Side
from famtree.interchange.stored_methods import find_methods
from fingerprints.tensors_of import index_of
from fingerprints.test_quantized_forms import read
from interchange.sides import make_index, make_pair, make_side

RECORDED = ROOT / "fixtures" / "quantized"
ENGINES = {key: one for key, one in load_engines().items() if key != GENERAL}
FACTS = read_facts(DATA / "facts")
MODEL_TYPES = ("deepseek_v3", "gpt_oss", "kimi_k3", "minimax_m3_vl", "ministral3", "muse_spark")
"""Whose implementations in MLX LM rename tensors of a form, or refuse one."""
NAMES = sorted(path.stem for path in RECORDED.glob("*.toml"))


@cache
def recall(name: str) -> Side:
    """Return a recorded checkpoint: its real declaration and header."""
    index, config, files = read(name)
    stored, _ = read_quantization(config, files, index)
    side = make_side(index=index, quantization=stored, side_files=files)
    return replace(side, config={**side.config, **config})


@pytest.mark.parametrize("key", ENGINES)
def test_no_engine_is_ready_for_weights_it_does_not_load(key: str) -> None:
    engine, wrong = ENGINES[key], []
    for name in NAMES:
        b = recall(name)
        if not any(one.answer == "no" for one in answer_quantization(b, b, engine, Plan())):
            continue
        pair = replace(make_pair(make_side(), b), engine=engine, version=engine.version)
        answers = answer_rules(FactReader(pair), engine, engine.version, ["engine"])
        # A server compiles while it starts: that nothing is built by hand says nothing of weights.
        built = engine.kind != "server"
        wrong += [name for one in answers if (one.answer in ("yes", "conditional") and built)
                  or (one.answer == "yes" and "convert" in one.reason)]  # fmt: skip
    assert wrong == []


@pytest.mark.parametrize("key", ENGINES)
def test_what_is_not_seen_is_never_a_no(key: str) -> None:
    """Hiding the header makes no yes a no."""
    wrong = []
    for name in NAMES:
        b = recall(name)
        hidden, _ = read_quantization(b.config, b.side_files, index_of({}))
        if hidden is None:
            continue
        told = b.identification.model_copy(update={"quantization": hidden})
        less = replace(b, identification=told)
        for capability in (None, 75, 80, 90, 100):
            plan = Plan(capability=capability)
            full = [one.answer for one in answer_quantization(b, b, ENGINES[key], plan)]
            part = [one.answer for one in answer_quantization(less, less, ENGINES[key], plan)]
            if full == ["yes"] and part == ["no"]:
                wrong.append((name, capability))
    assert wrong == []


@pytest.mark.parametrize("key", ENGINES)
def test_no_context_is_above_the_models(key: str) -> None:
    b = make_side(max_position_embeddings=4096)
    for answer in answer_context(b, b, ENGINES[key], Plan(context=8192)):
        assert answer.answer != "yes"


@pytest.mark.parametrize(
    "key", ["vllm", "sglang", "llama.cpp", "mlx-lm", "exllamav3", "lmdeploy", "tensorrt-llm"]
)
def test_every_entry_is_reached_by_a_form_somebody_stores(key: str) -> None:
    """By a recorded header, or by a declaration of the tables of truths."""
    from interchange.test_engine_truths import TRUTHS, store

    support = ENGINES[key].quantization
    assert support is not None
    sides = [recall(name) for name in NAMES]
    for form in TRUTHS["form"].values():
        sides += [store(form), store(form, num_local_experts=8, num_experts_per_tok=2),
                  *(store(form, model_type=one) for one in MODEL_TYPES)]  # fmt: skip
    reached: set[int] = set()
    for side in sides:
        stored = side.identification.quantization
        if stored is not None:
            possible, _ = find_methods(support, stored, ENGINES[key].version, side)
            reached |= {id(one) for one in possible}
    missed = [one for one in support.methods if id(one) not in reached]
    assert [_name(one) for one in missed] == []


def _name(method: QuantizationMethod) -> str:
    return f"{method.method} {method.schemes} {method.when}"


@pytest.mark.parametrize("key", ["vllm", "llama.cpp"])
def test_every_field_of_an_adapters_config_is_ruled_or_known_to_be_harmless(key: str) -> None:
    adapters = ENGINES[key].adapters
    assert adapters is not None
    asked: set[str] = set()
    for rule in ENGINES[key].rules:
        if rule.question == "lora":
            for name, condition in rule.when.items():
                asked |= {str(one) for one in (condition.equals, *(condition.one_of or ()))}
                asked.add({"lora.dora": "use_dora", "lora.saves": "modules_to_save",
                           "lora.bias": "bias", "lora.tokens": "trainable_token_indices",
                           "lora.takes_initial": "init_lora_weights"}.get(name, ""))  # fmt: skip
    fields = set(FACTS["peft"]["lora.fields"]["value"])
    own = set(FACTS.get(key, {}).get("lora.fields", {"value": []})["value"])
    own = {name for name in own if not name.startswith("vllm_")}
    assert sorted((fields | own) - asked - adapters.harmless.keys()) == []
    assert all(len(reason) > 10 for reason in adapters.harmless.values())


def test_limits_of_versions_are_numbers_of_versions() -> None:
    for engine in ENGINES.values():
        for rule in engine.rules:
            for limit in (rule.since, rule.until):
                assert limit is None or limit[0].isdigit(), f"{engine.key} {rule.key}"


def test_every_fact_that_is_cited_was_looked_at() -> None:
    for key, facts in FACTS.items():
        for name, fact in facts.items():
            assert fact["hash"] == fact["looked_at"], f"{key} {name}"
            assert fact["file"]
            assert fact["line"] >= 1


def test_engines_that_ended_say_since_when_and_what_instead() -> None:
    ended = {key: one for key, one in ENGINES.items() if one.ended}
    assert {"tgi", "autogptq", "autoawq", "exllamav2"} <= ended.keys()
    for engine in ended.values():
        pair = replace(make_pair(make_side(), make_side()), engine=engine, version=engine.version)
        for answer in answer_rules(FactReader(pair), engine, engine.version, QUESTIONS):
            assert str(engine.ended) in answer.reason
            assert str(engine.instead) in answer.reason


def test_features_are_seen_in_tensors_that_no_config_names() -> None:
    stem = "base_model.model.model.layers.0.self_attn.q_proj."
    index = make_index({
        f"{stem}lora_A.weight": (8, 64), f"{stem}lora_B.weight": (64, 8),
        f"{stem}lora_magnitude_vector": (64,), f"{stem}lora_B.bias": (64,),
        "base_model.model.model.embed_tokens.token_adapter.trainable_tokens_delta": (2, 64),
    })  # fmt: skip
    adapter = make_side(index=index, form="adapter", side_files={"adapter_config.json": {"r": 8}})
    assert list_features(adapter) == ("lora_bias", "r", "trainable_token_indices", "use_dora")


def test_facts_files_are_of_the_versions_the_rules_name() -> None:
    for key in FACTS:
        text: dict[str, Any] = json.loads(Path(DATA / "facts" / f"{key}.json").read_text())
        assert text["version"] in ENGINES[key].version, key
