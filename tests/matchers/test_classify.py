from __future__ import annotations

import pytest

from matchers.facts import SEVEN_B, answer, changed


def named(result: object) -> tuple[str | None, str | None]:
    family, generation = result.family, result.generation  # type: ignore[attr-defined]
    return (family.key if family else None, generation.key if generation else None)


def test_a_known_design_is_identified() -> None:
    result = answer(SEVEN_B)
    assert result.outcome == "identified"
    assert named(result) == ("llama", "llama-2")
    assert result.confidence >= 0.9
    assert result.best is not None
    assert result.best.size is not None
    assert result.best.size.size is not None
    assert result.best.size.size.name == "7B"


def test_nothing_known_is_unknown() -> None:
    result = answer({"recipe.norm_eps": 1e-05, "architecture.hidden_size": 1234})
    assert result.outcome == "unknown"
    assert named(result) == (None, None)


def test_a_foreign_vocabulary_size_is_doubt() -> None:
    """The class alone is shared by many designs: other rows must not keep the name."""
    result = answer(changed(SEVEN_B, architecture__vocab_rows=77777, recipe__rope_theta=3333.0))
    assert result.confidence < 0.9


def test_a_custom_size_keeps_the_design_and_loses_certainty() -> None:
    result = answer(changed(SEVEN_B, architecture__layers=11, architecture__ffn=5555))
    assert named(result)[0] in ("llama", None)
    assert result.confidence < 0.9


def test_equal_metadata_is_ambiguous_between_named_generations() -> None:
    seventy = changed(
        SEVEN_B,
        architecture__layers=80,
        architecture__hidden_size=8192,
        architecture__heads=64,
        architecture__kv_heads=8,
        architecture__ffn=28672,
        architecture__vocab_rows=128256,
        recipe__rope_theta=500000.0,
        recipe__rope_type="llama3",
        recipe__rope_factor=8.0,
        recipe__rope_original_context=8192,
        recipe__context=131072,
        recipe__bos_id=128000,
        recipe__eos_ids=[128001, 128008, 128009],
    )
    result = answer(seventy)
    assert result.outcome == "ambiguous"
    assert named(result) == ("llama", None)
    assert {"llama-3.1", "llama-3.3"} <= {one.generation for one in result.candidates}


@pytest.mark.parametrize(
    ("traits", "expected"),
    [
        # Called ...llama65B: 48 layers of width 8192 and rope base 1e6.
        (
            changed(
                SEVEN_B, architecture__layers=48, architecture__hidden_size=8192,
                architecture__heads=64, architecture__kv_heads=8, architecture__ffn=22016,
                recipe__rope_theta=1e6, recipe__context=16384,
            ),
            ("llama", "code-llama"),
        ),
        # Called after a shape: rope base 1000042 and 131072 rows.
        (
            changed(
                SEVEN_B, architecture__layers=40, architecture__hidden_size=3072,
                architecture__heads=12, architecture__kv_heads=4, architecture__head_dim=256,
                architecture__ffn=23040, architecture__vocab_rows=131072,
                recipe__rope_theta=1000042.0, recipe__norm_eps=1e-06, recipe__context=32768,
                recipe__bos_id=11, recipe__eos_ids=[11],
            ),
            ("falcon", "falcon-3"),
        ),
    ],
)  # fmt: skip
def test_evidence_decides_whatever_the_name(
    traits: dict[str, object], expected: tuple[str, str]
) -> None:
    assert named(answer(traits)) == expected


def test_evidence_is_sorted_and_signed() -> None:
    result = answer(SEVEN_B)
    weights = [abs(one.weight) for one in result.evidence]
    assert weights == sorted(weights, reverse=True)
    assert all(one.supports or one.weight <= 0 for one in result.evidence)


def test_appended_rows_keep_the_family() -> None:
    result = answer(changed(SEVEN_B, architecture__vocab_rows=32001))
    assert named(result)[0] == "llama"


def test_one_renamed_label_is_tolerated() -> None:
    result = answer(changed(SEVEN_B, architecture__class_name="LlamaForSequenceClassification"))
    assert named(result) == ("llama", "llama-2")
