from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from famtree.interchange.engine import Engine
from famtree.interchange.facts import FACTS, FactReader
from famtree.interchange.load import load_engines
from famtree.interchange.side import Side
from famtree.types.quantization import Quantization
from interchange.sides import CHAT, make_pair, make_side, make_words

pytestmark = pytest.mark.property
SYMMETRIC = [name for name in FACTS if name.endswith((".same", ".difference", ".any"))]
MIRRORED = [
    (name, f"{name[:-2]}.b") for name in FACTS if name.endswith(".a") and f"{name[:-2]}.b" in FACTS
]

SIDES = st.builds(
    make_side,
    form=st.sampled_from(["safetensors", "config-only", "gguf"]),
    vocabulary=st.sampled_from(
        [None, make_words("a", "b", "c"), make_words("b", "c"), make_words("a", added={"<x>": 1})]
    ),
    side_files=st.sampled_from([{}, CHAT, {"tokenizer_config.json": {"add_bos_token": True}}]),
    quantization=st.sampled_from([None, Quantization.model_construct(method="awq", bits=4)]),
    parameters=st.sampled_from([None, 10**9, 8 * 10**9]),
    vocab_size=st.sampled_from([8, 9, 200, None]),
    hidden_size=st.sampled_from([4096, 2048, None]),
    rope_theta=st.sampled_from([1e4, 5e5, None]),
    sliding_window=st.sampled_from([None, 4096]),
    architectures=st.sampled_from([["LlamaForCausalLM"], ["MistralForCausalLM"], None, "odd"]),
    eos_token_id=st.sampled_from([2, [2, 7], None]),
    torch_dtype=st.sampled_from(["bfloat16", "float16", None]),
)


@given(a=SIDES, b=SIDES)
@settings(max_examples=60, deadline=None)
def test_symmetric_facts_are_symmetric_and_the_others_change_sides(a: Side, b: Side) -> None:
    there, back = FactReader(make_pair(a, b)), FactReader(make_pair(b, a))
    assert [there[name] for name in SYMMETRIC] == [back[name] for name in SYMMETRIC]
    for left, right in MIRRORED:
        assert there[left] == back[right], left


@given(side=SIDES)
@settings(max_examples=30, deadline=None)
def test_a_checkpoint_equals_itself_in_everything(side: Side) -> None:
    facts = FactReader(make_pair(side, side))
    wrong = {name: facts[name] for name in SYMMETRIC if facts[name] is False}
    assert wrong.keys() <= {"quantized.any"}
    assert facts["graph.same"] is facts["vocabulary.same"] is facts["template.same"] is True


@given(a=SIDES, b=SIDES)
@settings(max_examples=60, deadline=None)
def test_reading_more_never_turns_a_yes_into_a_no_about_equality(a: Side, b: Side) -> None:
    """What is hidden becomes unknown: an equality never becomes False by hiding a vocabulary."""
    seen = FactReader(make_pair(a, b))
    hidden = FactReader(make_pair(replace(a, vocabulary=None), replace(b, vocabulary=None)))
    for name in SYMMETRIC:
        assert hidden[name] in (seen[name], None), name


def test_symmetric_facts_exist() -> None:
    assert len(SYMMETRIC) > 15
    assert len(MIRRORED) > 5


@pytest.mark.parametrize(
    ("version", "name", "support"),
    [
        ("0.33.0", "LlamaForCausalLM", "native"),
        ("0.33", "Olmo2ForCausalLM", "generic"),
        ("0.33.0", "QWenLMHeadModel", "removed"),
        ("0.23", "QWenLMHeadModel", "native"),
        ("0.33.0", "NobodyForCausalLM", "absent"),
        ("0.40", "NobodyForCausalLM", None),
        ("0.20", "LlamaForCausalLM", None),
        ("0.40", "LlamaForCausalLM", "native"),
    ],
)
def test_support_depends_on_the_version(version: str, name: str, support: Any) -> None:
    engine: Engine = load_engines()["vllm"]
    pair = make_pair(make_side(), make_side(architectures=[name]))
    assert FactReader(replace(pair, engine=engine, version=version))["support.b"] == support
