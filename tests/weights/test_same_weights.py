"""`same-weights` is said after a look at every tensor, and of nothing that was edited in part."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from examining import open_weights
from famtree.sources.open import open_source
from famtree.sources.reference import parse_reference
from famtree.weights.identity import find_unsampled
from famtree.weights.open import Weights
from famtree.weights.pair import compare_weights
from famtree.weights.results import PairResult
from hub.server import HubServer
from tiny_models import (
    FFN,
    HIDDEN,
    Arrays,
    cut_layers,
    encode,
    files_of,
    make_model,
    open_folder,
    open_model,
    shuffle_neurons,
    to_bfloat16,
    write_model,
)
from weighty_hubs import publish


def noise(values: Any, seed: int = 0) -> Any:
    found = np.random.default_rng(seed).normal(0, 0.05, values.shape)
    return found.astype(np.float32)


def change(*parts: str, rows: slice | None = None) -> Callable[[Arrays], Arrays]:
    """Return an edit of every tensor whose name has one of `parts`, of some rows or of all."""

    def edit(model: Arrays) -> Arrays:
        found = dict(model)
        for name, values in model.items():
            if any(part in name for part in parts):
                found[name] = values.copy()
                found[name][rows or slice(None)] = noise(values, 99)[rows or slice(None)]
        return found

    return edit


def grow(model: Arrays) -> Arrays:
    table = model["model.embed_tokens.weight"]
    rows = np.concatenate([table, noise(table[:64])])
    return {**model, "model.embed_tokens.weight": rows}


def trim(model: Arrays) -> Arrays:
    return {**model, "model.embed_tokens.weight": model["model.embed_tokens.weight"][:-64]}


def permute(model: Arrays) -> Arrays:
    order = np.random.default_rng(3).permutation(len(model["lm_head.weight"]))
    tables = ("model.embed_tokens.weight", "lm_head.weight")
    return {name: values[order] if name in tables else values for name, values in model.items()}


def drop(name: str) -> Callable[[Arrays], Arrays]:
    return lambda model: {key: values for key, values in model.items() if key != name}


EDITS: dict[str, Callable[[Arrays], Arrays]] = {
    "head": change("lm_head"),
    "embeddings": change("embed_tokens"),
    "most embedding rows": change("embed_tokens", rows=slice(256, None)),
    "one embedding row": change("embed_tokens", rows=slice(7, 8)),
    "all norms": change("norm"),
    "last norm": change("model.norm"),
    "one norm": change("layers.3.input_layernorm"),
    "o of all layers": change("o_proj"),
    "down of all layers": change("down_proj"),
    "o and down of two layers": change("layers.2.self_attn.o", "layers.3.mlp.down"),
    "a layer": change("layers.2."),
    "attention of a layer": change("layers.1.self_attn"),
    "gate of a layer": change("layers.1.mlp.gate"),
    "one matrix": change("layers.0.self_attn.k_proj"),
    "a row of a matrix": change("layers.0.self_attn.q_proj", rows=slice(0, 1)),
    "half of a matrix": change("layers.3.mlp.up_proj", rows=slice(0, FFN // 2)),
    "rows added": grow,
    "rows cut": trim,
    "rows permuted": permute,
    "neurons permuted": lambda model: shuffle_neurons(model, 3),
    "a layer dropped": lambda model: cut_layers(model, [0, 1, 2]),
    "layers swapped": lambda model: cut_layers(model, [0, 2, 1, 3]),
    "no head": drop("lm_head.weight"),
}


@pytest.fixture
def parent(tmp_path: Path) -> Weights:
    return open_model(tmp_path / "parent", make_model(1))


@pytest.mark.parametrize("edit", EDITS)
def test_no_partial_edit_is_the_same(tmp_path: Path, parent: Weights, edit: str) -> None:
    found = compare_weights(open_model(tmp_path / "child", EDITS[edit](make_model(1))), parent)
    assert found.verdict != "same-weights"
    assert "every value" not in found.reason


PARTS = {
    "head": ("head",),
    "one embedding row": ("embeddings",),
    "last norm": ("norms",),
    "a row of a matrix": ("layers",),
    "rows added": ("embeddings",),
    "no head": ("head",),
}


@pytest.mark.parametrize("edit", PARTS)
def test_what_changed_is_named(tmp_path: Path, parent: Weights, edit: str) -> None:
    found = compare_weights(open_model(tmp_path / "child", EDITS[edit](make_model(1))), parent)
    assert (found.verdict, found.changed) == ("derived", PARTS[edit])


def experts(model: Arrays, count: int = 4) -> Arrays:
    found: Arrays = {}
    for name, values in model.items():
        if ".mlp." not in name:
            found[name] = values
            continue
        word = {"gate": "w1", "up": "w3", "down": "w2"}[name.split(".")[-2][:-5]]
        stem = name.split(".mlp.")[0]
        for expert in range(count):
            key = f"{stem}.block_sparse_moe.experts.{expert}.{word}.weight"
            found[key] = noise(values, expert + 1)
            found[f"{stem}.block_sparse_moe.gate.weight"] = noise(values[:count, :HIDDEN])
    return found


@pytest.mark.parametrize("part", ["experts.1.", "experts.2.w2", "block_sparse_moe.gate.weight"])
def test_experts_and_routers_are_looked_at(tmp_path: Path, part: str) -> None:
    base = experts(make_model(1))
    given: dict[str, Any] = {"model_type": "mixtral", "num_local_experts": 4}
    edited = change(part)(base)
    child = open_model(tmp_path / "child", edited, **given)
    found = compare_weights(child, open_model(tmp_path / "base", base, **given))
    assert found.verdict != "same-weights"
    if found.verdict == "derived":
        assert found.changed is not None
        assert "experts" in found.changed


def shard(folder: Path, model: Arrays) -> Path:
    write_model(folder, model)
    (folder / "model.safetensors").unlink()
    names = sorted(model)
    table: dict[str, str] = {}
    for number in (0, 1):
        file = f"model-{number + 1:05}-of-00002.safetensors"
        own = names[number::2]
        (folder / file).write_bytes(encode({name: model[name] for name in own}))
        table |= dict.fromkeys(own, file)
    index = json.dumps({"metadata": {}, "weight_map": table})
    (folder / "model.safetensors.index.json").write_text(index)
    return folder


def rename(model: Arrays) -> Arrays:
    words = {"self_attn.q_proj": "attention.wq", "self_attn.k_proj": "attention.wk",
             "self_attn.v_proj": "attention.wv", "self_attn.o_proj": "attention.wo"}  # fmt: skip
    found = {}
    for name, values in model.items():
        for old, new in words.items():
            name = name.replace(old, new)
        found[name] = values
    return found


COPIES: dict[str, Callable[[Path, Arrays], Weights]] = {
    "reordered": lambda folder, model: open_model(folder, dict(reversed(model.items()))),
    "cast to F32": lambda folder, model: open_model(folder, model, "F32"),
    "prefix": lambda folder, model: open_model(
        folder, {name.removeprefix("model."): values for name, values in model.items()}
    ),
    "renamed": lambda folder, model: open_model(folder, rename(model)),
    "another config": lambda folder, model: open_model(folder, model, max_position_embeddings=9),
}


def kept(model: Arrays) -> Arrays:
    """Return a model whose values bfloat16 holds."""
    return {name: to_bfloat16(values) for name, values in model.items()}


@pytest.mark.parametrize("copy", COPIES)
def test_true_copies_are_found(tmp_path: Path, parent: Weights, copy: str) -> None:
    found = compare_weights(COPIES[copy](tmp_path / "child", kept(make_model(1))), parent)
    assert found.verdict == "same-weights", found.reason
    assert found.changed in ((), None)


def test_shards_are_found(tmp_path: Path, parent: Weights) -> None:
    found = compare_weights(open_folder(shard(tmp_path / "child", kept(make_model(1)))), parent)
    assert found.verdict == "same-weights"
    assert "every value of all" in found.reason


def on_hub(hub: HubServer, child: Arrays, dtype: str = "BF16") -> PairResult:
    publish(hub, "acme/base", make_model(1))
    hub.add("acme/child", files_of(child, dtype))
    return compare_weights(
        *(open_weights(open_source(parse_reference(name))) for name in ("acme/child", "acme/base"))
    )


@pytest.mark.parametrize("indexed", [True, False])
@pytest.mark.parametrize("share", [1, 2])
def test_second_tensors_of_a_name_are_no_copy(tmp_path: Path, indexed: bool, share: int) -> None:
    folder, own = shard(tmp_path / "child", make_model(1)), make_model(1)
    child, copied = open_folder(folder), open_model(tmp_path / "parent", own)
    assert compare_weights(child, copied).verdict == "same-weights"
    assert find_unsampled(child, copied) is None
    names = sorted(own)
    second = {name: own[name] for name in names[1::2]} if share == 2 else {}
    foreign = make_model(2)
    (folder / "model-00001-of-00002.safetensors").write_bytes(encode(own))
    (folder / "model-00002-of-00002.safetensors").write_bytes(encode(second | foreign))
    index = folder / "model.safetensors.index.json"
    if indexed:
        table = dict.fromkeys(names, "model-00001-of-00002.safetensors")
        index.write_text(json.dumps({"metadata": {}, "weight_map": table}))
    else:
        index.unlink()
    child = open_folder(folder)
    assert compare_weights(child, copied).verdict == "same-weights"
    assert find_unsampled(child, copied) == "model-00002-of-00002.safetensors"


def test_over_a_network_every_tensor_is_sampled(hub: HubServer) -> None:
    found = on_hub(hub, dict(reversed(kept(make_model(1)).items())))
    assert found.verdict == "same-weights"
    assert "values drawn from every tensor" in found.reason


def test_over_a_network_a_changed_norm_is_seen(hub: HubServer) -> None:
    found = on_hub(hub, EDITS["last norm"](make_model(1)))
    assert (found.verdict, found.changed) == ("derived", ("norms",))
