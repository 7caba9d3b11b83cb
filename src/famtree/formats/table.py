"""Which document can be printed in which formats, and by what: one more of either is one line.

Nothing is imported before it is asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from famtree.errors import UsageError

if TYPE_CHECKING:
    from famtree.formats.lineage_words import Publishers
    from famtree.formats.parts import Part


class Options(NamedTuple):
    """How a document is to be shown."""

    width: int | None = None
    """Columns of the screen; None where there is none: nothing is drawn, and nothing left out."""
    color: bool = False
    verbose: bool = False
    publishers: Publishers = MappingProxyType({})
    """Family key -> Hub organisations of its maker."""
    questions: tuple[str, ...] = ()
    """Of a comparison: those that are to be answered at length."""
    at_length: bool = False
    """Of a comparison: whether all are, as where one engine is asked about."""
    hub: str = "https://huggingface.co"
    """Of a page: the address of the Hub that its links lead to, without a slash at its end."""


Renderer = Callable[[Any, Options], str]


def _find(place: str) -> Any:
    module, _, name = place.partition(":")
    return getattr(import_module(f"famtree.formats.{module}"), name)


def _call(place: str) -> Renderer:
    """Render by the function (document, options) -> text at `place`."""
    return lambda document, options: str(_find(place)(document, options))


def _lay_out(place: str) -> Renderer:
    """Write the parts that the function at `place` makes of a document: drawn on a screen."""

    def render(document: Any, options: Options) -> str:
        parts = _find(place)(document, options)
        if options.width is None:
            return str(_find("plain:write_plain")(parts))
        return str(_find("canvas:draw")(parts, width=options.width, color=options.color))

    return render


def _mark_up(place: str) -> Renderer:
    """Write the parts that the function at `place` makes of a document as Markdown."""

    def render(document: Any, options: Options) -> str:
        parts = _find(place)(document, options._replace(width=None))
        return str(_find("markdown:write_markdown")(parts))

    return render


def _dump(place: str = "") -> Renderer:
    """Write as JSON what the function at `place` makes of a document; without, the document."""

    def render(document: Any, _: Options) -> str:
        data = _find(place)(document) if place else document
        return str(_find("json_report:render_json")(data))

    return render


def _report(place: str, data: str = "json_report:publish") -> dict[str, Renderer]:
    return {"text": _lay_out(place), "json": _dump(data), "markdown": _mark_up(place)}


FORMATS: dict[str, dict[str, Renderer]] = {
    "identification": _report("text_report:report_identification"),
    "comparison": {
        **_report("comparison_text:report_comparison"),
        "markdown": _mark_up("comparison_text:report_comparison_page"),
    },
    "comparison matrix": _report("comparison_matrix:report_matrix"),
    "lineage": {
        **_report("lineage_tree:report_lineage"),
        "mermaid": _call("lineage_mermaid:render_mermaid"),
        "dot": _call("lineage_dot:render_dot"),
        "html": _call("lineage_html:render_html"),
        "svg": _call("lineage_svg:render_svg"),
    },
    "fit": {
        **_report("fit_text:report_fit"),
        "markdown": _mark_up("fit_text:report_fit_page"),
    },
    "check": {
        "text": _call("check_text:render_check"),
        "json": _dump("json_report:publish"),
        "junit": _call("check_junit:render_junit"),
        "sarif": _dump("check_sarif:build_sarif"),
        "markdown": _call("check_text:render_check_page"),
        "baseline": _dump("check_baseline:build_baseline"),
    },
    "families": _report("families_report:report_families", "families_report:build_family_list"),
    "family": _report("families_report:report_family", "families_report:build_family"),
    "atlas": {
        "text": _call("atlas_text:render_info"),
        "json": _dump(),
        "markdown": _mark_up("atlas_text:report_info"),
    },
    "atlas answer": {
        "text": _call("atlas_text:render_rows"),
        "json": _dump("atlas_text:build_rows"),
        "markdown": _mark_up("atlas_text:report_rows"),
    },
    "atlas report": {"html": _call("atlas_html:render_report")},
    "bom": {"json": _dump()},
    "statement": {"json": _dump()},
    "schema": {"json": _dump("schema:build_schema")},
    "error": {
        "text": _call("error_report:render_error"),
        "json": _dump("error_report:build_error_document"),
    },
}
"""Document -> format -> renderer. `--format` offers what stands here, in this order."""


PARTS = {
    "identification": "text_report:report_identification",
    "comparison": "comparison_text:report_comparison_page",
    "comparison matrix": "comparison_matrix:report_matrix",
    "lineage": "lineage_tree:report_lineage",
    "fit": "fit_text:report_fit_page",
}
"""Document -> what makes its report where it stands within a page."""


PLAIN = Options()


def list_parts(kind: str, document: Any) -> list[Part]:
    """Return the parts of the report of a document whose kind PARTS has."""
    return list(_find(PARTS[kind])(document, PLAIN))


def render(kind: str, document: Any, form: str, options: Options = PLAIN) -> str:
    """Return `document`, which is of this kind, in one of its formats.

    Raises UsageError for a format that documents of this kind do not have.
    """
    formats = FORMATS[kind]
    if form not in formats:
        raise UsageError(f"no {form} of {kind}", hint=f"there is {', '.join(formats)}")
    return formats[form](document, options)
