"""Claims that form, recipe or sense contradict, and parents that became parts of a composition."""

from __future__ import annotations

import json
from typing import Any

import pytest

from checkpoint.folders import llama_tensors, make_header
from famtree.api import identify, lineage
from famtree.types.lineage import Lineage
from gguf_files import decoder_tensors, design_of, write_gguf
from hub.repository import HubFile, make_sparse
from hub.server import HubServer
from lineage_hubs import CONFIG, LLAMA_3, MISTRAL, add_model

BASE = "meta-llama/Llama-3.1-8B"
AWQ = {"quantization_config": {"quant_method": "awq", "bits": 4, "group_size": 128}}


def whole_weights() -> dict[str, HubFile]:
    header = make_header(llama_tensors())
    size = 8 + int.from_bytes(header[:8], "little") + 2 * 8_030_261_248
    return {"model.safetensors": make_sparse("model.safetensors", size, header)}


def edges(found: Lineage) -> list[tuple[str, str, str]]:
    return [(one.parent, str(one.relation), str(one.status)) for one in found.edges]


def codes(found: Lineage) -> list[str]:
    return [one.code for one in found.warnings]


@pytest.fixture
def base(hub: HubServer) -> HubServer:
    add_model(hub, BASE, config=LLAMA_3)
    return hub


@pytest.mark.parametrize("told", ["quantized", "adapter"])
def test_full_floats_are_neither_quantized_nor_an_adapter(base: HubServer, told: str) -> None:
    add_model(base, "a/x", BASE, relation=told, config=LLAMA_3, files=whole_weights())
    found = lineage("a/x")
    assert edges(found) == [(BASE, "finetune", "declared")]
    assert codes(found) == ["relation-contradicted"]
    against = [one for one in found.edges[0].evidence if one.signal == "relation"]
    assert [(one.expected, one.supports) for one in against] == [(told, False)]


def test_listed_sizes_tell_of_an_ancestor(base: HubServer) -> None:
    """Of an ancestor no header is read."""
    add_model(base, "a/top", "a/mid", config=LLAMA_3)
    add_model(base, "a/mid", BASE, relation="quantized", config=LLAMA_3, files=whole_weights())
    assert edges(lineage("a/top"))[1] == (BASE, "finetune", "declared")


def test_what_was_not_seen_to_be_floats_keeps_its_word(base: HubServer) -> None:
    add_model(base, "a/config", BASE, relation="quantized", config=LLAMA_3)
    add_model(base, "a/awq", BASE, relation="quantized", config=LLAMA_3, changes=AWQ)
    both = {**whole_weights(), "x-Q4_K_M.gguf": make_sparse("x-Q4_K_M.gguf", 1 << 30)}
    add_model(base, "a/both", BASE, relation="quantized", config=LLAMA_3, files=both)
    lora: dict[str, bytes | HubFile] = {
        **whole_weights(),
        "adapter_config.json": b'{"peft_type": "LORA"}',
    }
    add_model(base, "a/lora", BASE, relation="adapter", config=LLAMA_3, files=lora)
    for ref in ("a/config", "a/awq", "a/both"):
        assert edges(lineage(ref)) == [(BASE, "quantized", "consistent")], ref
    assert "relation-contradicted" not in codes(lineage("a/lora"))


@pytest.mark.parametrize("parents", [[BASE, BASE], ["a/x", BASE], [BASE, f"{BASE}/"]])
def test_one_parent_is_no_merge(base: HubServer, parents: list[str]) -> None:
    tags = [f"base_model:merge:{one}" for one in parents]
    add_model(base, "a/x", parents, config=LLAMA_3, tags=tags)
    found = lineage("a/x")
    assert edges(found) == [(BASE, "finetune", "consistent")]
    assert codes(found) == (["cycle"] if "a/x" in parents else [])


def test_a_card_that_names_itself_is_told(base: HubServer) -> None:
    add_model(base, "a/x", "a/x", config=LLAMA_3)
    found = lineage("a/x")
    assert (edges(found), codes(found)) == ([], ["cycle"])


@pytest.mark.parametrize(
    "path",
    [
        "./", "tmp/llama", "/content/out", "./out/checkpoint-500", "D:\\runs\\best",
        "outputs/final", "/content/models/x", "./models/checkpoint-9",
        "/workspace/my-llama-3.1-8b-new",
    ],
)  # fmt: skip
def test_own_folders_are_no_parents(base: HubServer, path: str) -> None:
    add_model(base, "a/x", config=LLAMA_3, changes={"_name_or_path": path})
    found = lineage("a/x")
    assert (edges(found), codes(found)) == ([], ["local-parent"])
    answer = identify("a/x")
    assert answer.lineage.parents == []
    assert path in next(one.message for one in answer.warnings if one.code == "local-parent")


