"""Each kind of fault, put into each healthy checkpoint that can have it, is told by its code."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import faults_of_weights as weights
import faults_of_words as words
from examining import load_once
from famtree.checkpoint.checkpoint import Checkpoint
from famtree.checkpoint.consistency.table import CHECKS
from famtree.errors import FamtreeError
from famtree.sources.local import LocalSource
from famtree.types.checkpoint import CheckpointRef
from healthy_checkpoints import HEALTHY, Parts
from healthy_ggufs import GgufParts

Plant = Callable[[Parts], bool | None]
"""Damages the parts; False where this design cannot have the fault."""


class Fault(NamedTuple):
    plant: Plant
    codes: tuple[str, ...]


def find_codes(path: Path) -> list[str]:
    """Return the codes of the checks, or that of the error where the files cannot be read."""
    checkpoint = Checkpoint(LocalSource(CheckpointRef(str(path), path=str(path))), load_once())
    try:
        return [one.code for one in checkpoint.contradictions]
    except FamtreeError as fault:
        return [fault.code]


REFUSED = ("bad-header",)
FAULTS: tuple[Fault, ...] = (
    Fault(weights.entry_without_tensor, ("index-disagrees",)),
    Fault(weights.entry_in_another_shard, ("index-disagrees",)),
    Fault(weights.tensor_twice_in_another_dtype, ("tensor-twice",)),
    Fault(weights.tensor_twice_in_another_shape, ("tensor-twice",)),
    Fault(weights.named_shard_missing, ("shard-missing",)),
    Fault(weights.counted_shard_missing, ("shard-missing",)),
    Fault(weights.shard_beyond_its_count, ("shard-misnumbered",)),
    Fault(weights.shards_of_two_sets, ("shards-of-two-sets",)),
    Fault(weights.stray_single_file, ("stray-weights",)),
    Fault(weights.stray_copy, ("stray-weights",)),
    Fault(weights.total_doubled, ("total-size-wrong",)),
    Fault(weights.total_off_by_two, ("total-size-wrong",)),
    Fault(weights.middle_layer_missing, ("layer-missing",)),
    Fault(weights.first_layer_missing, ("layer-missing",)),
    Fault(weights.down_missing, ("module-missing",)),
    Fault(weights.tower_missing, ("tower-missing",)),
    Fault(weights.norm_missing, ("module-missing",)),
    Fault(weights.output_missing_in_the_first_layer, ("module-missing",)),
    Fault(weights.bias_missing, ("module-missing",)),
    Fault(weights.scale_missing, ("module-missing",)),
    Fault(words.fewer_layers_than_config, ("config-disagrees",)),
    Fault(words.more_layers_than_config, ("config-disagrees",)),
    Fault(words.other_hidden_size, ("config-disagrees",)),
    Fault(words.other_vocab_size, ("config-disagrees",)),
    Fault(words.other_heads, ("heads-disagree", "config-disagrees")),
    Fault(words.other_kv_heads, ("heads-disagree", "config-disagrees")),
    Fault(words.other_ffn, ("ffn-disagrees",)),
    Fault(words.other_expert_width, ("config-disagrees",)),
    Fault(words.other_experts, ("config-disagrees",)),
    Fault(words.tied_with_a_head, ("tied-head-stored",)),
    Fault(words.untied_without_a_head, ("head-missing",)),
    Fault(words.fewer_rows_than_tokens, ("tokens-beyond-rows",)),
    Fault(words.added_token_beyond_the_rows, ("added-beyond-rows",)),
    Fault(words.turn_that_does_not_stop, ("turn-not-stopped",)),
    Fault(words.generation_ends_elsewhere, ("end-tokens-disagree",)),
    Fault(words.tokenizer_ends_elsewhere, ("end-tokens-disagree",)),
    Fault(words.template_begins_twice, ("begin-doubled",)),
    Fault(words.tokenizer_begins_twice, ("begin-doubled",)),
    Fault(weights.adapter_beside, ("model-and-adapter",)),
    Fault(weights.cut_off, REFUSED),
    Fault(weights.trailing_bytes, REFUSED),
    Fault(weights.hole, REFUSED),
    Fault(weights.overlap, REFUSED),
)


@pytest.mark.parametrize("design", HEALTHY)
def test_a_healthy_checkpoint_is_not_warned_of(design: str, tmp_path: Path) -> None:
    assert find_codes(HEALTHY[design]().write(tmp_path)) == []


@pytest.mark.parametrize("design", HEALTHY)
def test_each_planted_fault_is_told(design: str, tmp_path: Path) -> None:
    silent, planted = [], 0
    for fault in FAULTS:
        parts = HEALTHY[design]()
        if fault.plant(parts) is False:
            continue
        planted += 1
        codes = find_codes(parts.write(tmp_path / fault.plant.__name__))
        if not set(codes) & set(fault.codes):
            silent.append((fault.plant.__name__, codes))

    assert silent == []
    assert planted >= (22 if design == "dense-single" else 30)


def test_every_fault_fits_most_designs_and_every_code_has_one() -> None:
    gguf = {"pre-tokenizer-missing", "pre-tokenizer-wrong"}
    assert {code for fault in FAULTS for code in fault.codes} >= (
        {check.code for check in CHECKS} - gguf
    )
    assert len(FAULTS) >= 25


GGUF_FAULTS: dict[str, tuple[Callable[[GgufParts], Any], str]] = {
    "no word for the pre-tokenizer": (
        lambda one: one.metadata.pop("tokenizer.ggml.pre"), "pre-tokenizer-missing"),
    "another word": (
        lambda one: one.metadata.update({"tokenizer.ggml.pre": "smaug-bpe"}),
        "pre-tokenizer-wrong"),
    "down missing": (lambda one: one.tensors.pop("blk.1.ffn_down.weight"), "module-missing"),
    "layer missing": (
        lambda one: [one.tensors.pop(name) for name in list(one.tensors) if ".7." in name],
        "layer-missing"),
    "more blocks stated": (
        lambda one: one.metadata.update({"llama.block_count": 40}), "config-disagrees"),
    "other width stated": (
        lambda one: one.metadata.update({"llama.embedding_length": 5120}), "config-disagrees"),
    "other ffn stated": (
        lambda one: one.metadata.update({"llama.feed_forward_length": 11008}), "ffn-disagrees"),
    "other heads for keys stated": (
        lambda one: one.metadata.update({"llama.attention.head_count_kv": 4}), "heads-disagree"),
    "fewer rows": (
        lambda one: one.tensors.update({"token_embd.weight": ("Q6_K", (128000, 4096))}),
        "tokens-beyond-rows"),
}  # fmt: skip


def test_a_healthy_gguf_is_not_warned_of(tmp_path: Path) -> None:
    assert find_codes(GgufParts().write(tmp_path / "m-Q4_K_M.gguf")) == []


@pytest.mark.parametrize("name", GGUF_FAULTS)
def test_each_fault_of_a_gguf_is_told(name: str, tmp_path: Path) -> None:
    plant, code = GGUF_FAULTS[name]
    parts = GgufParts()
    plant(parts)

    assert code in find_codes(parts.write(tmp_path / "m-Q4_K_M.gguf"))


def test_a_part_of_a_split_gguf_is_missing_or_cut_off(tmp_path: Path) -> None:
    paths = GgufParts().write_split(tmp_path, 3)
    assert find_codes(tmp_path) == []

    paths[1].unlink()
    assert "shard-missing" in find_codes(tmp_path)

    cut = GgufParts().write(tmp_path / "other" / "m-Q4_K_M.gguf", cut=4096)
    assert find_codes(cut) == ["bad-header"]
