"""Several checkpoints together: merges are recovered, members placed, strangers left alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from famtree import api
from famtree.types.comparison import ComparisonMatrix, Member
from hub.server import HubServer
from rendering import show
from tiny_families import quantize
from tiny_merges import merge_ties, mix
from tiny_models import Arrays, make_model, tune, write_model
from weighty_hubs import publish

ROOT = make_model(1)
A, B = tune(ROOT, 2, 0.2), tune(ROOT, 3, 0.2)
AA = tune(A, 4, 0.1)
MIX = mix(A, B, 0.3)


@pytest.fixture
def tree(hub: HubServer) -> HubServer:
    publish(hub, "acme/root", ROOT)
    publish(hub, "acme/a", A, "acme/root")
    publish(hub, "acme/b", B, "acme/root")
    publish(hub, "acme/aa", AA, "acme/a")
    publish(hub, "acme/other", make_model(9))
    return hub


def compare(*names: str) -> ComparisonMatrix:
    return api.compare_all(names, engines=["vllm"], verify=True)


def write(folder: Path, **models: Arrays) -> list[str]:
    """Write checkpoints that say nothing of their parents."""
    return [str(write_model(folder / name, arrays)) for name, arrays in models.items()]


def place(folder: Path, **models: Arrays) -> dict[str, Member]:
    members = compare(*write(folder, **models)).members
    return {Path(ref).name: member for ref, member in members.items()}


def test_a_merge_is_recovered_from_weights(tree: HubServer) -> None:
    publish(tree, "acme/mix", MIX, "acme/a", "acme/b")
    publish(tree, "acme/secret", mix(A, B, 0.6))
    members = compare("acme/root", "acme/a", "acme/b", "acme/mix", "acme/secret").members
    for name, share, status in (("acme/mix", 0.3, "verified"), ("acme/secret", 0.6, "inferred")):
        found = members[name]
        assert found.merge is not None
        assert (found.place, found.status, found.merge.method) == ("child", status, "linear")
        shares = {part.ref: part.weight for part in found.merge.parents}
        assert shares == {"acme/a": pytest.approx(share, abs=0.02),
                          "acme/b": pytest.approx(1 - share, abs=0.02)}  # fmt: skip
    assert all(members[name].merge is None for name in ("acme/root", "acme/a", "acme/b"))


def test_a_sparse_merge_has_its_base(tree: HubServer) -> None:
    publish(tree, "acme/ties", merge_ties(ROOT, [A, B], 0.5))
    found = compare("acme/a", "acme/root", "acme/b", "acme/ties").members["acme/ties"].merge
    assert found is not None
    assert (found.method, found.base) == ("sparse", "acme/root")
    assert {part.ref for part in found.parents} == {"acme/a", "acme/b"}


def test_a_family_is_placed_below_its_declared_root(tree: HubServer) -> None:
    publish(tree, "acme/silent", tune(B, 6, 0.1))
    members = compare("acme/aa", "acme/a", "acme/root", "acme/b").members
    placed = {ref: (one.place, one.parent, one.status) for ref, one in members.items()}
    assert placed == {
        "acme/root": ("root", None, "verified"),
        "acme/a": ("child", "acme/root", "verified"),
        "acme/b": ("child", "acme/root", "verified"),
        "acme/aa": ("child", "acme/a", "verified"),
    }
    assert members["acme/aa"].path == ["acme/root", "acme/a"]
    assert members["acme/aa"].beta == pytest.approx(1, abs=0.05)
    assert not any(one.candidate for one in members.values())


def test_a_parent_that_nobody_declares_is_inferred(tree: HubServer) -> None:
    publish(tree, "acme/silent", tune(B, 6, 0.1), "acme/root")
    found = compare("acme/root", "acme/b", "acme/a", "acme/silent").members["acme/silent"]
    assert (found.parent, found.status, found.candidate) == ("acme/b", "inferred", False)
    assert "which comes from acme/root, the one it names" in found.reason


def test_a_sibling_that_is_named_as_parent_is_told(tree: HubServer) -> None:
    publish(tree, "acme/claims", tune(ROOT, 7, 0.2), "acme/b")
    found = compare("acme/root", "acme/b", "acme/claims").members["acme/claims"]
    assert (found.parent, found.status) == ("acme/root", "inferred")
    assert "though it names acme/b" in found.reason


def test_without_declarations_parents_are_candidates(tmp_path: Path) -> None:
    members = place(tmp_path, root=ROOT, a=A, b=B, aa=AA)
    assert {name: one.place for name, one in members.items()} == {
        "root": "root", "a": "child", "b": "child", "aa": "child",
    }  # fmt: skip
    assert all(one.candidate and one.status == "inferred" for one in members.values())
    assert all("a candidate" in one.reason for one in members.values())
    assert members["aa"].parent is not None
    assert Path(members["aa"].parent).name == "a"


def test_a_root_that_only_some_declare_is_a_candidate(tree: HubServer) -> None:
    publish(tree, "acme/silent", tune(ROOT, 6, 0.1))
    members = compare("acme/a", "acme/root", "acme/silent").members
    assert (members["acme/root"].status, members["acme/root"].candidate) == ("inferred", True)
    assert (members["acme/silent"].parent, members["acme/silent"].status) == (
        "acme/root", "inferred",
    )  # fmt: skip


def test_siblings_alone_are_kin_and_no_more(tmp_path: Path) -> None:
    members = place(tmp_path, a=A, b=B, c=tune(ROOT, 8, 0.2))
    assert {(one.place, one.parent, one.status) for one in members.values()} == {
        ("related", None, "verified")
    }


def test_two_alone_are_not_placed_by_an_arrow(tmp_path: Path) -> None:
    members = place(tmp_path, root=ROOT, a=A, other=make_model(9))
    assert {name: one.place for name, one in members.items()} == {
        "root": "related", "a": "related", "other": "alone",
    }  # fmt: skip


def test_quantized_copies_hang_on_the_nearest(tree: HubServer) -> None:
    publish(tree, "acme/grid", quantize(AA))
    found = compare("acme/root", "acme/a", "acme/aa", "acme/grid").members["acme/grid"]
    assert (found.parent, found.status) == ("acme/aa", "inferred")


@pytest.mark.parametrize("seed", range(20, 24))
def test_strangers_are_no_members_and_no_merges(tmp_path: Path, seed: int) -> None:
    between = tune(mix(A, B, 0.5), seed, 0.02)  # trained on from a merge: no arithmetic explains it
    members = place(tmp_path, a=A, b=B, x=make_model(seed), y=make_model(seed + 50), z=between)
    assert [name for name, one in members.items() if one.merge is not None] == []
    for name in ("x", "y"):
        assert (members[name].place, members[name].status) == ("alone", "verified")


def test_unrelated_families_do_not_mix(tmp_path: Path) -> None:
    other = make_model(9)
    members = place(tmp_path, a=A, b=B, m=MIX, root=ROOT, o=other, oa=tune(other, 2, 0.2),
                    ob=tune(other, 3, 0.2))  # fmt: skip
    assert [name for name, one in members.items() if one.merge is not None] == ["m"]
    for name in ("o", "oa", "ob"):
        parent = members[name].parent
        assert parent is None or Path(parent).name in ("o", "oa", "ob")


def test_what_cannot_be_read_is_told_and_stops_nothing(tree: HubServer) -> None:
    tree.add("acme/bare", {"config.json": b'{"model_type": "llama", "hidden_size": 128}'})
    members = compare("acme/root", "acme/a", "acme/bare").members
    assert (members["acme/bare"].place, members["acme/bare"].status) == ("unread", "unresolved")
    assert "not read" in members["acme/bare"].reason
    assert members["acme/a"].parent == "acme/root"
    alone = compare("acme/root", "acme/other", "acme/bare").members["acme/other"]
    assert (alone.place, alone.status) == ("alone", "unresolved")  # of one nothing was seen
    assert "acme/bare" in alone.reason


def test_only_verify_of_three_and_more_has_members(tree: HubServer) -> None:
    names = ("acme/root", "acme/a", "acme/b")
    assert api.compare_all(names, engines=["vllm"]).members == {}
    assert compare(*names[:2]).members == {}
    document = compare(*names).to_document()
    assert list(document["members"]) == list(names)
    assert len(document["comparisons"]) == 3


def test_the_texts_say_it(tree: HubServer) -> None:
    publish(tree, "acme/mix", MIX)
    names = ["acme/root", "acme/a", "acme/b", "acme/mix"]
    matrix = compare(*names)
    told = "the weights of acme/mix are 0.70 of acme/b and 0.30 of acme/a, to within rounding"
    assert told in show("comparison matrix", "text", matrix)
    assert told in show("comparison matrix", "markdown", matrix)
