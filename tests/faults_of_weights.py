"""Faults of weight files and of their index, to be put into a healthy checkpoint.

Each damages the parts, or returns False where this design cannot have it.
"""

from __future__ import annotations

from typing import Any

from healthy_checkpoints import Parts


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


def tower_missing(parts: Parts) -> bool | None:
    if "vision_config" not in parts.config:
        return False
    for name in [name for held in parts.files.values() for name in held]:
        if name.startswith("vision_tower."):
            parts.drop(name)
    return None


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
