from __future__ import annotations

import pytest

from famtree.registry.locate import locate

TEXT = """\
name = "x"

[[generation]]
key = "a"
[[generation.rule]]
when.architecture.layers = 3
[[generation.rule]]
[generation.rule.when]
recipe.context = 5

[[generation]]
key = "b"
size = [{name = "1B"}]
[[generation.rule]]
architecture.layers = 9
[groups.design]
cap = 4
"""


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("name",), 1),
        (("generation", 0, "key"), 4),
        (("generation", 1, "key"), 12),
        (("generation", 0, "rule", 1, "when", "recipe.context"), 9),
        (("generation", 1, "rule", 0, "architecture.layers"), 15),
        (("generation", 0, "rule", 0), 5),
        (("generation", 0, "rule", 1), 7),
        (("generation", 1, "absent"), 11),
        (("nowhere",), None),
        (("generation", 7, "key"), None),
        ((), None),
    ],
)
def test_line_of_a_path(path: tuple[str | int, ...], line: int | None) -> None:
    assert locate(TEXT, path) == line


def test_inner_tables_are_counted_anew_in_each_outer_table() -> None:
    assert locate(TEXT, ("generation", 1, "rule", 0)) == 14


def test_only_line_feeds_end_lines() -> None:
    text = 'name = """a\x85\u2028b\r\n"""\n[[generation]]\nkey = 1\n'
    assert locate(text, ("generation", 0, "key")) == 4


def test_the_nearest_table_of_the_element_that_is_meant() -> None:
    text = "[[a]]\nx = 1\n[b]\ny = 1\n[[a]]\n[[a.c]]\nz = 1\n"
    assert locate(text, ("a", 1, "y")) == 5
    assert locate(text, ("a", 1, "c", 0, "z")) == 7
    assert locate(text, ("a", 0, "c", 0, "z")) is None


def test_empty_text() -> None:
    assert locate("", ("generation", 0)) is None
