"""Reports where there is no screen: one fact a line, nothing cut to fit, nothing drawn."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from comparisons import make_comparison
from families import make_family
from famtree.formats.families_report import build_family, build_family_list
from famtree.registry.parse import validate
from famtree.types.family import Family
from lineages import make_contradicted, make_hostile, make_merge, make_wide
from rendering import show
from results import make_ambiguous, make_full_result, make_result

HOSTILE = "a\x1b[31m\tb\u202e|<b>`*_[x](y)\n# c"
PLAIN: dict[str, Callable[[], str]] = {
    "full-verbose": lambda: show(
        "identification", "text", make_full_result(), width=None, color=False, verbose=True
    ),
    "comparison": lambda: show("comparison", "text", make_comparison(), width=None, color=False),
    "lineage-merge": lambda: show("lineage", "text", make_merge(), width=None, color=False),
    "lineage-contradicted": lambda: show(
        "lineage", "text", make_contradicted(), width=None, color=False
    ),
    "families": lambda: show("families", "text", [make_family()], width=None, color=False),
    "family": lambda: show("family", "text", make_family(), width=None, color=False),
}
MARKDOWN: dict[str, Callable[[], str]] = {
    "full": lambda: show("identification", "markdown", make_full_result(), verbose=True),
    "ambiguous": lambda: show("identification", "markdown", make_ambiguous()),
    "lineage-merge": lambda: show("lineage", "markdown", make_merge()),
    "lineage-contradicted": lambda: show("lineage", "markdown", make_contradicted()),
    "families": lambda: show("families", "markdown", [make_family()]),
    "family": lambda: show("family", "markdown", make_family()),
}


@pytest.mark.parametrize("name", PLAIN)
def test_plain_reports(name: str, golden: Callable[[str, str], None]) -> None:
    text = PLAIN[name]()
    # Box drawing, block elements, terminal codes.
    assert not re.search("[\u2500-\u259f\x1b]", text)
    golden(f"{name}-plain.txt", text)


@pytest.mark.parametrize("name", MARKDOWN)
def test_markdown_reports(name: str, golden: Callable[[str, str], None]) -> None:
    golden(f"{name}.md", MARKDOWN[name]())


def test_colour_is_for_screens() -> None:
    assert "\x1b" not in show("identification", "text", make_result(), width=None, color=True)


def test_nothing_is_left_out_without_a_screen() -> None:
    [one] = make_ambiguous().candidates[:1]
    many = [one.model_copy(update={"generation": f"oak-{number}"}) for number in range(40)]
    result = make_ambiguous(candidates=many)
    assert "oak-39" not in show("identification", "text", result, width=100, color=False)
    assert "oak-39" in show("identification", "text", result, width=None, color=False)


def test_a_long_line_is_not_wrapped() -> None:
    words = " ".join(f"word{number}" for number in range(30))
    text = show("identification", "text", make_result(reason=words), width=None, color=False)
    assert f"why: {words}\n" in text


def test_cells_are_parted_by_tabs() -> None:
    lines = PLAIN["full-verbose"]().splitlines()
    start = lines.index("signal\tseen in\texpected\tseen\tweight")
    assert lines[start + 1].count("\t") == 4


@pytest.mark.parametrize(
    "render",
    [
        lambda result: show(
            "identification", "text", result, width=None, color=False, verbose=True
        ),
        lambda result: show("identification", "markdown", result, verbose=True),
    ],
    ids=["plain", "markdown"],
)
def test_hostile_text_stays_on_its_line(render: Callable[..., str]) -> None:
    before = render(make_result(reason="fine")).count("\n")
    text = render(make_result(reason=HOSTILE))
    assert text.count("\n") == before
    assert not re.search("[\x1b\u202e]", text)


def test_hostile_text_is_no_markdown() -> None:
    text = show("identification", "markdown", make_result(reason=HOSTILE))
    [line] = [one for one in text.splitlines() if one.startswith("- **why:**")]
    for mark in "|<>`[]#":
        assert not re.search(rf"(?<!\\){re.escape(mark)}", line), mark
    assert "\\*\\_" in line


def test_hostile_names_in_a_tree_are_no_markdown() -> None:
    text = show("lineage", "markdown", make_hostile())
    outside = re.sub("`[^`]*`", "", re.sub(r"\\.", "", text))
    assert not re.search("[\x1b\u202e<`]", outside)


def test_a_deep_chain_is_not_broken_off() -> None:
    assert "continued below" not in show("lineage", "text", make_wide(300), width=None, color=False)


def test_a_family_s_document_is_its_file() -> None:
    family = make_family()
    document = build_family(family)
    assert document["schema"] == "famtree/family/1"
    assert validate(Family, document) == family


def test_the_list_s_document_counts() -> None:
    family = make_family()
    document = build_family_list([family])
    [row] = document["families"]
    assert document["schema"] == "famtree/families/1"
    assert (row["key"], row["exemplars"]) == (family.key, len(family.exemplars))
    assert [one["key"] for one in row["generations"]] == [one.key for one in family.generations]
