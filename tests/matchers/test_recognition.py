"""The check that every family knows its own checkpoints notices when one does not."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from famtree.matchers.recognition import (
    check_recognition,
    classify_traits,
    judge_exemplar,
    without_digests,
    without_exemplar,
)
from famtree.registry.load import load_registry
from famtree.types.family import Exemplar
from matchers.facts import SEVEN_B, changed


def exemplar(generation: str, traits: dict[str, Any], **fields: Any) -> Exemplar:
    return Exemplar(repo="acme/x", generation=generation, traits=traits, source="x", **fields)


def judge(family: str, one: Exemplar) -> list[str]:
    registry = without_digests(load_registry())
    return list(judge_exemplar(registry.by_key[family], one, registry))


def test_the_right_answer_is_no_fault() -> None:
    assert judge("llama", exemplar("llama-2", SEVEN_B)) == []


def test_another_generation_is_a_fault_unless_it_is_declared() -> None:
    one = exemplar("llama-3.1", SEVEN_B)
    assert any("taken for llama/llama-2" in fault for fault in judge("llama", one))
    declared = exemplar("llama-3.1", SEVEN_B, ambiguous_with=["llama-2"])
    assert judge("llama", declared) == []


def test_another_family_is_a_fault() -> None:
    (fault,) = judge("qwen", exemplar("qwen2", SEVEN_B))
    assert fault.startswith("taken for llama/")


def test_no_answer_is_a_fault() -> None:
    strange = changed(
        SEVEN_B, architecture__vocab_rows=77, architecture__model_type="strange",
        architecture__text_model_type="strange", architecture__class_name="StrangeModel",
        recipe__rope_theta=3.0, architecture__layers=3, architecture__hidden_size=24,
    )  # fmt: skip
    (fault,) = judge("llama", exemplar("llama-2", strange))
    assert "instead of llama/llama-2" in fault


def test_traits_of_a_wrong_type_are_a_fault() -> None:
    (fault,) = judge("llama", exemplar("llama-2", SEVEN_B | {"architecture.layers": "many"}))
    assert fault.startswith("traits: ")


def test_faults_name_file_and_checkpoint() -> None:
    registry = load_registry()
    family = registry.by_key["llama"]
    wrong = replace(family, exemplars=[exemplar("llama-3.1", SEVEN_B)])
    (fault,) = check_recognition(replace(registry, families=(wrong,)))
    assert fault.startswith("llama.toml: exemplar acme/x: ")


def test_hidden_digests_and_exemplars() -> None:
    registry = load_registry()
    hidden = without_digests(registry)
    assert not any(one.digests for family in hidden.families for one in family.exemplars)
    family = next(family for family in registry.families if family.exemplars)
    repo = family.exemplars[0].repo
    left = without_exemplar(registry, repo)
    assert repo not in {one.repo for one in left.by_key[family.key].exemplars}
    assert classify_traits(SEVEN_B, left).family is not None
