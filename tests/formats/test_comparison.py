from __future__ import annotations

from collections.abc import Callable

import pytest

from comparisons import make_answer, make_comparison, make_matrix
from famtree.formats.comparison_grid import mark
from famtree.formats.comparison_words import fold, show_value, tell_lineage
from famtree.types.comparison import Comparison, ComparisonMatrix, LineageVerdict
from famtree.types.model import dump
from rendering import show

Golden = Callable[[str, str], None]
HOSTILE = "[bold red]x[/] \x1b[2J\u202egnp | <b> `rm`\n# head"


def make_wide_comparison() -> Comparison:
    """Return a pair with an answer of each kind."""
    return make_comparison(
        interchange=[
            *make_comparison().interchange[:3],
            make_answer("engine", "llama.cpp", "yes", reason="nothing is compiled: it is loaded"),
            make_answer("engine", "tensorrt", "no"),
            make_answer("merge", None, "yes"),
            make_answer("merge", "mergekit", "no"),
            make_answer("draft", None, "no"),
            make_answer("draft", "llama.cpp", "unknown"),
            make_answer("draft", "vllm", "conditional"),
        ]
    )


@pytest.mark.parametrize("width", [60, 80, 120])
def test_all_marks_are_golden(width: int, golden: Golden) -> None:
    text = show("comparison", "text", make_wide_comparison(), width=width)
    golden(f"comparison-marks-{width}.txt", text)
    assert max(map(len, text.splitlines())) <= width
    assert text.startswith("b can replace a after a restart")


def test_colours_of_the_grid_are_golden(golden: Golden) -> None:
    golden("comparison-color-80.txt", show("comparison", "text", make_wide_comparison(),
                                           width=80, color=True))  # fmt: skip


def test_what_loads_without_sense_is_not_what_is_refused() -> None:
    found = {(one.question, one.engine): one for one in make_wide_comparison().interchange}
    draft, merge = found["draft", None], found["merge", None]
    assert mark(found["draft", "vllm"], draft) == "senseless"
    assert mark(found["draft", "llama.cpp"], draft) == "unknown"
    assert mark(found["merge", "mergekit"], merge) == "refused"
    assert mark(found["engine", "llama.cpp"], None) == "nothing"
    assert mark(found["serve", "vllm"], make_answer("serve", None, "no")) == "yes"


def test_one_question_is_answered_at_length() -> None:
    text = show("comparison", "text", make_wide_comparison(), width=80, questions=("draft",))
    assert "draft: draft for b with a" in text
    assert "serve:" not in text
    assert text.startswith("b can replace a")


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("verbose", [False, True], ids=["short", "verbose"])
def test_report_is_golden(verbose: bool, width: int, golden: Golden) -> None:
    text = show("comparison", "text", make_comparison(), width=width, color=False, verbose=verbose)
    golden(f"comparison-{'verbose' if verbose else 'short'}-{width}.txt", text)
    assert max(map(len, text.splitlines())) <= width


def test_markdown_is_golden(golden: Golden) -> None:
    golden("comparison.md", show("comparison", "markdown", make_comparison()))


def test_matrix_is_golden(golden: Golden) -> None:
    matrix = make_matrix()
    text = show("comparison matrix", "text", matrix, width=100, color=False)
    golden("comparison-matrix.txt", text)
    golden("comparison-matrix.md", show("comparison matrix", "markdown", matrix))
    document = matrix.to_document()
    assert document["schema"] == "famtree/comparison-matrix/1"
    assert document["comparisons"][0] == make_comparison().to_document()
    assert ComparisonMatrix.model_validate(document) == matrix


def test_engines_that_say_the_same_share_a_line() -> None:
    lines = fold(make_comparison().interchange)
    assert [(line.question, line.engines) for line in lines] == [
        ("serve", ("",)),
        ("serve", ("vllm", "sglang")),
        ("draft", ("",)),
        ("draft", ("llama.cpp",)),
    ]


def test_text_of_checkpoints_is_made_safe() -> None:
    found = make_comparison(interchange=[make_answer("serve", None, "no", reason=HOSTILE)])
    for text in (
        show("comparison", "text", found, width=80, color=False),
        show("comparison", "markdown", found),
    ):
        assert "\x1b" not in text
        assert "\u202e" not in text
    table = show("comparison", "markdown", found).splitlines()[-3]
    assert table.count("|") - table.count("\\|") == 5
    assert "<b>" not in table


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "-"), (True, "yes"), (4096, "4096"), (128256, "128,256"), (5e5, "500000"),
        (1e-6, "1e-06"), (1e7, "10000000"), ([2, 7], "2, 7"), ("x" * 60, "x" * 45 + "..."),
    ],
)  # fmt: skip
def test_values_are_short(value: object, text: str) -> None:
    assert show_value(value) == text  # type: ignore[arg-type]


def test_a_contradicted_claim_is_told() -> None:
    verdict = LineageVerdict(verdict="undetermined", status="contradicted", reason="r")
    assert tell_lineage(verdict) == "undetermined (a claim is contradicted): r"


def test_dump_is_pydantic_s_own() -> None:
    found = make_comparison()
    assert dump(found) == found.model_dump(mode="json")
    assert Comparison.model_validate(found.to_document()) == found
