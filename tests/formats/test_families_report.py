from __future__ import annotations

from collections.abc import Callable

import pytest

from families import make_family, make_registry
from famtree.formats.families_report import describe_condition
from famtree.types.family import Condition
from rendering import show

Golden = Callable[[str, str], None]


@pytest.mark.parametrize("width", [100, 40])
def test_list_is_golden(width: int, golden: Golden) -> None:
    families = make_registry().families
    golden(f"families-{width}.txt", show("families", "text", families, width=width, color=False))


@pytest.mark.parametrize("width", [100, 40])
def test_family_is_golden(width: int, golden: Golden) -> None:
    golden(f"family-{width}.txt", show("family", "text", make_family(), width=width, color=False))


def test_order_of_files_does_not_matter() -> None:
    families = make_registry().families
    assert show("families", "text", families, width=80, color=False) == show(
        "families", "text", families[::-1], width=80, color=False
    )


def test_registry_text_is_escaped() -> None:
    text = show("family", "text", make_family("elm"), width=80, color=False)
    assert "\x1b" not in text
    assert "Evil\\x1b[31m Corp" in text
    assert "Elm [beta]" in text


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        (Condition(equals=True), "= true"),
        (Condition(equals=1e6), "= 1e+06"),
        (Condition(equals="silu"), "= silu"),
        (Condition(one_of=(1, 2)), "one of 1, 2"),
        (Condition(between=(1, 9)), "1 to 9"),
        (Condition(contains=("a", "b")), "has a, b"),
        (Condition(absent=True), "absent"),
    ],
)
def test_condition_in_words(condition: Condition, words: str) -> None:
    assert describe_condition(condition) == words
