from __future__ import annotations

from typing import Any

import pytest

from comparisons import make_answer, make_comparison
from famtree.comparison.replacement import judge_replacement

ALL_YES = [make_answer("serve", None, "yes"), make_answer("chat", None, "yes")]


@pytest.mark.parametrize(
    ("tokenizer", "answers", "engines", "replace", "said"),
    [
        ("identical", ALL_YES, [], "drop-in", "b is a drop-in for a"),
        ("different", ALL_YES, [], "restart", "the tokenizers are different"),
        ("identical", [make_answer("serve", None, "no")], [], "no", "b cannot replace a"),
        ("identical", [make_answer("serve", None, "conditional")], [], "restart", "a restart"),
        ("identical", [make_answer("serve", None, "unknown")], [], None, "is not known"),
        ("identical", [make_answer("serve", None, "conditional"),
                       make_answer("engine", "tensorrt", "no")],
         ["tensorrt"], "rebuild", "after a rebuild"),
        ("identical", [make_answer("serve", None, "conditional"),
                       make_answer("serve", "vllm", "no")], ["vllm"], "no", "vllm refuses b"),
        ("identical", [make_answer("serve", None, "conditional"),
                       make_answer("serve", "vllm", "no"), make_answer("serve", "sglang", "yes")],
         [], "restart", "a restart"),
        ("identical", [*ALL_YES, make_answer("memory", None, "no")], [], "restart", "memory is no"),
    ],
)  # fmt: skip
def test_verdict(
    tokenizer: Any, answers: list[Any], engines: list[str], replace: str, said: str
) -> None:
    lineage = make_comparison().relation.lineage
    found = judge_replacement("different", tokenizer, lineage, answers, engines)
    assert found.replace == replace
    assert said in found.text
    assert found.text.endswith("b derives from a (consistent)")


@pytest.mark.parametrize(
    ("status", "family", "said"),
    [
        ("unresolved", "different", "of different families; nothing shows that one comes from"),
        ("unresolved", "unknown", ": because; nothing shows that one comes from the other"),
        ("contradicted", "different", "; a claim that one comes from the other is ruled out"),
    ],
)
def test_strangers_are_told_in_words(status: Any, family: Any, said: str) -> None:
    lineage = make_comparison().relation.lineage.model_copy(
        update={"verdict": "undetermined", "status": status}
    )
    answers = [make_answer("serve", None, "no", reason="because")]
    assert said in judge_replacement("different", "unknown", lineage, answers, [], family).text


def test_what_was_not_seen_of_one_class_is_read_at_a_restart() -> None:
    lineage = make_comparison().relation.lineage
    answers = [make_answer("serve", None, "unknown")]
    assert judge_replacement("identical", "unknown", lineage, answers, []).replace == "restart"
