from __future__ import annotations

from typing import Any

from famtree.checkpoint.claims import collect_claims
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


def test_a_gguf_names_its_source_and_the_source_s_parents() -> None:
    metadata = {
        "general.name": "Oak 7B Instruct",
        "general.organization": "Acme",
        "general.base_model.count": 1,
        "general.base_model.0.repo_url": "https://huggingface.co/acme/Oak-7B",
    }
    found = collect_claims("me/x-GGUF", Listing(()), {}, {}, gguf=metadata)
    assert [(one.source, one.parent, one.of_parent) for one in found] == [
        ("gguf", "Acme/Oak-7B-Instruct", False),
        ("gguf", "acme/Oak-7B", True),
        ("name", "x", False),
    ]
    source = {"general.source.repo_url": "https://huggingface.co/acme/Oak-7B-Instruct"}
    assert collect_claims("me/x", Listing(()), {}, {}, gguf=source)[0].source == "gguf"


def test_odd_gguf_values_claim_nothing() -> None:
    odd = {"general.name": 7, "general.base_model.count": 10**9, "general.source.url": ["x"]}
    assert collect_claims("me/x", Listing(()), {}, {}, gguf=odd) == []
    assert collect_claims("me/x", Listing(()), {}, {}, gguf={"general.base_model.count": "1"}) == []


def test_a_quantizer_names_what_it_read() -> None:
    files = {"quantize_config.json": {"bits": 4, "model_name_or_path": "a/x"}}
    assert claims(side_files=files) == [("quantizer", "a/x", "quantized")]


def test_layers_of_one_model_are_no_merge() -> None:
    piece = "- sources: [{{model: a/x, layer_range: [{}, {}]}}]\n"
    for spans, relation in (
        (((0, 24), (8, 32)), "upscaled"),
        (((0, 8), (16, 32)), "pruned"),
    ):
        slices = "".join(piece.format(*span) for span in spans)
        files = {"mergekit_config.yml": f"merge_method: passthrough\nslices:\n{slices}"}
        assert claims(side_files=files) == [("mergekit", "a/x", relation)]


def test_experts_are_upcycled() -> None:
    files = {"mergekit_moe_config.yml": "base_model: a/x\nexperts: [{source_model: a/y}]\n"}
    assert [one[1:] for one in claims(side_files=files)] == [
        ("a/y", "upcycled"),
        ("a/x", "upcycled"),
    ]
