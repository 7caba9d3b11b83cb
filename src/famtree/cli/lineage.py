"""`famtree lineage`."""

from __future__ import annotations

from typing import Annotated

import typer

from famtree.cli.options import (
    AsJson,
    Atlas,
    Candidates,
    Children,
    Depth,
    NoAtlas,
    Nonce,
    Offline,
    Reference,
    RegistryFolders,
    Revision,
    Thorough,
    Timeout,
    Verify,
    choose_format,
    choose_proof,
    offer_formats,
)
from famtree.types.depth import DEPTH


def lineage(
    reference: Reference,
    as_json: AsJson = False,
    form: Annotated[str | None, offer_formats("lineage")] = None,
    mermaid: Annotated[
        bool, typer.Option("--mermaid", help="A Mermaid flowchart: --format mermaid.")
    ] = False,
    dot: Annotated[bool, typer.Option("--dot", help="A Graphviz graph: --format dot.")] = False,
    svg: Annotated[bool, typer.Option("--svg", help="A picture: --format svg.")] = False,
    html: Annotated[
        str | None,
        typer.Option("--html", metavar="FILE", help="Write one self-contained page; - is stdout."),
    ] = None,
    verify: Verify = False,
    thorough: Thorough = False,
    nonce: Nonce = None,
    candidate: Candidates = None,
    children: Children = False,
    depth: Depth = DEPTH,
    atlas: Atlas = None,
    no_atlas: NoAtlas = False,
    offline: Offline = False,
    registry: RegistryFolders = None,
    timeout: Timeout = None,
    revision: Revision = None,
) -> None:
    """Show where a checkpoint comes from: every parent, with a status on every link.

    At most one of --format, --json, --mermaid, --dot, --svg and --html. Exit codes: 0 answered,
    2 usage, 3 could not be fetched, 4 unreadable, 70 a bug.
    """
    from famtree.cli.output import check_target, render, write_page

    page = html is not None
    chosen = choose_format(form, json=as_json, mermaid=mermaid, dot=dot, svg=svg, html=page)
    if chosen in {"html", "svg"}:
        from famtree.formats.lineage_layout import require_layout

        require_layout()
    if html is not None:
        check_target("--html", html)

    from famtree import api
    from famtree.cli.progress import Progress
    from famtree.registry.places import load_publishers

    proof = choose_proof(verify=verify, thorough=thorough, nonce=nonce)
    if candidate and not verify:
        from famtree.errors import UsageError

        raise UsageError("--candidate is looked at by weights", hint="add --verify")
    with Progress() as progress:
        result = api.lineage(
            reference,
            revision=revision,
            offline=offline,
            registry=registry or (),
            timeout=timeout,
            verify=verify,
            proof=proof,
            atlas=atlas,
            roots=not no_atlas,
            candidates=candidate or (),
            children=children,
            depth=depth,
            on_progress=progress.show,
        )
    publishers = load_publishers(registry or ())
    write_page(html or "-", render("lineage", result, chosen, publishers=publishers))
