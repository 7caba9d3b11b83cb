"""Partly filled caches of huggingface_hub answer as the folder they are; a Hub may be down."""

from __future__ import annotations

import json
import shutil
import struct
from pathlib import Path

import pytest
from huggingface_hub import hf_hub_download, snapshot_download

import famtree
from famtree.errors import NetworkError, OfflineError
from famtree.sources.connections import CONNECTIONS
from famtree.types.identification import Identification
from hub.server import HubServer

HIDDEN, LAYERS, VOCAB = 64, 8, 128
CONFIG = {
    "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": HIDDEN,
    "num_hidden_layers": LAYERS, "num_attention_heads": 4, "num_key_value_heads": 2,
    "intermediate_size": 96, "vocab_size": VOCAB, "torch_dtype": "bfloat16",
    "tie_word_embeddings": False,
}  # fmt: skip
VOCABULARY = {"model": {"type": "BPE", "vocab": {"a": 0, "b": 1}, "merges": []}}


def encode(tensors: dict[str, tuple[int, ...]]) -> bytes:
    """Return a safetensors file of zeros."""
    header, at = {}, 0
    for name, shape in tensors.items():
        size = 2
        for one in shape:
            size *= one
        header[name] = {"dtype": "BF16", "shape": shape, "data_offsets": [at, at + size]}
        at += size
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + bytes(at)


