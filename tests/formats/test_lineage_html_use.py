"""The lineage page used: moved, zoomed, searched, filtered, folded; places of boxes compared."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from formats.browser import press, read_console
from lineages import make_broad, make_hostile
from rendering import show

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

COUNT = 60
LAST = COUNT + 1
"""The number of the base's box; 0 is the asked-for checkpoint's, 3 that of the refuted claim."""
LEFT, UP, RIGHT, DOWN, ENTER = "\ue012", "\ue013", "\ue014", "\ue015", "\ue007"

_SHOWN = """
return [...document.querySelectorAll("svg.graph a.node")]
  .filter(one => one.getClientRects().length).map(one => Number(one.id.slice(1)));
"""
_CROWDED = """
const found = [], boxes = [...document.querySelectorAll("svg.graph a")]
  .map(one => [one.id, one.querySelector("rect").getBoundingClientRect()])
  .filter(([, box]) => box.width);
for (const [name, box] of boxes) for (const [other, area] of boxes)
  if (other !== name && box.left < area.right && area.left < box.right &&
      box.top < area.bottom && area.top < box.bottom) found.push(name + other);
return found;
"""


class Box(NamedTuple):
    """Where something stands on the screen, in pixels."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def width(self) -> float:
        return self.right - self.left

    @property
    def middle(self) -> tuple[float, float]:
        return (self.left + self.right) / 2, (self.top + self.bottom) / 2

    def holds(self, other: Box) -> bool:
        """Return whether `other` is inside."""
        inside = self.left <= other.left + 1 and self.top <= other.top + 1
        return inside and other.right <= self.right + 1 and other.bottom <= self.bottom + 1


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("page") / "broad.html"
    path.write_text(show("lineage", "html", make_broad(COUNT)), encoding="utf-8")
    return path.as_uri()


@pytest.fixture
def page(browser: Chrome, address: str) -> Chrome:
    """Return the browser, the page of 62 checkpoints in it."""
    browser.get(address)
    return browser


@contextmanager
def resize(browser: Chrome, width: int, height: int) -> Iterator[None]:
    size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        yield
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def measure(browser: Chrome, selector: str) -> Box:
    script = (
        f"const box = document.querySelector({selector!r}).getBoundingClientRect();"
        "return [box.left, box.top, box.right, box.bottom]"
    )
    return Box(*browser.execute_script(script))


def locate(browser: Chrome, number: int) -> Box:
    return measure(browser, f"#b{number} rect")


def read(browser: Chrome, name: str) -> str:
    return str(browser.execute_script(f"return document.getElementById({name!r}).textContent"))


def click(browser: Chrome, selector: str) -> None:
    from selenium.webdriver.common.by import By

    browser.find_element(By.CSS_SELECTOR, selector).click()


def touch(browser: Chrome, kind: str, *points: tuple[float, float]) -> None:
    fingers = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(points)]
    event: dict[str, Any] = {"type": kind, "touchPoints": fingers}
    browser.execute_cdp_cmd("Input.dispatchTouchEvent", event)


@pytest.mark.parametrize(("width", "height"), [(500, 900), (1280, 900), (3840, 2160)])
def test_what_was_asked_for_is_in_view_and_marked(
    browser: Chrome, address: str, width: int, height: int
) -> None:
    with resize(browser, width, height):
        browser.get(address)
        view, box = measure(browser, "#view"), locate(browser, 0)
        assert view.holds(box)
        assert Box(0, 0, width, height).holds(box)
        panel = measure(browser, "#panel")
        # Beside the drawing where there is room, below it where there is not.
        assert panel.left >= view.right if width > 900 else panel.top >= view.bottom
        assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    assert read(browser, "panel").startswith("acme/oak-merge")
    [chosen] = browser.execute_script(
        "return [...document.querySelectorAll('[aria-current]')].map(one => one.id)"
    )
    assert chosen == "b0"


