"""What a report is made of: nothing gets into it as it was written by a stranger."""

from __future__ import annotations

import pytest

from famtree.formats.escape import LONGEST
from famtree.formats.markdown import write_markdown
from famtree.formats.parts import Facts, Heading, Part, Table, Text, Tree
from famtree.formats.plain import write_plain

HOSTILE = "[red]x\x1b[2J\u202e\n"


def make_facts() -> Facts:
    facts = Facts(Text(HOSTILE))
    facts.add(HOSTILE, HOSTILE)
    return facts


def make_table() -> Table:
    table = Table(HOSTILE, "b")
    table.add(HOSTILE, [Text(HOSTILE), Text("x").append(HOSTILE)])
    return table


PARTS: dict[str, Part] = {
    "text": Text("x").append(HOSTILE),
    "heading": Heading(HOSTILE),
    "facts": make_facts(),
    "table": make_table(),
    "tree": Tree([Text(HOSTILE), Text(HOSTILE)]),
}


@pytest.mark.parametrize("name", PARTS)
def test_all_that_goes_in_is_made_safe(name: str) -> None:
    part = PARTS[name]
    texts = [write_plain([part]), write_markdown([part])]
    from famtree.formats.canvas import draw

    texts.append(draw([part], width=200, color=False))
    for text in texts:
        assert not set(text) & set("\x1b\u202e"), name
        assert "\\u202e" in text.replace("\\\\", "\\")


def test_long_text_is_cut() -> None:
    assert len(str(Text("x" * 1000))) == LONGEST
    assert len(str(Text("").append("x" * 1000, limit=20))) == 20


def test_unknown_facts_are_left_out() -> None:
    facts = Facts()
    facts.add("a", None)
    facts.add("b")
    facts.add("c", None, "1", "2")
    assert write_plain([facts]) == "c: 1\nc: 2\n"


def test_a_deep_tree_needs_no_deep_stack() -> None:
    root = branch = Tree([Text("0")])
    for number in range(5000):
        branch = branch.add([Text(str(number))])
    assert write_plain([root]).count("\n") == 5001


def test_rows_beyond_the_fold_are_one_click_away() -> None:
    table = Table("n", fold=(2, "numbers"))
    for number in range(5):
        table.add(str(number))
    page = write_markdown([table])
    assert page.index("| 1 |") < page.index("<summary>3 more numbers</summary>")
    assert page.index("</summary>") < page.index("| 2 |") < page.index("</details>")
    assert write_plain([table]) == "n\n0\n1\n2\n3\n4\n"
