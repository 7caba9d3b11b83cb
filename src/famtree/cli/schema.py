"""`famtree schema`."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer


class Document(StrEnum):
    """The documents that have a published schema."""

    identification = "identification"
    comparison = "comparison"
    lineage = "lineage"
    fit = "fit"
    policy = "policy"
    check = "check"
    error = "error"


def schema(
    document: Annotated[
        Document, typer.Argument(help="Which document's schema.", show_default=False)
    ],
) -> None:
    """Print the JSON Schema of a document."""
    from famtree.cli.output import render, write_stdout

    write_stdout(render("schema", document.value, "json"))
