from __future__ import annotations

import io

import pytest

from famtree.errors import UsageError
from famtree.scan.references import (
    MAX_LINE,
    drop_repeated,
    hash_reference,
    read_lines,
    split_lines,
)


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


def test_a_line_without_end_is_not_read_to_its_end() -> None:
    class Endless(io.StringIO):
        read_so_far = 0

        def readline(self, size: int | None = -1, /) -> str:  # type: ignore[override]
            assert size is not None
            assert size > 0, "all of it"
            self.read_so_far += size
            return "a" * size

    stream = Endless()
    with pytest.raises(UsageError, match="line 1"):
        list(read_lines(split_lines(stream), "list"))
    assert stream.read_so_far <= MAX_LINE + 1
    assert list(split_lines(io.StringIO("a/b\n\nc/d"))) == ["a/b\n", "\n", "c/d"]
