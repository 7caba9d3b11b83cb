from __future__ import annotations

from famtree.formats.canvas import draw, make_grid, make_table


def test_lines_have_no_trailing_blanks_and_end_with_a_feed() -> None:
    grid = make_grid()
    grid.add_row("a", "b")
    text = draw(grid, width=40, color=False)
    assert text == "a  b\n"


def test_markup_and_emoji_codes_are_literal() -> None:
    assert draw("[red]x[/red] :smile:", width=40, color=False) == "[red]x[/red] :smile:\n"


def test_numbers_are_not_highlighted() -> None:
    assert draw("12 'x' http://example.org", width=40, color=True) == (
        "12 'x' http://example.org\n"
    )


def test_numeric_columns_stand_right() -> None:
    table = make_table("name", "count", right=("count",))
    table.add_row("x", "7")
    assert draw(table, width=40, color=False).splitlines()[-1].endswith("    7")


def test_absurdly_narrow_terminal() -> None:
    assert draw("word", width=0, color=False) == "word\n"
