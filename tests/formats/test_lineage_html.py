from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable
from hashlib import sha256
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest

from famtree.formats.lineage_svg import MOST_NODES, wrap_name
from famtree.formats.page import find_page, read_part
from famtree.types.checkpoint import SourceKind
from famtree.types.identification import CostReport
from famtree.types.lineage import Lineage, LineageNode
from famtree.types.links import STATUSES
from lineages import (
    HOSTILE,
    PUBLISHERS,
    make_contradicted,
    make_hostile,
    make_lineage,
    make_merge,
    make_wide,
)
from rendering import show

LINEAGES: dict[str, Callable[[], Lineage]] = {
    "merge": make_merge,
    "contradicted": make_contradicted,
    "hostile": make_hostile,
    "lone": lambda: make_lineage("acme/oak"),
}
CSS = read_part("graph.css") + read_part("lineage.css")
HUB = "https://huggingface.co/"
VOID = {"meta", "link", "input"}


class Page(HTMLParser):
    """What a page consists of; fails on elements that are not closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str, str]] = []
        self.words: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def values(self, name: str) -> list[str]:
        return [value for _, key, value in self.attributes if key == name]


def _render(name: str) -> str:
    return show("lineage", "html", LINEAGES[name](), publishers=PUBLISHERS)


@pytest.mark.parametrize("name", LINEAGES)
def test_page_is_well_formed_and_closed_in_itself(name: str) -> None:
    page = Page(_render(name))
    assert page.tags.isdisjoint({"iframe", "object", "img", "form", "base", "b onload"})
    assert not [key for _, key, _ in page.attributes if key.startswith("on") or key == "style"]
    assert page.values("src") == []
    targets = [one for one in page.values("href") if not one.startswith(("#", HUB))]
    assert targets == ["data:,"]
    assert "url(" not in CSS
    assert "@import" not in CSS


@pytest.mark.parametrize("name", LINEAGES)
def test_links_lead_to_one_place_each(name: str) -> None:
    page = Page(_render(name))
    names = page.values("id")
    assert len(names) == len(set(names))
    assert {one[1:] for one in page.values("href") if one.startswith("#")} <= set(names)


@pytest.mark.parametrize("name", ["merge", "contradicted"])
def test_drawing_leads_to_every_checkpoint_and_link(name: str) -> None:
    lineage = LINEAGES[name]()
    targets = set(Page(_render(name)).values("href"))
    assert {f"#n{number}" for number in range(len(lineage.nodes))} <= targets
    assert {f"#e{number}" for number in range(len(lineage.edges))} <= targets


def test_status_is_a_word_and_a_shape() -> None:
    text = _render("merge")
    drawing = text[text.index('<svg class="graph"') : text.index("</figure>")]
    for status in ("verified", "consistent", "declared", "inferred", "unresolved"):
        assert re.search(rf'class="status s-{status}"[^>]*>{status} 0\.\d\d</text>', drawing)
    from famtree.formats import lineage_svg

    assert set(lineage_svg._SHAPES) == set(STATUSES)
    assert len(set(lineage_svg._SHAPES.values())) == len(STATUSES)


def test_what_is_known_is_told() -> None:
    words = " ".join(" ".join(Page(_render("merge")).words).split())
    for told in (
        "7 checkpoints, 8 links; incomplete",
        "Takes layers 0-15, 24-31 of the parent.",
        "merge × 0.3",
        "coders (not the family's maker)",
        "1,240 checkpoints or more",
        "acme/oak-1-8b could not be read",
        "Claimed by: mergekit, card",
        "known by name only",
    ):
        assert told in words
    assert "1 claim ruled out by the evidence." in " ".join(Page(_render("contradicted")).words)


def test_hostile_text_stays_text() -> None:
    text = _render("hostile")
    assert not set(text) & set("\x1b\u202e")
    assert "<b onload" not in text
    assert text.count("</script>") == text.count("<script>") == 1
    shown = HOSTILE.replace("\n", "\\n").replace("\x1b", "\\x1b").replace("\u202e", "\\u202e")
    assert shown in Page(text).words


def test_nothing_runs_but_what_is_named_by_its_hash() -> None:
    text = _render("hostile")
    [policy] = [value for value in Page(text).values("content") if "default-src" in value]
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    for tag, kind in (("script", "script-src"), ("style", "style-src")):
        [inner] = re.findall(f"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        digest = b64encode(sha256(inner.encode()).digest()).decode()
        assert f"{kind} 'sha256-{digest}'" in policy


@pytest.mark.parametrize(
    ("ref", "source", "page"),
    [
        ("acme/oak", None, HUB + "acme/oak"),
        ("acme/oak@refs/pr/1", None, None),
        ("acme/oak@v1.0", None, HUB + "acme/oak/tree/v1.0"),
        ("asked/oak", "hub", HUB + "asked/oak"),
        ("asked/oak", "local", None),
        ("asked/oak", None, None),
        ("./acme/oak", None, None),
        ("/acme/oak", None, None),
        ("../oak", None, None),
        ("acme/..", None, None),
        ("acme/oak/more", None, None),
        ("javascript:alert(1)", None, None),
        ('acme/"onclick=x', None, None),
        ("oak", None, None),
    ],
)
def test_links_lead_to_pages_that_are_on_the_hub(
    ref: str, source: SourceKind | None, page: str | None
) -> None:
    node = LineageNode(ref=ref, source=source)
    assert find_page(node, "asked/oak", "https://huggingface.co") == page


def test_a_picture_stands_alone() -> None:
    for name in LINEAGES:
        text = show("lineage", "svg", LINEAGES[name](), publishers=PUBLISHERS)
        tree = ElementTree.fromstring(text)
        drawn = [one.get("id") for one in tree if (one.get("id") or "").startswith("b")]
        assert len(drawn) >= len(LINEAGES[name]().nodes)
        assert {one.tag.partition("}")[2] for one in tree.iter()}.isdisjoint({"a", "script"})
        assert text.count("http") - text.count("http://www.w3.org/2000/svg") == 0
        # One layout: boxes stand where the page has them.
        places = re.compile(r'<(?:a|g) id="(b\d+)".*?transform="([^"]*)"')
        assert places.findall(text) == places.findall(_render(name))


def test_page_does_not_depend_on_the_cost() -> None:
    cheap = make_merge().model_copy(update={"cost": CostReport()})
    assert show("lineage", "html", cheap, publishers=PUBLISHERS) == _render("merge")


def test_hundreds_of_checkpoints_are_drawn_and_more_are_told() -> None:
    text = show("lineage", "html", make_wide(MOST_NODES + 50))
    assert f"{MOST_NODES} checkpoints, " in text
    assert "50 checkpoints farther away not drawn." in text


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("acme/oak", ["acme/oak"]),
        ("acme/" + "o" * 30, ["acme/", "o" * 30]),
        ("acme-research-lab/oak-2-8b-instruct", ["acme-research-lab/", "oak-2-8b-instruct"]),
        ("o" * 40, ["o" * 30, "o" * 10]),
        ("林" * 20, ["林" * 15, "林" * 5]),
        ("a" * 50 + "z" * 50, ["a" * 29 + "…", "z" * 30]),
    ],
)
def test_long_names_take_two_lines(name: str, lines: list[str]) -> None:
    assert wrap_name(name) == lines


def _read_palettes() -> dict[str, dict[str, str]]:
    light, dark = re.findall(r":root \{(.*?)\}", CSS, re.DOTALL)
    find = re.compile(r"--([a-z]+): (#[0-9a-f]{6});")
    return {"light": dict(find.findall(light)), "dark": dict(find.findall(dark))}


def measure_contrast(one: str, other: str) -> float:
    """Return the ratio of WCAG 2.2 between two colours `#rrggbb`."""

    def measure(color: str) -> float:
        shares = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        red, green, blue = (
            share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4
            for share in shares
        )
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    low, high = sorted((measure(one), measure(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_contrast_of_the_palette(scheme: str) -> None:
    palette = _read_palettes()[scheme]
    assert set(STATUSES) <= set(palette)
    for ground in ("page", "raised"):
        for color in ("text", "muted", "link", *STATUSES):
            assert measure_contrast(palette[color], palette[ground]) >= 4.5, (color, ground)
        for color in ("rule", "focus"):
            assert measure_contrast(palette[color], palette[ground]) >= 3, (color, ground)
