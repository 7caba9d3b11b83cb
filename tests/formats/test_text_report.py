from __future__ import annotations

from collections.abc import Callable

import pytest

from famtree.formats.text_report import describe_quantization
from famtree.types.identification import CheckpointSummary, FamilyName, Notice
from famtree.types.quantization import Quantization
from rendering import show
from results import make_ambiguous, make_full_result, make_result, make_unknown

Golden = Callable[[str, str], None]

REPORTS = {
    "identified": make_result,
    "full": make_full_result,
    "ambiguous": make_ambiguous,
    "unknown": make_unknown,
}


@pytest.mark.parametrize("width", [100, 40])
@pytest.mark.parametrize("verbose", [False, True], ids=["short", "verbose"])
@pytest.mark.parametrize("name", REPORTS)
def test_report_is_golden(name: str, verbose: bool, width: int, golden: Golden) -> None:
    text = show(
        "identification", "text", REPORTS[name](), width=width, color=False, verbose=verbose
    )
    golden(f"{name}-{'verbose' if verbose else 'short'}-{width}.txt", text)


@pytest.mark.parametrize("width", [20, 40, 41, 60, 80, 140])
def test_lines_fit_the_terminal(width: int) -> None:
    text = show(
        "identification", "text", make_full_result(), width=width, color=False, verbose=True
    )
    assert max(map(len, text.splitlines())) <= width


def test_color_is_only_used_when_asked_for() -> None:
    assert "\x1b" not in show("identification", "text", make_result(), width=80, color=False)
    assert "\x1b[" in show("identification", "text", make_result(), width=80, color=True)


def test_environment_does_not_change_a_report(monkeypatch: pytest.MonkeyPatch) -> None:
    before = show("identification", "text", make_result(), width=80, color=False)
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "33")
    monkeypatch.delenv("NO_COLOR")
    assert show("identification", "text", make_result(), width=80, color=False) == before


HOSTILE = "[bold red]x[/] \x1b[2J\x9b31m\u202egnp\u2066\x07\x00\n\ud800"


def test_text_of_the_checkpoint_cannot_reach_the_terminal() -> None:
    result = make_full_result().model_copy(
        update={
            "checkpoint": CheckpointSummary(ref=HOSTILE, source="local", format="safetensors"),
            "reason": HOSTILE,
            "family": FamilyName(key="oak", name=HOSTILE, maker=HOSTILE),
            "wrapper": HOSTILE,
            "warnings": [Notice(code="c", message=HOSTILE)],
        }
    )
    text = show("identification", "text", result, width=400, color=False, verbose=True)
    assert not set(text) & set("\x1b\x9b\u202e\u2066\x07\x00\ud800")
    assert text.count("[bold red]x[/] \\x1b[2J\\x9b31m\\u202egnp") == 6
    text.encode("utf-8")


def test_long_value_is_cut() -> None:
    text = show(
        "identification", "text", make_result(wrapper="w" * 100_000), width=100, color=False
    )
    assert len(text) < 4000
    assert "…" in text


def test_quantization_in_words() -> None:
    assert describe_quantization(Quantization(method="awq")) == "awq"
    full = Quantization(
        method="gptq", bits=4, group_size=128, scheme="W4A16", effective_bits_per_weight=4.156
    )
    assert describe_quantization(full) == "gptq, 4 bit, groups of 128, W4A16, 4.16 bits a weight"