def make_checkpoint(shards: int, *, card: bool = True) -> dict[str, bytes]:
    """Return the files of a small Llama in so many shards."""
    groups: list[dict[str, tuple[int, ...]]] = [
        {"model.embed_tokens.weight": (VOCAB, HIDDEN)},
        *(
            {
                f"model.layers.{number}.input_layernorm.weight": (HIDDEN,),
                f"model.layers.{number}.self_attn.q_proj.weight": (HIDDEN, HIDDEN),
                f"model.layers.{number}.self_attn.k_proj.weight": (HIDDEN // 2, HIDDEN),
                f"model.layers.{number}.mlp.gate_proj.weight": (96, HIDDEN),
            }
            for number in range(LAYERS)
        ),
        {"model.norm.weight": (HIDDEN,), "lm_head.weight": (VOCAB, HIDDEN)},
    ]
    files = {
        "config.json": json.dumps(CONFIG).encode(),
        "tokenizer.json": json.dumps(VOCABULARY).encode(),
        "tokenizer_config.json": b'{"tokenizer_class": "LlamaTokenizer"}',
        "README.md": b"---\nbase_model: meta-llama/Llama-2-7b-hf\n---\n",
    }
    held: list[dict[str, tuple[int, ...]]] = [{} for _ in range(shards)]
    for number, group in enumerate(groups):
        held[number * shards // len(groups)] |= group
    if shards == 1:
        return files | {"model.safetensors": encode(held[0])}
    weight_map: dict[str, str] = {}
    for number, tensors in enumerate(held, 1):
        name = f"model-{number:05d}-of-{shards:05d}.safetensors"
        files[name] = encode(tensors)
        weight_map |= dict.fromkeys(tensors, name)
    index = {"metadata": {"total_size": 1}, "weight_map": weight_map}
    return files | {"model.safetensors.index.json": json.dumps(index).encode()}


def codes(found: Identification) -> set[str]:
    return {one.code for one in found.warnings}


def compare(found: Identification, folder: Identification) -> None:
    """See that offline mode knows all that the folder's path does."""
    assert found.outcome == folder.outcome
    assert found.family == folder.family
    assert found.candidates == folder.candidates
    assert found.confidence == folder.confidence
    assert found.parameters == folder.parameters
    assert found.fingerprint == folder.fingerprint
    assert found.checkpoint.revision == folder.checkpoint.revision
    own = found.checkpoint.ref  # of which the folder is a copy
    parents = {link.parent for link in folder.lineage.chain} - {own}
    assert {link.parent for link in found.lineage.chain} >= parents
    assert found.cost.requests == 0
    assert codes(found) >= codes(folder) - {"parent-offline", "parent-unreached"}


SHAPES: dict[str, tuple[int, list[str], set[str]]] = {
    "JSON only": (4, ["*.json", "README.md"], {"shard-missing"}),
    "one of four": (4, ["*.json", "model-00001*"], {"shard-missing"}),
    "three of four": (4, ["*.json", "model-0000[123]*"], {"shard-missing"}),
    "all of four": (4, ["*"], set()),
    "three of eight": (8, ["*.json", "README.md", "model-0000[236]*"], {"shard-missing"}),
    "all but one of eight": (8, ["*.json", "model-0000[1-578]*"], {"shard-missing"}),
    "all of eight": (8, ["*"], set()),
    "index without shards": (4, ["*.index.json"], {"shard-missing"}),
    "config without index": (4, ["config.json"], set()),
    "shards without index": (4, ["config.json", "model-00001*"], {"shard-missing"}),
    "one file that is not there": (1, ["*.json"], set()),
    "one file": (1, ["*"], set()),
}  # fmt: skip


@pytest.mark.parametrize("trees", [True, False])
@pytest.mark.parametrize("shape", SHAPES)
def test_a_partly_filled_cache_answers_as_the_folder(
    hub: HubServer, tmp_path: Path, shape: str, trees: bool
) -> None:
    shards, patterns, told = SHAPES[shape]
    commit = hub.add("org/name", make_checkpoint(shards))
    place = Path(snapshot_download("org/name", allow_patterns=patterns))
    assert place.name == commit
    kept = place.parent.parent / "trees"
    if trees:
        assert (kept / f"{commit}.json").is_file(), "as huggingface_hub writes it"
    else:
        shutil.rmtree(kept, ignore_errors=True)
    hub.seen.clear()
    offline = famtree.identify("org/name", offline=True)
    assert hub.seen.all == []
    compare(offline, famtree.identify(str(place), offline=True))
    assert codes(offline) >= told
    if trees and patterns != ["*"]:
        assert "shard-missing" in codes(offline), "the tree tells of weights that are not there"


def test_incomplete_blobs_are_not_there(hub: HubServer) -> None:
    hub.add("org/name", make_checkpoint(4))
    place = Path(snapshot_download("org/name"))
    shard = place / "model-00003-of-00004.safetensors"
    blob = shard.resolve()
    blob.rename(blob.with_name(f"{blob.name}.incomplete"))
    found = famtree.identify("org/name", offline=True)
    compare(found, famtree.identify(str(place), offline=True))
    assert "shard-missing" in codes(found)


def test_an_adapter_alone(hub: HubServer) -> None:
    config = {"peft_type": "LORA", "r": 8, "base_model_name_or_path": "meta-llama/Llama-2-7b-hf"}
    weights: dict[str, tuple[int, ...]] = {
        "base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight": (8, 4096),
        "base_model.model.model.layers.0.self_attn.q_proj.lora_B.weight": (4096, 8),
    }
    files = {
        "adapter_config.json": json.dumps(config).encode(),
        "adapter_model.safetensors": encode(weights),
        "optimizer.pt": b"state",
    }
    hub.add("org/name", files)
    place = snapshot_download("org/name", allow_patterns="adapter*")
    found = famtree.identify("org/name", offline=True)
    compare(found, famtree.identify(place, offline=True))
    assert "shard-missing" not in codes(found), "what an optimizer keeps is no weight"


def test_blobs_that_repositories_share(hub: HubServer) -> None:
    """huggingface_hub 2.4 keeps files of Xet once for the whole cache, and links to them."""
    hub.add("org/name", make_checkpoint(4))
    place = Path(snapshot_download("org/name"))
    for shard in place.glob("*.safetensors"):
        blob = shard.resolve()
        store = place.parents[2] / "blobs" / blob.name[:2] / blob.name
        store.parent.mkdir(parents=True, exist_ok=True)
        blob.rename(store)
        blob.symlink_to(store)
    for reference in ("org/name", str(place)):
        found = famtree.identify(reference, offline=True)
        assert not {"header-unread", "shard-missing"} & codes(found), reference
        assert found.parameters


def test_what_was_asked_before_is_answered_the_same(hub: HubServer) -> None:
    """Of famtree's own cache the same is asked again, so that the answer is the same."""
    hub.add("org/name", make_checkpoint(8))
    first = famtree.identify("org/name")
    snapshot_download("org/name", allow_patterns=["model-00002*"])
    again = famtree.identify("org/name", offline=True)
    assert again.fingerprint == first.fingerprint
    assert codes(again) == codes(first)
    assert again.cost.requests == 0


def test_a_listing_alone_leaves_the_folder_to_answer(hub: HubServer) -> None:
    """As an ancestor famtree knows the listing; what was downloaded since is read all the same."""
    hub.add("org/name", make_checkpoint(4))
    famtree.Session().examine("org/name", reach=0)
    hub.add("org/child", make_checkpoint(4) | {"README.md": b"---\nbase_model: org/other\n---\n"})
    hub.add("org/other", make_checkpoint(8))
    famtree.lineage("org/child")
    place = snapshot_download("org/other", allow_patterns=["*.json", "model-00001*"])
    compare(famtree.identify("org/other", offline=True), famtree.identify(place, offline=True))


def test_nothing_cached_is_told(hub: HubServer) -> None:
    hub.add("org/name", make_checkpoint(4))
    with pytest.raises(OfflineError, match="not cached and offline mode is on"):
        famtree.identify("org/name", offline=True)
    hf_hub_download("org/name", "README.md")
    with pytest.raises(OfflineError):
        famtree.identify("org/name", offline=True)


@pytest.mark.parametrize("filled", ["own", "huggingface_hub"])
@pytest.mark.parametrize("fault", ["closed", "reset", "503"])
def test_a_hub_that_is_down(
    hub: HubServer, monkeypatch: pytest.MonkeyPatch, pauses: list[float], filled: str, fault: str
) -> None:
    hub.add("org/name", make_checkpoint(4))
    if filled == "own":
        expected = famtree.identify("org/name")
    else:
        expected = famtree.identify(snapshot_download("org/name"), offline=True)
    if fault == "closed":
        hub.stop()
        CONNECTIONS.close()
    elif fault == "reset":
        hub.faults.reset = True
    else:
        hub.faults.statuses.extend([503] * 99)
    session = famtree.Session()
    found = session.identify("org/name")
    assert (found.outcome, found.fingerprint) == (expected.outcome, expected.fingerprint)
    [told] = [one.message for one in found.warnings if one.code == "hub-unreachable"]
    assert "what is cached of commit" in told
    hub.seen.clear()
    assert session.identify("org/name").fingerprint == expected.fingerprint
    assert hub.seen.all == [], "the Hub is not asked again at once"
    with pytest.raises(NetworkError):
        famtree.identify("org/absent")


def test_what_a_hub_refuses_is_not_answered_from_a_cache(hub: HubServer) -> None:
    hub.add("org/name", make_checkpoint(4))
    famtree.identify("org/name")
    hub.faults.html_page = True
    with pytest.raises(NetworkError, match="HTML page"):
        famtree.identify("org/name")
    hub.faults.html_page = False
    hub.faults.statuses.extend([418])
    with pytest.raises(NetworkError, match="status 418"):
        famtree.identify("org/name")
    hub.repositories["org/name"].private = True
    with pytest.raises(famtree.FamtreeError, match="does not exist, or is private"):
        famtree.identify("org/name")


def test_renames_are_said(hub: HubServer) -> None:
    hub.add("org/name", make_checkpoint(4))
    hub.add("org/old", {}, moved_to="org/name")
    found = famtree.identify("org/old")
    assert [one.message for one in found.warnings if one.code == "renamed"] == [
        "org/old is now org/name"
    ]
    assert "renamed" in codes(famtree.identify("org/old", offline=True))
    assert "renamed" not in codes(famtree.identify("org/name"))
