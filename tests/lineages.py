"""Lineages to draw and to check, made by hand."""

from __future__ import annotations

from typing import Any

from famtree.types.identification import CostReport, Evidence, Notice
from famtree.types.lineage import ChildGroup, Lineage, LineageEdge, LineageNode
from famtree.types.proof import FoundMerge

PUBLISHERS = {"oak": ["acme"], "elm": ["elmworks"]}
HOSTILE = (
    '"]; end\n```</script><b onload=x>&lt; [red]%%{init}%% \\N | \x1b[2J\u202egnp `#quot;` ${HOME}'
)
NO_RECIPE = "the weights of mergers/Oaken-Trio-8B are no linear or sparse merge of two of them"


def make_lineage(ref: str, **fields: Any) -> Lineage:
    """Return a lineage of `ref`; keywords are fields."""
    return Lineage(**{"famtree": "0.0.0", "ref": ref, **fields})


def make_link(child: str, parent: str, **changes: Any) -> LineageEdge:
    """Return a declared fine-tune; keywords replace fields."""
    fields: dict[str, Any] = {
        "child": child,
        "parent": parent,
        "relation": "finetune",
        "status": "declared",
        "confidence": 0.7,
        "claimed_by": ["card"],
    }
    return LineageEdge(**{**fields, **changes})


def make_evidence(signal: str, expected: str, seen: str, *, supports: bool) -> Evidence:
    """Return one observation, from a header."""
    return Evidence(
        signal=signal,
        source="header",
        expected=expected,
        seen=seen,
        supports=supports,
        weight=3.5 if supports else -6.0,
    )


def make_node(
    ref: str, family: str | None = "oak", generation: str = "oak-2", **more: Any
) -> LineageNode:
    """Return a node published by the first part of its name."""
    fields: dict[str, Any] = {
        "ref": ref,
        "family": family,
        "generation": generation,
        "format": "safetensors",
        "publisher": ref.partition("/")[0],
    }
    return LineageNode(**{**fields, **more})


def make_merge() -> Lineage:
    """Return a GGUF of a merge of three fine-tunes, two of one base: three generations and one."""
    quantized, merge = "tuner/Oaken-Trio-8B-GGUF", "mergers/Oaken-Trio-8B"
    chat, code, long = (
        "acme/oak-2-8b-chat",
        "coders/oak-2-8b-code-instruct-v0.3",
        "acme/oak-2-8b-1m",
    )
    base, older = "acme/oak-2-8b", "acme/oak-1-8b"
    shapes = make_evidence("architecture.tensors", "291 of 291", "291 of 291", supports=True)
    rows = make_evidence("architecture.vocab_rows", "50000", "50000", supports=True)
    theta = make_evidence("recipe.rope_theta", "5000000", "10000", supports=False)
    merged = {"relation": "merge", "status": "consistent", "claimed_by": ["mergekit", "card"]}
    return make_lineage(
        quantized,
        nodes=[
            make_node(quantized, format="gguf"),
            make_node(merge, recipe=FoundMerge(reason=NO_RECIPE)),
            make_node(chat),
            make_node(code),
            make_node(long),
            make_node(base),
            make_node(older, generation="oak-1", resolved=False),
        ],
        edges=[
            make_link(quantized, merge, relation="quantized", status="verified", confidence=0.99),
            make_link(merge, chat, weight=0.5, confidence=0.94, evidence=[shapes, rows], **merged),
            make_link(
                merge,
                code,
                weight=0.3,
                confidence=0.93,
                evidence=[shapes],
                layers=[(0, 16), (24, 32)],
                **merged,
            ),
            make_link(merge, long, weight=0.2, confidence=0.92, evidence=[shapes], **merged),
            make_link(chat, base, status="consistent", confidence=0.95, evidence=[shapes, rows]),
            make_link(code, base, confidence=0.7),
            make_link(
                long,
                base,
                relation="continued-pretrain",
                status="inferred",
                confidence=0.81,
                claimed_by=[],
                evidence=[shapes, theta],
            ),
            make_link(
                base, older, relation="unknown", status="unresolved", confidence=0.2, evidence=[]
            ),
        ],
        roots=[base],
        children=[
            ChildGroup(
                relation="quantized", count=1240, complete=False, examples=["tuner/a", "tuner/b"]
            ),
            ChildGroup(relation="adapter", count=1),
        ],
        complete=False,
        warnings=[Notice(code="parent-unread", message="acme/oak-1-8b could not be read")],
        cost=CostReport(requests=9, bytes=123_456, seconds=1.5),
    )


def make_contradicted() -> Lineage:
    """Return a chain whose declared parent is ruled out, with the parent the evidence points to."""
    ref, claimed, likely = "tuner/elmish-7b", "acme/oak-2-8b", "elmworks/elm-7b"
    return make_lineage(
        ref,
        nodes=[
            make_node(ref, family="elm", generation="elm-1"),
            make_node(claimed),
            make_node(likely, family="elm", generation="elm-1"),
        ],
        edges=[
            make_link(
                ref,
                claimed,
                status="contradicted",
                confidence=0.02,
                evidence=[
                    make_evidence("architecture.layers", "32", "28", supports=False),
                    make_evidence("architecture.class_name", "Oak", "Oak", supports=True),
                ],
            ),
            make_link(ref, likely, status="inferred", confidence=0.9, claimed_by=[]),
        ],
        roots=[likely],
        complete=True,
    )


def make_hostile() -> Lineage:
    """Return a lineage whose every text wants to be something else, with a cycle and a gap."""
    other = HOSTILE + "2"
    item = Evidence(
        signal=HOSTILE, source=HOSTILE, expected=HOSTILE, seen=HOSTILE, supports=False, weight=-1.0
    )
    names = {"family": HOSTILE, "generation": HOSTILE, "publisher": HOSTILE}
    return make_lineage(
        HOSTILE,
        famtree=HOSTILE,
        nodes=[make_node(HOSTILE, **names), make_node(other, **names)],
        edges=[
            make_link(HOSTILE, other, status="contradicted", claimed_by=[HOSTILE], evidence=[item]),
            make_link(other, HOSTILE),
            make_link(other, "absent/" + "x" * 5000),
            make_link(HOSTILE, HOSTILE),
        ],
        roots=[HOSTILE],
        children=[ChildGroup(relation="merge", count=2, examples=[HOSTILE, "a/b"])],
        warnings=[Notice(code=HOSTILE, message=HOSTILE)],
    )


def make_wide(count: int) -> Lineage:
    """Return a regular graph of `count` checkpoints, with links of several lengths."""
    names = [f"acme/oak-{number}" for number in range(count)]
    edges = [
        make_link(names[number], names[target])
        for number in range(count)
        for target in (2 * number + 1, 2 * number + 2, number + count // 3)
        if target < count
    ]
    return make_lineage(names[0], nodes=[make_node(name) for name in names], edges=edges)


def make_broad(count: int) -> Lineage:
    """Return a merge of `count` fine-tunes of one base; of the third the evidence rules it out."""
    merge, base = "acme/oak-merge", "acme/oak-2-8b"
    names = [f"acme-research/oak-2-8b-expert-{number:03d}-instruct" for number in range(count)]
    merged = [make_link(merge, name, relation="merge", status="consistent") for name in names]
    merged[2] = make_link(merge, names[2], relation="merge", status="contradicted")
    tuned = [make_link(name, base, status="declared") for name in names]
    nodes = [make_node(name) for name in (merge, *names, base)]
    return make_lineage(merge, nodes=nodes, edges=[*merged, *tuned], roots=[base])
