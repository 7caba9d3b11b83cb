"""`famtree attest`."""

from __future__ import annotations

from famtree.cli.options import (
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


def attest(
    reference: Reference,
    depth: Depth = DEPTH,
    verify: Verify = False,
    thorough: Thorough = False,
    nonce: Nonce = None,
    offline: Offline = False,
    registry: RegistryFolders = None,
    timeout: Timeout = None,
    revision: Revision = None,
) -> None:
    """Print an in-toto statement of what a checkpoint is and where it comes from, to be signed.

    Its subjects are the weight files, by the SHA-256 that the Hub lists; of files on this machine
    --verify computes it. Exit codes: 0 answered, 2 usage or a file without a hash, 3 could not be
    fetched, 4 unreadable, 70 a bug.
    """
    from famtree import api
    from famtree.cli.output import render, write_stdout
    from famtree.cli.progress import Progress

    proof = choose_proof(verify=verify, thorough=thorough, nonce=nonce)
    with Progress() as progress:
        document = api.attest(
            reference,
            revision=revision,
            offline=offline,
            verify=verify,
            proof=proof,
            depth=depth,
            registry=registry or (),
            timeout=timeout,
            on_progress=progress.show,
        )
    write_stdout(render("statement", document, "json"))
