"""Write the digests of every exemplar's recorded traits into the registry files.

Run after exemplars were added or edited: `python scripts/record_digests.py`. A test compares.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from famtree.fingerprints.from_traits import fingerprint_traits
from famtree.registry.load import DATA, GENERIC, build_registry, read_sources

_OLD = re.compile(r"^digests = \{architecture.*\}\n", re.MULTILINE)


def main() -> None:
    """Rewrite the `digests` line of each exemplar, below its `repo` line."""
    sources = read_sources(DATA)
    registry = build_registry(sources)
    for name, data in sources.items():
        if name == GENERIC:
            continue
        family = registry.by_key[tomllib.loads(data.decode())["key"]]
        text = _OLD.sub("", data.decode())
        head, *blocks = text.split("[[exemplar]]\n")
        for at, exemplar in enumerate(family.exemplars):
            fingerprint = fingerprint_traits(exemplar.traits)
            line = (
                f'digests = {{architecture = "{fingerprint.architecture.digest}", '
                f'recipe = "{fingerprint.recipe.digest}"}}\n'
            )
            repo, rest = blocks[at].split("\n", 1)
            blocks[at] = f"{repo}\n{line}{rest}"
        text = "[[exemplar]]\n".join([head, *blocks])
        Path(DATA / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
