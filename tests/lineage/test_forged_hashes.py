"""Hashes that somebody wrote down: into a download record, into a path shaped like the Hub cache.

No command takes one for a proof. With `--verify` the bytes are hashed, and then the truth is told.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from cli.commands import Command, make_command
from famtree import api
from forged_folders import BASE, Files, Lay, in_path, in_record, tamper, weights_of
from hub.server import HubServer
from tiny_models import encode, files_of, make_model, tune

LAYOUTS = pytest.mark.parametrize("lay", [in_record, in_path])


@pytest.fixture
def base(hub: HubServer) -> Files:
    files = files_of(make_model(1))
    hub.add(BASE, {**files, "README.md": b"---\nlicense: mit\n---\n"})
    return files


@pytest.fixture
def famtree(capsys: pytest.CaptureFixture[str]) -> Command:
    return make_command(capsys)


def ask_all(famtree: Command, folder: Path, *options: str) -> dict[str, Any]:
    """Return what every command answers about a folder, as JSON, with the texts under `text`."""
    ref, policy, rows = str(folder), folder.parent / "famtree.toml", folder.parent / "rows.jsonl"
    policy.write_text(
        f'schema = "famtree/policy/1"\n[[checkpoint]]\nref = {json.dumps(ref)}\n'
        f'expect_parent = "{BASE}"\nmax_status = "verified"\n'
    )
    found: dict[str, Any] = {
        "identify": famtree("identify", ref, "--json", *options).document,
        "lineage": famtree("lineage", ref, "--json", *options).document,
        "compare": famtree("compare", ref, BASE, "--json", *options).document,
        "turned": famtree("compare", BASE, ref, "--json", *options).document,
        "bom": famtree("bom", ref, *options).document,
        "check": famtree("check", str(policy), "--json", *options).code,
        "gate": famtree("identify", ref, "--max-status", "verified", *options).code,
    }
    found["text"] = "".join(
        famtree(command, *more, *options).out
        for command, more in (
            ("identify", [ref]), ("lineage", [ref]), ("compare", [ref, BASE]),
            ("compare", [BASE, ref]),
        )
    )  # fmt: skip
    rows.unlink(missing_ok=True)
    assert famtree("scan", ref, "--out", str(rows)).code == 0
    found["scan"] = json.loads(rows.read_text())
    return found


def links(found: dict[str, Any]) -> set[tuple[str, str, str]]:
    """Return (parent, relation, status) of every link to the base that any command states."""
    steps = found["identify"]["lineage"]["chain"] + found["lineage"]["edges"]
    stated = {(one["parent"], one["relation"], one["status"]) for one in steps}
    for ancestor in found["bom"]["components"][0].get("pedigree", {}).get("ancestors", []):
        told = {one["name"]: one["value"] for one in ancestor["properties"]}
        name = f"{ancestor['group']}/{ancestor['name']}"
        stated.add((name, told["famtree:relation"], told["famtree:status"]))
    return {one for one in stated if one[0] == BASE}


def own_hashes(found: dict[str, Any]) -> set[str]:
    [component] = found["bom"]["components"]
    parts = [component, *component.get("components", [])]
    return {one["content"] for part in parts for one in part.get("hashes", [])}


def own_properties(found: dict[str, Any]) -> dict[str, str]:
    parts = found["bom"]["components"][0].get("components", [])
    return {one["name"]: one["value"] for part in parts for one in part["properties"]}


def assert_nothing_proven(found: dict[str, Any]) -> None:
    assert links(found), "the parent is still named"
    for _, relation, status in links(found):
        assert relation != "copy"
        assert status in ("consistent", "declared", "unresolved", "inferred", "contradicted")
    for which in ("compare", "turned"):
        verdict = found[which]["relation"]["lineage"]
        assert verdict["verdict"] != "same-weights"
        # `verified` here may only be said of what the weights prove: that they are unrelated.
        assert verdict["status"] != "verified" or verdict["verdict"] == "independent"
    assert (found["check"], found["gate"]) == (1, 1)
    assert found["scan"]["weight_files"] == []
    assert (found["scan"]["status"], found["scan"]["relation"]) != ("verified", "copy")
    for word in ("equal for every", "every weight file has the same", "same-weights", "a copy of"):
        assert word not in found["text"]


@LAYOUTS
@pytest.mark.parametrize("true", [True, False])
def test_a_record_proves_nothing(
    hub: HubServer, base: Files, famtree: Command, tmp_path: Path, lay: Lay, *, true: bool
) -> None:
    files = base if true else files_of(make_model(2))
    found = ask_all(famtree, lay(hub, tmp_path, files, weights_of(base)))
    assert_nothing_proven(found)
    assert "verified" not in found["text"]
    assert own_hashes(found) == set()
    assert own_properties(found)["famtree:hash:recorded"] == sha256(
        base["model.safetensors"]
    ).hexdigest()  # fmt: skip
    signals = {one["signal"] for one in found["lineage"]["edges"][0]["evidence"]}
    assert "recorded" in signals
    assert "weights.sha256" not in signals
    assert found["identify"]["cost"]["bytes"] < len(base["model.safetensors"])


@LAYOUTS
@pytest.mark.parametrize("forgery", ["foreign", "tampered"])
def test_a_forged_record_is_found_out_by_hashing(
    hub: HubServer, base: Files, famtree: Command, tmp_path: Path, lay: Lay, forgery: str
) -> None:
    files = {**base, "model.safetensors": tamper(base["model.safetensors"])}
    if forgery == "foreign":
        files = files_of(make_model(2))
    found = ask_all(famtree, lay(hub, tmp_path, files, weights_of(base)), "--verify")
    assert_nothing_proven(found)
    recorded, computed = (sha256(one["model.safetensors"]).hexdigest() for one in (base, files))
    for command in ("identify", "lineage", "compare", "turned"):
        [told] = [one for one in found[command]["warnings"] if one["code"] == "hash-mismatch"]
        for part in ("model.safetensors", recorded, computed):
            assert part in told["message"]
    assert own_hashes(found) == {computed}
    assert own_properties(found)["famtree:hash:mismatch"] == f"recorded {recorded}"
    assert "famtree:hash:recorded" not in own_properties(found)


@LAYOUTS
def test_true_weights_are_a_copy_after_hashing(
    hub: HubServer, base: Files, famtree: Command, tmp_path: Path, lay: Lay
) -> None:
    found = ask_all(famtree, lay(hub, tmp_path, base, weights_of(base)), "--verify")
    assert links(found) == {(BASE, "copy", "verified")}
    size = len(base["model.safetensors"])
    for which in ("compare", "turned"):
        verdict = found[which]["relation"]["lineage"]
        assert (verdict["verdict"], verdict["status"]) == ("same-weights", "verified")
        assert verdict["bytes_read"] == size
    [proof] = found["identify"]["lineage"]["proofs"]
    assert (proof["verdict"], proof["bytes_read"]) == ("same-weights", size)
    assert found["identify"]["checkpoint"]["weights_read"]
    assert found["identify"]["cost"]["bytes"] >= size
    assert (found["check"], found["gate"]) == (0, 0)
    assert own_hashes(found) == {sha256(base["model.safetensors"]).hexdigest()}
    assert not {"famtree:hash:recorded", "famtree:hash:mismatch"} & own_properties(found).keys()


def split(seed: int) -> Files:
    """Return a checkpoint in two shards."""
    files = files_of(make_model(seed))
    del files["model.safetensors"]
    arrays = make_model(seed)
    names = sorted(arrays)
    parts = [names[: len(names) // 2], names[len(names) // 2 :]]
    weight_map: dict[str, str] = {}
    for number, part in enumerate(parts, 1):
        shard = f"model-0000{number}-of-00002.safetensors"
        files[shard] = encode({name: arrays[name] for name in part})
        weight_map |= dict.fromkeys(part, shard)
    files["model.safetensors.index.json"] = json.dumps({"weight_map": weight_map}).encode()
    return files


SECOND = "model-00002-of-00002.safetensors"


@pytest.fixture
def shards(hub: HubServer) -> Files:
    files = split(1)
    hub.add(BASE, {**files, "README.md": b"---\nlicense: mit\n---\n"})
    return files


@LAYOUTS
def test_two_true_shards_are_a_copy(
    hub: HubServer, shards: Files, famtree: Command, tmp_path: Path, lay: Lay
) -> None:
    found = ask_all(famtree, lay(hub, tmp_path, shards, weights_of(shards)), "--verify")
    assert links(found) == {(BASE, "copy", "verified")}
    assert (found["check"], len(own_hashes(found))) == (0, 2)


@LAYOUTS
def test_one_of_two_shards_replaced(
    hub: HubServer, shards: Files, famtree: Command, tmp_path: Path, lay: Lay
) -> None:
    files = {**shards, SECOND: tamper(shards[SECOND])}
    found = ask_all(famtree, lay(hub, tmp_path, files, weights_of(shards)), "--verify")
    assert_nothing_proven(found)
    assert any(SECOND in one["message"] for one in found["lineage"]["warnings"])


PARTS: dict[str, Callable[[Files], tuple[Files, Files]]] = {
    "a shard is absent, its record is there": lambda files: (
        {name: data for name, data in files.items() if name != SECOND},
        weights_of(files),
    ),
    "one shard has no record": lambda files: (
        {**files, SECOND: split(2)[SECOND]},
        {name: data for name, data in weights_of(files).items() if name != SECOND},
    ),
    "a file more": lambda files: (
        {**files, "extra.ckpt": b"pickled"},
        weights_of(files),
    ),
    "the index names a file of another kind": lambda files: (
        {
            **files,
            "weights.dat": encode({"model.embed_tokens.weight": make_model(2)["lm_head.weight"]}),
            "model.safetensors.index.json": files["model.safetensors.index.json"].replace(
                SECOND.encode(), b"weights.dat", 1
            ),
        },
        weights_of(files),
    ),
    "an index that cannot be read": lambda files: (
        {**files, "pytorch_model.bin.index.json": b"{"},
        weights_of(files),
    ),
}


@LAYOUTS
@pytest.mark.parametrize("part", PARTS)
def test_a_part_is_never_the_whole(
    hub: HubServer, shards: Files, famtree: Command, tmp_path: Path, lay: Lay, part: str
) -> None:
    files, recorded = PARTS[part](shards)
    folder = lay(hub, tmp_path, files, recorded)
    for options in ((), ("--verify",)):
        found = ask_all(famtree, folder, *options)
        assert "every weight file has the same" not in found["text"]
        assert "hashes of all weight files are equal" not in found["text"]
        if part != "a file more":  # the weights that are loaded are the base's, as samples show
            assert not any(relation == "copy" for _, relation, _ in links(found))
            for which in ("compare", "turned"):
                assert found[which]["relation"]["lineage"]["verdict"] != "same-weights"


def test_pickled_weights_are_hashed_as_well(
    hub: HubServer, famtree: Command, tmp_path: Path
) -> None:
    files = files_of(make_model(1))
    files["pytorch_model.bin"] = files.pop("model.safetensors")
    hub.add(BASE, files)
    weights = {"pytorch_model.bin": files["pytorch_model.bin"]}
    folder = in_record(hub, tmp_path, files, weights)
    assert api.lineage(str(folder)).edges[0].status != "verified"
    edge = api.lineage(str(folder), verify=True).edges[0]
    assert (edge.relation, edge.status) == ("copy", "verified")
    (folder / "pytorch_model.bin").write_bytes(tamper(files["pytorch_model.bin"]))
    found = api.lineage(str(folder), verify=True)
    assert found.edges[0].status != "verified"
    assert "hash-mismatch" in {one.code for one in found.warnings}


def test_a_cache_that_was_put_there_proves_nothing_offline(
    hub: HubServer, base: Files, tmp_path: Path
) -> None:
    cache = tmp_path / "hf" / "hub"
    folder = in_path(hub, cache, files_of(make_model(2)), weights_of(base))
    refs = folder.parent.parent / "refs"
    refs.mkdir()
    (refs / "main").write_text(folder.name)
    copy = in_record(hub, tmp_path, base, weights_of(base))
    for verify in (False, True):
        found = api.lineage(str(copy), offline=True, verify=verify)
        assert [(one.parent, one.status == "verified") for one in found.edges] == [(BASE, False)]


@pytest.mark.parametrize("options", [(), ("--offline",)])
@pytest.mark.parametrize("listed", [True, False])
def test_samples_prove_nothing_by_a_cache_that_was_filled_otherwise(
    hub: HubServer, tmp_path: Path, famtree: Command, base: Files, options: Any, listed: bool
) -> None:
    """The Hub cache holds other weights under the name of the base's own hash."""
    other = files_of(make_model(2))
    folder = tmp_path / "acme__thing"
    folder.mkdir()
    for name, data in {**other, "README.md": f"---\nbase_model: {BASE}\n---\n".encode()}.items():
        (folder / name).write_bytes(data)
    if listed:
        famtree("lineage", str(folder), "--json")
    home = tmp_path / "hf" / "hub"
    snapshot = in_path(hub, home, {**base, **weights_of(other)}, weights_of(base))
    refs = snapshot.parent.parent / "refs"
    refs.mkdir()
    (refs / "main").write_text(snapshot.name)
    found = famtree("lineage", str(folder), "--json", "--verify", *options).document
    assert {edge["status"] for edge in found["edges"]} <= {"contradicted", "consistent", "declared"}
    verdict = famtree("compare", str(folder), BASE, "--json", "--verify", *options).document
    assert verdict["relation"]["lineage"]["status"] != "verified"


