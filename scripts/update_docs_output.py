"""Rewrite what the examples of README.md and docs/ show, from real runs.

    python scripts/update_docs_output.py [PAGE ...]

Examples run against fixtures/examples.toml: a Hub on this machine, and a folder. Where a page
elides lines (`...`), as many lines before and after are shown as before. Read the difference.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests")]

from documentation.console import Surroundings, refresh_page  # noqa: E402
from documentation.session import refresh_sessions  # noqa: E402
from documentation.world import PAGES, fill_folder, fill_hub  # noqa: E402
from hub.server import HubServer  # noqa: E402


def main(names: list[str]) -> None:
    with HubServer() as hub, tempfile.TemporaryDirectory() as scratch:
        fill_hub(hub)
        for path in [Path(name).resolve() for name in names] or PAGES:
            place = Path(scratch) / path.stem
            fill_folder(place / "folder")
            page = path.read_text(encoding="utf-8")
            surroundings = Surroundings(place / "folder", place / "scratch", hub.url)
            fresh = refresh_sessions(refresh_page(page, surroundings), surroundings)
            if fresh != page:
                path.write_text(fresh, encoding="utf-8")
                print(path.relative_to(ROOT))


if __name__ == "__main__":
    main(sys.argv[1:])
