"""What a splice shows beyond the rule it fits best, and what genuine derivatives do not."""

from __future__ import annotations

from typing import Any

import pytest

from famtree.matchers.contradictions import NEAR, TOP
from famtree.registry.load import load_registry
from matchers.facts import SEVEN_B, answer, changed

SURE = 0.9
TELECHAT = "Tele-AI/telechat-7B"
PHI_2 = {
    "architecture.model_type": "phi",
    "architecture.text_model_type": "phi",
    "architecture.class_name": "PhiForCausalLM",
    "architecture.layers": 32,
    "architecture.hidden_size": 2560,
    "architecture.heads": 32,
    "architecture.kv_heads": 32,
    "architecture.head_dim": 80,
    "architecture.ffn": 10240,
    "architecture.vocab_rows": 51200,
    "architecture.tied": False,
    "recipe.partial_rotary": 0.4,
    "recipe.rope_theta": 10000.0,
    "recipe.rope_type": "default",
    "recipe.norm_eps": 1e-05,
    "recipe.activation": "gelu_tanh",
    "recipe.context": 2048,
    "recipe.bos_id": 50256,
    "recipe.eos_ids": [50256],
}
GRANITE = {
    "architecture.model_type": "granite",
    "architecture.text_model_type": "granite",
    "architecture.class_name": "GraniteForCausalLM",
    "architecture.layers": 40,
    "architecture.hidden_size": 4096,
    "architecture.heads": 32,
    "architecture.kv_heads": 8,
    "architecture.head_dim": 128,
    "architecture.ffn": 12800,
    "architecture.vocab_rows": 49155,
    "architecture.tied": True,
    "recipe.rope_theta": 10000000.0,
    "recipe.rope_type": "default",
    "recipe.norm_eps": 1e-05,
    "recipe.activation": "silu",
    "recipe.context": 131072,
    "recipe.bos_id": 0,
    "recipe.eos_ids": [0],
    "recipe.embedding_scale": 12.0,
    "recipe.residual_scale": 0.22,
    "recipe.logit_scale": 16.0,
}


def signals(traits: dict[str, Any]) -> list[str]:
    result = answer(traits)
    leading = result.best or result.contradicted
    assert leading is not None
    return [one.signal for one in leading.contradictions]


@pytest.mark.parametrize("traits", [SEVEN_B, PHI_2, GRANITE])
def test_a_released_checkpoint_shows_none(traits: dict[str, Any]) -> None:
    assert signals(traits) == []
    assert answer(traits).confidence >= SURE


@pytest.mark.parametrize("token", [2 + NEAR, 31999, 32000 - TOP])
def test_an_end_token_may_move_to_a_neighbour_or_to_the_last_rows(token: int) -> None:
    assert signals(changed(SEVEN_B, recipe__eos_ids=[token])) == []


@pytest.mark.parametrize("token", [3 + NEAR, 15000, 31999 - TOP])
def test_an_end_token_in_the_middle_of_the_vocabulary_is_another_vocabularys(token: int) -> None:
    spliced = changed(SEVEN_B, recipe__eos_ids=[token])
    assert signals(spliced) == ["recipe.eos_ids"]
    assert answer(spliced).confidence < SURE


def test_an_end_token_among_others_is_enough() -> None:
    assert signals(changed(SEVEN_B, recipe__eos_ids=[15000, 2])) == []


@pytest.mark.parametrize("ids", [[32000], [2, 151645]])
def test_a_token_beyond_the_rows_cannot_be(ids: list[int]) -> None:
    assert signals(changed(SEVEN_B, recipe__eos_ids=ids)) == ["recipe.eos_ids"]


def test_both_special_tokens_moved_is_one_edit_too_many() -> None:
    assert signals(changed(SEVEN_B, recipe__bos_id=0)) == []
    assert len(signals(changed(SEVEN_B, recipe__bos_id=0, recipe__eos_ids=[1]))) == 1


def test_what_a_rule_does_not_state_the_released_checkpoints_do() -> None:
    """No Llama turns only part of its heads, or scales its embeddings."""
    for name in ("recipe.partial_rotary", "recipe.embedding_scale", "recipe.logit_cap"):
        assert signals({**SEVEN_B, name: 0.25}) == [name]
    assert signals({**SEVEN_B, "recipe.partial_rotary": 1.0}) == []
    assert signals({**SEVEN_B, "recipe.logit_cap": 0.0}) == []


def test_a_scale_that_the_design_needs_is_missed() -> None:
    spliced = changed(GRANITE, recipe__residual_scale=None)
    assert signals(spliced) == ["recipe.residual_scale"]
    assert answer(spliced).confidence < SURE


def test_nothing_is_missed_where_no_recipe_was_read() -> None:
    bare = {name: value for name, value in GRANITE.items() if not name.startswith("recipe.")}
    assert signals(bare) == []


def test_edits_that_are_ordinary_one_by_one_are_too_many_together() -> None:
    longer = changed(PHI_2, recipe__context=65536)
    stretched = changed(longer, recipe__rope_type="yarn")
    ended = changed(stretched, recipe__eos_ids=[50257])
    assert signals(longer) == signals(stretched) == []
    assert len(signals(ended)) == 1
    assert answer(ended).confidence < SURE


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("kv_heads", 5), ("kv_heads", 64), ("head_dim", 16), ("head_dim", 768), ("ffn", 128),
        ("layers", 4096), ("layers", 0), ("vocab_rows", 0),
    ],
)  # fmt: skip
def test_widths_that_no_model_can_have(name: str, value: int) -> None:
    assert f"architecture.{name}" in signals({**SEVEN_B, f"architecture.{name}": value})


