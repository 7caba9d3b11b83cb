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
def surroundings(examples_hub: HubServer, tmp_path: Path) -> Surroundings:
    fill_folder(tmp_path / "folder")
    return Surroundings(tmp_path / "folder", tmp_path / "scratch", examples_hub.url)
