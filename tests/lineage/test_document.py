from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from famtree.api import identify
from famtree.types.identification import LineageSummary

CONFIG: dict[str, Any] = {
    "model_type": "qwen2", "architectures": ["Qwen2ForCausalLM"], "hidden_size": 3584,
    "num_hidden_layers": 28, "num_attention_heads": 28, "num_key_value_heads": 4,
    "intermediate_size": 18944, "vocab_size": 152064, "rope_theta": 10000.0,
    "rms_norm_eps": 1e-06, "max_position_embeddings": 131072, "bos_token_id": 151646,
    "eos_token_id": 151643, "hidden_act": "silu", "tie_word_embeddings": False,
}  # fmt: skip


def trace(folder: Path, card: str = "", **config: Any) -> LineageSummary:
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps({**CONFIG, **config}))
    if card:
        (folder / "README.md").write_text(f"---\n{card}\n---\n")
    return identify(str(folder)).lineage


def test_a_published_checkpoint_is_traced_by_the_registry(tmp_path: Path) -> None:
    lineage = trace(tmp_path / "deepseek-ai__DeepSeek-R1-Distill-Qwen-7B")
    assert lineage.parents == ["Qwen/Qwen2.5-Math-7B"]
    assert lineage.chain[0].relation == "distill"


def test_a_true_claim_is_consistent_and_a_false_one_contradicted(tmp_path: Path) -> None:
    true = trace(tmp_path / "a", "base_model: Qwen/Qwen2.5-7B")
    assert (true.chain[0].parent, true.chain[0].status) == ("Qwen/Qwen2.5-7B", "consistent")
    false = trace(tmp_path / "b", "base_model: Qwen/Qwen2.5-0.5B")
    assert [one.status for one in false.chain] == ["contradicted"]
    assert false.parents == []


def test_nothing_claimed_is_no_chain(tmp_path: Path) -> None:
    assert trace(tmp_path / "some-model") == LineageSummary()


def test_a_local_path_is_no_link(tmp_path: Path) -> None:
    lineage = trace(tmp_path / "x", _name_or_path="/home/me/base")
    assert (lineage.parents, lineage.chain, lineage.complete) == ([], [], False)


def test_a_checkpoint_claiming_its_child_ends(tmp_path: Path) -> None:
    lineage = trace(tmp_path / "x", "base_model: deepseek-ai/DeepSeek-R1-Distill-Qwen-7B")
    assert 1 <= len(lineage.chain) <= 12
