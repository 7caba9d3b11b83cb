from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from famtree.api import identify, lineage
from famtree.errors import AccessError
from famtree.lineage import walk
from famtree.registry.load import load_registry
from famtree.types.lineage import Lineage
from fingerprints.vocabularies import tokenizer_json
from hub.server import HubServer
from lineage_hubs import CONFIG, LLAMA_3, MISTRAL, add_model

BASE = "Qwen/Qwen2.5-7B"
OTHER_BYTES = {"initializer_range": 0.02}
"""Makes a config.json a file of its own: equal ones are answered by the cache."""


def links(found: Lineage) -> list[tuple[str, str, str]]:
    return [(edge.child, edge.parent, edge.status) for edge in found.edges]


def codes(found: Lineage) -> list[str]:
    return [notice.code for notice in found.warnings]


def test_a_chain_is_walked_to_a_root(hub: HubServer) -> None:
    add_model(hub, "a/third", "a/second")
    add_model(hub, "a/second", BASE)
    add_model(hub, BASE)
    found = lineage("a/third")
    assert links(found) == [
        ("a/third", "a/second", "consistent"),
        ("a/second", BASE, "consistent"),
    ]
    assert (found.roots, found.complete, codes(found)) == ([BASE], True, [])
    assert [node.ref for node in found.nodes] == ["a/third", "a/second", BASE]


def test_an_ancestor_costs_its_listing_and_small_files(hub: HubServer) -> None:
    weights = {"model.safetensors": b"\0" * 64, "tokenizer.json": tokenizer_json()}
    add_model(hub, "a/child", "a/parent")
    add_model(hub, "a/parent", BASE, files=weights, changes=OTHER_BYTES)
    found = lineage("a/child", depth=1)
    asked = [path for path in hub.seen.paths if "a/parent" in path and "resolve-cache" not in path]
    assert sorted(path.rpartition("/")[2] for path in asked) == ["config.json", "parent"]
    assert found.cost.requests == hub.seen.requests
    assert found.cost.bytes > 0


def test_parents_of_one_generation_are_opened_at_once(hub: HubServer) -> None:
    parents = [f"a/p{number}" for number in range(6)]
    add_model(hub, "a/merge", parents)
    for parent in parents:
        add_model(hub, parent)
    lineage("a/merge")
    hub.seen.clear()
    hub.faults.latency = 0.15
    found = lineage("a/merge")
    assert len(found.edges) == 6
    assert hub.seen.most_at_once >= 4


@pytest.mark.parametrize("ring", [["a/one"], ["a/one", "a/two"], ["a/one", "a/two", "a/three"]])
def test_a_circle_is_cut(hub: HubServer, ring: list[str]) -> None:
    for number, name in enumerate(ring):
        add_model(hub, name, [ring[(number + 1) % len(ring)]])
    found = lineage("a/one")
    assert len(found.edges) == len(ring) - 1
    assert codes(found) == ["cycle"]
    assert not found.complete


def test_the_depth_is_kept(hub: HubServer) -> None:
    for number in range(5):
        add_model(hub, f"a/m{number}", f"a/m{number + 1}")
    add_model(hub, "a/m5")
    found = lineage("a/m0", depth=2)
    assert [edge.parent for edge in found.edges] == ["a/m1", "a/m2"]
    assert (codes(found), found.complete) == (["depth-limit"], False)
    assert "/api/models/a/m3" not in hub.seen.paths


def test_what_is_opened_is_bounded(hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walk, "MAX_NODES", 3)
    add_model(hub, "a/merge", [f"a/p{number}" for number in range(5)])
    for number in range(5):
        add_model(hub, f"a/p{number}")
    found = lineage("a/merge")
    assert len(found.edges) == 5
    assert [edge.status for edge in found.edges].count("declared") == 3
    assert codes(found) == ["too-many-parents"]
    assert not found.complete


