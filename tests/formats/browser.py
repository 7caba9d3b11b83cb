"""Headless Chromium through chromedriver, spoken to by the W3C WebDriver protocol.

https://www.w3.org/TR/webdriver2/; logs and DevTools commands are chromedriver's own additions.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
CHROMEDRIVER = shutil.which("chromedriver")

# No proxy of the environment: the driver is on this machine.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Browser:
    """One session of a browser."""

    def __init__(self, address: str, options: dict[str, Any]) -> None:
        self._address = address
        session = self._call("POST", "/session", {"capabilities": {"alwaysMatch": options}})
        self._address = f"{address}/session/{session['sessionId']}"

    def open(self, url: str) -> None:
        """Load a page and wait for it."""
        self._call("POST", "/url", {"url": url})

    def run(self, script: str) -> Any:
        """Return what the body of a function returns, run in the page."""
        return self._call("POST", "/execute/sync", {"script": script, "args": []})

    def press(self, key: str) -> None:
        """Press and release one key, on whatever has the focus."""
        actions = [{"type": kind, "value": key} for kind in ("keyDown", "keyUp")]
        source = {"type": "key", "id": "keyboard", "actions": actions}
        self._call("POST", "/actions", {"actions": [source]})

    def command(self, name: str, **parameters: Any) -> Any:
        """Send a command of the DevTools protocol."""
        return self._call("POST", "/goog/cdp/execute", {"cmd": name, "params": parameters})

    def read_log(self, kind: str) -> list[dict[str, Any]]:
        """Return the entries of a log since it was last read: `browser` or `performance`."""
        entries = self._call("POST", "/se/log", {"type": kind})
        assert isinstance(entries, list)
        return entries

    def quit(self) -> None:
        """Close the browser."""
        self._call("DELETE", "")

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._address + path, data, method=method)
        with _OPENER.open(request, timeout=60) as reply:
            return json.load(reply)["value"]


@contextmanager
def start_browser(folder: Path) -> Iterator[Browser]:
    """Yield a browser whose profile is in `folder`; both programs must be installed."""
    assert CHROMIUM is not None
    assert CHROMEDRIVER is not None
    arguments = [
        "--headless=new",
        "--window-size=1300,900",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        f"--user-data-dir={folder}",
    ]
    if os.geteuid() == 0:
        # Chromium's sandbox refuses to run as root, as containers do.
        arguments.append("--no-sandbox")
    options = {
        "browserName": "chrome",
        "goog:chromeOptions": {"binary": CHROMIUM, "args": arguments},
        "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
    }
    with subprocess.Popen(
        [CHROMEDRIVER, "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as driver:
        try:
            assert driver.stdout is not None
            ports = (re.search(r"on port (\d+)\.", line) for line in driver.stdout)
            port = next(found[1] for found in ports if found)
            browser = Browser(f"http://127.0.0.1:{port}", options)
            try:
                yield browser
            finally:
                browser.quit()
        finally:
            driver.terminate()
