from __future__ import annotations

import pytest

from famtree.checkpoint.forms.table import choose_form
from famtree.errors import HeaderError
from famtree.sources.header_plan import (
    MAX_SECOND_READ,
    HeaderPlan,
    missing_ranges,
    plan_headers,
)
from famtree.types.checkpoint import CheckpointRef, FileEntry, Listing, Missing

INDEX = "model.safetensors.index.json"


def listing(**sizes: int | None) -> Listing:
    return Listing(tuple(FileEntry(name, size) for name, size in sizes.items()))


def shards(count: int, stem: str = "model", size: int = 5_000_000_000) -> dict[str, int]:
    return {
        f"{stem}-{number:05d}-of-{count:05d}.safetensors": size for number in range(1, count + 1)
    }


@pytest.mark.parametrize(
    ("names", "kind"),
    [
        (["config.json", "model.safetensors"], "safetensors"),
        (["config.json", "consolidated.safetensors"], "safetensors"),
        (["adapter_config.json", "adapter_model.safetensors"], "adapter"),
        (["adapter_config.json", "adapter_model.safetensors", "model.safetensors"], "safetensors"),
        (["adapter_config.json", "adapter_model.bin"], "adapter"),
        (["README.md", "model-Q4_K_M.gguf"], "gguf"),
        (["config.json", "pytorch_model.bin"], "pickle"),
        (["config.json", "training_args.bin"], "config-only"),
        (["config.json", INDEX], "index-only"),
        (["config.json", "pytorch_model.bin.index.json"], "index-only"),
        (["config.json"], "config-only"),
        (["model_index.json", "unet/diffusion_pytorch_model.safetensors"], "pipeline"),
    ],
)
def test_the_format_is_the_most_telling_kind_of_file(names: list[str], kind: str) -> None:
    assert choose_form(listing(**dict.fromkeys(names, 1)), CheckpointRef("x")).name == kind


@pytest.mark.parametrize(
    ("names", "chosen"),
    [
        (["model.safetensors", "consolidated.safetensors"], ["model.safetensors"]),
        (["consolidated.safetensors"], ["consolidated.safetensors"]),
        (["model.safetensors", "model.fp16.safetensors"], ["model.safetensors"]),
        (["model.fp16.safetensors"], ["model.fp16.safetensors"]),
        (["adapter_model.safetensors", "model.safetensors"], ["model.safetensors"]),
        (["model.safetensors", "optimizer.safetensors"], ["model.safetensors"]),
        (["gptq_model-4bit-128g.safetensors"], ["gptq_model-4bit-128g.safetensors"]),
        ([*shards(2), "consolidated.safetensors", "original/model.safetensors"], list(shards(2))),
        (["model-1-of-2.safetensors", "model-2-of-2.safetensors"],
         ["model-1-of-2.safetensors", "model-2-of-2.safetensors"]),
        (["model.safetensors-00001-of-00002.safetensors",
          "model.safetensors-00002-of-00002.safetensors"],
         ["model.safetensors-00001-of-00002.safetensors",
          "model.safetensors-00002-of-00002.safetensors"]),
        (["layer-10.safetensors", "layer-2.safetensors", INDEX],
         ["layer-2.safetensors", "layer-10.safetensors"]),
    ],
)  # fmt: skip
def test_the_files_of_one_model_are_chosen(names: list[str], chosen: list[str]) -> None:
    assert list(plan_headers(listing(**dict.fromkeys(names, 9_000_000))).shards) == chosen


def test_few_shards_are_all_read_and_a_long_index_is_not() -> None:
    plan = plan_headers(listing(**{INDEX: 300_000, "config.json": 800}, **shards(4)))

    assert sorted(plan.prefixes) == sorted(shards(4))
    assert plan.index is None