@pytest.mark.parametrize(
    ("path", "parent", "status"),
    [
        ("/mnt/hub/models--meta-llama--Llama-3.1-8B/snapshots/40c0", BASE, "consistent"),
        ("/opt/models/Llama-3.1-8B/", BASE, "inferred"),
        ("C:\\models\\Llama-3.1-8B-bnb-4bit", BASE, "inferred"),
        ("/data/Qwen3-14B", "Qwen3-14B", "unresolved"),
        ("E:\\models\\Qwen3-14B", "Qwen3-14B", "unresolved"),
        ("/home/me/models/Qwen2.5-7B", "Qwen2.5-7B", "unresolved"),
        ("~/models/unsloth/qwen3-14b-unsloth-bnb-4bit", "qwen3-14b-unsloth-bnb-4bit", "unresolved"),
        ("./models/Qwen3-14B", "./models/Qwen3-14B", "unresolved"),
        ("/workspace/models/some-7b", "/workspace/models/some-7b", "unresolved"),
        ("../models/7B", "../models/7B", "unresolved"),
    ],
)
def test_paths_that_name_a_released_checkpoint(
    base: HubServer, path: str, parent: str, status: str
) -> None:
    add_model(base, "a/x", config=LLAMA_3, changes={"_name_or_path": path})
    base.add(BASE, {"config.json": json.dumps(LLAMA_3).encode()}, ref="40c0")
    assert edges(lineage("a/x"))[0] == (parent, "finetune", status)


def test_the_recipe_picks_among_named_parents(hub: HubServer) -> None:
    """The card says v0.1; rope and window are those of what config.json names."""
    later = {"rope_theta": 1000000.0, "sliding_window": None}
    add_model(hub, "m/v1", config=MISTRAL)
    add_model(hub, "m/v2", config=MISTRAL, changes=later)
    add_model(hub, "a/x", "m/v1", config=MISTRAL, changes={**later, "_name_or_path": "m/v2"})
    found = lineage("a/x")
    assert edges(found) == [("m/v1", "finetune", "declared"), ("m/v2", "finetune", "consistent")]
    assert codes(found) == ["recipe-fits-other"]
    assert "recipe.rope_theta" in found.warnings[0].message
    assert "m/v2" in found.warnings[0].message


def test_a_recipe_on_record_is_said(base: HubServer) -> None:
    """Nobody names Llama 3.1, whose rope and context these are."""
    earlier = {"rope_scaling": None, "max_position_embeddings": 8192}
    add_model(base, "a/llama-3", config=LLAMA_3, changes=earlier)
    add_model(base, "a/x", "a/llama-3", config=LLAMA_3)
    found = lineage("a/x")
    assert edges(found)[0] == ("a/llama-3", "finetune", "declared")
    assert BASE in next(one.message for one in found.warnings if one.code == "recipe-fits-other")


def test_a_longer_context_alone_contradicts_nothing(base: HubServer) -> None:
    stretched = {"rope_theta": 8000000.0, "max_position_embeddings": 524288}
    add_model(base, "a/x", BASE, config=LLAMA_3, changes=stretched)
    found = lineage("a/x")
    assert (edges(found), codes(found)) == ([(BASE, "finetune", "consistent")], [])


def test_a_file_named_after_another_model_is_told(base: HubServer) -> None:
    shape: dict[str, Any] = design_of(
        "llama", context_length=131072, embedding_length=4096, block_count=32,
        feed_forward_length=14336,
    )  # fmt: skip
    shape |= {
        "llama.attention.head_count": 32, "llama.attention.head_count_kv": 8,
        "llama.vocab_size": 128256, "general.name": "Meta Llama 3.1 8B Instruct",
    }  # fmt: skip
    data = write_gguf(
        shape,
        decoder_tensors(layers=32, hidden=4096, heads=32, kv=8, ffn=14336, rows=128256),
        data=False,
    )
    other = "deepseek-ai/DeepSeek-R1-Distill-Llama-8B"
    add_model(base, other, config=LLAMA_3)
    name = "Meta-Llama-3.1-8B-Instruct-Q4_K_M.gguf"
    base.add("a/gguf", {name: make_sparse(name, 1 << 34, data)}, card={"base_model": other})
    base.add("a/same", {name: make_sparse(name, 1 << 34, data)},
             card={"base_model": "meta-llama/Llama-3.1-8B-Instruct"})  # fmt: skip
    found = lineage("a/gguf")
    assert {one.parent for one in found.edges} >= {other, "Meta-Llama-3.1-8B-Instruct"}
    assert "claims-disagree" in codes(found)
    assert "claims-disagree" not in codes(lineage("a/same"))