def test_a_model_too_narrow_for_its_depth() -> None:
    narrow = changed(SEVEN_B, architecture__hidden_size=700, architecture__layers=200)
    assert "architecture.hidden_size" in signals(narrow)
    shallower = changed(SEVEN_B, architecture__hidden_size=700, architecture__layers=100)
    assert "architecture.hidden_size" not in signals(shallower)


def test_contradictions_are_evidence_and_do_not_change_the_family() -> None:
    result = answer(changed(SEVEN_B, recipe__eos_ids=[15000]))
    assert result.family is not None
    assert result.family.key == "llama"
    against = [one for one in result.evidence if one.expected.endswith("or a token near it")]
    assert [(one.signal, one.supports, one.weight) for one in against] == [
        ("recipe.eos_ids", False, 0.0)
    ]


ODD_IDS = {"recipe__bos_id": 9, "recipe__eos_ids": [20000]}


@pytest.mark.parametrize(
    "changes",
    [
        {"architecture__vocab_rows": 68000, **ODD_IDS},
        {"architecture__vocab_rows": 68000, "recipe__rope_theta": 250000.0},
        {"recipe__rope_theta": 250000.0, **ODD_IDS},
    ],
    ids=["rows and ids", "rows and rope", "rope and ids"],
)
def test_two_signatures_that_no_member_has_make_a_look_alike(changes: dict[str, Any]) -> None:
    """The shape is an official one; it settles nothing."""
    result = answer(changed(SEVEN_B, **changes))
    assert (result.outcome, result.best, result.generation) == ("unknown", None, None)
    assert result.contradicted is not None
    assert result.contradicted.family.key in {one.family for one in result.candidates}
    assert result.confidence < SURE


@pytest.mark.parametrize(
    "changes",
    [
        {"architecture__vocab_rows": 32005},
        {"architecture__vocab_rows": 32128, "recipe__eos_ids": [32000]},
        {"recipe__rope_theta": 40000.0, "recipe__context": 16384},
        {"recipe__rope_type": "yarn", "recipe__rope_factor": 8.0, "recipe__context": 32768},
        {"recipe__eos_ids": [32007], "architecture__vocab_rows": 32032, "recipe__context": 8192},
    ],
    ids=["tokens", "padded rows", "larger base", "scaled rope", "chat tokens"],
)
def test_ordinary_edits_leave_the_answer(changes: dict[str, Any]) -> None:
    result = answer(changed(SEVEN_B, **changes))
    assert (result.outcome, result.contradicted) == ("identified", None)
    assert result.family is not None
    assert result.family.key == "llama"


def test_a_stranger_on_a_borrowed_class_is_no_look_alike() -> None:
    """Its own shape and its own traits: unregistered, not contradictory."""
    own = changed(SEVEN_B, architecture__hidden_size=3000, architecture__ffn=9000,
                  architecture__vocab_rows=90000, recipe__rope_theta=77777.0)  # fmt: skip
    result = answer(own)
    assert (result.outcome, result.contradicted) == ("unknown", None)


LONGER = {"recipe__rope_theta": 1e6, "recipe__context": 32768}


@pytest.mark.parametrize(
    "changes",
    [
        LONGER,
        {**LONGER, "recipe__rope_type": "longrope", "recipe__rope_factor": 8.0},
        {**LONGER, "recipe__rope_type": "dynamic", "recipe__rope_factor": 1.0},
        {"recipe__rope_theta": 1e6, "recipe__context": 9000, "recipe__bos_id": 0},
    ],
    ids=["longer", "trained scaling", "scaled by nothing", "start token"],
)
def test_a_context_that_only_another_recipe_explains(changes: dict[str, Any]) -> None:
    """The shape is Llama's, the class anybody's: the base of rope alone names Code Llama."""
    assert answer(changed(SEVEN_B, **changes)).confidence < SURE


def test_a_scaling_explains_a_longer_context() -> None:
    stretched = {"recipe__rope_type": "linear", "recipe__rope_factor": 2.0}
    code = changed(SEVEN_B, recipe__rope_theta=1e6, recipe__context=16384)
    for traits in (code, changed(code, recipe__context=32768, **stretched)):
        best = answer(traits).best
        assert best is not None
        assert not best.foreign_recipe
    assert answer(code).confidence >= SURE


def test_an_official_size_with_its_numbers_in_other_places() -> None:
    """As if keys had been mixed up, under a name that no other family uses."""
    [known] = [one for one in load_registry().by_key["telechat"].exemplars if one.repo == TELECHAT]
    traits = dict(known.traits)
    assert answer(traits).confidence >= SURE
    names = [f"architecture.{name}" for name in ("layers", "hidden_size", "heads", "ffn")]
    values = [traits[name] for name in names]
    mixed = answer(
        traits | dict(zip(names, [values[2], values[3], values[0], values[1]], strict=True))
    )
    assert mixed.confidence < SURE
