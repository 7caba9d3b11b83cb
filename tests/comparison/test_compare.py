"""Whole comparisons of folders: what is symmetric, what is directed, and what is the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from checkpoint.folders import write_folder
from comparison.pairs import (
    SMALL,
    WORDS,
    compare_folders,
    find_answer,
    make_folder,
    make_tokenizer,
    make_weights,
    small_files,
    small_tensors,
)
from famtree import api
from famtree.types.comparison import Comparison


def test_a_checkpoint_is_identical_to_itself_in_everything(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "acme__one")
    found = compare_folders(folder, folder)
    relation = found.relation
    assert (relation.architecture, relation.tokenizer) == ("identical", "identical")
    assert relation.lineage.verdict == "same-weights"
    assert found.differences == []
    for question in ("serve", "lora", "merge", "kv-cache", "chat"):
        assert find_answer(found, question).answer == "yes", question
    refused = {one.rule for one in found.interchange if one.answer == "no"}
    assert refused == {"any/draft.not-smaller", "lmdeploy/draft.whole-model"}
    unknown = {one.rule for one in found.interchange if one.answer == "unknown"}
    assert [rule for rule in unknown if not rule.endswith(".not-read")] == []


def test_two_fine_tunes_of_one_base(tmp_path: Path) -> None:
    a = make_folder(tmp_path / "x__one", parent="acme/base")
    b = make_folder(tmp_path / "y__two", parent="acme/base", fill=b"\1")
    found = compare_folders(a, b)
    assert found.relation.tokenizer == "identical"
    assert find_answer(found, "lora").rule == "any/lora.light-child"
    assert find_answer(found, "lora", "vllm").answer == "yes"
    assert find_answer(found, "merge").answer == "yes"
    assert find_answer(found, "merge", "mergekit").answer == "yes"
    assert find_answer(found, "kv-cache").rule == "any/kv-cache.other-weights"
    assert find_answer(found, "kv-cache").answer == "no"
    assert find_answer(found, "serve", "vllm").rule == "vllm/serve.in-place"
    assert find_answer(found, "engine", "tensorrt").rule == "tensorrt/engine.refit"


def test_equal_shapes_without_descent_load_but_promise_nothing(tmp_path: Path) -> None:
    found = compare_folders(make_folder(tmp_path / "x__one"), make_folder(tmp_path / "y__two"))
    assert find_answer(found, "lora", "peft").answer == "yes"
    assert find_answer(found, "lora").rule == "any/lora.no-descent"
    assert find_answer(found, "merge").answer == "unknown"
    assert find_answer(found, "kv-cache").answer == "unknown"


def test_other_rope_means_rebuild_and_not_refit(tmp_path: Path) -> None:
    a = make_folder(tmp_path / "x__one")
    scaled = {"rope_type": "llama3", "factor": 8.0}
    b = make_folder(tmp_path / "y__two", rope_scaling=scaled)
    found = compare_folders(a, b, "tensorrt-llm@1.1", "tensorrt")
    assert found.relation.architecture == "identical"
    assert find_answer(found, "engine", "tensorrt-llm").rule == "tensorrt-llm/engine.rebuild"
    assert find_answer(found, "engine", "tensorrt").answer == "no"
    assert find_answer(found, "serve").rule == "any/serve.restart"
    assert {"recipe.rope_type", "recipe.rope_factor"} <= {one.trait for one in found.differences}


def test_removal_of_the_engine_backend_is_gated_by_version(tmp_path: Path) -> None:
    a, b = make_folder(tmp_path / "x__one"), make_folder(tmp_path / "y__two")
    for version, rule in (("1.1.0", "refit"), ("1.2.1", "refit"), ("1.3", "no-engine")):
        found = compare_folders(a, b, f"tensorrt-llm@{version}")
        assert find_answer(found, "engine", "tensorrt-llm").rule == f"tensorrt-llm/engine.{rule}"
        assert [one.code for one in found.warnings].count("engine-version") == (version != "1.3")


def _with_words(folder: Path, words: tuple[str, ...], rows: int, **options: Any) -> Path:
    files = small_files(vocab_size=rows, **options)
    files["tokenizer.json"] = make_tokenizer(*words)
    return write_folder(folder, files)


def test_shifted_ids_allow_no_draft_and_no_naive_merge(tmp_path: Path) -> None:
    a = _with_words(tmp_path / "x__one", WORDS, 16)
    b = _with_words(tmp_path / "y__two", (*(f"<c{at}>" for at in range(4)), *WORDS), 16)
    found = compare_folders(a, b)
    assert found.relation.tokenizer == "overlapping"
    assert find_answer(found, "draft", "sglang").answer == "no"
    assert find_answer(found, "draft", "llama.cpp").answer == "no"
    assert find_answer(found, "draft").answer == "no"
    assert find_answer(found, "merge", "mergekit").rule == "mergekit/merge.shifted-tokens"


@pytest.mark.parametrize(
    ("rows", "llama_cpp"),
    [(12 + 128, "yes"), (12 + 129, "no")],
)
def test_draft_for_a_bigger_vocabulary(tmp_path: Path, rows: int, llama_cpp: str) -> None:
    """Rows beyond the tokens are filler, of which llama.cpp allows 128."""
    draft = _with_words(tmp_path / "x__small", WORDS, 12, hidden_size=32)
    target = _with_words(tmp_path / "x__big", WORDS, rows, num_hidden_layers=48)
    found = compare_folders(draft, target)
    assert find_answer(found, "draft", "llama.cpp").answer == llama_cpp
    assert find_answer(found, "draft", "vllm").answer == "conditional"
    assert find_answer(found, "draft", "sglang").answer == "no"
    assert find_answer(found, "draft", "transformers").rule == "transformers/draft.universal"
    assert find_answer(found, "draft").rule == "any/draft.small"
    back = compare_folders(target, draft)
    assert find_answer(back, "draft").rule == "any/draft.not-smaller"


def _adapter(folder: Path, hidden: int = 64, rank: int = 8, **config: Any) -> Path:
    stem = "base_model.model.model.layers.0.self_attn.q_proj."
    tensors = {f"{stem}lora_A.weight": (rank, hidden), f"{stem}lora_B.weight": (hidden, rank)}
    stated = {"peft_type": "LORA", "r": rank, "lora_alpha": 16, "target_modules": ["q_proj"]}
    return write_folder(
        folder,
        {"adapter_config.json": {**stated, **config},
         "adapter_model.safetensors": make_weights(tensors)},
    )  # fmt: skip


def test_adapter_on_its_base(tmp_path: Path) -> None:
    base = make_folder(tmp_path / "acme__base")
    adapter = _adapter(tmp_path / "x__adapter", base_model_name_or_path="acme/base")
    found = compare_folders(adapter, base)
    assert found.relation.lineage.verdict == "a-derives-from-b"
    assert find_answer(found, "lora", "vllm").rule == "vllm/lora.loads"
    assert find_answer(found, "lora", "peft").answer == "yes"
    assert find_answer(found, "lora").rule == "any/lora.light-child"
    back = compare_folders(base, adapter)
    assert find_answer(back, "lora", "vllm").answer == "no"
    assert find_answer(back, "serve", "vllm").rule == "vllm/serve.adapter"


@pytest.mark.parametrize(
    ("options", "rule"),
    [
        ({"hidden": 128}, "does-not-fit"),
        ({"rank": 64}, "rank"),
        ({"rank": 1024}, "highest-rank"),
        ({"use_dora": True}, "dora"),
        ({"bias": "all"}, "bias"),
        ({"modules_to_save": ["lm_head"]}, "whole-modules"),
        ({"init_lora_weights": "pissa"}, "initial"),
        ({"peft_type": "IA3"}, "kind"),
    ],
)
def test_adapters_that_vllm_turns_away(tmp_path: Path, options: dict[str, Any], rule: str) -> None:
    base = make_folder(tmp_path / "acme__base")
    adapter = _adapter(tmp_path / "x__adapter", **options)
    answer = find_answer(compare_folders(adapter, base), "lora", "vllm")
    assert answer.rule == f"vllm/lora.{rule}"
    assert answer.answer == ("conditional" if rule == "rank" else "no")


def test_what_was_not_seen_is_unknown_and_never_no(tmp_path: Path) -> None:
    full = make_folder(tmp_path / "x__full")
    bare = write_folder(tmp_path / "y__bare", {"config.json": SMALL})
    found = compare_folders(full, bare)
    assert found.relation.tokenizer == "unknown"
    wrong = {one.rule for one in found.interchange if one.answer == "no"}
    assert wrong == {"any/draft.not-smaller", "lmdeploy/draft.whole-model"}
    assert find_answer(found, "kv-cache").answer == "unknown"
    assert find_answer(found, "chat").answer == "unknown"


def _mirror(found: Comparison) -> dict[str, Any]:
    turned = {"a-derives-from-b": "b-derives-from-a", "b-derives-from-a": "a-derives-from-b"}
    relation = found.relation
    verdict = relation.lineage.verdict
    return {
        "relation": (relation.architecture, relation.tokenizer, relation.family,
                     relation.generation, relation.lineage.status, relation.lineage.distance),
        "verdict": turned.get(verdict, verdict),
        "differences": {one.trait: (one.b, one.a) for one in found.differences},
        "merge": [one.answer for one in found.interchange if one.question in ("merge", "kv-cache")],
    }  # fmt: skip


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"parent": "x/one"},
        {"rope_theta": 5e5},
        {"hidden_size": 128},
        {"vocab_size": 14, "torch_dtype": "float16"},
        {"weights": False},
        {"architectures": ["MistralForCausalLM"], "model_type": "mistral"},
    ],
)
def test_turning_the_pair_turns_the_answer(tmp_path: Path, change: dict[str, Any]) -> None:
    a = make_folder(tmp_path / "x__one")
    b = make_folder(tmp_path / "y__two", **change)
    there, back = _mirror(compare_folders(a, b)), _mirror(compare_folders(b, a))
    turned = {"a-derives-from-b": "b-derives-from-a", "b-derives-from-a": "a-derives-from-b"}
    back["verdict"] = turned.get(back["verdict"], back["verdict"])
    back["differences"] = {trait: (b, a) for trait, (a, b) in back["differences"].items()}
    assert there == back


def test_json_is_stable_and_complete(tmp_path: Path) -> None:
    a = str(make_folder(tmp_path / "x__one"))
    b = str(make_folder(tmp_path / "y__two", rope_theta=5e5))
    first, second = api.compare(a, b).to_document(), api.compare(a, b).to_document()
    assert Comparison.model_validate(first).to_document() == first
    first.pop("cost"), second.pop("cost")
    assert first == second
    assert first["schema"] == "famtree/comparison/1"
    assert set(first) == {
        "schema", "famtree", "a", "b", "relation", "interchange", "differences", "verdict",
        "warnings", "registry",
    }  # fmt: skip
    for answer in first["interchange"]:
        assert answer["reason"]
        assert answer["rule"].partition("/")[0] in (answer["engine"] or "any")


def test_several_checkpoints_are_compared_two_by_two(tmp_path: Path) -> None:
    folders = [str(make_folder(tmp_path / f"x__{name}")) for name in ("one", "two", "three")]
    found = api.compare_all(folders, engines=["vllm"])
    assert [(one.a.ref, one.b.ref) for one in found.comparisons] == [
        (folders[0], folders[1]), (folders[0], folders[2]), (folders[1], folders[2]),
    ]  # fmt: skip


def test_no_weight_byte_is_read(tmp_path: Path) -> None:
    a, b = make_folder(tmp_path / "x__one"), make_folder(tmp_path / "y__two")
    header = 8 + int.from_bytes((a / "model.safetensors").read_bytes()[:8], "little")
    assert len(make_weights(small_tensors())) > header
    found = compare_folders(a, b)
    assert found.relation.lineage.bytes_read == 0


def rename(tensors: dict[str, tuple[int, ...]]) -> dict[str, tuple[int, ...]]:
    """Two norms under names of their own, as one family did to another's design."""
    return {
        name.replace("input_layernorm", "ln1").replace("post_attention_layernorm", "ln2"): shape
        for name, shape in tensors.items()
    }


