"""Draw docs/pictures/*.svg: lineages of fixtures/examples.toml, as `famtree lineage --svg` does.

python scripts/update_pictures.py
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests")]

if TYPE_CHECKING:
    from famtree.types.lineage import Lineage

FOLDER = ROOT / "docs" / "pictures"
PICTURES = {
    "deepseek-r1-distill-qwen-7b": ("deepseek-ai/DeepSeek-R1-Distill-Qwen-7B", False),
    "merge": ("acme/desk-7b-AWQ", False),
    "contradicted": ("acme/wiki-8b", False),
    "verified": ("acme/tiny-chat", True),
}
"""Name to the checkpoint, and whether its weights are read."""


def draw(lineage: Lineage) -> str:
    """Return a lineage as one SVG file."""
    from famtree.formats.table import Options, render
    from famtree.registry.load import load_registry

    publishers = {family.key: family.publishers for family in load_registry().families}
    return render("lineage", lineage, "svg", Options(publishers=publishers))


def trace(name: str) -> Lineage:
    """Return the lineage behind a picture; the Hub is the one HF_ENDPOINT names."""
    from famtree import api

    reference, verify = PICTURES[name]
    return api.lineage(reference, verify=verify)


def main() -> None:
    from documentation.world import fill_hub
    from hub.server import HubServer

    FOLDER.mkdir(exist_ok=True)
    with HubServer() as hub, tempfile.TemporaryDirectory() as home:
        # Before huggingface_hub is imported: it reads them once.
        os.environ |= {"HF_ENDPOINT": hub.url, "HF_HOME": home, "NO_PROXY": "*"}
        fill_hub(hub)
        for name in PICTURES:
            path = FOLDER / f"{name}.svg"
            path.write_text(draw(trace(name)), encoding="utf-8")
            print(path)


if __name__ == "__main__":
    main()
