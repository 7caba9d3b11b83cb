"""What the engines' own sources say, against the rules; see engine_truths.toml for the places."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from famtree.fingerprints.quantization import read_quantization
from famtree.interchange.facts import FactReader
from famtree.interchange.load import load_engines
from famtree.interchange.quantization_support import answer_quantization
from famtree.interchange.rules import answer_rules
from famtree.interchange.side import Plan, Side
from famtree.types.checkpoint import TensorIndex
from famtree.types.comparison import Answer, LineageVerdict, Question
from famtree.types.identification import LinkRelation
from interchange.sides import make_index, make_pair, make_side, make_words

TRUTHS = tomllib.loads(Path(__file__).with_name("engine_truths.toml").read_text(encoding="utf-8"))
WORDS = {"y": "yes", "n": "no", "c": "conditional", "u": "unknown"}
ENGINES = load_engines()


def store(form: dict[str, Any], **config: Any) -> Side:
    """Return a checkpoint of which only config.json was seen, with this declaration."""
    declared: dict[str, Any] = {"quantization_config": form}
    stored, _ = read_quantization(declared, {}, TensorIndex())
    return make_side(form="config-only", quantization=stored, **declared, **config)


def list_forms() -> Iterator[tuple[str, str, str, str]]:
    for engine, table in TRUTHS["quantization"].items():
        for form, text in table.items():
            if form != "source":
                words = text.split()
                for gpu, letter in zip(words[::2], words[1::2], strict=True):
                    yield engine, form, gpu, WORDS[letter]


@pytest.mark.parametrize(("engine", "form", "gpu", "expected"), [*list_forms()])
def test_a_stored_form_runs_as_the_source_says(
    engine: str, form: str, gpu: str, expected: str
) -> None:
    side = store(TRUTHS["form"][form])
    plan = Plan(capability=None if gpu == "-" else round(float(gpu) * 10))
    (answer,) = answer_quantization(side, side, ENGINES[engine], plan)
    assert answer.answer == expected, answer.reason


def ask(engine: str, question: Question, a: Side, b: Side, version: str | None = None) -> Answer:
    held = ENGINES[engine]
    pair = replace(make_pair(a, b), engine=held, version=version or held.version)
    (answer,) = answer_rules(FactReader(pair), held, version or held.version, [question])
    return answer


def adapt(**config: Any) -> Side:
    """Return an adapter of the attention of an 8B Llama, rank 8 unless said otherwise."""
    stem = "base_model.model.model.layers.0.self_attn."
    rank = config.get("r", 8)
    tensors = {
        f"{stem}q_proj.lora_A.weight": (rank, 4096), f"{stem}q_proj.lora_B.weight": (4096, rank),
        f"{stem}v_proj.lora_A.weight": (rank, 4096), f"{stem}v_proj.lora_B.weight": (1024, rank),
    }  # fmt: skip
    stated = {"peft_type": "LORA", "r": 8, "target_modules": ["q_proj", "v_proj"], **config}
    return make_side(
        index=make_index(tensors), form="adapter", side_files={"adapter_config.json": stated}
    )


def list_adapters() -> Iterator[tuple[str, dict[str, Any], str, str]]:
    for table in TRUTHS["lora"]:
        for config, target, expected in table["rows"]:
            yield table["engine"], config, target, expected


@pytest.mark.parametrize(("engine", "config", "target", "expected"), [*list_adapters()])
def test_an_adapter_is_taken_as_the_source_says(
    engine: str, config: dict[str, Any], target: str, expected: str
) -> None:
    answer = ask(engine, "lora", adapt(**config), make_side(architectures=[target]))
    assert answer.answer == expected, answer.reason


def test_a_rank_between_two_limits_takes_the_higher() -> None:
    answer = ask("vllm", "lora", adapt(r=24), make_side())
    assert answer.condition is not None
    assert answer.condition.startswith("--max-lora-rank 32 ")


TEXT_CLASSES = sorted(ENGINES["vllm"].support.architectures if ENGINES["vllm"].support else ())


@pytest.mark.parametrize("name", TEXT_CLASSES)
def test_every_class_takes_adapters_and_heads_exactly_where_it_says_so(name: str) -> None:
    support = ENGINES["vllm"].support
    assert support is not None
    assert support.lora is not None
    assert support.eagle3 is not None
    target = make_side(architectures=[name])
    lora = ask("vllm", "lora", adapt(), target)
    assert (lora.answer == "no") == (name not in support.lora), lora.reason
    head = make_side(
        index=make_index({}), architectures=["LlamaForCausalLMEagle3"], draft_vocab_size=8,
        num_hidden_layers=1,
    )  # fmt: skip
    drafted = ask("vllm", "draft", head, target)
    assert (drafted.answer == "no") == (name not in support.eagle3), drafted.reason


def test_lists_are_as_long_as_those_of_the_source() -> None:
    supports = [ENGINES[key].support for key in ("vllm", "sglang", "llama.cpp", "transformers")]
    vllm, sglang, llama, hf = (one for one in supports if one is not None)
    assert (len(vllm.architectures), len(vllm.generic), len(vllm.removed)) == (380, 23, 50)
    assert (len(sglang.architectures), len(llama.architectures)) == (290, 269)
    assert len(hf.architectures) >= 1214


@pytest.mark.parametrize(
    ("head", "target", "engine", "expected"),
    [
        (row["head"], row["target"], engine, expected)
        for row in TRUTHS["draft"]
        for engine, expected in row["answers"].items()
    ],
)
def test_a_head_drafts_as_the_source_says(
    head: dict[str, Any], target: str, engine: str, expected: str
) -> None:
    whole = head["architectures"] == ["LlamaForCausalLM"]
    a = make_side(**head) if whole else make_side(
        index=make_index({}), **{"num_hidden_layers": 1, **head})  # fmt: skip
    answer = ask(engine, "draft", a, make_side(architectures=[target]))
    assert answer.answer == expected, answer.reason


def test_a_head_with_its_targets_class_name_is_known_by_its_tensors() -> None:
    head = make_side(index=make_index({"fc.weight": (4096, 8192)}), num_hidden_layers=1)
    assert ask("vllm", "draft", head, make_side()).answer == "conditional"
    assert ask("transformers", "draft", head, make_side()).answer == "no"
    assert ask("llama.cpp", "draft", head, make_side()).answer == "no"


@pytest.mark.parametrize(("model_type", "expected"), [("llama", "yes"), ("kimi_k2", "conditional")])
def test_auto_classes_go_by_the_model_type(model_type: str, expected: str) -> None:
    b = make_side(architectures=["DeepseekV3ForCausalLM"], model_type=model_type)
    assert ask("transformers", "serve", b, b).answer == expected


def test_mergekit_raises_where_rows_differ() -> None:
    a, b = make_side(vocab_size=8), make_side(vocab_size=9)
    answer = ask("mergekit", "merge", a, b)
    assert answer.answer == "conditional"
    assert "raises" in answer.reason
    assert "--unsafe-truncate-embeddings" in str(answer.condition)


@pytest.mark.parametrize(
    ("roles", "said"),
    [
        (("model", "adapter"), "b is an adapter"),
        (("adapter", "model"), "a is an adapter"),
        (("model", "draft-head"), "b is a draft head"),
        (("model", "vocabulary"), "b is a vocabulary"),
    ],
)
def test_what_is_no_model_takes_no_models_place(roles: tuple[str, str], said: str) -> None:
    a, b = (replace_kind(make_side(), role) for role in roles)
    answer = ask("any", "serve", a, b)
    assert (answer.answer, said in answer.reason) == ("no", True)


def replace_kind(side: Side, kind: str) -> Side:
    told = side.identification.model_copy(update={"kind": kind})
    return replace(side, identification=told)


@pytest.mark.parametrize("engine", ["any", "mergekit"])
@pytest.mark.parametrize("relation", ["pruned", "finetune"])
@pytest.mark.parametrize("design", ["LlamaForCausalLM", "Qwen2ForCausalLM"])
def test_unequal_widths_are_never_merged(engine: str, relation: LinkRelation, design: str) -> None:
    """A declared pruning has a common base all the same; another class may be let through."""
    a, b = (
        make_side(form="config-only", hidden_size=width, architectures=[name])
        for width, name in ((4096, "LlamaForCausalLM"), (3072, design))
    )
    held = ENGINES[engine]
    lineage = LineageVerdict.model_construct(
        verdict="b-derives-from-a", status="consistent", relation=relation, distance=1
    )
    pair = replace(make_pair(a, b, lineage), engine=held, version=held.version)
    (answer,) = answer_rules(FactReader(pair), held, held.version, ["merge"])
    assert (answer.answer, answer.rule) == ("no", f"{engine}/merge.other-width")
    assert "4,096 and 3,072" in answer.reason


@pytest.mark.parametrize("engine", ["llama.cpp", "mlx-lm", "exllamav3"])
def test_converted_once_is_not_said_beside_a_form_that_cannot_be(engine: str) -> None:
    b = store(TRUTHS["form"]["awq8"])
    assert ask(engine, "engine", make_side(), b).answer != "yes"


EXPERTS = {"num_local_experts": 8, "num_experts_per_tok": 2}


@pytest.mark.parametrize(
    ("engine", "form", "config", "capability", "expected"),
    [
        # AWQConfig has no method for experts; AWQMarlinConfig has, from 8.0.
        ("sglang", "awq", EXPERTS, 75, "no"),
        ("sglang", "awq", EXPERTS, 80, "yes"),
        ("sglang", "awq", {}, 75, "yes"),
        # Only these implementations of MLX LM rename what compressed-tensors packs.
        ("mlx-lm", "ct_w4a16", {"model_type": "kimi_k2"}, None, "yes"),
        ("mlx-lm", "ct_w4a16", {"model_type": "llama"}, None, "conditional"),
        ("mlx-lm", "ct_mxfp4", {"model_type": "kimi_k3"}, None, "yes"),
        ("mlx-lm", "ct_nvfp4", {"model_type": "kimi_k3"}, None, "conditional"),
        ("mlx-lm", "mo_nvfp4", {"model_type": "muse_spark"}, None, "yes"),
        ("mlx-lm", "mxfp4", {"model_type": "gpt_oss"}, None, "yes"),
        ("mlx-lm", "mxfp8", {"model_type": "minimax_m3_vl"}, None, "yes"),
        # What each implementation makes of 8-bit floats with a scale a block.
        ("mlx-lm", "fp8", {"model_type": "deepseek_v3"}, None, "yes"),
        ("mlx-lm", "fp8", {"model_type": "glm_moe_dsa"}, None, "yes"),
        ("mlx-lm", "fp8", {"model_type": "ministral3"}, None, "no"),
        ("mlx-lm", "fp8", {"model_type": "minimax_m3_vl"}, None, "no"),
        ("mlx-lm", "fp8", {"model_type": "qwen3"}, None, "no"),
    ],
)
def test_a_form_depends_on_what_is_stored_in_it(
    engine: str, form: str, config: dict[str, Any], capability: int | None, expected: str
) -> None:
    side = store(TRUTHS["form"][form], **config)
    (answer,) = answer_quantization(side, side, ENGINES[engine], Plan(capability=capability))
    assert answer.answer == expected, answer.reason


@pytest.mark.parametrize(("form", "refused"), [("gptq", True), ("awq", True), ("bnb", False)])
def test_peft_refuses_dora_on_packed_weights(form: str, refused: bool) -> None:
    """peft/tuners/lora/gptq.py, awq.py: does not support DoRA yet; bnb.py has a variant."""
    b = store(TRUTHS["form"][form])
    assert (ask("peft", "lora", adapt(use_dora=True), b).answer == "no") == refused
    assert ask("peft", "lora", adapt(), b).answer != "no"


@pytest.mark.parametrize(
    ("algorithms", "expected"),
    [
        (("W4A16_NVFP4", "FP8"), "conditional"),
        (("NVFP4", "MXFP8"), "no"),  # nvidia/MiniMax-M3-NVFP4
        ((), "unknown"),
    ],
)
def test_llama_cpp_reads_mixed_layers_in_two_forms(
    algorithms: tuple[str, ...], expected: str
) -> None:
    """conversion/base.py, _generate_nvfp4_tensors and dequant_model."""
    layers = {f"model.layers.{one}": {"quant_algo": one} for one in algorithms}
    side = store({**TRUTHS["form"]["mo_mixed"], "quantized_layers": layers})
    (answer,) = answer_quantization(side, side, ENGINES["llama.cpp"], Plan())
    assert answer.answer == expected, answer.reason


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({}, "yes"),
        ({"model_type": "mistral", "sliding_window": 4096}, "conditional"),
        ({"model_type": "mamba2", "state_size": 128, "conv_kernel": 4, "num_heads": 128,
          "head_dim": 64, "n_groups": 1, "expand": 2}, "no"),
    ],
)  # fmt: skip
def test_mlx_drafts_for_what_can_go_back(config: dict[str, Any], expected: str) -> None:
    """mlx_lm/generate.py: Speculative decoding requires a trimmable prompt cache."""
    words = make_words("a", "b")
    a, b = make_side(vocabulary=words), make_side(vocabulary=words, **config)
    assert ask("mlx-lm", "draft", a, b).answer == expected