def test_a_renamed_parent_is_one_node(hub: HubServer) -> None:
    add_model(hub, "a/child", ["old/name", "new/name"])
    add_model(hub, "new/name")
    add_model(hub, "old/name", moved_to="new/name")
    found = lineage("a/child")
    assert [edge.parent for edge in found.edges] == ["new/name"]
    assert codes(found) == ["parent-renamed"]


def test_a_gated_parent_is_stood_in_for_by_the_registry(hub: HubServer) -> None:
    add_model(hub, "a/child", "meta-llama/Llama-3.1-8B", config=LLAMA_3)
    add_model(hub, "meta-llama/Llama-3.1-8B", config=LLAMA_3, changes=OTHER_BYTES, gated="manual")
    found = lineage("a/child")
    assert links(found) == [("a/child", "meta-llama/Llama-3.1-8B", "consistent")]
    assert (found.complete, codes(found)) == (True, ["parent-gated"])


def test_what_is_known_of_a_gated_checkpoint_is_told_with_its_refusal(hub: HubServer) -> None:
    weights = {"model.safetensors": (8).to_bytes(8, "little") + b"{}      "}
    name = "meta-llama/Llama-3.1-8B"
    add_model(hub, name, config=LLAMA_3, files=weights, license="llama3.1", gated="manual")
    for ask in (lineage, identify):
        with pytest.raises(AccessError) as raised:
            ask(name)
        told = raised.value.message
        assert told.startswith(f"{name} is gated")
        assert "on record as Llama 3.1 8B, llama/llama-3.1" in told
        assert "trained from scratch" in told
        assert "it lists 1 weight file of 0.00 GB; licence llama3.1" in told
        assert (raised.value.exit_code, raised.value.code) == (3, "access")
    add_model(hub, "some/model", gated="auto")
    with pytest.raises(AccessError, match=r"^some/model is gated: config\.json may not be read$"):
        identify("some/model")


def test_a_gated_parent_still_shows_an_exact_copy(hub: HubServer) -> None:
    weights = {"model.safetensors": (8).to_bytes(8, "little") + b"{}      "}
    add_model(hub, "a/copy", "meta-llama/Llama-3.1-8B", config=LLAMA_3, files=weights)
    add_model(hub, "meta-llama/Llama-3.1-8B", config=LLAMA_3, changes=OTHER_BYTES,
              files=weights, gated="manual")  # fmt: skip
    found = lineage("a/copy")
    assert [(edge.relation, edge.status) for edge in found.edges] == [("copy", "verified")]


@pytest.mark.parametrize("fields", [None, {"private": True}, {"gated": "manual"}])
def test_a_parent_nobody_knows_ends_its_branch(hub: HubServer, fields: Any) -> None:
    add_model(hub, "a/child", "gone/model")
    if fields is not None:
        add_model(hub, "gone/model", changes=OTHER_BYTES, **fields)
    found = lineage("a/child")
    assert links(found) == [("a/child", "gone/model", "declared")]
    assert [node.resolved for node in found.nodes] == [True, False]
    assert codes(found) == ["parent-gated" if fields and "gated" in fields else "parent-absent"]
    assert not found.complete


def test_a_broken_parent_ends_its_branch(hub: HubServer) -> None:
    add_model(hub, "a/child", "a/broken")
    hub.add("a/broken", {"config.json": b"{broken"})
    found = lineage("a/child")
    assert (links(found)[0][2], codes(found)) == ("declared", ["parent-unreadable"])


