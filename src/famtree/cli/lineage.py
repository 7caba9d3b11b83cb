"""`famtree lineage`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from famtree.cli.options import AsJson, Atlas, Depth, Offline, Reference, Revision

if TYPE_CHECKING:
    from famtree.formats.lineage_words import Publishers
    from famtree.types.lineage import Lineage


def lineage(
    reference: Reference,
    as_json: AsJson = False,
    mermaid: Annotated[
        bool, typer.Option("--mermaid", help="Print a Mermaid flowchart, for Markdown.")
    ] = False,
    dot: Annotated[bool, typer.Option("--dot", help="Print a Graphviz graph.")] = False,
    html: Annotated[
        str | None,
        typer.Option("--html", metavar="FILE", help="Write one self-contained page; - is stdout."),
    ] = None,
    verify: Annotated[
        bool, typer.Option("--verify", help="May read weight bytes to prove claims.")
    ] = False,
    children: Annotated[
        bool, typer.Option("--children", help="Also list what was made from it, from the Hub.")
    ] = False,
    depth: Depth = 8,
    atlas: Atlas = None,
    offline: Offline = False,
    revision: Revision = None,
) -> None:
    """Show where a checkpoint comes from: every parent, with a status on every link.

    At most one of --json, --mermaid, --dot and --html. Exit codes: 0 answered, 2 usage, 3 could
    not be fetched, 4 unreadable, 70 a bug.
    """
    from famtree.cli.output import check_target, write_file, write_stderr, write_stdout

    forms = {"--json": as_json, "--mermaid": mermaid, "--dot": dot, "--html": html is not None}
    form = _choose_form(forms)
    if html is not None:
        check_target("--html", html)

    from famtree import api
    from famtree.cli.progress import Progress

    with Progress() as progress:
        result = api.lineage(
            reference,
            revision=revision,
            offline=offline,
            verify=verify,
            atlas=atlas,
            children=children,
            depth=depth,
            on_progress=progress.show,
        )
    text = _render(result, form)
    if html is None or html == "-":
        write_stdout(text)
        return
    write_file(html, text)
    from famtree.formats.escape import clip_text

    write_stderr(f"wrote {clip_text(html)}\n")


def _choose_form(forms: dict[str, bool]) -> str | None:
    from famtree.errors import UsageError

    chosen = [name for name, asked in forms.items() if asked]
    if len(chosen) > 1:
        raise UsageError(
            f"{' and '.join(chosen)} exclude each other", hint="run famtree once for each"
        )
    return chosen[0] if chosen else None


def _render(result: Lineage, form: str | None) -> str:
    if form == "--json":
        from famtree.formats.json_report import render_json

        return render_json(result.to_document())
    if form == "--mermaid":
        from famtree.formats.lineage_mermaid import render_mermaid

        return render_mermaid(result)
    if form == "--dot":
        from famtree.formats.lineage_dot import render_dot

        return render_dot(result)
    if form == "--html":
        from famtree.formats.lineage_html import render_html

        return render_html(result, publishers=_load_publishers())
    from famtree.cli.output import find_width, use_color
    from famtree.formats.lineage_tree import render_tree

    return render_tree(result, width=find_width(), color=use_color(), publishers=_load_publishers())


def _load_publishers() -> Publishers:
    from famtree.registry.load import load_registry

    return {family.key: family.publishers for family in load_registry().families}
