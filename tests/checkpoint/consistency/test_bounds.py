"""However broken a checkpoint is, its warnings are few and quickly found."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from checkpoint.consistency.test_planted_faults import find_codes
from healthy_checkpoints import HEALTHY, Parts, make_config


def test_of_very_many_faults_a_few_are_told(tmp_path: Path) -> None:
    parts = HEALTHY["dense-sharded"]()
    tensors: dict[str, Any] = dict(parts.tensors)
    for at in range(6, 60):
        tensors |= {
            name.replace(".layers.0.", f".layers.{at}."): one
            for name, one in parts.tensors.items()
            if ".layers.0." in name and (at % 2 or "down_proj" not in name)
        }
    codes = find_codes(Parts(make_config(num_hidden_layers=60), tensors, 2).write(tmp_path))

    assert 1 <= codes.count("module-missing") <= 8


def test_blocks_that_are_all_unlike_take_little_time(tmp_path: Path) -> None:
    tensors: dict[str, Any] = {"model.embed_tokens.weight": ("BF16", (520, 64))}
    for at in range(9000):
        stem = f"model.layers.{at}"
        tensors[f"{stem}.mlp.down_proj.weight"] = ("BF16", (1, 1))
        for extra in range(1 + at % 7):
            tensors[f"{stem}.part{at % 1000}_{extra}.weight"] = ("BF16", (1,))
    path = Parts(make_config(), tensors, 1).write(tmp_path)
    started = time.process_time()
    find_codes(path)

    assert time.process_time() - started < 5


def test_one_id_of_very_many_texts_is_looked_for_once(tmp_path: Path) -> None:
    parts = HEALTHY["dense-single"]()
    parts.json["added_tokens.json"] = {f"<|text {at}|>": 7 for at in range(20_000)}
    table = parts.json["tokenizer_config.json"]
    table["chat_template"] = "{{ m }}" + "<|text" * 100_000
    parts.json["generation_config.json"]["eos_token_id"] = [7, 501]
    parts.json["config.json"]["eos_token_id"] = 501
    del table["added_tokens_decoder"]
    started = time.process_time()
    find_codes(parts.write(tmp_path))

    assert time.process_time() - started < 5
