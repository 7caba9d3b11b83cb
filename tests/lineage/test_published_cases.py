"""Well-known kinds of descendants, as their makers published them, on a Hub of this machine."""

from __future__ import annotations

import json
from typing import Any

import pytest

from checkpoint.folders import make_header
from famtree.api import identify, lineage
from famtree.registry.load import load_registry
from famtree.types.lineage import Lineage
from gguf_files import design_of, write_gguf
from hub.server import HubServer
from lineage_hubs import LLAMA_1, LLAMA_3, MISTRAL, add_model

GPTQ = {"quantization_config": {"quant_method": "gptq", "bits": 4, "group_size": 128}}


def steps(found: Lineage) -> list[str]:
    return [f"{e.child} <- {e.parent} {e.relation} {e.status}" for e in found.edges]


def test_a_student_of_another_maker(hub: HubServer) -> None:
    """Family Qwen2.5, published by DeepSeek, over Qwen2.5-Math."""
    student, math, base = (
        "deepseek-ai/DeepSeek-R1-Distill-Qwen-7B", "Qwen/Qwen2.5-Math-7B", "Qwen/Qwen2.5-7B"
    )  # fmt: skip
    add_model(hub, student)
    add_model(hub, math, base, changes={"max_position_embeddings": 4096, "bos_token_id": 151643})
    add_model(hub, base, changes={"rope_theta": 1000000.0, "bos_token_id": 151643})
    found = lineage(student)
    assert steps(found) == [
        f"{student} <- {math} distill consistent",
        f"{math} <- {base} continued-pretrain consistent",
    ]
    assert (found.roots, found.complete) == ([base], True)
    top = found.nodes[0]
    assert (top.family, top.generation, top.publisher) == ("qwen", "qwen2.5", "deepseek-ai")
    answer = identify(student)
    assert answer.family is not None
    assert answer.family.key == "qwen"
    assert [step.parent for step in answer.lineage.chain] == [math, base]


def test_a_student_is_traced_offline_by_the_registry(hub: HubServer) -> None:
    student = "deepseek-ai/DeepSeek-R1-Distill-Qwen-7B"
    add_model(hub, student)
    identify(student)
    hub.seen.clear()
    found = lineage(student, offline=True)
    assert [edge.parent for edge in found.edges] == ["Qwen/Qwen2.5-Math-7B", "Qwen/Qwen2.5-7B"]
    assert (found.roots, found.complete) == (["Qwen/Qwen2.5-7B"], True)
    assert {notice.code for notice in found.warnings} == {"parent-offline"}
    assert hub.seen.requests == 0


def test_a_delta_says_so_and_names_no_repository(hub: HubServer) -> None:
    """Its card only says `apply it on top of the original LLaMA weights`."""
    ref = "lmsys/vicuna-7b-delta-v1.1"
    text = b"Users have to apply it on top of the original LLaMA weights to get actual weights."
    add_model(hub, ref, config=LLAMA_1, files={"README.md": text})
    found = lineage(ref)
    assert (found.nodes[0].family, found.edges, found.complete) == ("llama", [], False)
    assert [notice.code for notice in found.warnings] == ["delta-weights"]


def test_a_delta_whose_base_is_claimed(hub: HubServer) -> None:
    ref = "lmsys/vicuna-7b-delta-v1.1"
    add_model(hub, ref, "huggyllama/llama-7b", config=LLAMA_1)
    add_model(hub, "huggyllama/llama-7b", config=LLAMA_1)
    found = lineage(ref)
    assert steps(found) == [f"{ref} <- huggyllama/llama-7b finetune consistent"]
    assert [notice.code for notice in found.warnings] == ["delta-weights"]


