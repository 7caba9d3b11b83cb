"""Is the family right when hardly more than the shape of a checkpoint is known?

    python benchmarks/hparams.py [--left-out]

Every Hub id with published hyperparameters becomes the least configuration that states them (no
rope, no tokenizer, no header for most), and is classified. Exits with 1 if a target is missed.
"""

from __future__ import annotations

import argparse
import sys

from famtree.registry.load import load_registry
from reference_data import Tally, Truth, classify_config, config_of_figures, find_shared, read_rows
from reference_data import report as report_tally

TARGETS = {
    "right": ("at least", 0.95),
    "confidently_wrong": ("at most", 0.005),
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--left-out", action="store_true", help="list ids whose truth is open")
    asked = parser.parse_args()
    shared = find_shared()
    registry = load_registry()
    truth = Truth(shared, registry)
    tally = Tally()
    left_out: list[str] = []
    too_little = 0
    seen: set[str] = set()
    # Rows with a model_type say more, and come first where an id has several.
    rows = read_rows(shared / "knowledge" / "hparams.csv")
    for row in sorted(rows, key=lambda row: not row["model_type"]):
        hub_id = row["hub_id"]
        config = config_of_figures(row)
        if config is None:
            too_little += 1
            continue
        if hub_id in seen:
            continue
        seen.add(hub_id)
        known = truth.of(hub_id, row["architecture"])
        if known is None:
            left_out.append(f"{hub_id} {row['architecture']} {row['vocab']}")
            continue
        families, source = known
        tally.add(hub_id, classify_config(config, registry), families, source)
    if asked.left_out:
        print("\n".join(left_out))
    print(f"{len(left_out)} ids left out (truth open), {too_little} rows say too little")
    return report_tally(tally, TARGETS, left_out=len(left_out), too_little=too_little)


if __name__ == "__main__":
    sys.exit(main())