OTHER: dict[str, Any] = {"architectures": ["AcmeForCausalLM"], "model_type": "acme"}


def test_renamed_tensors_are_one_architecture(tmp_path: Path) -> None:
    a = make_folder(tmp_path / "a")
    renamed = {"model.safetensors": make_weights(rename(small_tensors()))}
    b = write_folder(tmp_path / "b", {**small_files(weights=False, **OTHER), **renamed})
    found = compare_folders(a, b)
    assert found.relation.architecture == "identical"
    assert {"architecture.class_name"} <= {one.trait for one in found.differences}
    told = [one.message for one in found.warnings if one.code == "tensors-renamed"]
    assert len(told) == 1
    assert "input_layernorm.weight is model.layers.*.ln1.weight" in told[0]
    assert found.relation.lineage.verdict == "undetermined"


@pytest.mark.parametrize("fault", ["shape", "missing", "more"])
def test_names_without_one_counterpart_are_two_architectures(tmp_path: Path, fault: str) -> None:
    a = make_folder(tmp_path / "a")
    tensors = rename(small_tensors())
    if fault == "shape":
        tensors["model.layers.1.ln1.weight"] = (32,)
    elif fault == "missing":
        del tensors["model.layers.1.ln2.weight"]
    else:
        tensors["model.layers.1.ln3.weight"] = (64,)
    files = small_files(weights=False, **OTHER)
    b = write_folder(tmp_path / "b", {**files, "model.safetensors": make_weights(tensors)})
    found = compare_folders(a, b)
    assert found.relation.architecture == "different"
    assert "tensors-renamed" not in {one.code for one in found.warnings}


def test_one_vision_tower_in_two_families_is_told(tmp_path: Path) -> None:
    tower = {"model_type": "eye", "depth": 32, "hidden_size": 1280}
    a = make_folder(tmp_path / "a", vision_config=tower)
    language = {"model_type": "gpt2", "architectures": ["GPT2LMHeadModel"], "n_layer": 12,
                "n_embd": 768, "n_head": 12, "vocab_size": 50257, "n_positions": 1024,
                "vision_config": tower}  # fmt: skip
    b = write_folder(tmp_path / "b", {"config.json": language})
    told = [one.message for one in compare_folders(a, b).warnings if one.code == "same-tower"]
    assert told == ["both have a vision tower of one design: eye, 32 layers, 1280 wide"]
    other = {**language, "vision_config": {**tower, "depth": 24}}
    c = write_folder(tmp_path / "c", {"config.json": other})
    assert "same-tower" not in {one.code for one in compare_folders(a, c).warnings}
