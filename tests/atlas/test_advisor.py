"""Undeclared parents on a Hub of small checkpoints with real weights."""

from __future__ import annotations

from pathlib import Path

import pytest

from famtree import api
from famtree.atlas.build import build_atlas
from famtree.registry.load import load_registry
from famtree.scan.checkpoint import scan_checkpoint
from famtree.scan.settings import ScanSettings
from hub.server import HubServer
from scan_rows import write_rows
from tiny_merges import mix
from tiny_models import make_model, tune
from weighty_hubs import publish

BASE = make_model(1)
CHILD = tune(BASE, 3, 0.3)


def scan_all(hub: HubServer, folder: Path) -> Path:
    registry, settings = load_registry(), ScanSettings(sketch=True)
    rows = [scan_checkpoint(name, registry, settings) for name in sorted(hub.repositories)]
    assert not [row["error_message"] for row in rows if row["error_code"]]
    target = folder / "built.duckdb"
    build_atlas([write_rows(folder / "rows.jsonl", *rows)], target)
    return target


@pytest.fixture
def atlas(hub: HubServer, tmp_path: Path) -> Path:
    """base <- child in the atlas, beside a stranger of equal design and vocabulary."""
    publish(hub, "acme/base", BASE)
    publish(hub, "acme/child", CHILD, "acme/base")
    publish(hub, "acme/stranger", make_model(2))
    return scan_all(hub, tmp_path)


def test_an_equal_design_is_a_candidate_and_no_parent(hub: HubServer, atlas: Path) -> None:
    publish(hub, "acme/mystery", tune(CHILD, 4, 0.05))
    found = api.identify("acme/mystery", atlas=atlas)
    assert found.lineage.parents == []
    assert found.lineage.chain == []
    assert {one.basis for one in found.lineage.relatives} == {"signature"}
    assert found.lineage.relatives[0].ref == "acme/base"  # the one that others name as parent
    assert not found.checkpoint.weights_read


def test_weights_find_the_parent_and_prove_it(hub: HubServer, atlas: Path) -> None:
    publish(hub, "acme/mystery", tune(CHILD, 4, 0.05))
    found = api.identify("acme/mystery", atlas=atlas, verify=True).lineage
    assert found.parents == ["acme/child"]
    first, second = found.chain
    assert (first.parent, first.status) == ("acme/child", "verified")
    assert (second.child, second.parent) == ("acme/child", "acme/base")
    assert "atlas.sketch" in {one.signal for one in first.evidence}
    assert {one.ref for one in found.relatives} == {"acme/base", "acme/child"}
    assert all(one.z is not None and one.z > 6 for one in found.relatives)


def test_what_comes_from_elsewhere_is_not_here(hub: HubServer, atlas: Path) -> None:
    publish(hub, "acme/foreign", make_model(9))
    found = api.identify("acme/foreign", atlas=atlas, verify=True).lineage
    assert found.parents == []
    assert {one.basis for one in found.relatives} == {"signature"}


def test_equal_files_are_a_copy_where_the_hub_lists_them(hub: HubServer, atlas: Path) -> None:
    publish(hub, "else/reupload", CHILD)
    found = api.identify("else/reupload", atlas=atlas)
    step = found.lineage.chain[0]
    assert (step.parent, step.relation, step.status) == ("acme/child", "unknown", "inferred")
    assert found.lineage.relatives[0].basis == "hash"
    assert not found.checkpoint.weights_read
    step = api.identify("else/reupload", atlas=atlas, verify=True).lineage.chain[0]
    assert (step.parent, step.relation, step.status) == ("acme/child", "copy", "verified")
    edge = api.lineage("else/reupload", atlas=atlas).edges[0]
    assert (edge.parent, edge.relation, edge.status) == ("acme/child", "copy", "verified")


def test_a_descendant_is_no_parent(hub: HubServer, atlas: Path) -> None:
    found = api.identify("acme/base", atlas=atlas, verify=True).lineage
    assert found.parents == []
    assert "acme/child" not in {one.ref for one in found.relatives}


def test_a_declared_parent_is_kept(hub: HubServer, atlas: Path) -> None:
    publish(hub, "acme/second", tune(BASE, 5, 0.3), "acme/base")
    found = api.identify("acme/second", atlas=atlas, verify=True).lineage
    assert found.parents == ["acme/base"]
    assert found.relatives == []


