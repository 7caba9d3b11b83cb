"""Lineage verdicts: what hashes prove, what claims say, and what an equal design does not."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from checkpoint.folders import write_folder
from comparison.pairs import (
    HashedSource,
    compare_folders,
    make_folder,
    make_request,
    make_weights,
    open_folder,
    open_source,
    small_files,
)
from famtree.comparison.compare import compare_subjects
from famtree.types.comparison import LineageVerdict


def _judge(a: Path, b: Path, *, verify: bool = False) -> LineageVerdict:
    return compare_folders(a, b, verify=verify).relation.lineage


def test_equal_design_is_no_descent(tmp_path: Path) -> None:
    a = make_folder(tmp_path / "acme__one")
    b = make_folder(tmp_path / "acme__two")
    found = _judge(a, b)
    assert (found.verdict, found.status) == ("undetermined", "unresolved")
    assert (found.z, found.p_value, found.bytes_read) == (None, None, 0)


def test_one_folder_has_its_own_weights(tmp_path: Path) -> None:
    a = make_folder(tmp_path / "acme__one")
    link = tmp_path / "link"
    link.symlink_to(a)
    for other in (a, link):
        found = _judge(a, other)
        assert (found.verdict, found.status, found.distance) == ("same-weights", "verified", 0)


def test_a_folder_without_weights_is_never_confirmed(tmp_path: Path) -> None:
    bare = make_folder(tmp_path / "acme__bare", weights=False)
    full = make_folder(tmp_path / "acme__full")
    for left, right in ((bare, bare), (bare, full), (full, bare)):
        assert _judge(left, right, verify=True).verdict == "undetermined"
    claims = make_folder(tmp_path / "acme__child", weights=False, parent="acme/full")
    found = _judge(claims, full, verify=True)
    assert (found.verdict, found.status) == ("a-derives-from-b", "declared")


def test_copies_are_proved_by_contents_only_when_asked(tmp_path: Path) -> None:
    a = make_folder(tmp_path / "acme__one")
    b = make_folder(tmp_path / "acme__two")
    other = make_folder(tmp_path / "acme__three", fill=b"\1")
    size = (a / "model.safetensors").stat().st_size
    found = _judge(a, b, verify=True)
    assert (found.verdict, found.status, found.bytes_read) == ("same-weights", "verified", 2 * size)
    different = _judge(a, other, verify=True)
    assert different.verdict == "undetermined"
    assert different.bytes_read >= 2 * size
    assert not different.evidence[0].supports


def test_links_to_the_same_files_are_equal(tmp_path: Path) -> None:
    a = make_folder(tmp_path / "acme__one")
    b = make_folder(tmp_path / "acme__two", weights=False)
    os.link(a / "model.safetensors", b / "model.safetensors")
    found = _judge(a, b)
    assert (found.verdict, found.status, found.bytes_read) == ("same-weights", "verified", 0)


@pytest.mark.parametrize(
    ("hash_a", "hash_b", "verdict"), [("1", "1", "same-weights"), ("1", "2", "undetermined")]
)
def test_listed_hashes_prove_equal_weights(hash_a: str, hash_b: str, verdict: str) -> None:
    a = open_source(HashedSource("acme/one", small_files(), hash_a, "a"))
    b = open_source(HashedSource("other/two", small_files(), hash_b, "b"))
    found = compare_subjects(a, b, make_request("vllm")).relation.lineage
    assert found.verdict == verdict


def test_a_claim_is_held_against_the_other_one(tmp_path: Path) -> None:
    parent = make_folder(tmp_path / "acme__base")
    child = make_folder(tmp_path / "tuner__child", parent="acme/base", vocab_size=14)
    found = _judge(child, parent)
    assert (found.verdict, found.status, found.distance) == ("a-derives-from-b", "consistent", 1)
    back = _judge(parent, child)
    assert (back.verdict, back.status, back.distance) == ("b-derives-from-a", "consistent", 1)
    assert back.reason == "b is a fine-tune of a"


def test_a_claim_that_cannot_be_true_is_told(tmp_path: Path) -> None:
    parent = make_folder(tmp_path / "acme__base")
    child = make_folder(
        tmp_path / "tuner__child",
        parent="acme/base",
        hidden_size=128,
        intermediate_size=96,
        num_attention_heads=2,
    )
    found = _judge(child, parent)
    assert (found.verdict, found.status) == ("undetermined", "contradicted")
    assert "hidden_size" in found.reason


def test_children_of_one_parent_are_siblings(tmp_path: Path) -> None:
    a = make_folder(tmp_path / "x__one", parent="acme/base")
    b = make_folder(tmp_path / "y__two", parent="ACME/base")
    found = _judge(a, b)
    assert (found.verdict, found.status, found.distance) == ("siblings", "declared", 2)
    assert found.common_ancestor is not None
    assert found.common_ancestor.ref == "acme/base"
    assert found.path == ["x__one", "acme/base", "y__two"]


def test_chains_of_the_registry_are_followed(tmp_path: Path) -> None:
    """The tuned checkpoint's own parent is on record: base and grandchild are two links apart."""
    child = make_folder(tmp_path / "x__child", parent="Qwen/Qwen2.5-7B-Instruct-1M")
    chain = open_folder(child).identification.lineage.chain
    assert chain[0].parent == "Qwen/Qwen2.5-7B-Instruct-1M"
    top = chain[-1].parent
    other = make_folder(tmp_path / top.replace("/", "__"))
    found = _judge(child, other)
    assert (found.verdict, found.distance) == ("a-derives-from-b", len(chain))


