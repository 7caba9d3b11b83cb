from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable

import pytest

from famtree.formats.lineage_dot import escape_dot
from lineages import make_contradicted, make_hostile, make_merge, make_wide
from rendering import show

LINEAGES = {"merge": make_merge, "contradicted": make_contradicted, "hostile": make_hostile}
STRING = re.compile(r'"(?:[^"\\]|\\.)*"')


@pytest.mark.parametrize("name", LINEAGES)
def test_graph_is_golden(name: str, golden: Callable[[str, str], None]) -> None:
    golden(f"lineage-{name}.dot", show("lineage", "dot", LINEAGES[name]()))


@pytest.mark.parametrize("name", LINEAGES)
def test_names_stay_inside_their_quotes(name: str) -> None:
    bare = STRING.sub("S", show("lineage", "dot", LINEAGES[name]()))
    assert re.fullmatch(r"[A-Za-z0-9 _=,;\[\]{}\n>-]+", bare)


@pytest.mark.parametrize(
    ("text", "escaped"),
    [('a"b', r"a\"b"), (r"\N", r"\\N"), ("&lt;", "&amp;lt;"), ("a\nb", r"a\\nb"), ("\\", r"\\")],
)
def test_escapes(text: str, escaped: str) -> None:
    assert escape_dot(text) == escaped


def test_left_out_checkpoints_are_told() -> None:
    assert "// left out: 500 checkpoints" in show("lineage", "dot", make_wide(2500))


@pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is not installed")
@pytest.mark.parametrize("name", LINEAGES)
def test_graphviz_reads_it(name: str) -> None:
    subprocess.run(
        ["dot", "-Tsvg"],
        input=show("lineage", "dot", LINEAGES[name]()).encode(),
        check=True,
        capture_output=True,
    )
