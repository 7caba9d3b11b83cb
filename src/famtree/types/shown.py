"""Answers as they show themselves: short in a session, as tree and table in a notebook."""

from __future__ import annotations

from abc import abstractmethod
from importlib import import_module
from typing import Any, ClassVar

from famtree.types.model import FrozenModel


class Shown(FrozenModel):
    """A document that can be written in the formats of its kind."""

    kind_: ClassVar[str]
    """Its name in `famtree.formats.table`."""

    @abstractmethod
    def sum_up(self) -> str:
        """Return the answer in a few words."""

    def to_markdown(self) -> str:
        """Return the report as GitHub-flavoured Markdown."""
        return self._write("markdown")

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.sum_up()}>"

    def __str__(self) -> str:
        return repr(self)

    def _write(self, form: str) -> str:
        # By name: what shows documents stands above them, and is imported where it is needed.
        return str(import_module("famtree.formats.notebook").show(self.kind_, self, form))

    def _repr_html_(self) -> str:
        return self._write("fragment")

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        """Return what IPython's display shows, by media type."""
        del include, exclude
        return {
            "text/plain": self._write("text"),
            "text/html": self._repr_html_(),
            "text/markdown": self.to_markdown(),
        }