def test_an_adapter(hub: HubServer) -> None:
    prefix = "base_model.model.model.layers.0.self_attn.q_proj.lora"
    header = make_header({f"{prefix}_A.weight": (16, 4096), f"{prefix}_B.weight": (4096, 16)})
    adapter = {"peft_type": "LORA", "r": 16, "target_modules": ["q_proj"], "revision": "v1",
               "base_model_name_or_path": "meta-llama/Llama-3.1-8B"}  # fmt: skip
    hub.add(
        "a/lora",
        {
            "adapter_config.json": json.dumps(adapter).encode(),
            "adapter_model.safetensors": header + bytes(16 * 4096 * 2 * 2),
        },
    )
    add_model(hub, "meta-llama/Llama-3.1-8B", config=LLAMA_3)
    hub.add("meta-llama/Llama-3.1-8B", {"config.json": json.dumps(LLAMA_3).encode()}, ref="v1")
    found = lineage("a/lora")
    assert steps(found) == ["a/lora <- meta-llama/Llama-3.1-8B adapter consistent"]
    assert (found.roots, found.complete) == (["meta-llama/Llama-3.1-8B"], True)
    assert any(path.startswith("/api/models/meta-llama/Llama-3.1-8B/revision/v1")
               for path in hub.seen.paths)  # fmt: skip


def test_a_quantized_merge(hub: HubServer) -> None:
    recipe = (
        "models:\n- {model: a/chat, parameters: {weight: 0.7}}\n"
        "- {model: a/code, parameters: {weight: 0.3}}\nmerge_method: linear\n"
    )
    add_model(hub, "q/merge-GPTQ", "a/merge", config=MISTRAL, changes=GPTQ)
    add_model(hub, "a/merge", ["a/chat", "a/code"], config=MISTRAL,
              files={"mergekit_config.yml": recipe.encode()})  # fmt: skip
    for name in ("a/chat", "a/code"):
        add_model(hub, name, "mistralai/Mistral-7B-v0.1", config=MISTRAL)
    add_model(hub, "mistralai/Mistral-7B-v0.1", config=MISTRAL)
    found = lineage("q/merge-GPTQ")
    assert steps(found) == [
        "q/merge-GPTQ <- a/merge quantized consistent",
        "a/merge <- a/chat merge consistent",
        "a/merge <- a/code merge consistent",
        "a/chat <- mistralai/Mistral-7B-v0.1 finetune consistent",
        "a/code <- mistralai/Mistral-7B-v0.1 finetune consistent",
    ]
    assert [edge.weight for edge in found.edges] == [None, 0.7, 0.3, None, None]
    assert (found.roots, found.complete) == (["mistralai/Mistral-7B-v0.1"], True)


def test_a_gguf_of_an_instruct(hub: HubServer) -> None:
    """The file names what it was converted from, and what that was trained from."""
    metadata: dict[str, Any] = design_of(
        "qwen2", context_length=32768, embedding_length=3584, block_count=28,
        feed_forward_length=18944, attention__head_count=28, attention__head_count_kv=4,
        rope__freq_base=1000000.0, attention__layer_norm_rms_epsilon=1e-6,
    )  # fmt: skip
    metadata |= {
        "general.type": "model",
        "general.name": "Qwen2.5 7B Instruct",
        "general.organization": "Qwen",
        "general.finetune": "Instruct",
        "general.base_model.count": 1,
        "general.base_model.0.name": "Qwen2.5 7B",
        "general.base_model.0.organization": "Qwen",
        "general.base_model.0.repo_url": "https://huggingface.co/Qwen/Qwen2.5-7B",
        "general.file_type": 15,
    }
    tensors = {"token_embd.weight": ("Q4_K", (256, 256))}
    hub.add("someone/converted", {"model-Q4_K_M.gguf": write_gguf(metadata, tensors)})
    tuned = {"rope_theta": 1000000.0, "eos_token_id": 151645}
    add_model(hub, "Qwen/Qwen2.5-7B-Instruct", changes=tuned)
    add_model(hub, "Qwen/Qwen2.5-7B", changes={"rope_theta": 1000000.0})
    found = lineage("someone/converted")
    assert steps(found) == [
        "someone/converted <- Qwen/Qwen2.5-7B-Instruct quantized consistent",
        "Qwen/Qwen2.5-7B-Instruct <- Qwen/Qwen2.5-7B finetune consistent",
    ]
    assert (found.roots, found.complete) == (["Qwen/Qwen2.5-7B"], True)


