"""One link has one verdict, whichever command is asked, with and without `--verify`.

The one difference there may be: without `--verify` neither `identify` nor a row of `scan` fetches
a parent. What nobody looked at is `declared` there, by the relation and the name that are claimed,
where the others held the claim against the parent's files; `identify` names it under `unopened`
and its texts say so, since no word of it is one on whether the files fit. With `--verify`, and
where the registry knows the parent, all say the same. A row of `scan` is always one without
`--verify`.
"""

from __future__ import annotations

from pathlib import Path

import pytest

import judged_links as links
from cli.commands import Command, make_command
from famtree.lineage.judge import find_relation, find_status
from famtree.types.identification import LinkRelation, LinkStatus
from famtree.types.links import STATUSES, is_worse, worst_of
from famtree.types.proof import Proof, SideReading, UnreadPart
from forged_folders import BASE
from hub.server import HubServer
from judged_links import OTHER, Answers, Publish, Said, ask_all, draw_all
from tiny_models import make_model
from weighty_hubs import publish

TABLE: list[tuple[Publish, str, str]] = [
    # Relations and statuses: as claimed, as files say, as weights say.
    (links.related, "finetune finetune finetune", "declared consistent verified"),
    (links.copied, "finetune copy copy", "declared verified verified"),
    (links.unrelated, "finetune finetune finetune", "declared consistent contradicted"),
    (links.recorded, "finetune finetune copy", "declared consistent verified"),
    (links.forged, "finetune finetune finetune", "declared consistent contradicted"),
    (links.gguf, "quantized quantized quantized", "declared consistent verified"),
    (links.unrelated_gguf, "quantized quantized quantized", "declared consistent contradicted"),
    (links.cast, "finetune finetune converted", "declared consistent verified"),
    (links.cast_with_new_head, "finetune finetune finetune", "declared consistent verified"),
    (links.awq, "quantized quantized quantized", "declared consistent verified"),
    (links.unrelated_awq, "quantized quantized quantized", "declared consistent contradicted"),
    (links.adapter, "adapter adapter adapter", "consistent consistent consistent"),
    (links.merge, "merge merge merge", "declared consistent verified"),
    (links.pickled, "finetune finetune finetune", "declared consistent consistent"),
    (links.pickled_parent, "finetune finetune finetune", "declared consistent consistent"),
    (links.unread_layout, "quantized quantized quantized", "declared consistent consistent"),
    (links.part_unread, "quantized quantized quantized", "declared consistent unresolved"),
    (links.renamed, "finetune finetune finetune", "declared consistent verified"),
    (links.other_shape, "finetune finetune finetune", "declared contradicted contradicted"),
    (links.halved, "finetune quantized pruned", "declared contradicted verified"),
    (links.embeddings_taken, "finetune finetune finetune", "declared contradicted contradicted"),
    (links.distilled, "distill distill distill", "declared declared declared"),
    (links.circle, "finetune finetune finetune", "declared consistent verified"),
    (links.gated, "finetune finetune finetune", "declared declared declared"),
    (links.absent, "finetune finetune finetune", "declared declared declared"),
    (links.itself, "", ""),
    (links.on_record, "finetune finetune finetune", "consistent consistent consistent"),
    (links.ruled_out_on_record, "finetune finetune finetune",
     "contradicted contradicted contradicted"),
]  # fmt: skip
CANNOT_BE_HAD = {links.gated, links.absent, links.on_record, links.ruled_out_on_record}
"""Nobody can compare a checkpoint with one whose files are not to be had."""


@pytest.fixture
def world(hub: HubServer) -> HubServer:
    publish(hub, BASE, make_model(1))
    publish(hub, OTHER, make_model(2))
    return hub


@pytest.fixture
def famtree(capsys: pytest.CaptureFixture[str]) -> Command:
    return make_command(capsys)


@pytest.mark.parametrize("verify", [False, True], ids=["", "verify"])
@pytest.mark.parametrize(
    ("claim", "relations", "statuses"), TABLE, ids=[row[0].__name__ for row in TABLE]
)
def test_every_command_says_the_same_of_a_link(
    world: HubServer,
    famtree: Command,
    tmp_path: Path,
    claim: Publish,
    relations: str,
    statuses: str,
    verify: bool,
) -> None:
    asked = claim(world, tmp_path)
    found = ask_all(famtree, asked, tmp_path, verify=verify)
    said: list[Said] = [*zip(relations.split(), statuses.split(), strict=True)] or [None] * 3
    unseen, by_files, by_weights = said
    looked = by_weights if verify else by_files
    expected: dict[str, Said] = dict.fromkeys(
        ("lineage", "compare", "turned", "bom", "check"), looked
    )
    expected |= {"identify": looked if verify else unseen, "scan": unseen}
    if claim in CANNOT_BE_HAD:
        expected |= {"compare": None, "turned": None}
    if claim is links.itself:
        expected |= {"compare": ("copy", "verified"), "turned": ("copy", "verified")}
    assert found.said == expected
    if unseen is not None and unseen != by_files:
        assert unseen[1] == "declared"
    opened = unseen is None or unseen[1] != "declared"
    if not verify:
        assert_unopened_is_told(found, famtree("identify", asked.child).out, opened)
    if looked is not None and looked[1] == "contradicted":
        texts = draw_all(famtree, asked, tmp_path, verify=verify)
        assert_seen_to_be_refuted(found, texts, asked.parent, expected)
    elif verify:
        texts = draw_all(famtree, asked, tmp_path, verify=verify)
    if verify:
        assert_verification_is_told(found, texts, expected)


