"""Answers to draw and to check, made by hand."""

from __future__ import annotations

from typing import Any

from famtree.types.fingerprint import Architecture, Digest, Disagreement, Fingerprint, Recipe
from famtree.types.fingerprint import Tokenizer as TokenizerPrint
from famtree.types.identification import (
    Candidate,
    ChainStep,
    CheckpointSummary,
    CostReport,
    Evidence,
    FamilyName,
    GenerationName,
    Identification,
    LineageSummary,
    Notice,
)
from famtree.types.quantization import Quantization


def make_digest(letter: str) -> Digest:
    """Return a digest that is easy to see through."""
    return Digest(letter * 64)


def make_fingerprint(**architecture: Any) -> Fingerprint:
    """Return a small fingerprint; keywords are fields of its architecture."""
    return Fingerprint(
        architecture=Architecture(digest=make_digest("a"), **architecture),
        tokenizer=TokenizerPrint(digest=make_digest("b")),
        recipe=Recipe(digest=make_digest("c")),
    )


def make_result(**changes: Any) -> Identification:
    """Return an identified answer of an invented family; keywords replace fields."""
    fields: dict[str, Any] = {
        "famtree": "0.0.0",
        "checkpoint": CheckpointSummary(
            ref="acme/oak-2-8b-chat", source="hub", revision="0" * 40, format="safetensors"
        ),
        "outcome": "identified",
        "reason": "vocabulary of 50,000 rows and theta 5e6 occur together in one generation only",
        "family": FamilyName(key="oak", name="Oak", maker="Acme"),
        "generation": GenerationName(key="oak-2", name="Oak 2"),
        "candidates": [
            Candidate(family="oak", generation="oak-2", score=0.97, decided_by="rules"),
            Candidate(family="oak", generation="oak-1", score=0.03, decided_by="rules"),
        ],
        "decided_by": "rules",
        "confidence": 0.97,
        "parameters": 8_030_261_248,
        "size": "8B",
        "variant": "chat",
        "fingerprint": make_fingerprint(layers=32),
        "evidence": [
            Evidence(
                signal="architecture.vocab_rows",
                source="header",
                expected="50000",
                seen="50000",
                supports=True,
                weight=4.25,
            ),
            Evidence(
                signal="recipe.rope_theta",
                source="config",
                expected="one of 5000000",
                seen="1000000",
                supports=False,
                weight=-1.5,
            ),
        ],
        "cost": CostReport(requests=5, bytes=123_456, seconds=0.42),
    }
    return Identification(**{**fields, **changes})


def make_full_result() -> Identification:
    """Return an answer that uses every part of the report."""
    parent = "acme/oak-2-8b"
    return make_result(
        wrapper="oak_vl",
        quantization=Quantization(
            method="gptq", bits=4, group_size=128, scheme="W4A16", effective_bits_per_weight=4.156
        ),
        lineage=LineageSummary(
            parents=[parent],
            chain=[
                ChainStep(
                    child="acme/oak-2-8b-chat",
                    parent=parent,
                    relation="finetune",
                    status="consistent",
                    confidence=0.9,
                )
            ],
            root=parent,
            complete=True,
        ),
        fingerprint=make_fingerprint(
            layers=32,
            disagreements=[
                Disagreement(
                    trait="architecture.vocab_rows",
                    believed="50000",
                    believed_from="header",
                    other="49999",
                    other_from="config",
                )
            ],
        ),
        warnings=[Notice(code="config-disagrees", message="config.json names another vocabulary")],
    )


def make_ambiguous(**changes: Any) -> Identification:
    """Return an answer whose family is settled and whose generation is not."""
    fields: dict[str, Any] = {
        "outcome": "ambiguous",
        "reason": "generations oak-1 and oak-2 show the same traits",
        "generation": None,
        "confidence": 0.51,
        "candidates": [
            Candidate(family="oak", generation="oak-2", score=0.51, decided_by="rules"),
            Candidate(family="oak", generation="oak-1", score=0.49, decided_by="rules"),
        ],
    }
    return make_result(**{**fields, **changes})


def make_unknown(**changes: Any) -> Identification:
    """Return an answer that names nothing."""
    fields: dict[str, Any] = {
        "outcome": "unknown",
        "unknown_because": "unregistered",
        "reason": "no rule fits and no tokenizer is recognised",
        "family": None,
        "generation": None,
        "candidates": [],
        "decided_by": None,
        "confidence": 0.0,
        "size": None,
        "variant": None,
        "evidence": [],
    }
    return make_result(**{**fields, **changes})