def test_rotated_weights_are_found_by_reading_candidates(hub: HubServer, atlas: Path) -> None:
    order = list(range(0, 128, 2)) + list(range(1, 128, 2))
    hidden = {
        name: values[order]
        if values.ndim == 1 or name.endswith(("o_proj.weight", "down_proj.weight"))
        else values[:, order]
        for name, values in CHILD.items()
    }
    publish(hub, "acme/shuffled", hidden)
    found = api.identify("acme/shuffled", atlas=atlas, verify=True).lineage
    assert found.parents in (["acme/base"], ["acme/child"])
    assert found.chain[0].status == "verified"


def test_the_whole_ancestry_goes_on_from_there(hub: HubServer, atlas: Path) -> None:
    publish(hub, "acme/mystery", tune(CHILD, 4, 0.05))
    found = api.lineage("acme/mystery", atlas=atlas, verify=True)
    assert [(one.child, one.parent, one.status) for one in found.edges] == [
        ("acme/mystery", "acme/child", "verified"),
        ("acme/child", "acme/base", "verified"),
    ]
    assert found.edges[0].claimed_by == ["atlas"]
    assert {one.basis for one in found.relatives} == {"weights"}


def test_the_atlas_stands_in_for_what_is_gone(hub: HubServer, atlas: Path) -> None:
    publish(hub, "else/reupload", CHILD)
    del hub.repositories["acme/child"], hub.repositories["acme/base"]
    found = api.lineage("else/reupload", atlas=atlas)
    assert [(one.parent, one.status) for one in found.edges] == [
        ("acme/child", "inferred"),  # what an atlas says of hashes, somebody wrote
        ("acme/base", "consistent"),
    ]
    assert {one.code for one in found.warnings} >= {"parent-absent"}


def test_an_undeclared_merge_has_both_its_parents(hub: HubServer, tmp_path: Path) -> None:
    other = tune(BASE, 5, 0.3)
    publish(hub, "acme/base", BASE)
    publish(hub, "acme/child", CHILD, "acme/base")
    publish(hub, "acme/other", other, "acme/base")
    publish(hub, "acme/third", tune(BASE, 6, 0.3), "acme/base")
    atlas = scan_all(hub, tmp_path)
    publish(hub, "acme/mix", mix(CHILD, other, 0.4))
    found = api.lineage("acme/mix", atlas=atlas, verify=True)
    own = [edge for edge in found.edges if edge.child == "acme/mix"]
    assert {(edge.parent, edge.relation, edge.status) for edge in own} == {
        ("acme/child", "merge", "verified"), ("acme/other", "merge", "verified"),
    }  # fmt: skip
    shares = {edge.parent: edge.weight for edge in own}
    assert shares == {"acme/child": pytest.approx(0.4, abs=0.02),
                      "acme/other": pytest.approx(0.6, abs=0.02)}  # fmt: skip
    assert {item.signal for edge in own for item in edge.evidence} >= {"atlas.merge"}
    recipe = found.nodes[0].recipe
    assert recipe is not None
    assert recipe.method == "linear"
    assert set(api.identify("acme/mix", atlas=atlas, verify=True).lineage.parents) == {
        "acme/child", "acme/other",
    }  # fmt: skip


def test_whole_matrices_settle_what_samples_leave_open(hub: HubServer, atlas: Path) -> None:
    # Its update is half that of the child, as of like data; the rest is its own.
    publish(hub, "acme/like", tune(mix(CHILD, BASE, 0.5), 7, 0.25))
    first = api.identify("acme/like", atlas=atlas, verify=True).lineage.chain[0]
    assert (first.parent, first.status) == ("acme/base", "verified")
    assert "atlas.placed" in {one.signal for one in first.evidence}


def test_what_samples_settle_costs_no_more(
    hub: HubServer, atlas: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("whole matrices were read")

    monkeypatch.setattr("famtree.weights.blocks.read_windows", refuse)
    publish(hub, "acme/mystery", tune(BASE, 4, 0.05))
    assert api.identify("acme/mystery", atlas=atlas, verify=True).lineage.parents == ["acme/base"]