def test_offline_a_sound_cache_proves(
    hub: HubServer, tmp_path: Path, famtree: Command, base: Files
) -> None:
    snapshot = in_path(hub, tmp_path / "hf" / "hub", base, weights_of(base))
    refs = snapshot.parent.parent / "refs"
    refs.mkdir()
    (refs / "main").write_text(snapshot.name)
    folder = tmp_path / "acme__thing"
    folder.mkdir()
    tuned = files_of(tune(make_model(1), 3))
    for name, data in {**tuned, "README.md": f"---\nbase_model: {BASE}\n---\n".encode()}.items():
        (folder / name).write_bytes(data)
    found = famtree("lineage", str(folder), "--json", "--verify", "--offline").document
    assert [edge["status"] for edge in found["edges"]] == ["verified"]


@pytest.mark.parametrize(
    "name", ["pytorch_model.bin", "model-extra.safetensors", "original/consolidated.00.pth"]
)
def test_equal_samples_are_no_copy_where_another_weight_file_was_not_read(
    hub: HubServer, famtree: Command, base: Files, name: str
) -> None:
    evil = weights_of(files_of(make_model(2)))["model.safetensors"]
    card = f"---\nbase_model: {BASE}\n---\n".encode()
    hub.add("acme/thing", {**base, name: evil, "README.md": card}, card={"base_model": [BASE]})
    found = famtree("lineage", "acme/thing", "--json", "--verify").document
    assert [(edge["relation"], edge["status"]) for edge in found["edges"]] == [
        ("finetune", "verified")
    ]
    told = famtree("compare", "acme/thing", BASE, "--json", "--verify").document
    assert told["relation"]["lineage"]["verdict"] == "a-derives-from-b"


def test_what_the_files_of_a_cached_copy_claim_is_claimed_of_the_original(
    hub: HubServer, base: Files, tmp_path: Path
) -> None:
    card = {**base, "README.md": b"---\nbase_model: acme/older\n---\n"}
    folder = in_path(hub, tmp_path, card, weights_of(base))
    edges = api.lineage(str(folder)).edges
    assert [(one.child == BASE, one.parent) for one in edges] == [
        (False, BASE),
        (True, "acme/older"),
    ]
