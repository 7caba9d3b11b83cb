"""Read what an engine's source says and write it as facts that rules cite by name.

    python scripts/update_engines.py vllm==0.33.0
    python scripts/update_engines.py vllm==0.33.0 FOLDER      # of an unpacked wheel or source

The wheel or sdist is fetched with `pip download`, read without being imported, and thrown away.
What is read and how is in `engine_facts.toml`; what comes of it in `facts/ENGINE.json` beside the
engine files: each fact with its file, line and a hash of the definition it stands in. A hash that
is not the one a person looked at leaves the rules that cite the fact unchecked, and
`check_engines.py` lists them.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from engine_readers import READERS, FactError

ROOT = Path(__file__).parents[1]
RECIPES = Path(__file__).with_name("engine_facts.toml")
FACTS = ROOT / "src/famtree/interchange/data/engines/facts"
SCHEMA = "famtree/engine-facts/1"
PLATFORMS = ("any", "linux_x86_64", "manylinux2014_x86_64", "manylinux_2_28_x86_64",
             "manylinux_2_34_x86_64", "manylinux_2_39_x86_64")  # fmt: skip
PYTHONS = ("3.12", "3.11", "3.13")
READ = (".py", ".go", ".cpp", ".h", ".toml", ".md", ".json")
"""Endings of what is unpacked; kernels and libraries, nearly all of a wheel, are left out."""


def load_recipes() -> dict[str, dict[str, Any]]:
    """Return what is read of each engine, by its key."""
    return tomllib.loads(RECIPES.read_text(encoding="utf-8"))


def download(distribution: str, version: str | None, folder: Path) -> Path:
    """Fetch a wheel, else an sdist, of a version or the newest one.

    Raises subprocess.CalledProcessError where there is neither.
    """
    base = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(folder)]
    wanted = f"{distribution}=={version}" if version else distribution
    platforms = [part for name in PLATFORMS for part in ("--platform", name)]
    for python in PYTHONS:
        done = subprocess.run(
            [*base, "--only-binary", ":all:", "--python-version", python, *platforms, wanted],
            check=False, capture_output=True,
        )  # fmt: skip
        if done.returncode == 0:
            break
    else:
        subprocess.run([*base, "--no-binary", ":all:", wanted], check=True)
    return next(folder.iterdir())


def unpack(archive: Path, folder: Path) -> Path:
    """Unpack what can be read of a wheel or an sdist; return the folder that holds the package."""
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as opened:
            opened.extractall(folder, [one for one in opened.namelist() if one.endswith(READ)])
        return folder
    with tarfile.open(archive) as opened:
        members = [one for one in opened.getmembers() if one.isfile() and one.name.endswith(READ)]
        opened.extractall(folder, members, filter="data")
    return next(folder.iterdir())


def read_facts(recipe: dict[str, Any], root: Path) -> tuple[dict[str, Any], list[str]]:
    """Return the facts found in a source, and the reason for each that was not."""
    facts: dict[str, Any] = {}
    missing: list[str] = []
    for row in recipe["fact"]:
        try:
            facts[row["key"]] = READERS[row["read"]](root, row)
        except FactError as fault:
            missing.append(f"{row['key']}: {fault}")
    return facts, missing


def mark_looked_at(
    recipe: dict[str, Any], facts: dict[str, Any], before: dict[str, Any]
) -> dict[str, Any]:
    """Keep which hash a person looked at; a list that rules take as it is needs nobody."""
    followed = {row["key"] for row in recipe["fact"] if row.get("follows")}
    for key, fact in facts.items():
        known = before.get(key)
        looked = fact["hash"] if known is None or key in followed else known["looked_at"]
        fact["looked_at"] = looked
    return facts


def render(engine: str, version: str, facts: dict[str, Any], read: str | None = None) -> str:
    """Return the text of a facts file: one fact a line, so that a change shows as one."""
    lines = [f"  {json.dumps(key)}: {json.dumps(fact, ensure_ascii=False)}"
             for key, fact in sorted(facts.items())]  # fmt: skip
    head = {"schema": SCHEMA, "engine": engine, "version": version,
            "read": read or datetime.now(UTC).date().isoformat()}  # fmt: skip
    top = "\n".join(f"{json.dumps(key)}: {json.dumps(value)}," for key, value in head.items())
    return "{\n" + top + '\n"facts": {\n' + ",\n".join(lines) + "\n}\n}\n"


def update(engine: str, version: str, source: Path | None) -> int:
    """Write one facts file; return how many facts were not found."""
    recipe = load_recipes()[engine]
    with tempfile.TemporaryDirectory() as work:
        root = source
        if root is None:
            archive = download(recipe["package"].replace("_", "-"), version, Path(work) / "got")
            root = unpack(archive, Path(work) / "source")
            archive.unlink()
        inner = root / recipe["source"] if "source" in recipe else root
        facts, missing = read_facts(recipe, inner)
        shutil.rmtree(Path(work) / "source", ignore_errors=True)
    path = FACTS / f"{engine}.json"
    before = json.loads(path.read_text(encoding="utf-8"))["facts"] if path.exists() else {}
    facts = mark_looked_at(recipe, facts, before)
    FACTS.mkdir(parents=True, exist_ok=True)
    path.write_text(render(engine, version, facts), encoding="utf-8")
    print(f"{path.relative_to(ROOT)}: {len(facts)} facts of {engine} {version}")
    for line in list_changes(before, facts):
        print(f"  {line}")
    for line in missing:
        print(f"  NOT FOUND {line}")
    return len(missing)


def list_changes(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Return what is new, gone or other than in the file before, in words."""
    told = [f"new {key}" for key in sorted(after.keys() - before.keys())]
    told += [f"gone {key}" for key in sorted(before.keys() - after.keys())]
    for key in sorted(after.keys() & before.keys()):
        old, new = before[key]["value"], after[key]["value"]
        if isinstance(old, list) and isinstance(new, list) and old != new:
            plus = [str(one) for one in new if one not in old]
            minus = [str(one) for one in old if one not in new]
            told.append(f"{key}: +{len(plus)} {' '.join(plus[:8])} -{len(minus)} "
                        f"{' '.join(minus[:8])}")  # fmt: skip
        elif before[key]["hash"] != after[key]["hash"]:
            told.append(f"{key}: {after[key]['in']} is another")
    return told


def main() -> int:
    """Update the facts of one engine."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("engine", metavar="ENGINE==VERSION")
    options.add_argument("source", nargs="?", type=Path, help="folder of an unpacked source")
    given = options.parse_args()
    engine, _, version = given.engine.partition("==")
    if engine not in load_recipes() or not version:
        options.error(f"ENGINE==VERSION, ENGINE one of {', '.join(load_recipes())}")
    return 1 if update(engine, version, given.source) else 0


if __name__ == "__main__":
    sys.exit(main())
