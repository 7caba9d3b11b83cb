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
    policy = "policy"
    check = "check"
    error = "error"


def schema(
    document: Annotated[
        Document, typer.Argument(help="Which document's schema.", show_default=False)
    ],
) -> None:
    """Print the JSON Schema of a document."""
    from famtree.cli.output import write_stdout
    from famtree.formats.json_report import render_json
    from famtree.formats.schema import build_schema

    write_stdout(render_json(build_schema(document.value)))
