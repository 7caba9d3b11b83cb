"""What a checkpoint without config.json declares: an adapter's base counts, a card's does not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from famtree.api import identify
from famtree.checkpoint.declaration import DECLARED_BELIEF
from famtree.types.identification import Identification

BASE = "meta-llama/Llama-3.1-8B"


def write(folder: Path, **files: Any) -> Identification:
    for name, content in files.items():
        text = content if isinstance(content, str) else json.dumps(content)
        (folder / name.replace("__", ".")).write_text(text)
    return identify(str(folder))


def adapter(folder: Path, base: Any, **files: Any) -> Identification:
    config = {"peft_type": "LORA", "base_model_name_or_path": base}
    return write(folder, adapter_config__json=config, adapter_model__bin="x", **files)


@pytest.mark.parametrize(
    "base",
    [
        BASE,
        "Llama-3.1-8B",
        "/home/qwen/models/Llama-3.1-8B",
        "/root/.cache/huggingface/hub/models--meta-llama--Llama-3.1-8B/snapshots/0e9e39f249a16976",
        "C:\\qwen\\deep\\Llama-3.1-8B\\",
    ],
)
def test_an_adapter_is_declared_by_its_base(tmp_path: Path, base: str) -> None:
    """The trainer wrote it; folders above the name say nothing."""
    result = adapter(tmp_path, base)
    assert result.family is not None
    assert result.family.key == "llama"
    (one,) = result.candidates
    assert (one.family, one.generation) == ("llama", "llama-3.1")
    assert (one.decided_by, one.score) == ("declared", result.confidence)
    assert DECLARED_BELIEF < result.confidence < 0.9
    assert base in result.reason


def test_a_name_of_several_families_shares_the_belief(tmp_path: Path) -> None:
    result = adapter(tmp_path, "acme/gemma-2-9b-to-mistral-7b-v0.1")
    assert result.outcome == "unknown"
    assert {one.family for one in result.candidates} == {"gemma", "mistral"}
    assert sum(one.score for one in result.candidates) <= DECLARED_BELIEF + 1e-3


@pytest.mark.parametrize("base", ["acme/oddity", "", "  ", None, 7, ["a"], "/", "~", "x" * 10_000])
def test_a_base_that_says_nothing(tmp_path: Path, base: Any) -> None:
    result = adapter(tmp_path, base)
    assert (result.outcome, result.candidates) == ("unknown", [])
    assert len(result.reason) < 600
    assert "adapter" in result.reason


def test_a_card_declares_for_other_formats(tmp_path: Path) -> None:
    result = write(
        tmp_path, pytorch_model__bin="zip", README__md=f"---\nbase_model:\n- {BASE}\n---\nfine\n"
    )
    assert result.candidates[0].decided_by == "declared"
    assert BASE in result.reason
    assert "the model card" in result.reason


def test_a_card_with_several_bases_is_a_merge(tmp_path: Path) -> None:
    card = f"---\nbase_model:\n- {BASE}\n- google/gemma-2-9b\n---\n"
    assert write(tmp_path, pytorch_model__bin="zip", README__md=card).candidates == []


def test_a_config_makes_the_declaration_superfluous(tmp_path: Path) -> None:
    config = {"model_type": "odd", "architectures": ["OddForCausalLM"]}
    card = f"---\nbase_model: {BASE}\n---\n"
    result = write(tmp_path, pytorch_model__bin="x", README__md=card, config__json=config)
    assert all(one.decided_by != "declared" for one in result.candidates)
    assert "odd" in result.reason


def test_an_empty_config_is_not_called_absent(tmp_path: Path) -> None:
    assert "config.json tells nothing" in adapter(tmp_path, None, config__json={}).reason


def test_pickles_alone_are_explained(tmp_path: Path) -> None:
    result = write(tmp_path, pytorch_model__bin="x")
    assert (result.outcome, result.checkpoint.format) == ("unknown", "pickle")
    assert "never opened" in result.reason
