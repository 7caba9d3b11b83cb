"""`famtree lineage`."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from famtree.cli.options import (
    AsJson,
    Atlas,
    Children,
    Depth,
    Offline,
    Reference,
    Revision,
    Timeout,
    Verify,
)
from famtree.types.depth import DEPTH

if TYPE_CHECKING:
    from famtree.formats.lineage_words import Publishers
    from famtree.types.lineage import Lineage


class GraphForm(StrEnum):
    """The forms a graph can have; the page of --html is one more."""

    text = "text"
    json = "json"
    markdown = "markdown"
    mermaid = "mermaid"
    dot = "dot"


_PAGE = "html"


def lineage(
    reference: Reference,
    as_json: AsJson = False,
    form: Annotated[
        GraphForm | None,
        typer.Option("--format", help="What to print.", show_default=GraphForm.text.value),
    ] = None,
    mermaid: Annotated[
        bool, typer.Option("--mermaid", help="A Mermaid flowchart: --format mermaid.")
    ] = False,
    dot: Annotated[bool, typer.Option("--dot", help="A Graphviz graph: --format dot.")] = False,
    html: Annotated[
        str | None,
        typer.Option("--html", metavar="FILE", help="Write one self-contained page; - is stdout."),
    ] = None,
    verify: Verify = False,
    children: Children = False,
    depth: Depth = DEPTH,
    atlas: Atlas = None,
    offline: Offline = False,
    timeout: Timeout = None,
    revision: Revision = None,
) -> None:
    """Show where a checkpoint comes from: every parent, with a status on every link.

    At most one of --format, --json, --mermaid, --dot and --html. Exit codes: 0 answered, 2 usage,
    3 could not be fetched, 4 unreadable, 70 a bug.
    """
    from famtree.cli.output import check_target, write_file, write_stderr, write_stdout

    asked = {
        f"--format {form}": form,
        "--json": GraphForm.json if as_json else None,
        "--mermaid": GraphForm.mermaid if mermaid else None,
        "--dot": GraphForm.dot if dot else None,
        "--html": None if html is None else _PAGE,
    }
    chosen = _choose_form(asked)
    if html is not None:
        check_target("--html", html)

    from famtree import api
    from famtree.cli.progress import Progress

    with Progress() as progress:
        result = api.lineage(
            reference,
            revision=revision,
            offline=offline,
            timeout=timeout,
            verify=verify,
            atlas=atlas,
            children=children,
            depth=depth,
            on_progress=progress.show,
        )
    text = _render(result, chosen)
    if html is None or html == "-":
        write_stdout(text)
        return
    write_file(html, text)
    from famtree.formats.escape import clip_text

    write_stderr(f"wrote {clip_text(html)}\n")


def _choose_form(asked: dict[str, str | None]) -> str:
    from famtree.errors import UsageError

    given = {option: form for option, form in asked.items() if form is not None}
    forms = set(given.values())
    if len(forms) > 1:
        raise UsageError(
            f"{' and '.join(given)} exclude each other", hint="run famtree once for each"
        )
    return forms.pop() if forms else GraphForm.text


def _render(result: Lineage, form: str) -> str:
    if form == GraphForm.json:
        from famtree.formats.json_report import render_json

        return render_json(result.to_document())
    if form == GraphForm.mermaid:
        from famtree.formats.lineage_mermaid import render_mermaid

        return render_mermaid(result)
    if form == GraphForm.dot:
        from famtree.formats.lineage_dot import render_dot

        return render_dot(result)
    if form == _PAGE:
        from famtree.formats.lineage_html import render_html

        return render_html(result, publishers=_load_publishers())
    if form == GraphForm.markdown:
        from famtree.formats.lineage_tree import render_tree_markdown

        return render_tree_markdown(result, publishers=_load_publishers())
    from famtree.cli.output import find_width, use_color
    from famtree.formats.lineage_tree import render_tree

    return render_tree(result, width=find_width(), color=use_color(), publishers=_load_publishers())


def _load_publishers() -> Publishers:
    from famtree.registry.load import load_registry

    return {family.key: family.publishers for family in load_registry().families}
