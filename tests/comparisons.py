"""Comparisons to draw and to check, made by hand."""

from __future__ import annotations

from typing import Any

from famtree.types.comparison import (
    Answer,
    ComparedCheckpoint,
    Comparison,
    ComparisonMatrix,
    Difference,
    LineageVerdict,
    Member,
    Relation,
    Replacement,
    VocabularyCounts,
)
from famtree.types.identification import (
    FamilyName,
    GenerationName,
    Notice,
    Verification,
    VerifiedLink,
)
from famtree.types.proof import FoundMerge, MergePart
from foreign_text import fill


def make_answer(question: Any, engine: str | None, answer: Any, **changes: Any) -> Answer:
    fields: dict[str, Any] = {
        "question": question,
        "engine": engine,
        "answer": answer,
        "reason": f"why it is {answer}",
        "rule": f"{engine or 'any'}/{question}.rule",
        "condition": "--a-flag" if answer == "conditional" else None,
        "source": "engine/file.py 1-9",
    }
    return Answer(**{**fields, **changes})


def make_comparison(**changes: Any) -> Comparison:
    """Return a child and its base; keywords replace fields."""
    oak = {"family": FamilyName(key="oak", name="Oak", maker="Acme"), "outcome": "identified"}
    generation = GenerationName(key="oak-2", name="Oak 2")
    fields: dict[str, Any] = {
        "famtree": "0.0.0",
        "a": ComparedCheckpoint(
            ref="acme/oak-2-8b", generation=generation, confidence=0.9, size="8B", **oak
        ),
        "b": ComparedCheckpoint(
            ref="tuner/oak-2-chat", generation=generation, confidence=0.9, size="8B", **oak
        ),
        "relation": Relation(
            architecture="identical",
            tokenizer="extended",
            vocabulary=VocabularyCounts(a=32000, b=32002, shared=32000, same_id=32000),
            family="same",
            generation="same",
            lineage=LineageVerdict(
                verdict="b-derives-from-a",
                status="consistent",
                reason="b is a fine-tune of a",
                distance=1,
                path=["acme/oak-2-8b", "tuner/oak-2-chat"],
            ),
        ),
        "verdict": Replacement(
            replace="restart",
            text="b can replace a after a restart: why it is conditional; "
            "b derives from a (consistent)",
        ),
        "interchange": [
            make_answer("serve", None, "conditional"),
            make_answer("serve", "vllm", "yes"),
            make_answer("serve", "sglang", "yes"),
            make_answer("draft", None, "no"),
            make_answer("draft", "llama.cpp", "unknown"),
        ],
        "differences": [
            Difference(trait="architecture.vocab_rows", a=32000, b=32002, matters_for=["draft"]),
            Difference(trait="recipe.eos_ids", a=[2], b=[2, 32001], matters_for=["chat"]),
            *(Difference(trait=f"recipe.other_{at}", a=None, b=1e6) for at in range(14)),
        ],
        "warnings": [Notice(code="engine-version", message="checked at another version")],
    }
    return Comparison(**{**fields, **changes})


def make_pair() -> ComparisonMatrix:
    """Return the one comparison of two references."""
    return ComparisonMatrix(comparisons=[make_comparison()])


def make_matrix() -> ComparisonMatrix:
    """Return three references, of which the first and the third are one, and what weights say."""
    one = make_comparison()
    link = VerifiedLink(
        child=one.b.ref, parent=one.a.ref, outcome="refuted", text="no dependence (z -1.0)"
    )
    refuted = one.relation.lineage.model_copy(
        update={
            "verdict": "independent",
            "status": "contradicted",
            "verification": Verification(links=[link]),
        }
    )
    relation = one.relation.model_copy(update={"lineage": refuted})
    pairs = [
        one,
        make_comparison(a=one.a, b=one.a),
        make_comparison(a=one.b, b=one.a, relation=relation),
    ]
    merge = FoundMerge(
        method="linear",
        parents=[MergePart(ref="acme/elm", weight=0.6), MergePart(ref="acme/ash", weight=0.4)],
        residual=0.0004,
        reason="the weights of tuner/oak-2-chat are 0.60 of acme/elm and 0.40 of acme/ash",
    )
    members = {
        one.a.ref: Member(place="root", status="verified", reason="tuner/oak-2-chat come from it"),
        one.b.ref: Member(
            place="child",
            status="inferred",
            reason=f"{merge.reason}, to within rounding",
            parent="acme/elm",
            path=["acme/oak-2-8b"],
            beta=0.9987,
            merge=merge,
        ),
    }
    return ComparisonMatrix(comparisons=pairs, members=members)


def fill_matrix(payload: str) -> ComparisonMatrix:
    """Return the same with `payload` in place of every text, names of members too."""
    filled = fill(make_matrix(), payload)
    *_, last = filled.members.values()
    return filled.model_copy(update={"members": {payload: last}})