def assert_seen_to_be_refuted(
    found: Answers, texts: dict[str, str], parent: str, expected: dict[str, Said]
) -> None:
    """The parent is named with a word that no reader takes for a parent."""
    for name, text in texts.items():
        said = expected[name.partition(" ")[0]]
        if said is None or said[1] != "contradicted":
            continue
        plain = text.replace("\\", "").replace("`", "").replace("&#47;", "/")
        assert parent in plain.replace("\n", ""), name
        assert "ruled out" in plain or "contradicted" in plain or "refuted" in plain, name
    if expected["identify"] == ("finetune", "contradicted"):
        document = found.documents["identify"]
        assert parent not in document["lineage"]["parents"]
        [told] = [one for one in document["warnings"] if one["code"] == "parent-contradicted"]
        assert parent in told["message"]
    [row] = found.documents["check"]["checkpoints"]
    assert any(parent in told for told in row["contradicted"])
    assert "every branch ends at a root" not in texts["lineage"]
    assert "at a gap or at the depth limit" not in texts["lineage"]
    scanned = expected["scan"]
    assert found.row["contradicted"] == (
        [parent] if scanned is not None and scanned[1] == "contradicted" else []
    )


def assert_unopened_is_told(found: Answers, said: str, opened: bool) -> None:
    """Where a parent was not looked at, that is told, and no verdict on it is."""
    lineage = found.documents["identify"]["lineage"]
    assert bool(lineage["unopened"]) is not opened
    assert {*lineage["unopened"]} <= {step["parent"] for step in lineage["chain"]}
    assert ("not opened" in said) is not opened
    assert "not checked" not in said


def assert_verification_is_told(
    found: Answers, texts: dict[str, str], expected: dict[str, Said]
) -> None:
    for name, text in texts.items():
        if expected[name.partition(" ")[0]] is None and name.startswith("compare"):
            continue
        lines = [line for line in text.splitlines() if "verify" in line]
        assert lines, name
        assert any(sign in "".join(lines) for sign in ("✔", "✘", "○")), name
    [component] = found.documents["bom"]["components"]
    properties = {one["name"]: one["value"] for one in component["properties"]}
    assert properties["famtree:lineage:verification"]


PARTS = [UnreadPart(part="layer 1", reason="packed")]


@pytest.mark.parametrize("before", STATUSES)
@pytest.mark.parametrize("unread", [[], PARTS], ids=["", "part-unread"])
@pytest.mark.parametrize("verdict", ["independent", "shared-init"])
def test_no_proof_of_independence_makes_a_link_better(
    verdict: str, unread: list[UnreadPart], before: LinkStatus
) -> None:
    proof = Proof.model_validate(
        {
            "child": "a", "parent": "b", "verdict": verdict, "reason": "", "decided_by": "probe",
            "sides": [SideReading(ref="a", unread=unread)],
        }
    )  # fmt: skip
    bound = find_status(proof, "finetune", before)
    whole = verdict == "independent" and not unread
    assert bound == ("contradicted" if whole else "unresolved")
    assert not is_worse(before, worst_of(before, bound))
    assert find_status(proof, "distill", before) == "declared"


@pytest.mark.parametrize(
    ("claimed", "before", "told"),
    [
        ("finetune", "consistent", "quantized"), ("converted", "consistent", "quantized"),
        ("distill", "declared", "quantized"), ("unknown", "declared", "quantized"),
        ("merge", "consistent", "merge"), ("pruned", "consistent", "pruned"),
        ("adapter", "consistent", "adapter"), ("merge", "contradicted", "quantized"),
    ],
)  # fmt: skip
def test_a_conversion_is_told_where_it_can_be_what_was_claimed(
    claimed: LinkRelation, before: LinkStatus, told: LinkRelation
) -> None:
    proof = Proof.model_validate(
        {
            "child": "a", "parent": "b", "verdict": "derived", "reason": "", "decided_by": "column",
            "operation": "quantized", "re_derived": {"source": "b", "blocks": 60, "type": "Q8_0"},
        }
    )  # fmt: skip
    assert find_relation(proof, claimed, before) == told
    turned = proof.model_copy(update={"parent": "c"})
    assert find_relation(turned, "finetune", "consistent") == "finetune"
