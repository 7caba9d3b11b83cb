from __future__ import annotations

from typing import Any

from famtree.lineage.claims import collect_claims
from famtree.types.checkpoint import Listing


def claims(
    name: str = "me/child",
    *,
    card: dict[str, Any] | None = None,
    tags: tuple[str, ...] = (),
    config: dict[str, Any] | None = None,
    side_files: dict[str, Any] | None = None,
) -> list[tuple[str, str, str | None]]:
    listing = Listing((), card=card or {}, tags=tags)
    found = collect_claims(name, listing, config or {}, side_files or {})
    return [(one.source, one.parent, one.relation) for one in found]


def test_card_string_and_relation() -> None:
    card = {"base_model": "a/x", "base_model_relation": "quantized"}
    assert claims(card=card) == [("card", "a/x", "quantized")]


def test_several_bases_are_a_merge() -> None:
    assert [one[2] for one in claims(card={"base_model": ["a/x", "a/y"]})] == ["merge", "merge"]


def test_tags_say_how() -> None:
    found = claims(tags=("base_model:a/x", "base_model:finetune:a/x", "license:mit"))
    assert found == [("tag", "a/x", "finetune")]


def test_each_source_is_kept_apart() -> None:
    found = claims(
        card={"base_model": "a/x"},
        config={"_name_or_path": "a/y"},
        side_files={"adapter_config.json": {"base_model_name_or_path": "a/z"}},
    )
    assert {(source, parent) for source, parent, _ in found} == {
        ("adapter", "a/z"),
        ("card", "a/x"),
        ("config", "a/y"),
    }


def test_a_checkpoint_is_not_its_own_parent() -> None:
    assert claims(config={"_name_or_path": "Me/Child"}) == []
    assert claims("me__child", config={"_name_or_path": "me/child"}) == []


def test_a_name_is_a_hint() -> None:
    assert claims("me/Oak-7B-GPTQ") == [("name", "Oak-7B", "quantized")]


def test_odd_values_claim_nothing() -> None:
    assert claims(card={"base_model": {"a": 1}}, config={"_name_or_path": 3}) == []
    assert claims(side_files={"adapter_config.json": [], "mergekit_config.yml": "{:"}) == []
