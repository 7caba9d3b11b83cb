"""Train and derive the zoo of small networks that famtree's verification is measured on.

    python -m pip install -r benchmarks/zoo/requirements.txt
    python benchmarks/make_zoo.py [--cache FOLDER] [--processes N] [--only design|held-out]

About 40 minutes on two idle cores; finished checkpoints are kept in the cache and not made again.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from zoo.cache import add_cache_option
from zoo.families import list_design_recipes
from zoo.trees import list_held_out_recipes, list_seen_recipes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    add_cache_option(parser)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--only", choices=["design", "held-out"])
    options = parser.parse_args()
    recipes = []
    if options.only != "held-out":
        recipes += list_design_recipes() + list_seen_recipes()
    if options.only != "design":
        recipes += list_held_out_recipes()
    # Not at the top: --help needs no torch.
    from zoo.build import build

    build(Path(options.cache), recipes, options.processes)


if __name__ == "__main__":
    main()