def test_a_bare_name_joins_nothing(tmp_path: Path) -> None:
    a = make_folder(tmp_path / "base-GPTQ")
    b = make_folder(tmp_path / "base")
    assert _judge(a, b).verdict == "undetermined"


def test_a_path_on_this_machine_names_the_other(tmp_path: Path) -> None:
    base = make_folder(tmp_path / "base")
    child = make_folder(tmp_path / "child", _name_or_path=str(base))
    found = _judge(child, base)
    assert (found.verdict, found.status) == ("a-derives-from-b", "consistent")


def test_folders_of_one_name_are_two(tmp_path: Path) -> None:
    a = make_folder(tmp_path / "x" / "model")
    b = make_folder(tmp_path / "y" / "model")
    assert _judge(a, b).verdict == "undetermined"


GPT_NEOX = {
    "model_type": "gpt_neox",
    "architectures": ["GPTNeoXForCausalLM"],
    "num_hidden_layers": 32,
    "hidden_size": 4096,
    "num_attention_heads": 32,
    "num_key_value_heads": None,
    "intermediate_size": 16384,
    "vocab_size": 50432,
    "max_position_embeddings": 2048,
}
QWEN_7B = {
    "model_type": "qwen2",
    "architectures": ["Qwen2ForCausalLM"],
    "num_hidden_layers": 28,
    "hidden_size": 3584,
    "num_attention_heads": 28,
    "num_key_value_heads": 4,
    "intermediate_size": 18944,
    "vocab_size": 152064,
    "rope_theta": 1000000.0,
    "rms_norm_eps": 1e-06,
    "max_position_embeddings": 32768,
}
QWEN_1_5B = {**QWEN_7B, "hidden_size": 1536, "num_attention_heads": 12, "num_key_value_heads": 2,
             "intermediate_size": 8960, "vocab_size": 151936}  # fmt: skip


@pytest.mark.parametrize(
    ("left", "right", "config", "claimed"),
    [
        ("EleutherAI/pythia-6.9b", "togethercomputer/RedPajama-INCITE-7B-Base", GPT_NEOX, None),
        ("Qwen/Qwen2-7B-Instruct", "Qwen/Qwen2.5-7B-Instruct", QWEN_7B, None),
        ("Qwen/Qwen2-7B-Instruct", "Qwen/Qwen2.5-Coder-7B-Instruct", QWEN_7B,
         "Qwen/Qwen2.5-Coder-7B"),
        ("Qwen/Qwen2-7B-Instruct", "microsoft/NextCoder-7B", QWEN_7B,
         "Qwen/Qwen2.5-Coder-7B-Instruct"),
        ("Qwen/Qwen2-1.5B", "deepseek-ai/DeepSeek-R1-Distill-Qwen-1.5B", QWEN_1_5B, None),
    ],
)  # fmt: skip
@pytest.mark.parametrize("weights", [True, False])
def test_independent_models_of_one_config_never_come_out_as_derived(
    tmp_path: Path, left: str, right: str, config: dict[str, Any], claimed: str | None,
    weights: bool,
) -> None:  # fmt: skip
    """Pairs that compare by config alone is known to call confirmed (architecture facts of their
    config.json; the parents are those their cards name)."""
    folders = []
    for name, parent in ((left, None), (right, claimed)):
        files = small_files(weights=False, parent=parent, **config)
        if weights:
            files["model.safetensors"] = make_weights({name: (2,)}, name[:1].encode())
        folder = tmp_path / name.replace("/", "__")
        folders.append(write_folder(folder, files))
    for a, b in (folders, folders[::-1]):
        found = _judge(a, b, verify=True)
        assert found.verdict == "undetermined", found
        assert found.status not in ("verified", "consistent")
