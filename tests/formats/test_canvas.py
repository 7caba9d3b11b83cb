from __future__ import annotations

from famtree.formats.canvas import draw
from famtree.formats.parts import Facts, Table, Text


def test_lines_have_no_trailing_blanks_and_end_with_a_feed() -> None:
    facts = Facts()
    facts.add("a", "b")
    assert draw([facts], width=40, color=False) == "a  b\n"


def test_a_label_of_several_values_stands_once() -> None:
    facts = Facts()
    facts.add("a", "b", "c")
    assert draw([facts], width=40, color=False) == "a  b\n   c\n"


def test_markup_and_emoji_codes_are_literal() -> None:
    text = draw([Text("[red]x[/red] :smile:")], width=40, color=False)
    assert text == "[red]x[/red] :smile:\n"


def test_numbers_are_not_highlighted() -> None:
    text = draw([Text("12 'x' http://example.org")], width=40, color=True)
    assert text == "12 'x' http://example.org\n"


def test_styles_are_drawn() -> None:
    assert draw([Text("a", "red").append("b", "bold")], width=40, color=True) == (
        "\x1b[31ma\x1b[0m\x1b[1;31mb\x1b[0m\n"
    )


def test_numeric_columns_stand_right() -> None:
    table = Table("name", "count", right=("count",))
    table.add("x", "7")
    assert draw([table], width=40, color=False).splitlines()[-1].endswith("    7")


def test_a_bare_table_shows_no_headings() -> None:
    table = Table("name", bare=True)
    table.add("x")
    assert draw([table], width=40, color=False) == "x\n"


def test_absurdly_narrow_terminal() -> None:
    assert draw([Text("word")], width=0, color=False) == "word\n"
