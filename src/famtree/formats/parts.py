"""What a report is made of; drawn, plain and Markdown text are three writings of it.

All text passes `escape.clip_text` on its way in, so that no builder of a report can forget to.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from famtree.formats.escape import LONGEST, clip_text


class Text:
    """One line of words, shown literally; the first style lies under those of what is appended."""

    __slots__ = ("spans",)

    def __init__(self, text: str, style: str = "", *, limit: int = LONGEST) -> None:
        self.spans = [(clip_text(text, limit), style)]

    def append(self, text: str, style: str = "", *, limit: int = LONGEST) -> Text:
        """Add words, and return this."""
        self.spans.append((clip_text(text, limit), style))
        return self

    def __str__(self) -> str:
        return "".join(text for text, _ in self.spans)


class Heading(Text):
    """What the parts below are about; `level` is Markdown's."""

    __slots__ = ("level",)

    def __init__(self, text: str, *, level: int = 4) -> None:
        super().__init__(text, "bold")
        self.level = level


Words = str | Text
Cell = Words | list[Text]
"""Of a list every line stands by itself."""
BLANK = Text("")
"""A line between two parts; Markdown has one between all."""


class Facts:
    """Labels, each with one value or several; a frame around them carries the title."""

    __slots__ = ("lead", "rows", "title")

    def __init__(self, title: Text | None = None, lead: Sequence[Text] = ()) -> None:
        self.title = title
        self.lead = lead
        """Sentences above the labels."""
        self.rows: list[tuple[str, list[Text]]] = []

    def add(self, label: str, *values: Words | None) -> None:
        """Add what is known; what is None is left out."""
        told = [_cover(value) for value in values if value is not None]
        if told:
            self.rows.append((clip_text(label), told))

    def list_rows(self) -> Iterator[tuple[str, Text]]:
        """Yield label and value, the label as often as it has values."""
        return ((label.strip(), value) for label, values in self.rows for value in values)


class Table:
    """Rows of cells under headings, or a grid without any."""

    __slots__ = ("bare", "fold", "headings", "right", "rows", "tight", "widest")

    def __init__(
        self,
        *headings: str,
        right: tuple[str, ...] = (),
        bare: bool = False,
        widest: int | None = None,
        fold: tuple[int, str] | None = None,
        tight: bool = False,
    ) -> None:
        self.headings = [clip_text(heading) for heading in headings]
        self.right = right
        """Headings of columns that hold numbers."""
        self.bare = bare or not headings
        """A grid: its headings are shown by Markdown alone, which has no table without."""
        self.widest = widest
        """Columns of a screen that the first column of a grid may take; None: all it needs."""
        self.fold = fold
        """Rows that Markdown shows, and what the others are called, which are one click away."""
        self.tight = tight
        """Whether columns stand two blanks apart on a screen, not three: many narrow ones."""
        self.rows: list[list[list[Text]]] = []

    def add(self, *cells: Cell) -> None:
        """Add a row."""
        self.rows.append([c if isinstance(c, list) else [_cover(c)] for c in cells])

    def list_texts(self) -> list[list[str]]:
        """Return the rows, every cell on one line."""
        return [[", ".join(map(str, cell)) for cell in row] for row in self.rows]


class Tree:
    """Lines, and what branches off them."""

    __slots__ = ("children", "lines")

    def __init__(self, lines: list[Text]) -> None:
        self.lines = lines
        self.children: list[Tree] = []

    def add(self, lines: list[Text]) -> Tree:
        """Return a new branch."""
        self.children.append(Tree(lines))
        return self.children[-1]

    def walk(self) -> Iterator[tuple[int, Tree]]:
        """Yield depth and node, parents before children."""
        # A stack, not recursion: the depth is the documents', not Python's, to decide.
        stack = [(0, self)]
        while stack:
            depth, node = stack.pop()
            yield depth, node
            stack += [(depth + 1, child) for child in reversed(node.children)]


Part = Text | Facts | Table | Tree


def _cover(words: Words) -> Text:
    return words if isinstance(words, Text) else Text(words)
