"""Answers to draw and to check, made by hand."""

from __future__ import annotations

from typing import Any

from famtree.types.adapter import Adapter
from famtree.types.fingerprint import Architecture, Digest, Disagreement, Fingerprint, Recipe
from famtree.types.fingerprint import Tokenizer as TokenizerPrint
from famtree.types.identification import (
    Candidate,
    ChainStep,
    CheckpointSummary,
    Component,
    CostReport,
    Evidence,
    FamilyName,
    GenerationName,
    Identification,
    LineageSummary,
    Notice,
    Target,
)
from famtree.types.quantization import Quantization


def make_digest(letter: str) -> Digest:
    """Return a digest that is easy to see through."""
    return Digest(letter * 64)


def make_fingerprint(recipe: dict[str, Any] | None = None, **architecture: Any) -> Fingerprint:
    """Return a small fingerprint; keywords are fields of its architecture."""
    return Fingerprint(
        architecture=Architecture(digest=make_digest("a"), **architecture),
        tokenizer=TokenizerPrint(digest=make_digest("b")),
        recipe=Recipe(digest=make_digest("c"), **(recipe or {})),
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
        checkpoint=CheckpointSummary(
            ref="acme/oak-2-8b-chat",
            source="hub",
            revision="0" * 40,
            format="safetensors",
            files=4,
            bytes=5_734_211_584,
        ),
        license="apache-2.0",
        active_parameters=2_010_000_000,
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
            hidden_size=4096,
            heads=32,
            kv_heads=8,
            experts=8,
            experts_per_token=2,
            recipe={"context": 131072, "rope_theta": 5e6, "rope_type": "llama3", "dtype": "f16"},
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


def make_step(parent: str, **changes: Any) -> ChainStep:
    """Return a link from the checkpoint of `make_result`; keywords replace fields."""
    fields: dict[str, Any] = {
        "child": "acme/oak-2-8b-chat",
        "relation": "finetune",
        "status": "consistent",
        "confidence": 0.9,
    }
    return ChainStep(parent=parent, **{**fields, **changes})


def make_liar() -> Identification:
    """Return an answer whose one declared parent is ruled out."""
    against = [
        ("architecture.vocab_rows", "128256", "50000", -2.0),
        ("architecture.layers", "32", "28", -4.0),
    ]
    step = make_step(
        "elm/elm-8b",
        status="contradicted",
        confidence=0.03,
        evidence=[
            Evidence(
                signal=signal, source="header", expected=expected, seen=seen, supports=False,
                weight=weight,
            )
            for signal, expected, seen, weight in against
        ],
    )  # fmt: skip
    told = "acme/oak-2-8b-chat names elm/elm-8b as its parent (card), which is ruled out: ..."
    return make_result(
        lineage=LineageSummary(chain=[step]),
        warnings=[Notice(code="parent-contradicted", message=told)],
    )


def make_open(**changes: Any) -> Identification:
    """Return an answer sure of the family, whose generation nothing settles."""
    fields: dict[str, Any] = {
        "reason": "its vocabulary and shape are those of Oak; Oak 1 and Oak 2 show the same",
        "confidence": 0.99,
        "candidates": [
            Candidate(family="oak", generation=f"oak-{number}", name=f"Oak {number}", score=0.495,
                      decided_by="rules")
            for number in (1, 2)
        ],
    }  # fmt: skip
    return make_ambiguous(**{**fields, **changes})


def make_adapter() -> Identification:
    """Return an adapter whose base is declared and fits."""
    return make_result(
        kind="adapter",
        for_=Target(
            family="oak", generation="oak-2", name="Oak 2", hidden_size=4096, layout="lora"
        ),
        adapter=Adapter(
            method="lora", base="acme/oak-2-8b", base_check="consistent", rank=16,
            targets=["q_proj", "v_proj"],
        ),
        decided_by="declared",
        parameters=13_631_488,
        size=None,
        variant=None,
        reason="adapter_config.json names acme/oak-2-8b as base model, and the adapter has its "
        "widths",
        lineage=LineageSummary(
            parents=["acme/oak-2-8b"],
            chain=[make_step("acme/oak-2-8b", relation="adapter", status="declared")],
        ),
    )  # fmt: skip


def make_draft_head() -> Identification:
    """Return layers that guess ahead for a model of an invented family."""
    return make_unknown(
        kind="draft-head",
        unknown_because="not-judged",
        for_=Target(
            family="oak", generation="oak-2", name="Oak 2", hidden_size=4096, vocab_rows=50000,
            layout="eagle3",
        ),
        parameters=425_000_000,
        reason="an EAGLE-3 draft head: it has no design of its own",
    )  # fmt: skip


def make_pipeline() -> Identification:
    """Return several models that work together, one of which is on record."""
    return make_result(
        kind="pipeline",
        checkpoint=CheckpointSummary(ref="acme/painter", source="hub", format="pipeline"),
        parameters=None,
        size=None,
        variant=None,
        components=[
            Component(role="transformer", family="oak", generation="oak-2"),
            Component(role="vae"),
        ],
        reason="model_index.json lists 2 parts; its declared class and shape are those of Oak 2",
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
