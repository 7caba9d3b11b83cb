"""Accelerators by the names people have for them."""

from __future__ import annotations

import pytest

from famtree.deployment.gpus import find_place, load_gpus
from famtree.errors import UsageError
from famtree.interchange.load import load_engines


def test_every_entry_is_whole() -> None:
    names = [gpu.name.lower() for gpu in load_gpus()]
    assert len(set(names)) == len(names)
    for gpu in load_gpus():
        assert gpu.source, gpu.name
        assert gpu.formats, gpu.name
        assert (gpu.capability is not None) == (gpu.vendor == "nvidia"), gpu.name
        assert all(size > 0 for size in gpu.memory)
        assert list(gpu.memory) == sorted(gpu.memory)


def test_engines_name_vendors_of_accelerators() -> None:
    vendors = {gpu.vendor for gpu in load_gpus()}
    known = {key: one.hardware for key, one in load_engines().items() if one.hardware}
    for engine, held in known.items():
        assert held.vendors.keys() <= vendors, engine
        assert held.methods.keys() <= held.vendors.keys(), engine
        assert held.source, engine
        assert (held.bf16 is None) == (held.half is None), engine
    assert {"vllm", "sglang", "llama.cpp", "transformers", "ollama"} <= known.keys()


@pytest.mark.parametrize(
    ("asked", "name", "count", "memory", "capability"),
    [
        ("T4", "T4", 1, 16, 75), ("L4", "L4", 1, 24, 89), ("a10", "A10", 1, 24, 86),
        ("A100-40GB", "A100", 1, 40, 80), ("A100-80GB", "A100", 1, 80, 80),
        ("A100-80", "A100", 1, 80, 80), ("a100 80gb", "A100", 1, 80, 80),
        ("L40S:4", "L40S", 4, 48, 89), ("RTX 4090", "RTX 4090", 1, 24, 89),
        ("rtx4090", "RTX 4090", 1, 24, 89), ("RTX-5090", "RTX 5090", 1, 32, 120),
        ("NVIDIA GeForce RTX 4090", "RTX 4090", 1, 24, 89), ("H100", "H100", 1, 80, 90),
        ("8xH100", "H100", 8, 80, 90), ("H100x8", "H100", 8, 80, 90),
        ("H200:8", "H200", 8, 141, 90),
        ("B200", "B200", 1, 180, 100), ("B300", "B300", 1, 288, 103),
        ("MI300X:8", "MI300X", 8, 192, None), ("AMD Instinct MI355X", "MI355X", 1, 288, None),
        ("Gaudi 3", "Gaudi 3", 1, 128, None), ("gaudi3", "Gaudi 3", 1, 128, None),
        ("M4 Max 64GB", "M4 Max", 1, 64, None), ("M3-Max-64", "M3 Max", 1, 64, None),
        ("RTX PRO 6000", "RTX PRO 6000", 1, 96, 120),
        ("NVIDIA H100 80GB HBM3", "H100", 1, 80, 90),
        ("NVIDIA A100-SXM4-80GB:8", "A100", 8, 80, 80),
        ("NVIDIA A100-PCIE-40GB", "A100", 1, 40, 80),
        ("Tesla V100-SXM2-32GB", "V100", 1, 32, 70),
        ("NVIDIA RTX 6000 Ada Generation", "RTX 6000 Ada", 1, 48, 89),
        ("RTX 6000", "RTX 6000 Ada", 1, 48, 89),
        ("NVIDIA RTX PRO 6000 Blackwell Server Edition", "RTX PRO 6000", 1, 96, 120),
    ],
)  # fmt: skip
def test_names(asked: str, name: str, count: int, memory: float, capability: int | None) -> None:
    place = find_place(asked)
    assert place is not None
    assert (place.name, place.count, place.memory, place.capability) == (
        name, count, memory, capability,
    )  # fmt: skip


@pytest.mark.parametrize("asked", ["M4 Max", "cpu", "A100", "V100"])
def test_a_name_with_several_sizes_asks_for_the_memory(asked: str) -> None:
    with pytest.raises(UsageError, match=r"memory|sold with") as error:
        find_place(asked)
    assert "--gpu-memory" in error.value.hint
    place = find_place(asked, memory=48)
    assert place is not None
    assert place.memory == 48


def test_the_memory_tells_two_of_one_name_apart() -> None:
    ada, pro = find_place("RTX 6000"), find_place("RTX 6000", memory=96)
    assert ada is not None
    assert pro is not None
    assert (ada.capability, pro.capability) == (89, 120)


@pytest.mark.parametrize("asked", ["", "H1OO", "H100:", "H100:0", "H100:x", "0xH100", ":8", "gpu",
                                   "H100:99999", "RTX", "¹", "x" * 300])  # fmt: skip
def test_what_is_no_accelerator_is_an_error_of_usage(asked: str) -> None:
    with pytest.raises(UsageError) as error:
        find_place(asked)
    assert error.value.hint


def test_close_names_are_offered() -> None:
    with pytest.raises(UsageError) as error:
        find_place("L40X")
    assert "L40" in error.value.hint


def test_memory_and_capability_are_a_place_without_a_name() -> None:
    assert find_place(None) is None
    place = find_place(None, memory=24, capability=89)
    assert place is not None
    assert (place.count, place.memory, place.capability) == (1, 24, 89)
    given = find_place("H100", memory=40)
    assert given is not None
    assert given.memory == 40


@pytest.mark.parametrize("asked", ["T4 80GB", "L4-999", "A100-20GB", "H100-141GB"])
def test_a_size_that_is_not_sold_is_no_accelerator(asked: str) -> None:
    with pytest.raises(UsageError, match="is sold with"):
        find_place(asked)
