"""Where the zoo is kept."""

from __future__ import annotations

import argparse
import os
from pathlib import Path


def default_cache() -> Path:
    """Return $FAMTREE_ZOO, else a folder beside other caches."""
    named = os.environ.get("FAMTREE_ZOO")
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(named) if named else Path(base) / "famtree-zoo"


def add_cache_option(parser: argparse.ArgumentParser) -> None:
    """Add --cache."""
    parser.add_argument(
        "--cache", type=Path, default=default_cache(), help="folder of the zoo (or $FAMTREE_ZOO)"
    )
