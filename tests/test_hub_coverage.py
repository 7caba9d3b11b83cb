"""How much of a Hub is named: asked once each, continued after a stop, by weight."""

from __future__ import annotations

import json
from pathlib import Path

from conftest import ROOT, load_module
from famtree import Session
from hub.server import HubServer

BENCHMARK = load_module(ROOT / "benchmarks" / "hub_coverage.py")
LLAMA = {
    "model_type": "llama", "architectures": ["LlamaForCausalLM"], "hidden_size": 4096,
    "num_hidden_layers": 32, "num_attention_heads": 32, "num_key_value_heads": 32,
    "intermediate_size": 11008, "vocab_size": 32000, "rms_norm_eps": 1e-5, "bos_token_id": 1,
    "eos_token_id": 2, "max_position_embeddings": 4096, "hidden_act": "silu",
    "tie_word_embeddings": False,
}  # fmt: skip


def fill(hub: HubServer) -> None:
    hub.add("org/known", {"config.json": json.dumps(LLAMA).encode()})
    own = {"model_type": "oak", "architectures": ["OakModel"], "hidden_size": 7}
    hub.add("org/strange", {"config.json": json.dumps(own).encode()})


def test_shares_go_by_weight_and_a_run_is_continued(hub: HubServer, tmp_path: Path) -> None:
    fill(hub)
    ids, rows = tmp_path / "ids.txt", tmp_path / "rows.jsonl"
    ids.write_text("org/known 300\norg/strange 100\norg/absent\n")
    models = list(BENCHMARK.read_ids(ids))
    assert models == [("org/known", 300.0), ("org/strange", 100.0), ("org/absent", 1.0)]
    first = BENCHMARK.scan(iter(models[:1]), rows, Session())
    with rows.open("a") as stream:
        stream.write('{"id": "org/str')  # killed in the middle of a line
    asked = hub.seen.requests
    assert BENCHMARK.scan(iter(models[:1]), rows, Session()) == first
    assert hub.seen.requests == asked
    found = BENCHMARK.scan(iter(models), rows, Session())
    assert found[0] == first[0]
    assert [row["verdict"] for row in found] == ["named", "unknown", "unread"]
    told = "\n".join(BENCHMARK.report(found))
    assert "named    0.748 of the weight, 1 of 3 models" in told
    assert "0.2494 oak" in told


def test_the_hub_lists_its_models(hub: HubServer) -> None:
    fill(hub)
    listed = {name for name, _ in BENCHMARK.list_models(hub.url)}
    assert listed == {"org/known", "org/strange"}
