"""Every document in every format that it has, and no other."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any
from xml.etree import ElementTree

import pytest

from comparisons import fill_matrix, make_comparison, make_matrix
from families import make_family, make_registry
from famtree.atlas.query import QueryResult
from famtree.errors import FamtreeError, UsageError
from famtree.formats.schema import SCHEMA_NAMES
from famtree.formats.table import FORMATS, Options, render
from famtree.types.atlas import (
    AtlasReport,
    Contradicted,
    Counted,
    FamilyCount,
    Loosened,
    NamedCheckpoint,
    Unidentified,
)
from foreign_text import fill
from formats.test_check import make_hostile as make_hostile_check
from formats.test_fit import make_fit
from lineages import PUBLISHERS, make_contradicted, make_hostile, make_lineage, make_merge
from results import make_ambiguous, make_full_result, make_result, make_unknown

HOSTILE = "a\x1b[31m\tb\u202e|<b>`*_[x](y)\n# c"


def make_report(text: str) -> AtlasReport:
    bars = [Counted(text, 2, text)]
    one = NamedCheckpoint(text, listed=True)
    return AtlasReport(
        famtree=text,
        built=text,
        checkpoints=2,
        outcomes=bars,
        families=[FamilyCount(text, 2, 1, 0)],
        unknown=[Unidentified(one, text, text)],
        unknowns=1,
        statuses=bars,
        undeclared=0,
        copies=bars,
        contradicted=[Contradicted(one, one, text)],
        contradictions=1,
        quantizations=bars,
        licenses=[],
        loosened=[Loosened(one, text, one, text, text)],
        loosenings=1,
    )


DOCUMENTS: dict[str, list[Callable[[], Any]]] = {
    "identification": [
        make_result, make_ambiguous, make_unknown, make_full_result,
        lambda: fill(make_full_result(), HOSTILE),
    ],
    "comparison": [make_comparison, lambda: fill(make_comparison(), HOSTILE)],
    "comparison matrix": [make_matrix, lambda: fill_matrix(HOSTILE)],
    "lineage": [
        make_merge, make_contradicted, make_hostile, lambda: make_lineage("acme/oak"),
        lambda: fill(make_merge(), HOSTILE),
    ],
    "check": [make_hostile_check],
    "fit": [make_fit, lambda: fill(make_fit(), HOSTILE)],
    "families": [lambda: make_registry().families, lambda: []],
    "family": [make_family, lambda: make_family("elm"), lambda: fill(make_family(), HOSTILE)],
    "atlas": [lambda: {"tables": {"edges": 1}, "bytes": 1, "famtree": HOSTILE}],
    "atlas answer": [
        lambda: QueryResult([HOSTILE, "b"], [[HOSTILE, [1, HOSTILE]], [None, 1.5]]),
        lambda: QueryResult(["a"], []),
    ],
    "atlas report": [lambda: make_report("x"), lambda: make_report(HOSTILE)],
    "bom": [lambda: {"bomFormat": HOSTILE}],
    "statement": [lambda: {"_type": HOSTILE}],
    "schema": [partial(str, name) for name in SCHEMA_NAMES],
    "error": [lambda: FamtreeError(HOSTILE, hint=HOSTILE)],
}  # fmt: skip
OPTIONS = [
    Options(),
    Options(width=100, publishers=PUBLISHERS),
    Options(width=20, verbose=True),
    Options(verbose=True, publishers=PUBLISHERS),
]


ENTRIES = [
    pytest.param(kind, form, id=f"{kind} {form}")
    for kind, formats in FORMATS.items()
    for form in formats
]


def test_there_is_a_document_of_each_kind() -> None:
    assert set(DOCUMENTS) == set(FORMATS)


@pytest.mark.parametrize(("kind", "form"), ENTRIES)
def test_every_entry_renders_every_document(kind: str, form: str) -> None:
    for make in DOCUMENTS[kind]:
        for options in OPTIONS:
            text = render(kind, make(), form, options)
            assert text.endswith("\n")
            assert not set(text) & set("\x1b\u202e")
            if form in ("json", "sarif"):
                assert isinstance(json.loads(text), dict)
            if form == "junit":
                ElementTree.fromstring(text.encode())


@pytest.mark.parametrize(("kind", "form"), ENTRIES)
def test_equal_documents_make_equal_texts(kind: str, form: str) -> None:
    for make in DOCUMENTS[kind]:
        assert render(kind, make(), form) == render(kind, make(), form)


@pytest.mark.parametrize("kind", FORMATS)
def test_what_a_document_has_not_is_a_usage_error(kind: str) -> None:
    known = {form for formats in FORMATS.values() for form in formats}
    for form in (*(known - set(FORMATS[kind])), "xml", ""):
        with pytest.raises(UsageError) as caught:
            render(kind, DOCUMENTS[kind][0](), form)
        assert caught.value.exit_code == 2
        assert all(name in caught.value.hint for name in FORMATS[kind])


def test_only_a_screen_with_colours_gets_colours() -> None:
    for kind, formats in FORMATS.items():
        for form in formats:
            for make in DOCUMENTS[kind]:
                text = render(kind, make(), form, Options(color=True))
                # A log of continuous integration has colours and no width.
                assert ("\x1b" in text) is ((kind, form) == ("check", "text")), (kind, form)
    assert "\x1b[" in render("lineage", make_merge(), "text", Options(width=80, color=True))
