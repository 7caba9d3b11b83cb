from __future__ import annotations

from typing import Any

import pytest

from famtree.bom.licenses import make_licenses
from famtree.types.checkpoint import Listing


def describe(card: dict[str, Any], *tags: str) -> list[tuple[str | None, str | None, str | None]]:
    found = make_licenses(Listing((), card=card, tags=tags))
    return [(one.id, one.name, str(one.url) if one.url else None) for one in found]


def test_spdx_identifiers_are_spelt_as_spdx_does() -> None:
    assert describe({"license": "apache-2.0"}) == [("Apache-2.0", None, None)]
    assert describe({"license": ["mit", "oak-1", "mit"]}) == [
        ("MIT", None, None),
        (None, "oak-1", None),
    ]


def test_tags_stand_in_for_a_card_without_licence() -> None:
    assert describe({}, "license:mit", "en") == [("MIT", None, None)]
    assert describe({"license": "apache-2.0"}, "license:mit") == [("Apache-2.0", None, None)]


def test_other_is_named_by_the_card() -> None:
    card = {"license": "other", "license_name": "oak", "license_link": "https://a.example/l"}
    assert describe(card) == [(None, "oak", "https://a.example/l")]


@pytest.mark.parametrize(
    "link", ["LICENSE", "javascript:alert(1)", "https://a b", 3, None, "x" * 9]
)
def test_only_web_addresses_are_links(link: Any) -> None:
    assert describe({"license": "mit", "license_link": link}) == [("MIT", None, None)]


@pytest.mark.parametrize("value", [None, 3, {}, "", " ", [None, 4], {"a": 1}, [[]]])
def test_wrong_types_are_no_licence(value: Any) -> None:
    assert describe({"license": value, "license_name": value}) == []


def test_many_and_long_ones_are_cut() -> None:
    found = describe({"license": ["x" * 10_000, *map(str, range(1000))]})
    assert len(found) == 16
    assert found[0] == (None, "x" * 200, None)
