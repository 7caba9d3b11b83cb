"""Which files hold weights, and what a partly filled cache lacks of them."""

from __future__ import annotations

import pytest

from famtree.sources.weight_files import hash_weights, list_absent_weights
from famtree.types.checkpoint import FileEntry, Listing


def make_listing(present: list[str], absent: list[str]) -> Listing:
    files = tuple(FileEntry(name, 1, sha256="a" * 64) for name in present)
    return Listing(files, absent=tuple(absent))


@pytest.mark.parametrize(
    ("present", "absent", "lacked"),
    [
        ([], ["model.safetensors"], ["model.safetensors"]),
        (["model-00001-of-00002.safetensors"], ["model-00002-of-00002.safetensors"],
         ["model-00002-of-00002.safetensors"]),
        (["model.safetensors"], ["pytorch_model.bin", "tf_model.h5"], []),
        (["model.safetensors"], ["consolidated.safetensors"], []),
        (["a.Q4_K_M.gguf"], ["a.Q8_0.gguf"], []),
        ([], ["a.Q8_0.gguf"], ["a.Q8_0.gguf"]),
        (["config.json"], ["training_args.bin", "README.md"], []),
        (["adapter_model.safetensors"], ["optimizer.pt", "global_step1/x.pt"], []),
    ],
)  # fmt: skip
def test_what_a_cache_lacks(present: list[str], absent: list[str], lacked: list[str]) -> None:
    assert list_absent_weights(make_listing(present, absent)) == lacked


def test_hashes_of_a_part_are_no_hashes_of_the_whole() -> None:
    assert hash_weights(make_listing(["model.safetensors"], ["README.md"]))
    assert not hash_weights(make_listing(["model.safetensors"], ["model.gguf"]))
