from __future__ import annotations

from famtree.matchers.names import find_claims, is_disputed, order_by_claims, warn_of_claims
from famtree.registry.load import load_registry
from famtree.types.identification import Candidate
from matchers.facts import SEVEN_B, answer


def test_the_longest_word_of_a_family_counts() -> None:
    claims = find_claims("meta-llama/Llama-3.1-8B-Instruct", load_registry())
    assert ("llama", "llama-3.1") in claims
    assert ("llama", "llama-3") not in claims
    claims = find_claims("CohereForAI/c4ai-command-r-08-2024", load_registry())
    assert claims == [("command-r", "command-r-08-2024")]


def test_several_families_in_one_name() -> None:
    claims = {family for family, _ in find_claims("x/DeepSeek-R1-Qwen2.5-7B", load_registry())}
    assert "qwen" in claims


def test_a_distilled_model_is_not_its_teacher() -> None:
    registry = load_registry()
    assert find_claims("x/gemma-2-9b-distill-mistral-7b-v0.1", registry) == [
        ("mistral", "mistral-7b-v0.1")
    ]
    assert find_claims("deepseek-ai/DeepSeek-R1-Distill-Llama-70B", registry) == [
        ("llama", "llama-3.3")
    ]
    assert find_claims("x/gemma-2-9b-distill-v2", registry) == [("gemma", "gemma-2")]


def test_a_lying_name_is_a_warning_and_changes_nothing() -> None:
    result = answer(SEVEN_B)
    claims = find_claims("acme/gemma-2-9b-clone", load_registry())
    (warning,) = warn_of_claims("acme/gemma-2-9b-clone", claims, result)
    assert warning.code == "name-disagrees"
    assert "gemma" in warning.message
    assert result.family is not None
    assert result.family.key == "llama"


def test_a_true_name_warns_of_nothing() -> None:
    result = answer(SEVEN_B)
    claims = find_claims("meta-llama/Llama-2-7b-hf", load_registry())
    assert warn_of_claims("meta-llama/Llama-2-7b-hf", claims, result) == []
    assert not is_disputed(claims, result)


def test_a_sibling_generation_in_the_name_is_a_dispute() -> None:
    result = answer(SEVEN_B)
    assert is_disputed([("llama", "llama-3")], result)
    assert not is_disputed([("gemma", "gemma-2")], result)


def test_claims_order_only_equals() -> None:
    rows = [
        Candidate(family="a", generation=str(at), score=score, decided_by="rules")
        for at, score in enumerate((0.48, 0.46, 0.06))
    ]
    ordered = order_by_claims(rows, [("a", "1"), ("a", "2")])
    assert [one.generation for one in ordered] == ["1", "0", "2"]
    assert {one.score for one in ordered} == {0.48, 0.46, 0.06}