def test_wide_rows_are_folded_but_for_what_is_ruled_out(page: Chrome) -> None:
    shown = page.execute_script(_SHOWN)
    assert len(shown) == 9
    assert {0, 3, LAST} <= set(shown)
    assert page.execute_script(_CROWDED) == []
    before = locate(page, 0)
    click(page, ".fold")
    assert page.execute_script(_SHOWN) == list(range(COUNT + 2))
    assert locate(page, 0).middle == pytest.approx(before.middle, abs=2)
    click(page, ".fold")
    assert page.execute_script(_SHOWN) == shown
    page.execute_script("document.querySelector('.fold').focus()")
    press(page, ENTER)
    assert len(page.execute_script(_SHOWN)) == COUNT + 2


def test_zoom_by_buttons_keys_and_wheel(page: Chrome) -> None:
    from selenium.webdriver import ActionChains
    from selenium.webdriver.common.actions.wheel_input import ScrollOrigin
    from selenium.webdriver.common.by import By

    first = locate(page, 0)
    click(page, "#in")
    assert locate(page, 0).width == pytest.approx(first.width * 1.25, rel=0.01)
    click(page, "#out")
    assert locate(page, 0).width == pytest.approx(first.width, rel=0.01)
    page.execute_script("document.getElementById('view').focus()")
    press(page, "+")
    assert locate(page, 0).width == pytest.approx(first.width * 1.25, rel=0.01)
    press(page, "0")
    assert measure(page, "#view").holds(measure(page, "svg.graph"))
    # What is under the pointer stays there.
    number = page.execute_script(_SHOWN)[4]
    label = page.find_element(By.CSS_SELECTOR, f"#b{number} rect")
    before = locate(page, number)
    chain = ActionChains(page).key_down("\ue009")
    chain.scroll_from_origin(ScrollOrigin.from_element(label), 0, -300).key_up("\ue009").perform()
    after = locate(page, number)
    assert after.width > 2 * before.width
    assert after.middle == pytest.approx(before.middle, abs=12)


def test_pan_by_mouse_and_keys(page: Chrome) -> None:
    from selenium.webdriver import ActionChains
    from selenium.webdriver.common.by import By

    before = locate(page, 0)
    view = page.find_element(By.ID, "view")
    chain = ActionChains(page).move_to_element_with_offset(view, 200, -50).click_and_hold()
    chain.move_by_offset(-40, 0).move_by_offset(-20, 0).release().perform()
    after = locate(page, 0)
    assert (after.left - before.left, after.top - before.top) == pytest.approx((-60, 0), abs=2)
    page.execute_script("document.getElementById('view').focus()")
    press(page, RIGHT)
    page.execute_async_script("setTimeout(arguments[0], 400)")
    assert locate(page, 0).left < after.left - 10


def test_touch_moves_and_pinches(page: Chrome) -> None:
    page.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": True})
    try:
        before, (x, y) = locate(page, 0), measure(page, "#view").middle
        touch(page, "touchStart", (x, y))
        for step in (20, 60, 120):
            touch(page, "touchMove", (x - step, y))
        touch(page, "touchEnd")
        page.execute_async_script(
            "requestAnimationFrame(() => requestAnimationFrame(arguments[0]))"
        )
        assert locate(page, 0).left < before.left - 50
        before = locate(page, 0)
        touch(page, "touchStart", (x - 40, y), (x + 40, y))
        for step in (60, 80):
            touch(page, "touchMove", (x - step, y), (x + step, y))
        touch(page, "touchEnd")
        assert locate(page, 0).width == pytest.approx(2 * before.width, rel=0.05)
    finally:
        page.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": False})


def test_search_finds_what_is_folded_away(page: Chrome) -> None:
    press(page, "/")
    press(page, "EXPERT-02")
    assert read(page, "hits") == f"10 of {COUNT + 2}"
    press(page, ENTER)
    press(page, ENTER)
    assert read(page, "hits") == "2 of 10"
    assert measure(page, "#view").holds(locate(page, 22))
    assert read(page, "panel").startswith("acme-research/oak-2-8b-expert-021-instruct")


