"""huggingface_hub's own cache, read before anything is asked for."""

import json
from pathlib import Path

import pytest

from famtree.errors import OfflineError
from famtree.sources.hub import HubSource
from famtree.sources.reference import parse_reference
from hub.server import HubServer

CONFIG = b'{"model_type": "x"}'
WEIGHTS = b"header" + bytes(100_000)


@pytest.fixture
def commit(hub: HubServer, tmp_path: Path) -> str:
    """Commit of org/name, of which huggingface_hub itself fetched two files."""
    from huggingface_hub import hf_hub_download

    files = {"config.json": CONFIG, "model.safetensors": WEIGHTS, "tokenizer.json": b"{}"}
    made = hub.add("org/name", files)
    for name in ("config.json", "model.safetensors"):
        hf_hub_download("org/name", name, cache_dir=str(tmp_path / "hf" / "hub"))
    hub.seen.clear()
    return made


def test_files_of_the_shared_cache_are_not_fetched(hub: HubServer, commit: str) -> None:
    source = HubSource(parse_reference("org/name"))
    found = source.read_wave(["config.json"], {"model.safetensors": 6}, limit=99)
    assert found == {"config.json": CONFIG, "model.safetensors": b"header"}
    assert source.read_ranges({"model.safetensors": (4, 8)}) == {"model.safetensors": b"er\0\0"}
    assert source.cost.requests == 1, "the listing"


def test_damaged_files_of_the_shared_cache_are_fetched(
    hub: HubServer, commit: str, tmp_path: Path
) -> None:
    path = tmp_path / "hf" / "hub" / "models--org--name" / "snapshots" / commit / "config.json"
    path.resolve().write_bytes(CONFIG[:-1] + b"!")
    source = HubSource(parse_reference("org/name"))
    assert source.read_wave(["config.json"], {}, limit=99) == {"config.json": CONFIG}
    assert source.cost.requests == 2


@pytest.mark.parametrize("reference", ["org/name", "org/name@main", "org/name@{commit}"])
def test_offline_from_the_shared_cache(hub: HubServer, commit: str, reference: str) -> None:
    source = HubSource(parse_reference(reference.format(commit=commit)), offline=True)
    listing = source.list_files()
    assert listing.revision == commit or reference.endswith("{commit}")
    assert [entry.name for entry in listing.files] == ["config.json", "model.safetensors"]
    weights = listing.find("model.safetensors")
    assert weights is not None
    assert len(weights.sha256 or "") == 64
    found = source.read_wave(["config.json"], {"model.safetensors": 6}, limit=99)
    assert found == {"config.json": CONFIG, "model.safetensors": b"header"}
    assert hub.seen.with_redirects == 0
    with pytest.raises(OfflineError):
        HubSource(parse_reference("org/name@other"), offline=True).list_files()


def test_offline_with_a_recorded_tree_names_what_is_missing(
    hub: HubServer, commit: str, tmp_path: Path
) -> None:
    trees = tmp_path / "hf" / "hub" / "models--org--name" / "trees"
    trees.mkdir(exist_ok=True)
    files = {
        "config.json": {"size": len(CONFIG), "blob_id": "0" * 40},
        "model.safetensors": {"size": len(WEIGHTS), "blob_id": "0" * 40, "lfs_sha256": "1" * 64},
        "tokenizer.json": {"size": 2, "blob_id": "2" * 40},
    }
    path = trees / f"{commit}.json"
    path.write_text(json.dumps({"format_version": 1, "files": files}))
    source = HubSource(parse_reference("org/name"), offline=True)
    assert len(source.list_files().files) == 3
    with pytest.raises(OfflineError, match=r"tokenizer\.json of org/name"):
        source.read_wave(["tokenizer.json"], {}, limit=99)
    for broken in ("[]", "{", '{"format_version": 1, "files": {"a": 5}}'):
        path.write_text(broken)
        source = HubSource(parse_reference("org/name"), offline=True)
        assert len(source.list_files().files) == 2


def test_snapshot_download_is_enough_for_offline_use(hub: HubServer, tmp_path: Path) -> None:
    from huggingface_hub import snapshot_download

    hub.add("org/whole", {"config.json": CONFIG, "sub/tokenizer.json": b"{}"})
    snapshot_download("org/whole", cache_dir=str(tmp_path / "hf" / "hub"))
    source = HubSource(parse_reference("org/whole"), offline=True)
    assert source.read_wave(["config.json", "sub/tokenizer.json"], {}, limit=99) == {
        "config.json": CONFIG,
        "sub/tokenizer.json": b"{}",
    }
