"""The lineage page in a real browser: quiet, alone, by keyboard, readable."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from famtree.types.lineage import Lineage
from formats.browser import AUDIT, SCHEMES, dress, press, read_console, read_requests
from formats.test_lineage_html import measure_contrast
from lineages import PUBLISHERS, make_contradicted, make_hostile, make_merge, make_wide
from rendering import show

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

LINEAGES: dict[str, Callable[[], Lineage]] = {
    "merge": make_merge,
    "contradicted": make_contradicted,
    "hostile": make_hostile,
    "wide": lambda: make_wide(15),
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


@pytest.fixture(params=LINEAGES, scope="module")
def page(
    request: pytest.FixtureRequest, browser: Chrome, tmp_path_factory: pytest.TempPathFactory
) -> str:
    """Open one page, once for all tests of it, and return its address."""
    path = tmp_path_factory.mktemp("page") / f"{request.param}.html"
    text = show("lineage", "html", LINEAGES[request.param](), publishers=PUBLISHERS)
    path.write_text(text, encoding="utf-8")
    browser.get("about:blank")
    read_console(browser)
    read_requests(browser)
    browser.get(path.as_uri())
    return path.as_uri()


def test_console_is_silent_and_nothing_else_is_asked_for(browser: Chrome, page: str) -> None:
    assert browser.execute_script("return document.title").startswith("Lineage of ")
    assert read_console(browser) == []
    urls = read_requests(browser)
    assert urls.count(page) == 1
    assert [url for url in urls if url not in (page, "data:,")] == []


def test_requests_and_errors_would_be_seen(browser: Chrome, tmp_path: Path) -> None:
    path = tmp_path / "noisy.html"
    path.write_text("<!doctype html><img src='absent.png'><script>nothing()</script>")
    read_console(browser)
    read_requests(browser)
    browser.get(path.as_uri())
    assert any("nothing" in entry["message"] for entry in read_console(browser))
    urls = read_requests(browser)
    assert (tmp_path / "absent.png").as_uri() in urls


@pytest.mark.usefixtures("page")
def test_every_box_and_label_is_reached_by_keyboard(browser: Chrome) -> None:
    expected = browser.execute_script(
        "return [...document.querySelectorAll('svg.graph a')].map(one => one.id)"
    )
    assert expected
    # First the drawing itself, which arrow keys scroll.
    browser.execute_script("document.getElementById('view').focus()")
    reached = []
    for _ in expected:
        press(browser, TAB)
        reached.append(browser.execute_script(_DESCRIBE_FOCUS))
    # In the order they are written: a box, then what it comes from. The ring shows, and on it.
    assert reached == [[name, "4px", True] for name in expected]


@pytest.mark.usefixtures("page")
def test_enter_shows_the_evidence_beside_the_drawing(browser: Chrome) -> None:
    for name in ("n0", "e0"):
        browser.execute_script(f"document.querySelector('svg a[href=\"#{name}\"]').focus()")
        press(browser, ENTER)
        shown, listed, chosen = browser.execute_script(
            f"const one = document.getElementById('{name}');"
            "return [document.getElementById('panel').textContent, one.textContent,"
            " [...document.querySelectorAll('.chosen')].map(one => one.getAttribute('href'))]"
        )
        assert shown.endswith(listed)
        assert chosen == [f"#{name}"]


@pytest.mark.usefixtures("page")
def test_texts_fit_their_boxes(browser: Chrome) -> None:
    assert browser.execute_script(_LIST_MISFITS) == []


@pytest.mark.parametrize("page", ["merge"], indirect=True)
@pytest.mark.usefixtures("page")
def test_no_serious_fault_of_access(browser: Chrome, axe: str) -> None:
    for scheme in SCHEMES:
        with dress(browser, scheme):
            assert browser.execute_async_script(axe + AUDIT) == []


@pytest.mark.usefixtures("page")
@pytest.mark.parametrize("scheme", SCHEMES)
def test_contrast_of_every_text(browser: Chrome, scheme: str) -> None:
    with dress(browser, scheme):
        texts = browser.execute_script(_LIST_TEXTS)
    assert len(texts) > 20
    grounds = {_parse_color(ground) for _, _, ground, _ in texts}
    assert all((ground < "#808080") == (scheme == "dark") for ground in grounds)
    for text, color, ground, size in texts:
        contrast = measure_contrast(_parse_color(color), _parse_color(ground))
        assert contrast >= 4.5, f"{text!r}: {color} on {ground}"
        assert size >= 11


def test_page_is_whole_without_scripts(browser: Chrome, page: str) -> None:
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        browser.get(page)
        tree = browser.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    finally:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
    told = [(one["role"]["value"], one.get("name", {}).get("value", "")) for one in tree]
    boxes = browser.execute_script("return document.querySelectorAll('svg.graph a').length")
    assert len([name for role, name in told if role == "link" and name]) >= boxes
    # Nothing is offered that does nothing.
    assert not {role for role, _ in told} & {"button", "checkbox", "searchbox"}


def _parse_color(text: str) -> str:
    """Return `rgb(r, g, b)` as `#rrggbb`; fails on anything see-through."""
    kind, _, numbers = text.partition("(")
    assert kind == "rgb", text
    return "#" + "".join(f"{int(number):02x}" for number in numbers.rstrip(")").split(","))
