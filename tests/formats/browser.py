"""Headless Chromium, driven by selenium through Debian's chromedriver."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
CHROMEDRIVER = shutil.which("chromedriver")


@contextmanager
def start_browser(folder: Path) -> Iterator[Chrome]:
    """Yield a browser whose profile is in `folder`; both programs must be installed."""
    from selenium.webdriver import Chrome, ChromeOptions, ChromeService

    assert CHROMIUM is not None
    assert CHROMEDRIVER is not None
    options = ChromeOptions()
    options.binary_location = CHROMIUM
    for argument in (
        "--headless=new",
        "--window-size=1300,900",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--disable-background-networking",
        "--no-first-run",
        f"--user-data-dir={folder}",
    ):
        options.add_argument(argument)
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        # Chromium's sandbox refuses to run as root, as containers do.
        options.add_argument("--no-sandbox")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    browser = Chrome(options=options, service=ChromeService(CHROMEDRIVER))
    try:
        yield browser
    finally:
        browser.quit()


SCHEMES = ("light", "dark")
# After the text of axe-core: what it finds that keeps people out.
AUDIT = """
const done = arguments[arguments.length - 1];
axe.run(document, {resultTypes: ["violations"]}).then(found => done(
  found.violations.filter(one => ["serious", "critical"].includes(one.impact))
    .map(one => [one.id, one.nodes.slice(0, 3).map(node => node.html.slice(0, 200))])));
"""


@contextmanager
def dress(browser: Chrome, scheme: str) -> Iterator[None]:
    """Let the reader prefer a colour scheme."""
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    try:
        yield
    finally:
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def press(browser: Chrome, key: str) -> None:
    """Press and release one key, on whatever has the focus."""
    from selenium.webdriver import ActionChains

    ActionChains(browser).send_keys(key).perform()


def read_console(browser: Chrome) -> list[dict[str, Any]]:
    """Return what was written to the console since the last call."""
    return _read_log(browser, "browser")


def read_requests(browser: Chrome) -> list[str]:
    """Return the addresses asked for since the last call."""
    entries = _read_log(browser, "performance")
    messages = [json.loads(entry["message"])["message"] for entry in entries]
    sent = [one["params"] for one in messages if one["method"] == "Network.requestWillBeSent"]
    return [one["request"]["url"] for one in sent]


def _read_log(browser: Chrome, kind: str) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = browser.get_log(kind)  # type: ignore[no-untyped-call]
    return entries
