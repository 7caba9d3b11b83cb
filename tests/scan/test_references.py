from __future__ import annotations

import pytest

from famtree.errors import UsageError
from famtree.scan.references import drop_repeated, hash_reference, read_lines


def test_lists_may_have_comments_and_blank_lines() -> None:
    lines = ["# models\n", "\n", "  org/a \n", "org/b"]
    assert list(read_lines(lines, "list")) == ["org/a", "org/b"]


@pytest.mark.parametrize("line", ["x" * 5000, "PK\0\3"])
def test_what_is_no_list_is_refused(line: str) -> None:
    with pytest.raises(UsageError, match="list, line 2"):
        list(read_lines(["org/a\n", line], "list"))


def test_each_reference_comes_once() -> None:
    done = {hash_reference("org/b")}
    assert list(drop_repeated(["org/a", "org/b", "org/a", "org/c"], done)) == ["org/a", "org/c"]
    assert len(done) == 3
