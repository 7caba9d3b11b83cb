"""huggingface_hub's own cache, read before anything is asked for."""

import errno
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from famtree.errors import OfflineError
from famtree.sources import hub_cache
from famtree.sources.hub import HubSource
from famtree.sources.hub_access import HubAccess
from famtree.sources.hub_cache import SHARED_BYTES
from famtree.sources.reference import parse_reference
from famtree.types.checkpoint import Missing
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
    assert (len(weights.recorded or ""), weights.sha256) == (64, None), "a path proves nothing"
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
    listing = source.list_files()
    assert (len(listing.files), listing.absent) == (2, ("tokenizer.json",))
    found = source.read_wave(["tokenizer.json", "config.json"], {}, limit=99)
    assert found["config.json"] == CONFIG
    assert isinstance(found["tokenizer.json"], Missing)
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


def entries(home: Path) -> list[Path]:
    return sorted(path for path in (home / "famtree").rglob("*") if path.is_file())


def read(name: str = "config.json") -> dict[str, bytes | Missing]:
    return HubSource(parse_reference("org/name")).read_wave([name], {}, limit=1 << 20)


@pytest.mark.parametrize("where", ["write", "replace", "mkdir"])
def test_a_disk_that_is_full_costs_the_cache_alone(
    hub: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    hub.add("org/name", {"config.json": CONFIG})

    def fail(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    class Full(io.BytesIO):
        """A file whose bytes no longer fit when they are flushed."""

        def close(self) -> None:
            super().close()
            fail()

    def open_full(handle: int, mode: str) -> Full:
        os.close(handle)
        return Full()

    with monkeypatch.context() as patch:
        if where == "write":
            patch.setattr(os, "fdopen", open_full)
        elif where == "replace":
            patch.setattr(os, "replace", fail)
        else:
            patch.setattr(os, "makedirs", fail)
        assert read() == {"config.json": CONFIG}
    assert entries(tmp_path / "hf") == [], "no unfinished file is left"
    assert read() == {"config.json": CONFIG}
    assert len(entries(tmp_path / "hf")) == 3


def test_an_interruption_leaves_no_unfinished_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        hub_cache._write(str(tmp_path / "entry"), b"data")
    assert list(tmp_path.iterdir()) == []


def test_an_entry_under_another_files_name_is_fetched_again(hub: HubServer, tmp_path: Path) -> None:
    """Whole and undamaged, but not what the listing calls by this hash."""
    hub.add("org/name", {"config.json": CONFIG, "other.json": b'{"model_type": "y"}'})
    read()
    read("other.json")
    one, other = [path for path in entries(tmp_path / "hf") if path.parent.parent.name == "blobs"]
    kept = one.read_bytes(), other.read_bytes()
    one.write_bytes(kept[1])
    other.write_bytes(kept[0])
    assert read() == {"config.json": CONFIG}
    assert read("other.json") == {"other.json": b'{"model_type": "y"}'}
    assert (one.read_bytes(), other.read_bytes()) == kept


_PROCESS = """
import sys
from famtree.sources.hub import HubSource
from famtree.sources.hub_access import HubAccess
from famtree.sources.hub_cache import SHARED_BYTES
from famtree.sources.reference import parse_reference
for _ in range(20):
    source = HubSource(parse_reference("org/name"))
    found = source.read_wave(["config.json"], {"model.safetensors": 6}, limit=99)
    assert found["model.safetensors"] == b"header", found
    for path in sys.argv[1:]:
        open(path, "wb").write(b"damaged")
"""


def test_processes_share_one_cache(hub: HubServer, tmp_path: Path) -> None:
    """Each damages what the others have just written, and none ever reads half an entry."""
    hub.add("org/name", {"config.json": CONFIG, "model.safetensors": WEIGHTS})
    source = HubSource(parse_reference("org/name"))
    source.read_wave(["config.json"], {"model.safetensors": 6}, limit=99)
    damaged = [str(path) for path in entries(tmp_path / "hf")]
    running = [
        subprocess.Popen(
            [sys.executable, "-c", _PROCESS, *damaged[number::4]],
            env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(4)
    ]
    for process in running:
        _, said = process.communicate(timeout=120)
        assert process.returncode == 0, said
    assert [path for path in entries(tmp_path / "hf") if path.name.startswith(".")] == []


def test_a_scan_keeps_what_others_may_share(hub: HubServer, tmp_path: Path) -> None:
    vocabulary = b"x" * SHARED_BYTES
    hub.add("org/name", {"config.json": CONFIG, "tokenizer.json": vocabulary})
    source = HubSource(parse_reference("org/name"), access=HubAccess(only_shared=True))
    source.read_wave(["config.json", "tokenizer.json"], {}, limit=1 << 20)
    [kept] = entries(tmp_path / "hf")
    assert kept.stat().st_size > SHARED_BYTES
    hub.seen.clear()
    source = HubSource(parse_reference("org/name"), access=HubAccess(only_shared=True))
    source.read_wave(["config.json", "tokenizer.json"], {}, limit=1 << 20)
    assert source.cost.requests == 2, "the listing and the config"
