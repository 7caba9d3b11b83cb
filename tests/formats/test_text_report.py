from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from famtree.formats.text_report import describe_quantization
from famtree.types.adapter import Adapter
from famtree.types.identification import (
    CheckpointSummary,
    Component,
    FamilyName,
    GenerationName,
    Identification,
    Notice,
    Target,
)
from famtree.types.quantization import Quantization
from rendering import show
from results import (
    make_adapter,
    make_ambiguous,
    make_draft_head,
    make_full_result,
    make_liar,
    make_open,
    make_pipeline,
    make_result,
    make_unknown,
)

Golden = Callable[[str, str], None]

REPORTS = {
    "identified": make_result,
    "full": make_full_result,
    "liar": make_liar,
    "open": make_open,
    "ambiguous": make_ambiguous,
    "unknown": make_unknown,
    "adapter": make_adapter,
    "draft-head": make_draft_head,
    "pipeline": make_pipeline,
}
FOR_ANY_BACKGROUND = {"0", "1", "2", "31", "32", "33", "35", "36"}
"""Bold, dim and colours of the terminal's own palette, which suit its background; neither black
nor white, which one background hides."""


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("verbose", [False, True], ids=["short", "verbose"])
@pytest.mark.parametrize("name", REPORTS)
def test_report_is_golden(name: str, verbose: bool, width: int, golden: Golden) -> None:
    text = show(
        "identification", "text", REPORTS[name](), width=width, color=False, verbose=verbose
    )
    golden(f"{name}-{'verbose' if verbose else 'short'}-{width}.txt", text)


@pytest.mark.parametrize("name", REPORTS)
def test_plain_report_is_golden(name: str, golden: Golden) -> None:
    golden(f"{name}-plain.txt", show("identification", "text", REPORTS[name]()))


@pytest.mark.parametrize("name", ["full", "liar", "open", "unknown"])
def test_colours_suit_light_and_dark(name: str, golden: Golden) -> None:
    text = show("identification", "text", REPORTS[name](), width=80, color=True)
    golden(f"{name}-color-80.txt", text)
    codes = {code for run in re.findall("\x1b\\[([0-9;]*)m", text) for code in run.split(";")}
    assert codes <= FOR_ANY_BACKGROUND


def first_lines(result: Identification) -> str:
    return " ".join(show("identification", "text", result).split("\n")[:5])


@pytest.mark.parametrize(
    ("result", "said"),
    [
        (make_full_result(),
         "Oak 2 8B Chat, fine-tuned by acme, quantized to 4 bit; parent declared and consistent"),
        (make_liar(),
         "It names elm/elm-8b as its parent, which is ruled out: layers 28 here, 32 there"),
        (make_open(), "Oak 8B Chat; generation open: Oak 1 or Oak 2; no parent is declared"),
        (make_unknown(), "Unknown: no family on record has this design"),
        (make_adapter(), "A LoRA adapter for Oak 2; base declared, and the adapter fits it"),
        (make_draft_head(), "An EAGLE-3 draft head, which speeds up Oak 2"),
        (make_pipeline(), "A pipeline of 2 parts; the main one is Oak 2"),
        (make_result(confidence=0.6), "Probably Oak 2 8B Chat"),
        (make_result(outcome="ambiguous", family=None, generation=None),
         "Not settled which family: oak-2 or oak-1"),
        (make_unknown(unknown_because="contradictory"), "no family on record has together"),
        (make_unknown(unknown_because="not-judged"), "its files do not suffice to tell"),
        (make_result(variant="base"), "Oak 2 8B, base model; no parent is declared"),
        (make_result(components=[Component(role="vision tower")]),
         "Oak 2 8B Chat with a vision tower; no parent is declared"),
        (make_unknown(warnings=[Notice(code="heads-disagree", message="8 of 32")]),
         "no family on record has this design; its files contradict each other"),
        (make_unknown(
            kind="adapter", for_=Target(hidden_size=4096, layout="lora"),
            adapter=Adapter(method="lora", base="elm/elm-8b", base_check="contradicted")),
         "A LoRA adapter for a model that is 4,096 wide; the base it names, elm/elm-8b, is ruled"),
    ],
)  # fmt: skip
def test_the_answer_stands_in_the_first_lines(result: Identification, said: str) -> None:
    assert said in first_lines(result)


def test_a_word_is_said_once() -> None:
    names = {"family": FamilyName(key="oak", name="Oak", maker="Acme"), "size": "8B"}
    whole = make_result(generation=GenerationName(key="k", name="Oak 8B Chat"), **names)
    assert "Oak 8B Chat; no" in first_lines(whole)


def test_a_ruled_out_claim_is_told_once_on_a_screen() -> None:
    drawn = show("identification", "text", make_liar(), width=100)
    assert drawn.count("ruled out") == 2  # the claim, and that nothing else is named
    assert "parent-contradicted" in show("identification", "text", make_liar())


def test_openness_stands_beside_the_confidence() -> None:
    text = show("identification", "text", make_open())
    assert "confidence: 0.99 in the family, its generation is open\n" in text


def test_signals_are_for_the_verbose() -> None:
    for make in REPORTS.values():
        text = show("identification", "text", make(), width=100)
        assert not re.search(r"(architecture|recipe|tokenizer)\.[a-z]", text)
    assert "architecture.vocab_rows" in show(
        "identification", "text", make_result(), width=100, verbose=True
    )


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