def test_a_claimed_folder_is_never_opened(
    hub: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever wrote the claim must not choose what is read on this machine."""
    monkeypatch.chdir(tmp_path)
    for name in ("here/model", "child"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "config.json").write_text(json.dumps(CONFIG))
    (tmp_path / "child" / "README.md").write_text("---\nbase_model: here/model\n---\n")
    found = lineage("./child")
    assert links(found) == [("child", "here/model", "declared")]
    assert codes(found) == ["parent-absent"]
    absolute = json.dumps({**CONFIG, "_name_or_path": str(tmp_path / "here" / "model")})
    (tmp_path / "child" / "config.json").write_text(absolute)
    (tmp_path / "child" / "README.md").unlink()
    found = lineage("./child")
    assert (links(found), codes(found)) == ([], ["local-parent"])


def test_a_wrong_claim_stands_beside_what_the_evidence_points_to(hub: HubServer) -> None:
    """Every claimed parent is ruled out; the vocabulary and the shape leave one on record."""
    vocabulary = known_vocabulary("qwen", "qwen2.5")
    add_model(hub, "a/child", "mistralai/Mistral-7B-v0.1", files=vocabulary.files,
              changes={"rope_theta": 1000000.0, "bos_token_id": 151643})  # fmt: skip
    add_model(hub, "mistralai/Mistral-7B-v0.1", config=MISTRAL)
    found = lineage("a/child")
    assert links(found)[0] == ("a/child", "mistralai/Mistral-7B-v0.1", "contradicted")
    assert any(not one.supports for one in found.edges[0].evidence)
    assert links(found)[1:] == vocabulary.expected
    assert "mistralai/Mistral-7B-v0.1" not in found.roots


def test_an_equal_design_is_no_parent(hub: HubServer) -> None:
    """Without the vocabulary a shape alone leads nowhere, even where the claim is wrong."""
    add_model(hub, "a/child", "mistralai/Mistral-7B-v0.1")
    add_model(hub, "mistralai/Mistral-7B-v0.1", config=MISTRAL)
    found = lineage("a/child")
    assert [edge.status for edge in found.edges] == ["contradicted"]
    assert not found.complete
    add_model(hub, "a/silent")
    assert lineage("a/silent").edges == []


def test_a_claim_further_up_agrees_with_the_chain(hub: HubServer) -> None:
    """The card names the base model, config.json the stage between."""
    add_model(hub, "a/tuned", BASE, changes={"_name_or_path": "a/stage"})
    add_model(hub, "a/stage", BASE)
    add_model(hub, BASE)
    found = lineage("a/tuned")
    assert links(found) == [("a/tuned", "a/stage", "consistent"), ("a/stage", BASE, "consistent")]
    agreed = [one for one in found.edges[0].evidence if one.signal == "claim"]
    assert [(one.supports, one.source) for one in agreed] == [(True, "card")]


def test_two_sources_that_differ_are_doubt_and_no_merge(hub: HubServer) -> None:
    add_model(hub, "a/tuned", "a/one", changes={"_name_or_path": "a/two"})
    add_model(hub, "a/one")
    add_model(hub, "a/two")
    found = lineage("a/tuned")
    assert [(e.parent, e.relation, e.claimed_by) for e in found.edges] == [
        ("a/one", "finetune", ["card"]),
        ("a/two", "finetune", ["config"]),
    ]
    assert found.edges[1].confidence < found.edges[0].confidence


def test_a_looser_licence_is_told(hub: HubServer) -> None:
    add_model(hub, "a/child", "a/parent", license="mit")
    add_model(hub, "a/parent", license="llama3.1")
    found = lineage("a/child")
    assert codes(found) == ["license-looser"]
    assert found.edges[0].status == "consistent"


def test_a_parent_uploaded_later_is_noted(hub: HubServer) -> None:
    add_model(hub, "a/child", "a/parent", created_at="2024-01-01T00:00:00.000Z")
    add_model(hub, "a/parent", created_at="2024-06-01T00:00:00.000Z")
    (edge,) = lineage("a/child").edges
    assert edge.status == "consistent"
    assert [one.supports for one in edge.evidence if one.signal == "created_at"] == [False]


def test_running_text_is_read_where_nothing_else_names_a_parent(hub: HubServer) -> None:
    text = f"# Model\nThis is a fine-tuned version of [{BASE}](https://huggingface.co/{BASE})."
    add_model(hub, "a/told", files={"README.md": text.encode()})
    add_model(hub, "a/claimed", "a/told", files={"README.md": text.encode()})
    add_model(hub, BASE)
    (edge,) = lineage("a/told").edges
    assert (edge.parent, edge.relation, edge.claimed_by) == (BASE, "finetune", ["readme"])
    hub.seen.clear()
    lineage("a/claimed", depth=1)
    assert not any("claimed" in path and "README" in path for path in hub.seen.paths)
    hub.seen.clear()
    identify("a/told")
    assert not any("README" in path for path in hub.seen.paths)


def test_a_cached_snapshot_is_a_copy_once_it_was_hashed(hub: HubServer, tmp_path: Path) -> None:
    weights = {"model.safetensors": (8).to_bytes(8, "little") + b"{}      "}
    add_model(hub, "a/tuned", BASE, files=weights)
    add_model(hub, BASE)
    folder = str(cache_snapshot(hub, "a/tuned", tmp_path))
    for verify, relation, status in ((False, "unknown", "consistent"), (True, "copy", "verified")):
        found = lineage(folder, verify=verify)
        assert [(e.child, e.parent, e.relation, e.status) for e in found.edges] == [
            ("tuned", "a/tuned", relation, status),
            ("a/tuned", BASE, "finetune", "consistent"),
        ]
    (chain, *_) = identify(folder).lineage.chain
    assert (chain.parent, chain.relation, chain.status) == ("a/tuned", "unknown", "declared")
    assert chain.evidence[0].signal == "recorded"


def test_stacked_layers_name_their_places(hub: HubServer) -> None:
    recipe = (
        "slices:\n- sources: [{model: a/base, layer_range: [0, 24]}]\n"
        "- sources: [{model: a/base, layer_range: [8, 32]}]\nmerge_method: passthrough\n"
    )
    add_model(hub, "a/deep", config=MISTRAL, changes={"num_hidden_layers": 48},
              files={"mergekit_config.yml": recipe.encode()})  # fmt: skip
    add_model(hub, "a/base", config=MISTRAL)
    (edge,) = lineage("a/deep").edges
    assert (edge.relation, edge.status) == ("upscaled", "consistent")
    assert (edge.layers, edge.layers_to) == ([(0, 24), (8, 32)], [0, 24])
    add_model(hub, "a/deep", config=MISTRAL, changes={"num_hidden_layers": 40},
              files={"mergekit_config.yml": recipe.encode()})  # fmt: skip
    (edge,) = lineage("a/deep").edges
    assert edge.status == "contradicted"


def cache_snapshot(hub: HubServer, repo: str, place: Path) -> Path:
    """Lay a repository out as the Hub library's cache does; return the snapshot's folder."""
    repository = hub.repositories[repo]
    commit = repository.refs["main"]
    root = place / "hub" / f"models--{repo.replace('/', '--')}"
    folder = root / "snapshots" / commit
    folder.mkdir(parents=True)
    (root / "blobs").mkdir()
    for file in repository.commits[commit].values():
        (root / "blobs" / file.etag).write_bytes(file.read(0, file.size))
        (folder / file.name).symlink_to(f"../../blobs/{file.etag}")
    return folder


class KnownVocabulary:
    """Tokenizer files of a checkpoint whose vocabulary the registry has on record."""

    def __init__(self, files: dict[str, Any], expected: list[tuple[str, str, str]]) -> None:
        self.files, self.expected = files, expected


def known_vocabulary(family: str, generation: str) -> KnownVocabulary:
    """Return a file whose listed hash the registry knows."""
    from dataclasses import replace

    from hub.repository import make_file

    entry = load_registry().by_key[family]
    digest = next(
        file
        for known in entry.tokenizers
        if generation in known.generations
        for file in known.files
        if not file.startswith("git:")
    )
    file = replace(make_file("tokenizer.json", b"{}", lfs=True), sha256=digest)
    return KnownVocabulary({"tokenizer.json": file}, [("a/child", BASE, "inferred")])


def test_a_parent_claimed_aside_opens_no_end_of_its_own(hub: HubServer) -> None:
    add_model(hub, BASE)
    add_model(hub, "a/child", BASE, changes={"_name_or_path": "b/earlier"})
    found = lineage("a/child")
    assert {edge.parent for edge in found.edges if edge.child == "a/child"} == {BASE, "b/earlier"}
    assert (found.roots, found.complete) == ([BASE], True)
