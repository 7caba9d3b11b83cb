"""The site is built without a warning and without a network, and needs none when it is read."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from documentation.world import ROOT

DOCS = ROOT / "docs"
_LOADED = re.compile(r'<(?:script|img|iframe|link|source)\b[^>]*?(?:src|href)="([^"]+)"')


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the site where every request to a network would fail; a warning is an error."""
    target = tmp_path_factory.mktemp("site")
    nowhere = dict.fromkeys(("http_proxy", "https_proxy", "all_proxy"), "http://127.0.0.1:9")
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-E", str(DOCS), str(target)],
        env={**os.environ, **nowhere, "PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return target


def test_every_page_is_built_and_in_a_toctree(site: Path) -> None:
    pages = {path.stem for path in DOCS.glob("*.md")}
    assert pages <= {path.stem for path in site.glob("*.html")}
    entries = re.findall(
        r"^```\{toctree\}\n(.*?)^```", (DOCS / "index.md").read_text("utf-8"), re.S | re.M
    )
    listed = [line for block in entries for line in block.splitlines() if line[:1].isalpha()]
    assert sorted(listed) == sorted(pages - {"index"})


def test_pages_load_nothing_from_elsewhere(site: Path) -> None:
    for page in site.glob("*.html"):
        loaded = _LOADED.findall(page.read_text(encoding="utf-8"))
        assert loaded
        assert [one for one in loaded if re.match(r"(?:[a-z]+:)?//", one)] == []


def test_the_reference_has_every_public_name(site: Path) -> None:
    import famtree

    text = (site / "python-reference.html").read_text(encoding="utf-8")
    names = {name for name in famtree.__all__ if not name.startswith("__")}
    assert [name for name in names if not re.search(rf'id="famtree\.[\w.]*\b{name}"', text)] == []
