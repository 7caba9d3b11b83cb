"""Links of every kind on the test Hub, and what each command says of one of them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from msgspec import Struct

from cli.commands import Command, Outcome
from examining import load_once
from famtree.scan.checkpoint import scan_checkpoint
from famtree.scan.row import Row
from famtree.scan.settings import ScanSettings
from forged_folders import BASE, in_record, weights_of
from hub.server import HubServer
from lineage_hubs import CONFIG, add_model
from packed_models import make_awq, make_gguf
from tiny_models import HIDDEN, LAYERS, Arrays, cut_layers, encode, files_of, make_model, tune
from weighty_hubs import publish

OTHER, CHILD = "acme/other", "tuner/child"
Said = tuple[str, str] | None
"""Relation and status of the link; None where the command does not state it."""


class Asked(Struct, frozen=True):
    """A child as it is asked for, the parent it claims under the name it has in graphs, and the
    name that is claimed where that is another."""

    child: str = CHILD
    parent: str = BASE
    claimed: str | None = None


class Answers(Struct):
    """What every command says of one link."""

    said: dict[str, Said]
    documents: dict[str, dict[str, Any]]
    row: Row


Publish = Callable[[HubServer, Path], Asked]


def _card(*parents: str) -> dict[str, Any]:
    return {"base_model": list(parents)} if parents else {}


def related(hub: HubServer, place: Path) -> Asked:
    publish(hub, CHILD, tune(make_model(1), 3), BASE)
    return Asked()


def copied(hub: HubServer, place: Path) -> Asked:
    publish(hub, CHILD, make_model(1), BASE)
    return Asked()


def unrelated(hub: HubServer, place: Path) -> Asked:
    publish(hub, CHILD, tune(make_model(1), 3), OTHER)
    return Asked(parent=OTHER)


def recorded(hub: HubServer, place: Path) -> Asked:
    files = files_of(make_model(1))
    return Asked(str(in_record(hub, place, files, weights_of(files))))


def forged(hub: HubServer, place: Path) -> Asked:
    told = weights_of(files_of(make_model(1)))
    return Asked(str(in_record(hub, place, files_of(make_model(2)), told)))


def gguf(hub: HubServer, place: Path) -> Asked:
    hub.add(CHILD, {"model-Q8_0.gguf": make_gguf(tune(make_model(1), 3))}, card=_card(BASE))
    return Asked()


def unrelated_gguf(hub: HubServer, place: Path) -> Asked:
    hub.add(CHILD, {"model-Q8_0.gguf": make_gguf(make_model(2))}, card=_card(BASE))
    return Asked()


def _publish_wide(hub: HubServer) -> Asked:
    publish(hub, "acme/wide", make_model(1), dtype="F32")
    return Asked(parent="acme/wide")


def cast(hub: HubServer, place: Path) -> Asked:
    """The values of its parent in 16 bits, said to be a fine-tune."""
    publish(hub, CHILD, make_model(1), "acme/wide", dtype="F16")
    return _publish_wide(hub)


def cast_with_new_head(hub: HubServer, place: Path) -> Asked:
    arrays = make_model(1) | {"lm_head.weight": make_model(2)["lm_head.weight"]}
    publish(hub, CHILD, arrays, "acme/wide", dtype="F16")
    return _publish_wide(hub)


def awq(hub: HubServer, place: Path) -> Asked:
    hub.add(CHILD, make_awq(make_model(1)), card=_card(BASE))
    return Asked()


def unrelated_awq(hub: HubServer, place: Path) -> Asked:
    hub.add(CHILD, make_awq(make_model(2)), card=_card(BASE))
    return Asked()


def adapter_files(base: str, hidden: int = HIDDEN) -> dict[str, bytes]:
    """Return a LoRA of rank 4 on the queries of every layer."""
    arrays = {
        f"base_model.model.model.layers.{layer}.self_attn.q_proj.lora_{side}.weight": np.ones(
            (4, hidden) if side == "A" else (hidden, 4), np.float32
        )
        for layer in range(LAYERS)
        for side in "AB"
    }
    stated = {"peft_type": "LORA", "r": 4, "base_model_name_or_path": base,
              "target_modules": ["q_proj"]}  # fmt: skip
    return {
        "adapter_config.json": json.dumps(stated).encode(),
        "adapter_model.safetensors": encode(arrays),
    }


def adapter(hub: HubServer, place: Path) -> Asked:
    hub.add(CHILD, adapter_files(BASE))
    return Asked()


def mix(a: Arrays, b: Arrays) -> Arrays:
    return {name: ((values + b[name]) / 2).astype(np.float32) for name, values in a.items()}


def merge(hub: HubServer, place: Path) -> Asked:
    one, two = tune(make_model(1), 3), tune(make_model(1), 4)
    publish(hub, "tuner/one", one, BASE)
    publish(hub, "tuner/two", two, BASE)
    publish(hub, CHILD, mix(one, two), "tuner/one", "tuner/two")
    return Asked(parent="tuner/one")


def pickled(hub: HubServer, place: Path) -> Asked:
    files = files_of(make_model(2))
    files["pytorch_model.bin"] = files.pop("model.safetensors")
    hub.add(CHILD, files, card=_card(BASE))
    return Asked()


def unread_layout(hub: HubServer, place: Path) -> Asked:
    """Codes of a layout whose values famtree does not read (MLX's own NVFP4)."""
    arrays: dict[str, Any] = {}
    for name, values in make_model(2).items():
        if values.ndim == 2:
            stem, rows = name.removesuffix(".weight"), values.shape[0]
            arrays[name] = np.zeros((rows, values.shape[1] // 8), np.int32)
            arrays[f"{stem}.scales"] = np.ones((rows, values.shape[1] // 16), np.uint8)
        else:
            arrays[name] = values
    files = files_of(arrays, quantization={"group_size": 16, "bits": 4, "mode": "nvfp4"})
    hub.add(CHILD, files, card=_card(BASE))
    return Asked()


def renamed(hub: HubServer, place: Path) -> Asked:
    hub.add("acme/former", {}, moved_to=BASE)
    publish(hub, CHILD, tune(make_model(1), 3), "acme/former")
    return Asked(claimed="acme/former")


def other_shape(hub: HubServer, place: Path) -> Asked:
    publish(hub, CHILD, make_model(2, layers=LAYERS + 1), BASE, num_key_value_heads=4)
    return Asked()


def circle(hub: HubServer, place: Path) -> Asked:
    publish(hub, CHILD, tune(make_model(1), 3), "tuner/twin")
    publish(hub, "tuner/twin", make_model(1), CHILD)
    return Asked(parent="tuner/twin")


def gated(hub: HubServer, place: Path) -> Asked:
    publish(hub, "acme/gated", make_model(1))
    hub.repositories["acme/gated"].gated = "manual"
    publish(hub, CHILD, tune(make_model(1), 3), "acme/gated")
    return Asked(parent="acme/gated")


def absent(hub: HubServer, place: Path) -> Asked:
    publish(hub, CHILD, tune(make_model(1), 3), "acme/gone")
    return Asked(parent="acme/gone")


def itself(hub: HubServer, place: Path) -> Asked:
    publish(hub, CHILD, tune(make_model(1), 3), CHILD)
    return Asked(parent=CHILD)


def distilled(hub: HubServer, place: Path) -> Asked:
    publish(hub, "tuner/base-distill", make_model(2, layers=2), BASE)
    return Asked("tuner/base-distill")


def part_unread(hub: HubServer, place: Path) -> Asked:
    """One layer of an unrelated model is stored in codes that are not read."""
    arrays: dict[str, Any] = dict(make_model(2))
    for name in list(arrays):
        if ".layers.1." in name and arrays[name].ndim == 2:
            values = arrays.pop(name)
            stem = name.removesuffix(".weight")
            outputs, inputs = values.shape
            arrays[f"{stem}.q_weight"] = np.zeros((inputs // 8, outputs), np.int32)
            arrays[f"{stem}.q_scale"] = np.zeros((inputs // 32, outputs // 8), np.int32)
            arrays[f"{stem}.q_scale_max"] = np.ones(inputs // 32, np.float16)
            arrays[f"{stem}.q_groups"] = np.zeros(inputs // 16, np.int32)
            arrays[f"{stem}.q_invperm"] = np.arange(inputs, dtype=np.int32)
    hub.add(CHILD, files_of(arrays), card=_card(BASE))
    return Asked()


def on_record(hub: HubServer, place: Path) -> Asked:
    add_model(hub, CHILD, "Qwen/Qwen2.5-7B")
    return Asked(parent="Qwen/Qwen2.5-7B")


def ruled_out_on_record(hub: HubServer, place: Path) -> Asked:
    add_model(hub, CHILD, "meta-llama/Llama-3.1-8B", config=CONFIG)
    return Asked(parent="meta-llama/Llama-3.1-8B")


def halved(hub: HubServer, place: Path) -> Asked:
    """Said to be a quantization, and made of half the layers of its parent."""
    half = cut_layers(make_model(1), [0, 1])
    hub.add(CHILD, files_of(half), card={**_card(BASE), "base_model_relation": "quantized"})
    return Asked()


def embeddings_taken(hub: HubServer, place: Path) -> Asked:
    """An unrelated model of another depth with the embeddings of the parent it claims."""
    arrays = make_model(2, layers=LAYERS + 1)
    for name in ("model.embed_tokens.weight", "lm_head.weight"):
        arrays[name] = make_model(1)[name]
    publish(hub, CHILD, arrays, BASE, num_key_value_heads=4)
    return Asked()


def pickled_parent(hub: HubServer, place: Path) -> Asked:
    files = files_of(make_model(2))
    files["pytorch_model.bin"] = files.pop("model.safetensors")
    hub.add("acme/pickled", files)
    publish(hub, CHILD, make_model(1), "acme/pickled")
    return Asked(parent="acme/pickled")


_CHECKED = re.compile(r"the link from .+ to (?P<parent>.+) is (?P<status>[a-z]+), and at worst")
_NOTED = re.compile(r"claims to come from (?P<parent>.+) \((?P<relation>[a-z-]+)\); the evidence")


def ask_all(famtree: Command, asked: Asked, place: Path, *, verify: bool) -> Answers:
    """Ask every command; `check` states no relation, which is taken from the lineage."""
    options = ("--verify",) if verify else ()
    ref, parent = asked.child, asked.parent
    policy = place / "famtree.toml"
    policy.write_text(
        f'schema = "famtree/policy/1"\n[[checkpoint]]\nref = {json.dumps(ref)}\n'
        'max_status = "verified"\n'
    )
    outcomes = {
        "identify": famtree("identify", ref, "--json", *options),
        "lineage": famtree("lineage", ref, "--json", *options),
        "compare": famtree("compare", ref, parent, "--engine", "vllm", "--json", *options),
        "turned": famtree("compare", parent, ref, "--engine", "vllm", "--json", *options),
        "bom": famtree("bom", ref, *options),
        "check": famtree("check", str(policy), "--json", *options),
    }
    documents = {name: one.document for name, one in outcomes.items()}
    unseen = asked.parent if verify or asked.claimed is None else asked.claimed
    row = scan_checkpoint(ref, load_once(), ScanSettings())
    lineage = documents["lineage"]
    said: dict[str, Said] = {
        "identify": _find(documents["identify"]["lineage"]["chain"], unseen),
        "lineage": _find(
            [one for one in lineage["edges"] if one["child"] == lineage["ref"]], parent
        ),
        "bom": _read_bom(documents["bom"], parent),
        "scan": (row["relation"], row["status"]) if row["relation"] else None,
    }
    for name in ("compare", "turned"):
        said[name] = _read_comparison(outcomes[name])
    found = documents["check"]["checkpoints"][0]
    [condition] = found["conditions"]
    told = _CHECKED.search(condition["message"])
    if said["lineage"] is not None:
        status = told["status"] if told is not None else "verified"
        said["check"] = said["lineage"][0], status
    else:
        said["check"] = None if told is None else ("?", told["status"])
    return Answers(said, documents, row)


def draw_all(famtree: Command, asked: Asked, place: Path, *, verify: bool) -> dict[str, str]:
    """Return what every command prints for people; `ask_all` wrote the policy."""
    options = ("--verify",) if verify else ()
    lines = {
        "identify": ["identify", asked.child],
        "lineage": ["lineage", asked.child],
        "compare": ["compare", asked.child, asked.parent, "--engine", "vllm"],
        "check": ["check", str(place / "famtree.toml")],
    }
    found = {}
    for name, line in lines.items():
        found[name] = famtree(*line, *options).out
        found[f"{name} markdown"] = famtree(*line, "--format", "markdown", *options).out
    found["lineage html"] = famtree("lineage", asked.child, "--html", "-", *options).out
    return found


def _find(steps: list[dict[str, Any]], parent: str) -> Said:
    for step in steps:
        if step["child"] == steps[0]["child"] and step["parent"] == parent:
            return step["relation"], step["status"]
    return None


def _read_comparison(outcome: Outcome) -> Said:
    if outcome.code != 0:
        return None
    told = outcome.document["relation"]["lineage"]
    if told["verdict"] == "same-weights":
        return "copy", told["status"]
    return (told["relation"], told["status"]) if told["relation"] else None


def _read_bom(document: dict[str, Any], parent: str) -> Said:
    pedigree = document["components"][0].get("pedigree", {})
    for kind in ("ancestors", "variants"):
        for one in pedigree.get(kind, []):
            told = {mark["name"]: mark["value"] for mark in one["properties"]}
            name = f"{one['group']}/{one['name']}" if "group" in one else one["name"]
            if name == parent:
                return told["famtree:relation"], told["famtree:status"]
    for line in pedigree.get("notes", "").splitlines():
        noted = _NOTED.search(line)
        if noted is not None and noted["parent"] == parent:
            return noted["relation"], "contradicted"
    return None
