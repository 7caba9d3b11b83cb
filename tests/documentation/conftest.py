"""The examples' Hub, once for all pages of a process, and fresh surroundings for each page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from documentation.console import Surroundings
from documentation.world import fill_folder, fill_hub
from hub.server import HubServer


@pytest.fixture(scope="session")
def examples_hub() -> Iterator[HubServer]:
    with HubServer() as hub:
        fill_hub(hub)
        yield hub


@pytest.fixture
def surroundings(request: pytest.FixtureRequest, tmp_path: Path) -> Surroundings:
    pytest.importorskip("termios", reason="POSIX only")
    examples_hub: HubServer = request.getfixturevalue("examples_hub")
    fill_folder(tmp_path / "folder")
    return Surroundings(tmp_path / "folder", tmp_path / "scratch", examples_hub.url)
