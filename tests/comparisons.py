"""Comparisons to draw and to check, made by hand."""

from __future__ import annotations

from typing import Any

from famtree.types.comparison import (
    Answer,
    ComparedCheckpoint,
    Comparison,
    Difference,
    LineageVerdict,
    Relation,
    VocabularyCounts,
)
from famtree.types.identification import FamilyName, GenerationName, Notice


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
