from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from famtree.formats.lineage_mermaid import escape_mermaid
from lineages import HOSTILE, make_contradicted, make_hostile, make_lineage, make_merge, make_wide
from rendering import show

LINEAGES = {"merge": make_merge, "contradicted": make_contradicted, "hostile": make_hostile}
LINE = re.compile(
    r'flowchart TD|  classDef asked stroke-width:3px|  class n0 asked|  n\d+\["[^"]+"\]'
    r'|  n\d+ (==>|-->|-\.->|--x|-\.-o)\|"[^"]+"\| n\d+|  %% left out: \d+ checkpoints, \d+ links'
)


@pytest.mark.parametrize("name", LINEAGES)
def test_flowchart_is_golden(name: str, golden: Callable[[str, str], None]) -> None:
    golden(f"lineage-{name}.mmd", show("lineage", "mermaid", LINEAGES[name]()))


@pytest.mark.parametrize("make", [*LINEAGES.values(), lambda: make_wide(2000)])
def test_every_line_is_of_a_known_form(make: Callable[[], object]) -> None:
    text = show("lineage", "mermaid", make())
    assert all(LINE.fullmatch(line) for line in text.splitlines())


def test_names_cannot_break_out() -> None:
    escaped = escape_mermaid(HOSTILE)
    assert not set(escaped) & set("\"'[](){}<>&|`%\\*_~=\x1b\u202e\n")
    assert re.fullmatch(r"(#\d+;|[^#;])+", escaped)


def test_different_names_stay_different() -> None:
    assert escape_mermaid("#60;") != escape_mermaid("<")
    assert escape_mermaid("a_b") != escape_mermaid("a-b")


def test_limits_of_mermaid_are_kept() -> None:
    text = show("lineage", "mermaid", make_wide(2000))
    assert len(text) < 50_000
    assert len(re.findall(r'\|"', text)) < 500
    assert "left out: 1800 checkpoints" in text


def test_lone_checkpoint() -> None:
    assert '  n0["acme/oak<br/>known by name only"]' in show(
        "lineage", "mermaid", make_lineage("acme/oak")
    )
