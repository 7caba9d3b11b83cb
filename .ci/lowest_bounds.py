"""Exit with 1 where a lower bound of pyproject.toml is below what is installed here.

Run by `.ci/lowest` once the lowest versions are in place: a bound that the other requirements never
let pip install would be tested by nobody.
"""

from __future__ import annotations

import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

from packaging.requirements import Requirement
from packaging.version import Version

PROJECT = Path(__file__).parents[1] / "pyproject.toml"


def main() -> int:
    """Print what is installed of each requirement, and return the exit code."""
    project = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"].values()
    lines = [*project["dependencies"], *(line for extra in extras for line in extra)]
    untrue = 0
    for requirement in map(Requirement, lines):
        [bound] = [one.version for one in requirement.specifier if one.operator == ">="]
        installed = version(requirement.name)
        told = "" if Version(installed) == Version(bound) else f", but >={bound} is stated"
        untrue += bool(told)
        print(f"{requirement.name} {installed}{told}")  # noqa: T201
    return int(untrue > 0)


if __name__ == "__main__":
    sys.exit(main())
