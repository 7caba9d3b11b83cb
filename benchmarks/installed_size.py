"""What `pip install .` brings into an empty environment: megabytes of packages, each and in all.

    python benchmarks/installed_size.py [--extra EXTRA]... [--most MB]

Makes an environment of its own in a temporary folder; needs a package index. pip and setuptools,
which an environment has anyway, are not counted, nor bytecode, which pip or the first import
compiles from the packages (a third of their size again).
Exits with 1 where it is more than `--most`.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
NOT_COUNTED = frozenset({"pip", "setuptools"})
MOST = 130.0
"""Megabytes, of 10^6 bytes, that an installation without extras may take."""
_LIST = """
import json
from importlib.metadata import distributions
print(json.dumps({
    one.metadata["Name"]: sum(
        file.locate().stat().st_size
        for file in one.files or ()
        if file.locate().is_file() and "__pycache__" not in file.parts
    )
    for one in distributions()
}))
"""


def measure(extras: list[str]) -> dict[str, float]:
    """Return the megabytes of every package of a new environment, the largest first."""
    with tempfile.TemporaryDirectory() as place:
        subprocess.run([sys.executable, "-m", "venv", place], check=True)
        python = str(Path(place, "Scripts" if sys.platform == "win32" else "bin", "python"))
        wanted = f"{ROOT}[{','.join(extras)}]" if extras else str(ROOT)
        subprocess.run([python, "-m", "pip", "install", "-q", "--no-compile", wanted], check=True)
        return list_sizes(python)


def list_sizes(python: str) -> dict[str, float]:
    """Return the megabytes of every counted package that `python` sees, the largest first."""
    done = subprocess.run([python, "-c", _LIST], check=True, capture_output=True, text=True)
    sizes = {name: size / 1e6 for name, size in json.loads(done.stdout).items()}
    counted = [(name, size) for name, size in sizes.items() if name not in NOT_COUNTED]
    return dict(sorted(counted, key=lambda one: -one[1]))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--extra", action="append", default=[], metavar="EXTRA")
    parser.add_argument("--most", type=float, default=MOST, metavar="MB")
    options = parser.parse_args()
    sizes = measure(options.extra)
    for name, size in sizes.items():
        print(f"{size:8.1f} MB  {name}")
    total = sum(sizes.values())
    print(f"{total:8.1f} MB  {len(sizes)} packages; at most {options.most:g} MB")
    return int(total > options.most)


if __name__ == "__main__":
    sys.exit(main())
