"""`famtree mcp`."""

from __future__ import annotations

from typing import Annotated

import typer

from famtree.cli.options import Offline, RegistryFolders

USUAL_TIMEOUT = 120.0
"""Seconds of fetching that one answer may take; programs that ask wait no longer than that."""


def mcp(
    timeout: Annotated[
        float,
        typer.Option(
            "--timeout",
            metavar="SECONDS",
            min=0.001,
            help="For one answer nothing more is fetched after so many seconds.",
        ),
    ] = USUAL_TIMEOUT,
    offline: Offline = False,
    registry: RegistryFolders = None,
) -> None:
    """Answer agents over stdio (Model Context Protocol), with the same answers as the commands.

    Tools: identify, compare, lineage, fit, families. Needs the extra `mcp`, from
    a checkout `pip install '.[mcp]'`. Exit codes: 0 the client has left, 2 usage, 70 a bug.
    """
    from famtree.errors import require_package
    from famtree.registry.places import find_places

    require_package("mcp", "answering agents")
    places = find_places(registry or ())
    from famtree.cli.agent_server import serve
    from famtree.cli.agent_tools import Bounds

    serve(Bounds(timeout, offline, places))