def test_filters_leave_what_can_be_reached(page: Chrome) -> None:
    click(page, "input[value=consistent]")
    assert page.execute_script(_SHOWN) == [0, 3, LAST]
    assert page.execute_script(_CROWDED) == []
    click(page, "input[value=finetune]")
    assert page.execute_script(_SHOWN) == [0, 3]
    # A link of the lists shows what it names, whatever hides it.
    page.execute_script(f"document.querySelector('details a[href=\"#b{LAST}\"]').click()")
    assert measure(page, "#view").holds(locate(page, LAST))


def test_arrow_keys_go_from_box_to_box(page: Chrome) -> None:
    page.execute_script("document.getElementById('b0').focus()")

    def go(key: str) -> str:
        press(page, key)
        return str(page.execute_script("return document.activeElement.id"))

    first = go(DOWN)
    second = go(RIGHT)
    assert locate(page, int(second[1:])).left > locate(page, int(first[1:])).right
    assert go(LEFT) == first
    assert go(DOWN) == f"b{LAST}"
    assert measure(page, "#view").holds(locate(page, LAST))
    assert go(UP) != "b0"
    assert go(UP) == "b0"


def test_hundreds_of_checkpoints_stay_usable(browser: Chrome, tmp_path: Path) -> None:
    path = tmp_path / "hundreds.html"
    path.write_text(show("lineage", "html", make_broad(300)), encoding="utf-8")
    browser.get(path.as_uri())
    assert measure(browser, "#view").holds(locate(browser, 0))
    # The processor's time, whatever else the machine does.
    browser.execute_cdp_cmd("Performance.enable", {"timeDomain": "threadTicks"})
    before = read_duration(browser)
    browser.execute_script(
        "const search = document.getElementById('search');"
        "document.querySelector('.fold').dispatchEvent(new Event('click'));"
        "search.value = 'expert'; search.dispatchEvent(new Event('input'));"
        "document.querySelector('input[value=declared]').click();"
        "document.body.getBoundingClientRect();"
    )
    spent = read_duration(browser) - before
    browser.execute_cdp_cmd("Performance.disable", {})
    assert 0.001 < spent < 1


def read_duration(browser: Chrome) -> float:
    """Return the seconds that scripts, style and layout have taken."""
    found = browser.execute_cdp_cmd("Performance.getMetrics", {})["metrics"]
    spent = {one["name"]: float(one["value"]) for one in found}
    return spent["ScriptDuration"] + spent["LayoutDuration"] + spent["RecalcStyleDuration"]


def test_links_to_the_hub_stand_in_the_panel(page: Chrome) -> None:
    click(page, f"#b{LAST}")
    addresses = page.execute_script(
        "return [...document.querySelectorAll('#panel a[target]')].map(one => one.href)"
    )
    assert addresses == ["https://huggingface.co/acme/oak-2-8b"]


def test_paper_has_the_drawing_and_no_tools(page: Chrome) -> None:
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    try:
        width = page.execute_script("return innerWidth")
        assert 0 < measure(page, "svg.graph").width <= width
        assert measure(page, "#tools").width == measure(page, "#panel").width == 0
        # Nothing of it is cut off by a region that would have to be scrolled.
        assert measure(page, "#view").holds(measure(page, "svg.graph"))
    finally:
        page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


def test_a_script_that_got_in_does_not_run(browser: Chrome, tmp_path: Path) -> None:
    text = show("lineage", "html", make_hostile())
    evil = "<script>document.title = 'taken'</script><b onclick='x' style='color:red'>x</b><main>"
    path = tmp_path / "forged.html"
    path.write_text(text.replace("<main>", evil), encoding="utf-8")
    read_console(browser)
    browser.get(path.as_uri())
    assert browser.title.startswith("Lineage of ")
    assert len([one for one in read_console(browser) if "Content Security" in one["message"]]) == 3
