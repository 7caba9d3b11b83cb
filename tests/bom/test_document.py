from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.model.bom import Bom
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from famtree.api import bom
from famtree.formats.json_report import render_json
from hub.repository import make_sparse
from hub.server import HubServer
from lineage_hubs import CONFIG, add_model
from loading import load_module

FIXTURES = load_module(Path(__file__).parents[2] / "fixtures" / "make_fixtures.py").FIXTURES
READABLE = [name for name in FIXTURES if not name.startswith("damaged-")]
WEIGHTS = "pytorch_model.bin"


def check(document: dict[str, Any]) -> dict[str, Any]:
    """Validate a document, send it through the library and back, and return its component."""
    text = render_json(document)
    faults = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text, all_errors=True)
    assert faults is None, [str(fault) for fault in faults]
    again = json.loads(JsonV1Dot6(_read_back(text)).output_as_string())
    expected = json.loads(text)
    [component] = expected["components"]
    if "serialNumber" not in expected:
        # The library makes up what a document lacks.
        del again["serialNumber"], again["metadata"]["timestamp"]
    # The one part the library does not know; the schema has checked it.
    expected["components"] = [
        {name: part for name, part in component.items() if name != "modelCard"}
    ]
    assert _sort(again) == _sort(expected)
    assert isinstance(component, dict)
    return component


def _read_back(text: str) -> Bom:
    # The library's decorator adds `from_json`, where mypy does not see it.
    read: Callable[[Any], Bom] = getattr(Bom, "from_json")  # noqa: B009
    return read(json.loads(text))


def _sort(value: Any) -> Any:
    """Bring lists, which the library keeps as sets, into one order."""
    if isinstance(value, dict):
        return {key: _sort(item) for key, item in value.items()}
    if isinstance(value, list):
        return sorted((_sort(item) for item in value), key=lambda item: json.dumps(item))
    return value


def read(component: dict[str, Any]) -> dict[str, str]:
    return {one["name"].removeprefix("famtree:"): one["value"] for one in component["properties"]}


def test_enough_fixtures() -> None:
    assert len(READABLE) >= 10


@pytest.mark.parametrize("name", READABLE)
def test_documents_of_fixtures_validate_and_round_trip(
    name: str, fixture_checkpoints: dict[str, Path]
) -> None:
    folder = fixture_checkpoints[name]
    document = bom(str(folder), offline=True)
    component = check(document)
    assert (component["type"], component["name"]) == ("machine-learning-model", name)
    assert "purl" not in component
    assert "serialNumber" not in document
    assert render_json(document) == render_json(bom(str(folder), offline=True))
    files = {one["name"] for one in component.get("components", ())}
    assert files == {path.name for path in folder.glob("*.safetensors")}


def test_the_validator_refuses_a_wrong_document(fixture_checkpoints: dict[str, Path]) -> None:
    document = bom(str(fixture_checkpoints["gpt2"]), offline=True)
    document["components"][0]["modelCard"]["family"] = "x"
    with pytest.raises(AssertionError, match="Additional properties"):
        check(document)


def test_a_hub_checkpoint_has_commit_hashes_and_licence(hub: HubServer) -> None:
    weights = make_sparse(WEIGHTS, 1000)
    commit = hub.add(
        "acme/Oaken-7B",
        {"config.json": json.dumps(CONFIG).encode(), WEIGHTS: weights},
        card={
            "license": "other",
            "license_name": "oaken-licence",
            "license_link": "https://example.org/licence",
            "pipeline_tag": "text-generation",
        },
    )
    component = check(bom("acme/Oaken-7B"))
    assert component["purl"] == f"pkg:huggingface/acme/Oaken-7B@{commit}"
    assert (component["group"], component["name"]) == ("acme", "Oaken-7B")
    assert component["version"] == commit
    assert component["hashes"] == [{"alg": "SHA-256", "content": weights.sha256}]
    [file] = component["components"]
    assert (file["name"], file["hashes"]) == (WEIGHTS, component["hashes"])
    assert component["licenses"] == [
        {
            "license": {
                "acknowledgement": "declared",
                "name": "oaken-licence",
                "url": "https://example.org/licence",
            }
        }
    ]
    parameters = component["modelCard"]["modelParameters"]
    assert parameters["task"] == "text-generation"
    assert parameters["modelArchitecture"] == CONFIG["architectures"][0]


def test_hashes_of_many_files_stand_with_the_files(hub: HubServer) -> None:
    files = {f"pytorch_model-{n}.bin": make_sparse(f"{n}", 10 + n) for n in (1, 2)}
    hub.add("acme/many", {"config.json": json.dumps(CONFIG).encode(), **files})
    component = check(bom("acme/many"))
    assert "hashes" not in component
    assert {one["name"]: one["hashes"][0]["content"] for one in component["components"]} == {
        name: file.sha256 for name, file in files.items()
    }


def test_the_pedigree_nests_and_has_a_status_for_each_link(hub: HubServer) -> None:
    add_model(hub, "a/third", "a/second", relation="finetune")
    add_model(hub, "a/second", "Qwen/Qwen2.5-7B")
    second = hub.repositories["a/second"].refs["main"]
    [parent] = check(bom("a/third"))["pedigree"]["ancestors"]
    assert parent["purl"] == f"pkg:huggingface/a/second@{second}"
    assert read(parent)["status"] == "consistent"
    assert read(parent)["relation"] == "finetune"
    [root] = parent["pedigree"]["ancestors"]
    assert root["purl"] == "pkg:huggingface/Qwen/Qwen2.5-7B"
    assert "pedigree" not in root


def test_common_ancestors_are_followed_once(hub: HubServer) -> None:
    add_model(hub, "a/base")
    add_model(hub, "a/left", "a/base")
    add_model(hub, "a/right", "a/base")
    add_model(hub, "a/merge", ["a/left", "a/right"], relation="merge")
    left, right = check(bom("a/merge"))["pedigree"]["ancestors"]
    for one in (left, right):
        assert [base["name"] for base in one["pedigree"]["ancestors"]] == ["base"]


def test_a_parent_that_is_ruled_out_is_no_ancestor(hub: HubServer) -> None:
    add_model(hub, "a/base", changes={"hidden_size": 2048, "num_hidden_layers": 12})
    add_model(hub, "a/child", "a/base", relation="finetune")
    component = check(bom("a/child"))
    pedigree = component["pedigree"]
    assert "a/base" in pedigree["notes"]
    assert "base" not in [one["name"] for one in pedigree.get("ancestors", ())]
    assert read(component)["lineage:contradicted"] == "a/base"


def test_a_parent_on_somebodys_disk_has_no_package_url(hub: HubServer) -> None:
    add_model(hub, "a/child", changes={"_name_or_path": "/home/somebody/models/base"})
    pedigree = check(bom("a/child")).get("pedigree", {})
    assert all("purl" not in one for one in pedigree.get("variants", ()))


def test_children_are_descendants_where_asked_for(hub: HubServer) -> None:
    add_model(hub, "a/base")
    add_model(hub, "a/child", "a/base", tags=["base_model:finetune:a/base"])
    assert "pedigree" not in check(bom("a/base"))
    [child] = check(bom("a/base", children=True))["pedigree"]["descendants"]
    assert child["purl"] == "pkg:huggingface/a/child"
    assert read(child)["relation"] == "finetune"


def test_time_and_serial_number_where_asked_for(fixture_checkpoints: dict[str, Path]) -> None:
    document = bom(str(fixture_checkpoints["gpt2"]), offline=True, stamp=True)
    check(document)
    assert document["serialNumber"].startswith("urn:uuid:")
    assert document["metadata"]["timestamp"]
