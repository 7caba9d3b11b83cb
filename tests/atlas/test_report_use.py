"""The page of an atlas in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from atlas.test_report import build
from famtree.atlas.report import report_atlas
from famtree.types.atlas import AtlasReport, FamilyCount
from formats.browser import AUDIT, SCHEMES, dress, read_console, read_requests
from rendering import show

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

_COLUMN = """
return [...document.querySelectorAll(".list")[0].querySelectorAll("tbody tr")]
  .filter(row => row.getClientRects().length).map(row => row.cells[0].textContent);
"""
FAMILIES = [
    FamilyCount("birch", 1200, 2, 0),
    FamilyCount("ash", 30, 1, 4),
    FamilyCount("fir", 9, 3, 1),
]


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> AtlasReport:
    from dataclasses import replace

    found = report_atlas(build(tmp_path_factory.mktemp("atlas")))
    return replace(found, families=[*FAMILIES, *found.families])


@pytest.fixture
def page(browser: Chrome, report: AtlasReport, tmp_path: Path) -> Iterator[Chrome]:
    path = tmp_path / "atlas.html"
    path.write_text(show("atlas report", "html", report), encoding="utf-8")
    browser.get("about:blank")
    read_console(browser)
    read_requests(browser)
    browser.get(path.as_uri())
    yield browser
    assert read_console(browser) == []
    assert {url for url in read_requests(browser) if not url.startswith("data:,")} == {
        path.as_uri()
    }


def test_tables_sort_by_words_and_numbers(page: Chrome) -> None:
    from selenium.webdriver.common.by import By

    def sort(number: int) -> list[str]:
        page.find_elements(By.CSS_SELECTOR, ".list th button")[number].click()
        names = page.execute_script(_COLUMN)
        return [name for name in names if name in ("ash", "birch", "fir")]

    assert sort(0) == ["ash", "birch", "fir"]
    assert sort(0) == ["fir", "birch", "ash"]
    # 1,200 is more than 30, and the heading says which way.
    assert sort(1) == ["fir", "ash", "birch"]
    assert sort(1) == ["birch", "ash", "fir"]
    assert sort(3) == ["birch", "fir", "ash"]
    marked = page.execute_script(
        "return [...document.querySelectorAll('[aria-sort]')].map(one => one.textContent)"
    )
    assert marked == ["generation open"]


def test_tables_are_filtered_by_a_word(page: Chrome) -> None:
    from selenium.webdriver.common.by import By

    page.find_element(By.CSS_SELECTOR, "input[aria-label='Filter families']").send_keys("BIR")
    assert page.execute_script(_COLUMN) == ["birch"]
    assert page.find_element(By.CSS_SELECTOR, ".filter output").text.startswith("1 of ")


@pytest.mark.parametrize("width", [500, 1280, 3840])
def test_nothing_sticks_out_of_the_page(page: Chrome, width: int) -> None:
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    page.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        assert page.execute_script("return document.documentElement.scrollWidth") <= width
    finally:
        page.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_no_serious_fault_of_access(page: Chrome, axe: str) -> None:
    for scheme in SCHEMES:
        with dress(page, scheme):
            ground = page.execute_script("return getComputedStyle(document.body).backgroundColor")
            assert (ground == "rgb(255, 255, 255)") == (scheme == "light")
            assert page.execute_async_script(axe + AUDIT) == []
