"""The lineage page in a real browser: quiet, alone, by keyboard, readable."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from famtree.formats.lineage_html import render_html
from famtree.types.lineage import Lineage
from formats.browser import CHROMEDRIVER, CHROMIUM, Browser, start_browser
from formats.test_lineage_html import measure_contrast
from lineages import PUBLISHERS, make_contradicted, make_hostile, make_merge, make_wide

pytestmark = pytest.mark.skipif(
    CHROMIUM is None or CHROMEDRIVER is None,
    reason="needs chromium and chromedriver (Debian: chromium chromium-driver)",
)
LINEAGES: dict[str, Callable[[], Lineage]] = {
    "merge": make_merge,
    "contradicted": make_contradicted,
    "hostile": make_hostile,
    "wide": lambda: make_wide(40),
}
TAB, ENTER = "\ue004", "\ue007"

# Every text with its own colour and that of the nearest filled ground behind it.
_LIST_TEXTS = """
document.querySelectorAll("details").forEach(one => one.open = true);
const found = [];
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const element = walker.currentNode.parentElement;
  const text = walker.currentNode.data.trim();
  if (!text || element.closest("style, title")) continue;
  const drawn = element.closest("svg.graph");
  const style = getComputedStyle(element);
  let ground = null;
  if (drawn) ground = getComputedStyle(element.closest("a").querySelector("rect")).fill;
  for (let one = element; one && ground === null; one = one.parentElement) {
    const color = getComputedStyle(one).backgroundColor;
    if (color !== "rgba(0, 0, 0, 0)") ground = color;
  }
  found.push([text, drawn ? style.fill : style.color, ground, parseFloat(style.fontSize)]);
}
return found;
"""
# Texts of the drawing that stick out of their box, and boxes that cover each other.
_LIST_MISFITS = """
const found = [];
const boxes = [...document.querySelectorAll("svg.graph a")].map(link => [
  link, link.querySelector("rect").getBoundingClientRect()]);
for (const [link, box] of boxes) {
  for (const text of link.querySelectorAll("text")) {
    const inner = text.getBoundingClientRect();
    if (inner.left < box.left || inner.right > box.right || inner.top < box.top ||
        inner.bottom > box.bottom) found.push(text.textContent);
  }
  for (const [other, area] of boxes)
    if (other !== link && box.left < area.right && area.left < box.right &&
        box.top < area.bottom && area.top < box.bottom) found.push(link.id + other.id);
}
return found;
"""

_DESCRIBE_FOCUS = """
const one = document.activeElement, rect = one.querySelector("rect");
const box = rect.getBoundingClientRect();
const seen = box.left >= 0 && box.right <= innerWidth && box.top >= 0 && box.bottom <= innerHeight;
return [one.id, getComputedStyle(rect).strokeWidth, seen];
"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with start_browser(tmp_path_factory.mktemp("profile")) as browser:
        yield browser


@pytest.fixture(params=LINEAGES)
def page(request: pytest.FixtureRequest, browser: Browser, tmp_path: Path) -> str:
    """Open one page and return its address."""
    path = tmp_path / f"{request.param}.html"
    text = render_html(LINEAGES[request.param](), publishers=PUBLISHERS)
    path.write_text(text, encoding="utf-8")
    browser.open("about:blank")
    browser.read_log("browser")
    browser.read_log("performance")
    browser.open(path.as_uri())
    return path.as_uri()


def _find_requests(entries: list[dict[str, Any]]) -> list[str]:
    messages = [json.loads(entry["message"])["message"] for entry in entries]
    sent = [one["params"] for one in messages if one["method"] == "Network.requestWillBeSent"]
    return [one["request"]["url"] for one in sent]


def test_console_is_silent_and_nothing_else_is_asked_for(browser: Browser, page: str) -> None:
    assert browser.run("return document.title").startswith("Lineage of ")
    assert browser.read_log("browser") == []
    urls = _find_requests(browser.read_log("performance"))
    assert urls.count(page) == 1
    assert [url for url in urls if url not in (page, "data:,")] == []


def test_requests_and_errors_would_be_seen(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "noisy.html"
    path.write_text("<!doctype html><img src='absent.png'><script>nothing()</script>")
    browser.read_log("browser")
    browser.read_log("performance")
    browser.open(path.as_uri())
    assert any("nothing" in entry["message"] for entry in browser.read_log("browser"))
    urls = _find_requests(browser.read_log("performance"))
    assert (tmp_path / "absent.png").as_uri() in urls


@pytest.mark.usefixtures("page")
def test_every_box_and_label_is_reached_by_keyboard(browser: Browser) -> None:
    expected = browser.run(
        "return [...document.querySelectorAll('svg.graph a')].map(one => one.id)"
    )
    assert expected
    # First the link into the drawing and the drawing itself, which arrow keys scroll.
    browser.press(TAB)
    browser.press(TAB)
    assert "scroll" in browser.run("return document.activeElement.className")
    reached = []
    for _ in expected:
        browser.press(TAB)
        reached.append(browser.run(_DESCRIBE_FOCUS))
    # In the order they are written: a box, then what it comes from. The ring shows, and on it.
    assert reached == [[name, "4px", True] for name in expected]


@pytest.mark.usefixtures("page")
def test_enter_opens_the_evidence(browser: Browser) -> None:
    for name in ("n0", "e0"):
        browser.run(f"document.querySelector('svg a[href=\"#{name}\"]').focus()")
        browser.press(ENTER)
        place = browser.run(
            f"const one = document.getElementById('{name}'), box = one.getBoundingClientRect();"
            "return [one.parentElement.open, box.height > 0, box.top >= 0, box.top < innerHeight]"
        )
        assert place == [True, True, True, True]


@pytest.mark.usefixtures("page")
def test_page_is_whole_without_scripts(browser: Browser) -> None:
    browser.command("Emulation.setScriptExecutionDisabled", value=True)
    try:
        tree = browser.command("Accessibility.getFullAXTree")["nodes"]
    finally:
        browser.command("Emulation.setScriptExecutionDisabled", value=False)
    names = [one.get("name", {}).get("value", "") for one in tree if one["role"]["value"] == "link"]
    boxes = browser.run("return document.querySelectorAll('svg.graph a').length")
    assert len([name for name in names if name]) >= boxes


@pytest.mark.usefixtures("page")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_contrast_of_every_text(browser: Browser, scheme: str) -> None:
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.command("Emulation.setEmulatedMedia", features=features)
    try:
        texts = browser.run(_LIST_TEXTS)
    finally:
        browser.command("Emulation.setEmulatedMedia", features=[])
    assert len(texts) > 20
    grounds = {_parse_color(ground) for _, _, ground, _ in texts}
    assert all((ground < "#808080") == (scheme == "dark") for ground in grounds)
    for text, color, ground, size in texts:
        contrast = measure_contrast(_parse_color(color), _parse_color(ground))
        assert contrast >= 4.5, f"{text!r}: {color} on {ground}"
        assert size >= 11


@pytest.mark.usefixtures("page")
def test_texts_fit_their_boxes(browser: Browser) -> None:
    assert browser.run(_LIST_MISFITS) == []


def _parse_color(text: str) -> str:
    """Return `rgb(r, g, b)` as `#rrggbb`; fails on anything see-through."""
    kind, _, numbers = text.partition("(")
    assert kind == "rgb", text
    return "#" + "".join(f"{int(number):02x}" for number in numbers.rstrip(")").split(","))
