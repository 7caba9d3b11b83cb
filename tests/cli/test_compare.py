from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import pytest

from cli.commands import Command, FakeApi
from comparison.pairs import make_folder
from comparisons import make_answer, make_comparison, make_pair
from famtree.cli.compare import QUESTIONS
from famtree.cli.comparison_expectation import find_comparison_failure
from famtree.errors import NotFoundError
from famtree.interchange.side import Plan
from famtree.types.comparison import LineageVerdict, Question

PAIR = ("acme/oak-2-8b", "tuner/oak-2-chat")


@pytest.fixture
def answer(fake_api: FakeApi) -> FakeApi:
    fake_api.answer = make_pair()
    return fake_api


@pytest.mark.usefixtures("answer")
def test_forms(command: Command) -> None:
    done = command("compare", *PAIR)
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("b can replace a after a restart")
    for options in (["--json"], ["--format", "json"]):
        assert command("compare", *PAIR, *options).document == make_comparison().to_document()
    assert command("compare", *PAIR, "--format", "markdown").out.startswith("### acme/oak-2-8b")


def test_options_reach_the_api(command: Command, answer: FakeApi) -> None:
    command(
        *("compare", *PAIR, "--engine", "vllm@0.33", "--engine", "sglang", "--verify"),
        *("--context", "8192", "--batch", "4", "--gpu-memory", "80", "--offline"),
        *("--kv-cache-type", "fp8", "--gpu-capability", "9.0"),
    )
    ((references,), keywords) = answer.calls[0]
    assert references == list(PAIR)
    assert keywords["engines"] == ["vllm@0.33", "sglang"]
    assert keywords["plan"] == Plan(
        context=8192, batch=4, gpu_memory=80.0, cache_type="fp8", capability=90
    )
    assert (keywords["verify"], keywords["offline"]) == (True, True)


@pytest.mark.parametrize(
    "arguments",
    [
        ("one",),
        ("a", "b", "--expect", "nothing"),
        ("a", "b", "--context", "0"),
        ("a", "b", "--gpu-memory", "-1"),
        ("a", "b", "--gpu-memory", "1e308"),
        ("a", "b", "--gpu-memory", "inf"),
        ("a", "b", "--format", "html"),
        ("a",) * 33,
    ],
)
@pytest.mark.usefixtures("answer")
def test_usage(command: Command, arguments: tuple[str, ...]) -> None:
    done = command("compare", *arguments, "--json")
    assert done.code == 2
    assert done.document["error"]["code"] == "usage"


@pytest.mark.parametrize("engine", ["vlm", "vllm@new", ""])
def test_unknown_engines_are_usage_errors(command: Command, tmp_path: Path, engine: str) -> None:
    folder = str(make_folder(tmp_path / "a"))
    done = command("compare", folder, folder, "--engine", engine)
    assert done.code == 2
    assert "Traceback" not in done.err


def test_engine_hint_names_a_close_one(command: Command, tmp_path: Path) -> None:
    folder = str(make_folder(tmp_path / "a"))
    assert "did you mean vllm" in command("compare", folder, folder, "--engine", "vlm").err


def test_failures_are_documents(command: Command, fake_api: FakeApi) -> None:
    fake_api.answer = NotFoundError("no such repository", hint="check it")
    done = command("compare", *PAIR, "--json")
    assert (done.code, done.document["error"]["exit_code"]) == (3, 3)


def test_matrix(command: Command, tmp_path: Path) -> None:
    folders = [str(make_folder(tmp_path / f"x__{at}")) for at in range(3)]
    done = command("compare", *folders, "--engine", "vllm")
    assert done.code == 0
    assert "undetermined" in done.out
    assert len(command("compare", *folders, "--json").document["comparisons"]) == 3
    assert command("compare", *folders, "--format", "markdown").out.count("\n|---|") == 5


YES = [make_answer("serve", None, "yes"), make_answer("chat", None, "yes")]


def _relation(**changes: Any) -> Any:
    return make_comparison().relation.model_copy(update=changes)


def _lineage(verdict: Any, status: Any) -> LineageVerdict:
    return LineageVerdict(verdict=verdict, status=status, reason="r")


@pytest.mark.parametrize(
    ("expected", "changes", "engines", "holds"),
    [
        ("same-family", {}, (), True),
        ("same-family", {"relation": _relation(family="unknown")}, (), False),
        ("same-tokenizer", {}, (), False),
        ("same-tokenizer", {"relation": _relation(tokenizer="identical")}, (), True),
        ("same-lineage", {}, (), True),
        ("same-lineage", {"relation": _relation(lineage=_lineage("siblings", "declared"))}, (),
         False),
        ("same-lineage", {"relation": _relation(lineage=_lineage("independent", "verified"))}, (),
         False),
        ("drop-in", {"relation": _relation(tokenizer="identical")}, (), False),
        ("drop-in", {"relation": _relation(tokenizer="identical"), "interchange": YES}, (), True),
        ("drop-in", {"interchange": YES}, (), False),
        ("drop-in", {"relation": _relation(tokenizer="identical"),
                     "interchange": [*YES, make_answer("memory", None, "no")]}, (), False),
        ("drop-in", {"relation": _relation(tokenizer="identical"),
                     "interchange": [*YES, make_answer("serve", "vllm", "no")]}, (), True),
        ("drop-in", {"relation": _relation(tokenizer="identical"),
                     "interchange": [*YES, make_answer("serve", "vllm", "no")]}, ("vllm@0.33",),
         False),
        ("drop-in", {"relation": _relation(tokenizer="identical"),
                     "interchange": [*YES, make_answer("draft", None, "no")]}, (), True),
    ],
)  # fmt: skip
def test_expectations(
    expected: str, changes: dict[str, Any], engines: tuple[str, ...], holds: bool
) -> None:
    failure = find_comparison_failure(make_comparison(**changes), expected, engines)
    assert (failure is None) is holds


@pytest.mark.usefixtures("answer")
def test_expect_sets_the_exit_code(command: Command) -> None:
    assert command("compare", *PAIR, "--expect", "same-family").code == 0
    done = command("compare", *PAIR, "--expect", "drop-in", "--json")
    assert done.code == 1
    assert done.err.startswith("failed: expected drop-in")
    assert done.document["schema"] == "famtree/comparison/1"


def test_questions_are_those_of_the_document() -> None:
    assert get_args(Question) == QUESTIONS


def test_a_question_nobody_asks_is_refused(command: Command) -> None:
    done = command("compare", "a/b", "c/d", "--question", "taste")
    assert done.code == 2
    assert "no question 'taste'" in done.err
