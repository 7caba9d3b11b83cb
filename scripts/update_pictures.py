"""Draw docs/pictures/*.svg: lineages of fixtures/examples.toml, as `famtree lineage --html` does.

    python scripts/update_pictures.py

A picture has its own colours, light and dark, and needs no script and no network.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests")]

if TYPE_CHECKING:
    from famtree.types.lineage import Lineage

FOLDER = ROOT / "docs" / "pictures"
STYLE = ROOT / "src" / "famtree" / "formats" / "data" / "lineage.css"
PICTURES = {
    "merge": ("acme/desk-7b-AWQ", False),
    "contradicted": ("acme/wiki-8b", False),
    "verified": ("acme/tiny-chat", True),
}
"""Name to the checkpoint, and whether its weights are read."""
_PAGE_LINK = re.compile(r'<a (id="[^"]*") href="#[^"]*"')


def draw(lineage: Lineage) -> str:
    """Return a lineage as one SVG file; the page's links to its other parts are left out."""
    from famtree.formats.lineage_svg import draw_svg
    from famtree.formats.lineage_words import build_graph
    from famtree.registry.load import load_registry

    publishers = {family.key: family.publishers for family in load_registry().families}
    graph = build_graph(lineage, most=100)
    drawing = draw_svg(graph, publishers=publishers, roots=set(lineage.roots))
    drawing = _PAGE_LINK.sub(r"<g \1", drawing).replace("</a>", "</g>")
    head, _, rest = drawing.partition(">")
    head = head.replace('aria-labelledby="drawing"', f'aria-label="Lineage of {lineage.ref}"')
    head = head.replace("<svg", '<svg xmlns="http://www.w3.org/2000/svg"', 1)
    ground = '<rect width="100%" height="100%" style="fill: var(--page); stroke: none"/>'
    style = STYLE.read_text(encoding="utf-8")
    return f"{head}>\n<style>\n{style}</style>\n{ground}{rest}\n"


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
