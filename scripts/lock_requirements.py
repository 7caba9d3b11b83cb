"""Lock what the action and a release install: exact versions, with the hashes of their files.

    python scripts/lock_requirements.py [--upgrade] [--check]

Writes `requirements/*.txt` from pyproject.toml, for every Python and platform at once, and without
the name of any index. Versions stay as they are locked unless `--upgrade` asks for the newest.
`--check` writes nothing and exits with 1 where a file is not what would be written. Needs uv (the
dependency group `audit`) and a package index.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "requirements"
# Later ones are held to the versions of the first: famtree is built in the one and runs in the
# other. "-" stands for what a build needs.
LOCKS = {
    "action": ["pyproject.toml", "-"],
    "release": ["--group", "release", "-", "--constraints", "requirements/action.txt"],
    "audit": ["--group", "audit"],
}
OPTIONS = (
    "--quiet", "--no-config", "--universal", "--python-version", "3.11", "--generate-hashes",
    "--no-emit-index-url", "--no-emit-find-links", "--no-header", "--annotation-style", "split",
)  # fmt: skip


def find_uv() -> str:
    beside = Path(sys.executable).parent / "uv"
    found = str(beside) if beside.is_file() else shutil.which("uv")
    if found is None:
        raise SystemExit("uv is not installed: pip install --group audit")
    return found


def lock(name: str, target: Path, *options: str) -> None:
    """Write the lock `name` to `target`, with the versions that `target` already has."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    subprocess.run(
        [find_uv(), "pip", "compile", *OPTIONS, *options, *LOCKS[name], "-o", str(target)],
        cwd=ROOT,
        input="\n".join(project["build-system"]["requires"]),
        text=True,
        stdout=subprocess.DEVNULL,
        check=True,
    )


def check(name: str) -> bool:
    """Return whether the lock `name` is what would be written now."""
    path = FOLDER / f"{name}.txt"
    with tempfile.TemporaryDirectory() as place:
        again = Path(place) / path.name
        shutil.copy2(path, again)
        lock(name, again)
        return again.read_bytes() == path.read_bytes()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--upgrade", action="store_true", help="take the newest versions")
    parser.add_argument("--check", action="store_true", help="write nothing, compare")
    options = parser.parse_args()
    if options.check:
        stale = [name for name in LOCKS if not check(name)]
        print(*(f"requirements/{name}.txt is not what pyproject.toml asks for" for name in stale))
        return int(bool(stale))
    FOLDER.mkdir(exist_ok=True)
    for name in LOCKS:
        lock(name, FOLDER / f"{name}.txt", *(["--upgrade"] if options.upgrade else []))
    return 0


if __name__ == "__main__":
    sys.exit(main())
