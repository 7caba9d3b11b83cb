"""An adapter's base is looked at on the Hub where its name tells nothing."""

from __future__ import annotations

import json

from famtree.api import identify
from hub.server import HubServer
from lineage_hubs import LLAMA_3, add_model


def add_adapter(hub: HubServer, base: str) -> None:
    config = json.dumps({"peft_type": "LORA", "base_model_name_or_path": base}).encode()
    hub.add("me/lora", {"adapter_config.json": config, "adapter_model.bin": b"never opened"})


def test_the_base_s_own_files_tell_what_its_name_does_not(hub: HubServer) -> None:
    base = "acme/support-8b"
    add_model(hub, base, config=LLAMA_3)
    add_adapter(hub, base)
    result = identify("me/lora")
    assert (result.kind, result.decided_by) == ("adapter", "declared")
    assert result.family is not None
    assert result.family.key == "llama"
    assert result.confidence == 0.9
    assert result.lineage.parents == [base]


def test_a_base_that_is_not_there_is_what_its_name_says(hub: HubServer) -> None:
    add_adapter(hub, "acme/gemma-2-9b-twin")
    result = identify("me/lora")
    assert result.family is not None
    assert result.family.key == "gemma"
    assert 0.7 <= result.confidence < 0.9
