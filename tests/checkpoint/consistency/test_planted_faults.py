"""Each kind of fault, put into each healthy checkpoint that can have it, is told by its code."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from examining import load_once
from famtree.checkpoint.checkpoint import Checkpoint
from famtree.checkpoint.consistency.table import CHECKS
from famtree.errors import FamtreeError
from famtree.sources.local import LocalSource
from famtree.types.checkpoint import CheckpointRef
from healthy_checkpoints import HEALTHY, LAYERS, ROWS, GgufParts, Parts

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


def _text(parts: Parts) -> dict[str, Any]:
    config: dict[str, Any] = parts.config.get("text_config", parts.config)
    return config


def _block(parts: Parts, at: int) -> list[str]:
    vision = "vision_tower"
    return [name for name in parts.tensors if f".layers.{at}." in name and vision not in name]


def _last_file(parts: Parts) -> str:
    return sorted(parts.files)[-1]


def _drop_part(parts: Parts, at: int, *tails: str) -> bool | None:
    names = [name for name in _block(parts, at) if name.endswith(tails)]
    if not names:
        return False
    parts.drop(names[0])
    return None


def entry_without_tensor(parts: Parts) -> bool | None:
    if parts.index is None:
        return False
    parts.index["weight_map"]["model.lost.weight"] = _last_file(parts)
    return None


def entry_in_another_shard(parts: Parts) -> bool | None:
    if parts.index is None:
        return False
    first = next(iter(parts.files[sorted(parts.files)[0]]))
    parts.index["weight_map"][first] = _last_file(parts)
    return None


def tensor_twice_in_another_dtype(parts: Parts) -> bool | None:
    if parts.index is None:
        return False
    name, (_, shape) = next(iter(parts.files[sorted(parts.files)[0]].items()))
    parts.files[_last_file(parts)][name] = ("F32", shape)
    return None


def tensor_twice_in_another_shape(parts: Parts) -> bool | None:
    if parts.index is None:
        return False
    name = next(iter(parts.files[sorted(parts.files)[0]]))
    parts.files[_last_file(parts)][name] = ("BF16", (8, 8))
    return None


def named_shard_missing(parts: Parts) -> bool | None:
    if parts.index is None:
        return False
    del parts.files[_last_file(parts)]
    return None


def counted_shard_missing(parts: Parts) -> bool | None:
    if parts.index is None:
        return False
    parts.index = None
    del parts.files[sorted(parts.files)[0]]
    return None


def shard_beyond_its_count(parts: Parts) -> bool | None:
    if parts.index is None:
        return False
    parts.index = None
    count = len(parts.files)
    name = _last_file(parts)
    parts.files[name.replace(f"{count:05d}-of", f"{count + 1:05d}-of")] = parts.files.pop(name)
    return None


def shards_of_two_sets(parts: Parts) -> bool | None:
    if parts.index is None:
        return False
    parts.files["model-00001-of-00009.safetensors"] = {"a": ("F32", (1,))}
    return None


def stray_single_file(parts: Parts) -> bool | None:
    if parts.index is None:
        return False
    parts.files["model.safetensors"] = dict(parts.tensors)
    return None


def stray_copy(parts: Parts) -> bool | None:
    if parts.index is None:
        return False
    parts.files["model-old.safetensors"] = {"a": ("F32", (1,))}
    return None


def total_doubled(parts: Parts) -> bool | None:
    if parts.index is None:
        return False
    parts.index["metadata"]["total_size"] *= 2
    return None


def total_off_by_two(parts: Parts) -> bool | None:
    if parts.index is None:
        return False
    parts.index["metadata"]["total_size"] -= 2
    return None


def middle_layer_missing(parts: Parts) -> bool | None:
    for name in _block(parts, 2):
        parts.drop(name)
    return None


def first_layer_missing(parts: Parts) -> bool | None:
    for name in _block(parts, 0):
        parts.drop(name)
    return None


def down_missing(parts: Parts) -> bool | None:
    return _drop_part(parts, 1, "mlp.down_proj.weight", "mlp.experts.2.down_proj.weight",
                      "mlp.down_proj.qweight")  # fmt: skip


def norm_missing(parts: Parts) -> bool | None:
    return _drop_part(
        parts, 2 if "layer_types" not in parts.config else 1, "input_layernorm.weight"
    )


def output_missing_in_the_first_layer(parts: Parts) -> bool | None:
    return _drop_part(parts, 0, "self_attn.o_proj.weight", "self_attn.o_proj.qweight")


def bias_missing(parts: Parts) -> bool | None:
    return _drop_part(parts, 3, "self_attn.k_proj.bias")


def scale_missing(parts: Parts) -> bool | None:
    return _drop_part(parts, 3, "self_attn.q_proj.weight_scale_inv", "self_attn.q_proj.scales")


def fewer_layers_than_config(parts: Parts) -> bool | None:
    if "layer_types" in parts.config:
        return False
    _text(parts)["num_hidden_layers"] = LAYERS + 8
    return None


def more_layers_than_config(parts: Parts) -> bool | None:
    if "layer_types" in parts.config:
        return False
    _text(parts)["num_hidden_layers"] = LAYERS - 1
    return None


def other_hidden_size(parts: Parts) -> bool | None:
    _text(parts)["hidden_size"] = 96
    return None


def other_vocab_size(parts: Parts) -> bool | None:
    _text(parts)["vocab_size"] = ROWS + 64
    return None


def other_heads(parts: Parts) -> bool | None:
    if "quantization_config" in parts.config:
        return False  # packed matrices do not show their widths
    _text(parts)["num_attention_heads"] *= 2
    return None


def other_kv_heads(parts: Parts) -> bool | None:
    if "quantization_config" in parts.config:
        return False
    _text(parts)["num_key_value_heads"] = 4
    return None


def other_ffn(parts: Parts) -> bool | None:
    if "quantization_config" in parts.config or "num_experts" in parts.config:
        return False
    _text(parts)["intermediate_size"] = 160
    return None


def other_expert_width(parts: Parts) -> bool | None:
    if "num_experts" not in parts.config:
        return False
    parts.config["moe_intermediate_size"] = 48
    return None


def other_experts(parts: Parts) -> bool | None:
    if "num_experts" not in parts.config:
        return False
    parts.config["num_experts"] = 8
    return None


def tied_with_a_head(parts: Parts) -> bool | None:
    if "text_config" in parts.config:
        parts.config["text_config"]["tie_word_embeddings"] = True
    parts.config["tie_word_embeddings"] = True
    if not parts.find("lm_head.weight"):
        parts.files[_last_file(parts)]["lm_head.weight"] = ("BF16", (ROWS, 64))
        parts.renew()
    return None


def untied_without_a_head(parts: Parts) -> bool | None:
    parts.config["tie_word_embeddings"] = False
    for name in parts.find("lm_head.weight"):
        parts.drop(name)
    return None


def fewer_rows_than_tokens(parts: Parts) -> bool | None:
    for file in parts.files.values():
        for name, (dtype, shape) in list(file.items()):
            if name.endswith(("embed_tokens.weight", "lm_head.weight")):
                file[name] = (dtype, (480, shape[1]))
    _text(parts)["vocab_size"] = 480
    parts.renew()
    return None


def added_token_beyond_the_rows(parts: Parts) -> bool | None:
    added = {"content": "<|new|>", "special": True}
    parts.json["tokenizer_config.json"]["added_tokens_decoder"][str(ROWS)] = added
    parts.json["tokenizer.json"]["added_tokens"].append({"id": ROWS} | added)
    return None


def turn_that_does_not_stop(parts: Parts) -> bool | None:
    parts.json["generation_config.json"]["eos_token_id"] = 501
    parts.json["tokenizer_config.json"]["eos_token"] = "</s>"
    return None


def generation_ends_elsewhere(parts: Parts) -> bool | None:
    parts.json["generation_config.json"]["eos_token_id"] = [502]
    return None


def tokenizer_ends_elsewhere(parts: Parts) -> bool | None:
    del parts.json["tokenizer_config.json"]["chat_template"]
    parts.json["generation_config.json"]["eos_token_id"] = 501
    return None


def template_begins_twice(parts: Parts) -> bool | None:
    table = parts.json["tokenizer_config.json"]
    table["chat_template"] = "{{- '<s>' }}" + table["chat_template"]
    return None


def tokenizer_begins_twice(parts: Parts) -> bool | None:
    single = parts.json["tokenizer.json"]["post_processor"]["single"]
    single.insert(0, dict(single[0]))
    return None


def adapter_beside(parts: Parts) -> bool | None:
    parts.json["adapter_config.json"] = {"peft_type": "LORA", "base_model_name_or_path": "org/b"}
    parts.files["adapter_model.safetensors"] = {
        "base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight": ("F32", (4, 64))
    }
    return None


def cut_off(parts: Parts) -> bool | None:
    parts.lengths[_last_file(parts)] = -16
    return None


def trailing_bytes(parts: Parts) -> bool | None:
    parts.lengths[_last_file(parts)] = 16
    return None


def hole(parts: Parts) -> bool | None:
    def change(table: dict[str, Any]) -> None:
        for one in list(table.values())[1:]:
            one["data_offsets"] = [at + 64 for at in one["data_offsets"]]

    parts.headers[_last_file(parts)] = change
    return None


def overlap(parts: Parts) -> bool | None:
    def change(table: dict[str, Any]) -> None:
        for one in list(table.values())[1:]:
            one["data_offsets"] = [at - 2 for at in one["data_offsets"]]

    parts.headers[_last_file(parts)] = change
    return None


REFUSED = ("bad-header",)
FAULTS: tuple[Fault, ...] = (
    Fault(entry_without_tensor, ("index-disagrees",)),
    Fault(entry_in_another_shard, ("index-disagrees",)),
    Fault(tensor_twice_in_another_dtype, ("tensor-twice",)),
    Fault(tensor_twice_in_another_shape, ("tensor-twice",)),
    Fault(named_shard_missing, ("shard-missing",)),
    Fault(counted_shard_missing, ("shard-missing",)),
    Fault(shard_beyond_its_count, ("shard-misnumbered",)),
    Fault(shards_of_two_sets, ("shards-of-two-sets",)),
    Fault(stray_single_file, ("stray-weights",)),
    Fault(stray_copy, ("stray-weights",)),
    Fault(total_doubled, ("total-size-wrong",)),
    Fault(total_off_by_two, ("total-size-wrong",)),
    Fault(middle_layer_missing, ("layer-missing",)),
    Fault(first_layer_missing, ("layer-missing",)),
    Fault(down_missing, ("module-missing",)),
    Fault(norm_missing, ("module-missing",)),
    Fault(output_missing_in_the_first_layer, ("module-missing",)),
    Fault(bias_missing, ("module-missing",)),
    Fault(scale_missing, ("module-missing",)),
    Fault(fewer_layers_than_config, ("config-disagrees",)),
    Fault(more_layers_than_config, ("config-disagrees",)),
    Fault(other_hidden_size, ("config-disagrees",)),
    Fault(other_vocab_size, ("config-disagrees",)),
    Fault(other_heads, ("heads-disagree", "config-disagrees")),
    Fault(other_kv_heads, ("heads-disagree", "config-disagrees")),
    Fault(other_ffn, ("ffn-disagrees",)),
    Fault(other_expert_width, ("config-disagrees",)),
    Fault(other_experts, ("config-disagrees",)),
    Fault(tied_with_a_head, ("tied-head-stored",)),
    Fault(untied_without_a_head, ("head-missing",)),
    Fault(fewer_rows_than_tokens, ("tokens-beyond-rows",)),
    Fault(added_token_beyond_the_rows, ("added-beyond-rows",)),
    Fault(turn_that_does_not_stop, ("turn-not-stopped",)),
    Fault(generation_ends_elsewhere, ("end-tokens-disagree",)),
    Fault(tokenizer_ends_elsewhere, ("end-tokens-disagree",)),
    Fault(template_begins_twice, ("begin-doubled",)),
    Fault(tokenizer_begins_twice, ("begin-doubled",)),
    Fault(adapter_beside, ("model-and-adapter",)),
    Fault(cut_off, REFUSED),
    Fault(trailing_bytes, REFUSED),
    Fault(hole, REFUSED),
    Fault(overlap, REFUSED),
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
