"""Make the atlas of root models that a registry bundle may hold.

    python scripts/build_roots.py OUT [--rows ROWS.jsonl] [--ids FILE] [--no-sketch]

Scans the checkpoints that the registry has on record as bases (or those of FILE, one a line) where
the Hub can be reached, and builds OUT, mostly `roots.atlas`, of what was found: hashes of weight
files, digests, and sketches of weights (some 70 KB read of each). Rows are kept, and a run that was
stopped goes on where it was. `scripts/bundle_registry.py --roots OUT` puts it into a bundle.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from famtree.atlas.build import build_atlas
from famtree.errors import FamtreeError
from famtree.registry.bundle import LARGER
from famtree.registry.installed import ROOTS
from famtree.registry.load import load_registry
from famtree.registry.registry import Registry


def list_roots(registry: Registry) -> list[str]:
    """Return the Hub ids of the checkpoints on record that others are made from."""
    return sorted(
        {
            one.repo
            for family in registry.families
            for one in family.exemplars
            if one.relation == "base" and one.repo.count("/") == 1
        }
    )


def scan_roots(names: list[str], rows: Path, *, sketch: bool) -> int:
    """Scan into `rows` what is not there yet; return the exit code of `famtree scan`."""
    with tempfile.TemporaryDirectory() as scratch:
        listed = Path(scratch) / "roots.txt"
        listed.write_text("".join(f"{name}\n" for name in names), encoding="utf-8")
        command = [sys.executable, "-m", "famtree", "scan", "--from", str(listed)]
        command += ["--out", str(rows)]
        command += ["--resume"] if rows.is_file() else []
        command += ["--sketch"] if sketch else []
        return subprocess.run(command, check=False).returncode


def main() -> int:
    """Scan and build."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--rows", type=Path, default=Path("roots.jsonl"))
    parser.add_argument("--ids", type=Path)
    parser.add_argument("--no-sketch", action="store_true")
    asked = parser.parse_args()
    names = (
        asked.ids.read_text(encoding="utf-8").split() if asked.ids else list_roots(load_registry())
    )
    if code := scan_roots(names, asked.rows, sketch=not asked.no_sketch):
        return code
    try:
        built = build_atlas([asked.rows], asked.out)
    except FamtreeError as fault:
        print(fault.message, file=sys.stderr)
        return fault.exit_code
    size = asked.out.stat().st_size
    print(f"{built.checkpoints} checkpoints of {len(names)}, {size:,} bytes")
    return int(size > LARGER[ROOTS])


if __name__ == "__main__":
    sys.exit(main())
