"""How the process of the command starts and ends."""

from __future__ import annotations

import contextlib
import gc
import os
import sys
from typing import NoReturn

COLLECT_AFTER = 200_000
"""New objects between two collections. A start makes some 100,000 and drops hardly any: with
Python's own 700 the collector walks them over and over, a fifteenth of the time of a local
answer."""


def launch_extension() -> NoReturn:
    """Run as `hf famtree`: huggingface_hub starts its extensions by the name `hf-famtree`."""
    launch("hf famtree")


def launch(*program: str) -> NoReturn:
    """Run the command, called `program` where not famtree, and end the process at once.

    Freeing a hundred thousand objects one by one takes as long as importing a large package, and
    nothing is left to clean up: every file is written and closed by then.
    """
    # Before anything large is imported.
    gc.set_threshold(COLLECT_AFTER)
    from famtree.cli.app import main

    code: object = 70
    try:
        main(*program)
    except SystemExit as request:
        code = request.code
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(code if isinstance(code, int) else 70)
