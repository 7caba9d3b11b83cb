"""Where the size of the weights is read, and that an estimate errs upwards."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from examining import examine_source
from famtree.identification.side import make_side as make_side_of
from famtree.interchange.side import Side
from famtree.interchange.weights import measure_weights
from famtree.sources.hub import HubSource
from famtree.sources.reference import parse_reference
from famtree.types.checkpoint import FileEntry, TensorIndex
from famtree.types.quantization import Quantization
from gguf_files import decoder_tensors, design_of, vocabulary_of, write_gguf
from hub.repository import make_sparse
from hub.server import HubServer
from interchange.sides import make_index, make_side

PARTIAL = make_index({}, complete=False)


def with_files(side: Side, *sizes: int | None, missing: int = 0) -> Side:
    files = tuple(FileEntry(f"part-{at}.gguf", size) for at, size in enumerate(sizes))
    return replace(side, weight_files=files, missing_files=missing)


def measure(side: Side) -> tuple[int, str]:
    found = measure_weights(side)
    assert found is not None
    return found.bytes, found.source


def test_listed_sizes_come_before_any_estimate() -> None:
    four = Quantization(method="gguf", bits=4)
    side = make_side(form="gguf", index=PARTIAL, quantization=four)
    assert measure(with_files(side, 6_000_000_000, 6_110_000_000)) == (12_110_000_000, "files")
    # A file whose size nobody states, or a part that is not there, leaves the sum untold.
    assert measure(with_files(side, 6_000_000_000, None))[1] == "estimate"
    assert measure(with_files(side, 6_000_000_000, missing=1))[1] == "estimate"


def test_listed_sizes_come_before_the_total_of_an_index() -> None:
    index = TensorIndex(names=frozenset({"a"}), total_size=2000)
    assert measure(make_side(index=index)) == (2000, "headers")
    assert measure(with_files(make_side(index=index), 600, 500)) == (1100, "files")


def test_headers_of_a_model_that_lacks_a_part_are_not_its_size() -> None:
    index = make_index({"a": (4, 4)})
    tensor = replace(index.tensors["a"], end=1000)
    whole = make_side(index=replace(index, tensors={"a": tensor}))
    assert measure(whole) == (1000, "headers")
    assert measure(with_files(whole, 1100, missing=1))[1] == "estimate"


GPT_OSS: dict[str, Any] = {
    "num_hidden_layers": 36, "hidden_size": 2880, "num_attention_heads": 64,
    "num_key_value_heads": 8, "head_dim": 64, "vocab_size": 201088,
}  # fmt: skip


@pytest.mark.parametrize(
    ("options", "stored"),
    [
        (
            {**GPT_OSS, "parameters": 116_829_156_672,
             "quantization": Quantization(method="mxfp4", bits=4, group_size=32,
                                          ignored=["model.layers.*.self_attn", "lm_head"])},
            65_248_815_744,
        ),
        (
            {"parameters": 8_030_261_248,
             "quantization": Quantization(method="awq", bits=4, group_size=128)},
            5_728_000_000,
        ),
        (
            {"parameters": 8_030_261_248,
             "quantization": Quantization(method="fp8", bits=8, block_shape=[128, 128])},
            9_081_000_000,
        ),
        (
            {"parameters": 8_030_261_248,
             "quantization": Quantization(method="modelopt", scheme="NVFP4", bits=4,
                                          group_size=16)},
            6_027_000_000,
        ),
    ],
    ids=["gpt-oss-120b", "Llama-3.1-8B-AWQ", "Llama-3.1-8B-FP8", "Llama-3.1-8B-NVFP4"],
)  # fmt: skip
def test_an_estimate_errs_upwards_and_is_called_one(options: dict[str, Any], stored: int) -> None:
    found = measure_weights(make_side(index=PARTIAL, **options))
    assert found is not None
    assert found.source == "estimate"
    assert "estimate" in found.how
    assert stored <= found.bytes < stored * 1.1


GPT_OSS_20B: dict[str, Any] = {
    "block_count": 24, "context_length": 131072, "embedding_length": 2880,
    "feed_forward_length": 2880, "expert_feed_forward_length": 2880, "expert_count": 32,
    "expert_used_count": 4, "attention__head_count": 64, "attention__head_count_kv": 8,
    "attention__key_length": 64, "attention__value_length": 64, "attention__sliding_window": 128,
    "rope__freq_base": 150000.0,
}  # fmt: skip


def test_a_gguf_in_parts_on_the_hub_is_as_large_as_its_files(hub: HubServer) -> None:
    """Its vocabulary is not read past for its tensors; parameters x 4 bits would be 10.46 GB."""
    head = write_gguf(
        design_of("gpt-oss", **GPT_OSS_20B) | vocabulary_of(201_088), decoder_tensors(), data=False
    )
    names = [f"gpt-oss-20b-mxfp4-0000{at}-of-00002.gguf" for at in (1, 2)]
    hub.add("org/m-GGUF", {name: make_sparse(name, 6_050_000_000, head) for name in names})
    subject = examine_source(HubSource(parse_reference("org/m-GGUF")))
    assert measure(make_side_of(subject)) == (12_100_000_000, "files")


def test_a_small_gguf_on_the_hub_is_as_large_as_its_tensors(hub: HubServer) -> None:
    design = design_of("llama", block_count=6, embedding_length=256, context_length=4096,
                       attention__head_count=4, attention__head_count_kv=2)  # fmt: skip
    data = write_gguf(design | vocabulary_of(8), decoder_tensors(layers=6))
    hub.add("org/m-GGUF", {"m-Q4_K_M.gguf": data})
    side = make_side_of(examine_source(HubSource(parse_reference("org/m-GGUF"))))
    size, source = measure(side)
    assert source == "headers"
    assert 0.99 * len(data) < size <= len(data)
