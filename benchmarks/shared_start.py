"""Are two trainings from one initialisation taken for parent and child? At three learning rates.

    python -m pip install -r benchmarks/zoo/requirements.txt
    python benchmarks/shared_start.py --seeds 12 [--cache FOLDER]

For each seed and rate three networks begin at one initialisation: two on the same text in another
order, one on other text; the first is fine-tuned and trained on. Prints every pair of a rate, and
how many of what only began alike are called `derived`, and how many true relatives are not.
"""

from __future__ import annotations

import argparse
from itertools import combinations
from pathlib import Path

from zoo.cache import add_cache_option
from zoo.design import Shape
from zoo.recipe import Recipe, make_course, make_origin

RATES = (3e-4, 1e-3, 3e-3)
SHAPE = Shape(hidden=128, layers=2, heads=4, kv_heads=2, ffn=256, vocab=2048)
TEXTS = {"a": ("library",), "b": ("documentation",), "c": ("library",)}
STEPS = 160


def list_recipes(seed: int) -> list[Recipe]:
    """Return the networks of one seed."""
    origin = make_origin("gated-tied" if seed % 2 else "gated-untied", SHAPE, seed, "first")
    found = []
    for rate in RATES:
        tree = f"s{seed}-{rate:g}"
        for place, (side, mix) in enumerate(TEXTS.items()):
            course = make_course(mix, STEPS, rate, 0.1, seed * 10 + place)
            found.append(
                Recipe(f"{tree}-{side}", "root", tree, steps=(("train", course),), origin=origin)
            )
        for kind, mix, steps, speed in (
            ("ft", ("packages",), 60, 3e-4), ("cpt", ("documentation",), STEPS, rate),
        ):  # fmt: skip
            course = make_course(mix, steps, speed, 0.0, seed * 10 + 7)
            found.append(
                Recipe(f"{tree}-a-{kind}", "finetune", tree, parents=(f"{tree}-a",),
                       steps=(("train", course),))
            )  # fmt: skip
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    add_cache_option(parser)
    parser.add_argument("--seeds", type=int, nargs="+", required=True)
    options = parser.parse_args()
    # Not at the top: --help needs no torch.
    from famtree.checkpoint.checkpoint import Checkpoint
    from famtree.registry.load import load_registry
    from famtree.sources.open import open_source
    from famtree.sources.reference import parse_reference
    from famtree.weights.pair import compare_weights
    from zoo.build import build

    recipes = [recipe for seed in options.seeds for recipe in list_recipes(seed)]
    build(Path(options.cache), recipes, 1)
    registry, counts = load_registry(), {"began alike": [0, 0], "relatives": [0, 0]}
    for one, other in combinations(recipes, 2):
        if one.tree != other.tree:
            continue
        sources = [
            open_source(parse_reference(str(Path(options.cache) / "models" / each.name)))
            for each in (one, other)
        ]
        sides = [Checkpoint(source, registry, briefly=True).weights for source in sources]
        found = compare_weights(*sides)
        roots = {(each.parents or (each.name,))[0] for each in (one, other)}
        kind = "relatives" if len(roots) == 1 else "began alike"
        counts[kind][0] += found.verdict == "derived"
        counts[kind][1] += 1
        print(f"{kind}  {one.name}  {other.name}  {found.verdict}  {found.cosine:.3f}", flush=True)
    for kind, (called, cases) in counts.items():
        print(f"{kind}: called derived {called} of {cases}")


if __name__ == "__main__":
    main()
