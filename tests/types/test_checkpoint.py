from __future__ import annotations

from famtree.types.checkpoint import CheckpointRef, FileEntry, Listing, TensorInfo


def test_reference_is_local_by_its_path() -> None:
    assert CheckpointRef("./x", path="./x").is_local
    assert not CheckpointRef("acme/x", repo_id="acme/x").is_local


def test_listing_finds_by_exact_name() -> None:
    entry = FileEntry("config.json", 3)
    listing = Listing((FileEntry("a/config.json"), entry))
    assert listing.find("config.json") is entry
    assert listing.find("absent") is None


def test_size_of_a_tensor() -> None:
    tensor = TensorInfo("w", "BF16", (3, 4), 8, 32, "f")
    assert (tensor.numel, tensor.nbytes) == (12, 24)
    assert TensorInfo("s", "F32", (), 0, 4, "f").numel == 1
    assert TensorInfo("e", "F32", (0, 9), 4, 4, "f").numel == 0