def test_a_name_that_is_ruled_out_is_no_claim(base: HubServer) -> None:
    """Neither what the card names nor what the name is cut to has its design."""
    add_model(base, "a/Llama-3.1-8B-AWQ", "m/v1", config=CONFIG, changes=AWQ)
    add_model(base, "m/v1", config=MISTRAL)
    assert edges(lineage("a/Llama-3.1-8B-AWQ"))[0][::2] == ("m/v1", "contradicted")
    assert BASE not in {one.parent for one in lineage("a/Llama-3.1-8B-AWQ").edges}


AUDIO = {"audio_config": {"model_type": "whisper", "d_model": 1280}, "model_type": "ultravox"}
SEES = {"vision_config": {"model_type": "clip_vision_model", "hidden_size": 1024}}


@pytest.mark.parametrize(
    ("card", "config", "roles"),
    [
        (
            None,
            {**AUDIO, "text_model_id": BASE, "audio_model_id": "openai/whisper-large-v3"},
            [(BASE, "language model"), ("openai/whisper-large-v3", "audio tower")],
        ),
        (
            [BASE, "openai/clip-vit-large-patch14-336"],
            {"model_type": "llava", **SEES},
            [(BASE, "language model"), ("openai/clip-vit-large-patch14-336", "vision tower")],
        ),
        (
            [BASE, "google/siglip-so400m-patch14-384"],
            {},
            [(BASE, "language model"), ("google/siglip-so400m-patch14-384", "vision tower")],
        ),
        (
            BASE,
            {"vision_config": {"_name_or_path": "acme/eye", "model_type": "eye"}, "text_config":
             {**LLAMA_3, "_name_or_path": BASE}},
            [(BASE, "language model"), ("acme/eye", "vision tower")],
        ),
    ],
    ids=["ids in config", "card", "card alone", "nested configs"],
)  # fmt: skip
def test_a_composition_is_no_merge(
    base: HubServer,
    card: str | list[str] | None,
    config: dict[str, Any],
    roles: list[tuple[str, str]],
) -> None:
    add_model(base, "a/eyes", card, config=LLAMA_3, changes=config)
    found = lineage("a/eyes")
    assert [(one.parent, one.role) for one in found.edges] == roles
    assert {one.relation for one in found.edges} == {"finetune"}
    assert not {one.status for one in found.edges} & {"contradicted", "unresolved"}
    chain = identify("a/eyes").lineage.chain
    assert [(one.parent, one.role) for one in chain[:2]] == roles


def test_a_tower_of_another_width_is_ruled_out(base: HubServer) -> None:
    tower = {"model_type": "clip_vision_model", "architectures": ["CLIPVisionModel"],
             "hidden_size": 768, "num_hidden_layers": 12}  # fmt: skip
    add_model(base, "openai/clip-small", config=tower)
    add_model(base, "a/eyes", [BASE, "openai/clip-small"], config={**LLAMA_3, **SEES})
    status = {one.parent: one.status for one in lineage("a/eyes").edges}
    assert status == {BASE: "consistent", "openai/clip-small": "contradicted"}


def test_a_tune_of_a_composition_comes_from_the_whole(hub: HubServer) -> None:
    """It repeats the names of the parts that its parent was made of."""
    parts = {"text_model_id": BASE, **AUDIO, "audio_model_id": "openai/whisper-large-v3"}
    add_model(hub, "a/voice", config=LLAMA_3, changes=parts)
    add_model(hub, "a/tuned", "a/voice", config=LLAMA_3, changes=parts)
    found = lineage("a/tuned", depth=1)
    assert [(one.parent, one.role) for one in found.edges] == [("a/voice", None)]


def test_two_language_models_are_still_a_merge(hub: HubServer) -> None:
    for name in ("a/one", "a/two"):
        add_model(hub, name, config=CONFIG)
    add_model(hub, "a/x", ["a/one", "a/two"])
    assert {one.relation for one in lineage("a/x").edges} == {"merge"}
