"""What a stranger wrote, in every field of every report, as GitHub's own renderer shows it."""

from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

import cmarkgfm
import pytest
from cmarkgfm.cmark import Options

from comparisons import fill_matrix, make_comparison
from families import make_family
from famtree.atlas.query import QueryResult
from famtree.formats.markdown import escape_markdown
from famtree.types.policy import CheckedCheckpoint, CheckedCondition, CheckError, CheckReport
from foreign_text import fill
from lineages import make_contradicted, make_merge
from rendering import show
from results import make_ambiguous, make_full_result

PAYLOADS = [
    "http://evil.example/x", "see https://localhost/x?a=b", "HTTPS://EVIL.EXAMPLE", "www.evil.com",
    "ftp://evil.example", "user@evil.com", "mailto:user@evil.com", "xmpp:user@evil.com/x",
    "x@y.z@evil.com", "@user", "cc @org/team!", "fixes #123", "org/name#1", "see GH-12 gh-3",
    "user@0123456789abcdef0123456789abcdef01234567", "0123456", "org/name@deadbeef1",
    ":smile: :+1:", "[^1] and [^1]: note", "<b>x</b>", "<!-- x -->", "<img src=x onerror=y>",
    "a|b||c", "`x` ``y``", "\\`@x`\\", "`@user`", "1. x", "2) x", "- x", "+ x", "* x", "# x",
    "> x", "===", "---", "***", "~~x~~ __x__ **x** a_b_c", "$x$ and $`x`$", "![i](http://evil.com)",
    "[l](javascript:x)", "[x]: http://evil.com", "&#64;user &commat;user &amp; &lt;b&gt;",
    "<http://evil.com> <user@evil.com>", "    indented", "!12 ~bug %1 &4", "\\@user \\#1 \\\\@user",
    "a@b@c.com d.e@-f.com g@.h.com", "line\nbreak\n\n# x", "| - | - |", "::error::x ##[error]x",
]  # fmt: skip


def make_checked(payload: str) -> CheckReport:
    condition = CheckedCondition.model_construct(name="expect", holds=False, message=payload)
    error = CheckError.model_construct(code=payload, message=payload, hint=payload, exit_code=3)
    make = CheckedCheckpoint.model_construct
    rows = [
        make(ref=payload, line=1, result="failed", outcome="identified", family=payload,
             generation=payload, conditions=[condition]),
        make(ref=payload, line=2, result="error", error=error),
    ]  # fmt: skip
    return CheckReport(
        famtree=payload, policy=payload, passed=0, failed=1, errors=1, checkpoints=rows
    )


DOCUMENTS: dict[str, Callable[[str], str]] = {
    "identify": lambda text: show(
        "identification", "markdown", fill(make_full_result(), text), verbose=True
    ),
    "ambiguous": lambda text: show("identification", "markdown", fill(make_ambiguous(), text)),
    "compare": lambda text: show("comparison", "markdown", fill(make_comparison(), text)),
    "matrix": lambda text: show("comparison matrix", "markdown", fill_matrix(text)),
    "lineage": lambda text: show("lineage", "markdown", fill(make_merge(), text)),
    "contradicted": lambda text: show("lineage", "markdown", fill(make_contradicted(), text)),
    "check": lambda text: show("check", "markdown", make_checked(text)),
    "families": lambda text: show("families", "markdown", [fill(make_family(), text)]),
    "family": lambda text: show("family", "markdown", fill(make_family(), text)),
    "query": lambda text: show(
        "atlas answer", "markdown", QueryResult([text, "b"], [[text, [text]], [None, 1]])
    ),
    "info": lambda text: show(
        "atlas", "markdown", {"tables": {text: 1}, "bytes": 1, "famtree": text}
    ),
}
HARMLESS = {
    "p", "ul", "li", "strong", "h3", "h4", "table", "thead", "tbody", "tr", "th", "td", "code",
    "br", "details", "summary",
}  # fmt: skip


class Page(HTMLParser):
    """Elements of a page, and its texts that are no code."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.texts: list[str] = []
        self.shown = ""
        self._code = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        assert not attrs or tag in ("th", "td"), attrs
        self._code = tag == "code"

    def handle_endtag(self, tag: str) -> None:
        self._code = False

    def handle_comment(self, data: str) -> None:
        self.elements.append(f"comment {data}")

    def handle_data(self, data: str) -> None:
        self.shown += data
        if not self._code:
            self.texts.append(data)


def draw(markdown: str) -> Page:
    """Return the page as GitHub makes it, before it looks for mentions and the like."""
    options = Options.CMARK_OPT_UNSAFE | Options.CMARK_OPT_FOOTNOTES
    return Page(cmarkgfm.github_flavored_markdown_to_html(markdown, options))


LIVE = re.compile(
    r"@\w|[#!~%&]\w|\bGH-\d|:[\w+-]+:|\$|(?<![^\W_])[0-9a-f]{7,40}(?![^\W_])", re.IGNORECASE
)
"""What GitHub and GitLab look for in a page's texts, other than code. Mentions: html-pipeline."""


@pytest.mark.parametrize("name", DOCUMENTS)
def test_no_text_is_more_than_text(name: str) -> None:
    plain = draw(DOCUMENTS[name]("x"))
    for payload in PAYLOADS:
        page = draw(DOCUMENTS[name](payload))
        assert set(page.elements) <= HARMLESS, payload
        own = [one for one in page.elements if one != "code"]
        assert own == [one for one in plain.elements if one != "code"], payload
        for text in page.texts:
            assert not LIVE.search(text), (payload, text)


@pytest.mark.parametrize("payload", PAYLOADS)
def test_it_is_shown_as_it_is(payload: str) -> None:
    shown = payload.replace("\n", "\\n")
    for before in ("", "- **x:** ", "### "):
        page = draw(before + escape_markdown(payload))
        assert page.shown.split() == [*(["x:"] if "x" in before else []), *shown.split()]


def test_plain_names_and_figures_stay_readable() -> None:
    for text in ("acme/oak-2-8b", "architecture of 8,030,261,248", "0.97", "a (b)"[:1]):
        assert escape_markdown(text) == text


def test_the_payloads_are_alive_where_they_are_not_escaped() -> None:
    """The check itself: most of these do something, or it would find nothing."""

    def is_alive(payload: Any) -> bool:
        page = draw(payload)
        return page.elements != ["p"] or any(map(LIVE.search, page.texts))

    alive = 0
    for payload in PAYLOADS:
        try:
            alive += is_alive(payload)
        except AssertionError:
            alive += 1
    assert alive > len(PAYLOADS) * 0.8
