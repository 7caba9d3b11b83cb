"""What tests of pages share: one browser, and axe-core."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from formats.browser import CHROMEDRIVER, CHROMIUM, start_browser

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

AXE = "axe-core@4.14.1"
AXE_SHA256 = "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c"


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    if CHROMIUM is None or CHROMEDRIVER is None:
        pytest.skip("needs chromium and chromedriver (Debian: chromium chromium-driver)")
    with start_browser(tmp_path_factory.mktemp("profile")) as browser:
        yield browser


@pytest.fixture(scope="session")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the script of axe-core, of npm; nothing of the package is installed."""
    place, npm = tmp_path_factory.mktemp("axe"), shutil.which("npm")
    command = [npm or "npm", "pack", "--silent", AXE]
    if npm is None or subprocess.run(command, cwd=place, capture_output=True).returncode:
        pytest.skip("needs axe-core of npm")
    [path] = place.glob("*.tgz")
    shutil.unpack_archive(path, place, filter="data")
    script = Path(place, "package", "axe.min.js").read_bytes()
    assert sha256(script).hexdigest() == AXE_SHA256, "axe-core is not the one that was looked at"
    return script.decode()