def make_config(repo: str) -> dict[str, Any]:
    """Return a config.json with the facts that the registry records of a checkpoint."""
    names = {
        "model_type": "model_type", "layers": "num_hidden_layers", "hidden_size": "hidden_size",
        "heads": "num_attention_heads", "kv_heads": "num_key_value_heads",
        "head_dim": "head_dim", "ffn": "intermediate_size", "vocab_rows": "vocab_size",
        "experts": "n_routed_experts", "experts_per_token": "num_experts_per_tok",
        "expert_ffn": "moe_intermediate_size", "shared_experts": "n_shared_experts",
        "kv_lora_rank": "kv_lora_rank", "q_lora_rank": "q_lora_rank",
        "qk_rope_head_dim": "qk_rope_head_dim", "tied": "tie_word_embeddings",
        "state_size": "ssm_state_size",
    }  # fmt: skip
    exemplar = next(
        one for family in load_registry().families for one in family.exemplars if one.repo == repo
    )
    traits = {
        name.partition(".")[2]: value
        for name, value in exemplar.traits.items()
        if name.startswith("architecture.")
    }
    config: dict[str, Any] = {names[name]: traits[name] for name in names if name in traits}
    return {**config, "architectures": [traits["class_name"]]}


def test_the_class_of_another_family_is_no_descent(hub: HubServer) -> None:
    """Kimi K2 uses DeepSeek's class; its weights are its own."""
    tuned, base = "moonshotai/Kimi-K2-Instruct", "moonshotai/Kimi-K2-Base"
    config = make_config(tuned) | {"rope_theta": 50000.0, "bos_token_id": 163584,
                                   "eos_token_id": 163585}  # fmt: skip
    assert config["architectures"] == ["DeepseekV3ForCausalLM"]
    add_model(hub, tuned, config=config)
    add_model(hub, base, config=config)
    found = lineage(tuned)
    assert steps(found) == [f"{tuned} <- {base} finetune inferred"]
    assert {node.family for node in found.nodes} == {"kimi"}
    assert (found.roots, found.complete) == ([base], True)


def test_an_nvfp4_copy(hub: HubServer) -> None:
    original = "nvidia/NVIDIA-Nemotron-3-Nano-30B-A3B-BF16"
    ref = "nvidia/NVIDIA-Nemotron-3-Nano-30B-A3B-NVFP4"
    config = make_config(original)
    declared = {"producer": {"name": "modelopt"},
                "quantization": {"quant_algo": "NVFP4", "group_size": 16}}  # fmt: skip
    add_model(hub, ref, original, config=config,
              files={"hf_quant_config.json": json.dumps(declared).encode()})  # fmt: skip
    add_model(hub, original, config=config)
    found = lineage(ref)
    assert steps(found) == [f"{ref} <- {original} quantized consistent"]
    assert found.nodes[0].family == "nemotron"
    answer = identify(ref)
    assert answer.quantization is not None
    assert (answer.quantization.method, answer.quantization.scheme) == ("modelopt", "NVFP4")
    assert answer.lineage.parents == [original]


@pytest.mark.parametrize("name", ["meta-llama/Llama-3.2-1B", "meta-llama/Llama-3.2-3B"])
def test_a_maker_s_pruned_model(hub: HubServer, name: str) -> None:
    """The registry knows what its card does not say; the smaller sibling is on record, or not."""
    small = name.endswith("1B")
    shape = (
        {"num_hidden_layers": 16, "hidden_size": 2048, "head_dim": 64, "intermediate_size": 8192}
        if small
        else {"num_hidden_layers": 28, "hidden_size": 3072, "num_attention_heads": 24,
              "head_dim": 128, "intermediate_size": 8192}
    )  # fmt: skip
    scaling = {**LLAMA_3["rope_scaling"], "factor": 32.0}
    changes = {**shape, "tie_word_embeddings": True, "rope_scaling": scaling}
    add_model(hub, name, config=LLAMA_3, changes=changes)
    add_model(hub, "meta-llama/Llama-3.1-8B", config=LLAMA_3)
    found = lineage(name)
    assert [(e.parent, e.relation) for e in found.edges] == [("meta-llama/Llama-3.1-8B", "pruned")]
    assert found.edges[0].status == "consistent"
    assert found.complete
