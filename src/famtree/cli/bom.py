"""`famtree bom`."""

from __future__ import annotations

from typing import Annotated

import typer

from famtree.cli.options import (
    Children,
    Depth,
    Nonce,
    Offline,
    Reference,
    RegistryFolders,
    Revision,
    Thorough,
    Timeout,
    Verify,
    choose_proof,
)
from famtree.types.depth import DEPTH


def bom(
    reference: Reference,
    children: Children = False,
    depth: Depth = DEPTH,
    stamp: Annotated[
        bool, typer.Option("--stamp", help="Add the time and a random serial number.")
    ] = False,
    verify: Verify = False,
    thorough: Thorough = False,
    nonce: Nonce = None,
    offline: Offline = False,
    registry: RegistryFolders = None,
    timeout: Timeout = None,
    revision: Revision = None,
) -> None:
    """Print a CycloneDX ML-BOM: hashes, licences, model card and pedigree, as JSON.

    Needs the extra `bom`, from a checkout `pip install '.[bom]'`. Exit codes: 0 answered, 2 usage,
    3 could not be fetched, 4 unreadable, 70 a bug.
    """
    from famtree import api
    from famtree.cli.output import render, write_stdout
    from famtree.cli.progress import Progress

    proof = choose_proof(verify=verify, thorough=thorough, nonce=nonce)
    with Progress() as progress:
        document = api.bom(
            reference,
            revision=revision,
            offline=offline,
            verify=verify,
            proof=proof,
            children=children,
            depth=depth,
            stamp=stamp,
            registry=registry or (),
            timeout=timeout,
            on_progress=progress.show,
        )
    write_stdout(render("bom", document, "json"))
