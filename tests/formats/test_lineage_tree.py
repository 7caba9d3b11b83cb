from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest

from lineages import (
    PUBLISHERS,
    make_contradicted,
    make_hostile,
    make_lineage,
    make_link,
    make_merge,
    make_wide,
)
from rendering import show

LINEAGES = {"merge": make_merge, "contradicted": make_contradicted, "hostile": make_hostile}


@pytest.mark.parametrize("width", [100, 50])
@pytest.mark.parametrize("name", LINEAGES)
def test_tree_is_golden(name: str, width: int, golden: Callable[[str, str], None]) -> None:
    text = show(
        "lineage", "text", LINEAGES[name](), width=width, color=False, publishers=PUBLISHERS
    )
    golden(f"lineage-{name}-{width}.txt", text)


@pytest.mark.parametrize("width", [20, 40, 60, 80, 140])
@pytest.mark.parametrize("name", LINEAGES)
def test_lines_fit_the_terminal(name: str, width: int) -> None:
    text = show(
        "lineage", "text", LINEAGES[name](), width=width, color=False, publishers=PUBLISHERS
    )
    assert max(map(len, text.splitlines())) <= width


def test_no_terminal_code_gets_through() -> None:
    text = show("lineage", "text", make_hostile(), width=4000, color=False)
    assert not set(text) & set("\x1b\u202e")
    assert "[red]" in text
    assert "\x1b[" in show("lineage", "text", make_merge(), width=80, color=True)


def test_shared_ancestor_is_shown_in_full_once() -> None:
    text = show("lineage", "text", make_merge(), width=100, color=False)
    assert text.count("shown above") == 2
    assert text.count("acme/oak-1-8b\n") == 1


def test_long_chain_goes_on_below() -> None:
    names = [f"acme/oak-{number}" for number in range(3000)]
    edges = [make_link(a, b) for a, b in pairwise(names)]
    text = show("lineage", "text", make_lineage(names[0], edges=edges[:99]), width=60, color=False)
    assert text.count("continued below") == text.count("\nacme/") > 5
    assert all(f"{name}\n" in text for name in names[:100])
    cut = show("lineage", "text", make_lineage(names[0], edges=edges), width=60, color=False)
    assert "and 2600 more checkpoints" in cut


def test_branches_that_meet_below_are_not_repeated() -> None:
    text = show("lineage", "text", make_wide(300), width=60, color=False)
    assert text.count("known by name only") == 0
    assert len(text) < 200_000


def test_lone_checkpoint() -> None:
    text = show("lineage", "text", make_lineage("acme/oak"), width=60, color=False)
    assert "no parent is known" in text
    assert text.startswith("acme/oak\nknown by name only\n")