def test_a_short_index_is_read_to_be_checked() -> None:
    plan = plan_headers(listing(**{INDEX: 24_000}, **shards(4)))

    assert plan.index == INDEX
    # 8B in four shards: headers of 8-10 kB each were measured.
    assert all(10_500 <= size <= 16 * 1024 for size in plan.prefixes.values())


def test_the_index_of_few_shards_is_read_where_another_file_may_belong_to_them() -> None:
    files = {INDEX: 300_000, "model_extra.safetensors": 9_000_000, **shards(4)}

    assert plan_headers(listing(**files)).index == INDEX


def test_many_shards_are_sampled_and_an_affordable_index_is_read() -> None:
    plan = plan_headers(listing(**{INDEX: 66_000}, **shards(30)))

    numbers = [int(name[6:11]) for name in plan.prefixes]
    assert (numbers[0], numbers[-1], len(numbers)) == (1, 30, 3)
    assert plan.index == INDEX
    assert len(plan.shards) == 30


def test_a_huge_index_is_left_alone_but_tells_how_long_headers_are() -> None:
    plan = plan_headers(listing(**{INDEX: 8_900_000}, **shards(163)))

    assert plan.index is None
    assert sum(plan.prefixes.values()) < 400_000
    assert min(plan.prefixes.values()) > 80_000  # 570 expert tensors a shard: 74 kB measured


def test_a_local_folder_is_read_whole() -> None:
    plan = plan_headers(listing(**{INDEX: 8_900_000}, **shards(163)), everything=True)

    assert len(plan.prefixes) == 163
    assert plan.index == INDEX


def test_absent_shards_are_counted_and_ask_for_the_index() -> None:
    names = shards(4)
    names.pop("model-00003-of-00004.safetensors")
    plan = plan_headers(listing(**{INDEX: 24_000}, **names))

    assert plan.missing_shards == 1
    assert plan.index == INDEX
    assert len(plan.prefixes) == 3


def test_a_prefix_is_never_longer_than_the_file() -> None:
    assert plan_headers(listing(**{"model.safetensors": 700})).prefixes == {
        "model.safetensors": 700
    }
    assert plan_headers(listing(**{"model.safetensors": None})).prefixes["model.safetensors"] > 0


def prefix(length: int, read: int) -> bytes:
    return (length.to_bytes(8, "little") + b"{" + b" " * length)[:read]


def test_only_short_headers_are_completed_and_exactly() -> None:
    plan = HeaderPlan({"a": 100, "b": 100, "c": 100, "d": 100}, shards=("a", "b"))
    wave: dict[str, bytes | Missing] = {
        "a": prefix(92, 100),
        "b": prefix(93, 100),
        "c": Missing("c", "403"),
        "d": prefix(50, 100),
    }
    assert missing_ranges(plan, wave) == ({"b": (100, 101)}, {})


def test_a_very_long_header_is_read_only_of_a_sole_file() -> None:
    length = MAX_SECOND_READ
    wave: dict[str, bytes | Missing] = {"a": prefix(length, 100)}
    alone = HeaderPlan({"a": 100}, shards=("a",))
    among = HeaderPlan({"a": 100}, shards=("a", "b"))

    assert missing_ranges(alone, wave)[0] == {"a": (100, 8 + length)}
    ranges, skipped = missing_ranges(among, wave)
    assert ranges == {}
    assert "too long" in skipped["a"].reason


def test_a_header_longer_than_its_file_is_not_asked_for() -> None:
    plan = HeaderPlan({"a": 100}, shards=("a",), sizes={"a": 150})
    assert missing_ranges(plan, {"a": prefix(500, 100)}) == ({}, {})
    with pytest.raises(HeaderError):
        missing_ranges(plan, {"a": b"<html><body>"})


def test_the_index_decides_against_a_larger_single_file() -> None:
    files = {"model.safetensors": 90_000_000_000, **shards(4)}

    assert plan_headers(listing(**files)).shards == ("model.safetensors",)
    assert plan_headers(listing(**{INDEX: 24_000}, **files)).shards == tuple(shards(4))
