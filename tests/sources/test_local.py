import hashlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from conftest import POSIX, is_root
from famtree.errors import AccessError, NotFoundError, UnreadableError
from famtree.files import open_regular
from famtree.sources.hashes import hash_blob
from famtree.sources.local import LocalSource
from famtree.types.checkpoint import CheckpointRef, Listing, Missing

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def source(path: Path) -> LocalSource:
    return LocalSource(CheckpointRef(text=str(path), path=str(path)))


def names(listing: Listing) -> list[str]:
    return [entry.name for entry in listing.files]


def test_folder(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"secret")
    tmp_path = tmp_path / "folder"
    tmp_path.mkdir()
    (tmp_path / "config.json").write_bytes(b'{"a": 1}')
    (tmp_path / "model.safetensors").write_bytes(b"0123456789")
    (tmp_path / "sub" / "deep").mkdir(parents=True)
    (tmp_path / "sub" / "deep" / "x.gguf").write_bytes(b"GGUF")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "config.json").write_bytes(b"{}")
    found = source(tmp_path)
    assert found.kind == "local"
    listing = found.list_files()
    assert names(listing) == ["config.json", "model.safetensors", "sub/deep/x.gguf"]
    assert [entry.size for entry in listing.files] == [8, 10, 4]
    assert listing.revision is None
    assert listing.card == {}
    wave = found.read_wave(
        ["config.json", "absent.json", "../secret"],
        {"model.safetensors": 4, "sub/deep/x.gguf": 99},
        limit=8,
    )
    assert wave["config.json"] == b'{"a": 1}'
    assert wave["model.safetensors"] == b"0123"
    assert wave["sub/deep/x.gguf"] == b"GGUF"
    assert isinstance(wave["absent.json"], Missing)
    assert isinstance(wave["../secret"], Missing)
    assert found.read_ranges({"model.safetensors": (8, 99)}) == {"model.safetensors": b"89"}
    assert found.cost.requests == 0
    assert found.cost.bytes == 8 + 4 + 4 + 2


def test_too_large_is_missing(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_bytes(b"123456789")
    read = source(tmp_path).read_wave(["config.json"], {}, limit=8)["config.json"]
    assert isinstance(read, Missing)
    assert "9 bytes" in read.reason


def test_single_files_with_their_neighbours(tmp_path: Path) -> None:
    for name in ("config.json", "tokenizer.model", "merges.txt", "b.safetensors", "a.gguf"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "c.json").write_bytes(b"{}")
    single = source(tmp_path / "a.gguf")
    assert single.kind == "gguf"
    assert names(single.list_files()) == ["a.gguf", "config.json", "merges.txt", "tokenizer.model"]
    single = source(tmp_path / "b.safetensors")
    assert single.kind == "safetensors"
    assert "b.safetensors" in names(single.list_files())
    assert "a.gguf" not in names(single.list_files())


def test_index_names_its_shards_and_nothing_outside(tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    (tmp_path / "secret.safetensors").write_bytes(b"secret")
    (inner / "one.safetensors").write_bytes(b"1")
    (inner / "other.safetensors").write_bytes(b"2")
    index = inner / "model.safetensors.index.json"
    weight_map = {"a": "one.safetensors", "b": "../secret.safetensors", "c": "gone.safetensors",
                  "d": "", "f": str(tmp_path / "secret.safetensors")}  # fmt: skip
    index.write_text(json.dumps({"weight_map": weight_map}))
    assert names(source(index).list_files()) == ["model.safetensors.index.json", "one.safetensors"]
    for broken in ("[]", "{", '{"weight_map": 3}', '{"weight_map": {"a": 5}}', "[" * 100_000):
        index.write_text(broken)
        assert names(source(index).list_files()) == ["model.safetensors.index.json"]


def test_empty_absent_and_forbidden(tmp_path: Path) -> None:
    with pytest.raises(UnreadableError, match="no checkpoint files") as caught:
        source(tmp_path).list_files()
    assert (caught.value.code, caught.value.exit_code) == ("empty", 4)
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(UnreadableError):
        source(tmp_path).list_files()
    with pytest.raises(NotFoundError):
        source(tmp_path / "gone").list_files()
    if not is_root() and os.name != "nt":
        (tmp_path / "config.json").write_text("{}")
        (tmp_path / "config.json").chmod(0)
        with pytest.raises(AccessError):
            source(tmp_path).read_wave(["config.json"], {}, limit=9)


@POSIX
def test_special_files_and_loops_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    os.mkfifo(tmp_path / "tokenizer.json")
    (tmp_path / "model.safetensors").symlink_to("/dev/zero")
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "self").symlink_to(tmp_path / "self")
    (tmp_path / "gone.json").symlink_to(tmp_path / "nowhere")
    found = source(tmp_path)
    assert names(found.list_files()) == ["config.json"]
    # A pipe put in the place of a listed file must not hang the reader either.
    (tmp_path / "config.json").unlink()
    os.mkfifo(tmp_path / "config.json")
    assert isinstance(found.read_wave(["config.json"], {}, limit=9)["config.json"], Missing)


def test_depth_is_bounded(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    deep = tmp_path
    for _ in range(12):
        deep = deep / "d"
        deep.mkdir()
        (deep / "x.json").write_text("{}")
    assert len(source(tmp_path).list_files().files) == 6


def test_snapshot_of_the_shared_cache(tmp_path: Path) -> None:
    repo = tmp_path / "models--org--name"
    folder = repo / "snapshots" / COMMIT
    folder.mkdir(parents=True)
    (repo / "blobs").mkdir()
    for name, data, etag in (
        ("config.json", b"{}", hash_blob(b"{}")),
        ("model.safetensors", b"weights", hashlib.sha256(b"weights").hexdigest()),
    ):
        (repo / "blobs" / etag).write_bytes(data)
        (folder / name).symlink_to(Path("../../blobs") / etag)
    (folder / "tokenizer.json").symlink_to("../../blobs/" + "0" * 40)  # blob was deleted
    found = source(folder)
    listing = found.list_files()
    assert found.origin == "org/name"
    assert listing.revision == COMMIT
    config, weights = listing.files
    assert (config.blob_id, config.sha256, config.recorded) == (None, None, hash_blob(b"{}"))
    assert weights.recorded == weights.stated == hashlib.sha256(b"weights").hexdigest()
    assert (weights.blob_id, weights.sha256) == (None, None), "nobody computed it"
    assert found.read_wave(["config.json"], {}, limit=9) == {"config.json": b"{}"}
    assert source(folder / "model.safetensors").list_files().revision == COMMIT


def test_records_of_a_local_dir_download(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_bytes(b"{}")
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    records = tmp_path / ".cache" / "huggingface" / "download"
    records.mkdir(parents=True)
    etags = {"config.json": hash_blob(b"{}"), "model.safetensors": "e" * 64}
    for name, etag in etags.items():
        (records / f"{name}.metadata").write_text(f"{COMMIT}\n{etag}\n{time.time()}\n")
    listing = source(tmp_path).list_files()
    assert listing.revision == COMMIT
    assert [(e.name, e.recorded) for e in listing.files] == sorted(etags.items())
    assert not any(e.blob_id or e.sha256 for e in listing.files)
    # A file changed after it was recorded is no longer what the record says.
    later = time.time() + 60
    os.utime(tmp_path / "config.json", (later, later))
    assert source(tmp_path).list_files().files[0].recorded is None
    for broken in ("", "x\ny\nz\n", f"{COMMIT}\n{'e' * 64}\n"):
        (records / "model.safetensors.metadata").write_text(broken)
        listing = source(tmp_path).list_files()
        assert (listing.files[1].recorded, listing.revision) == (None, None)


def test_card_is_read(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "README.md").write_text("---\nbase_model: org/base\n---\n# Title")
    assert source(tmp_path).list_files().card == {"base_model": "org/base"}


def test_nothing_heavy_is_imported(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "README.md").write_text("# no front matter")
    code = (
        "import sys\n"
        "from famtree.sources.open import open_source\n"
        "from famtree.sources.reference import parse_reference\n"
        f"source = open_source(parse_reference({str(tmp_path)!r}))\n"
        "source.read_wave(['config.json'], {}, limit=99)\n"
        "heavy = {'huggingface_hub', 'httpx', 'httpx2', 'urllib3', 'yaml', 'numpy',"
        " 'transformers', 'http', 'socket', 'concurrent'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@POSIX
def test_only_regular_files_are_opened(tmp_path: Path) -> None:
    """Also where one was put in a file's place after the folder was listed."""
    (tmp_path / "device").symlink_to("/dev/zero")
    os.mkfifo(tmp_path / "pipe")
    for name in ("device", "pipe"):
        with pytest.raises(FileNotFoundError, match="not a regular file"):
            open_regular(tmp_path / name)


@pytest.mark.parametrize("target", ["blobs/ab/{hash}", "blobs/secret", "other/{hash}"])
def test_links_to_what_lies_beside_a_snapshot(tmp_path: Path, target: str) -> None:
    """Repositories of one cache share blobs by hash; nothing else beside them is a repository's."""
    place = tmp_path / target.format(hash="ab" * 32)
    place.parent.mkdir(parents=True)
    place.write_bytes(b"{}")
    folder = tmp_path / "models--org--name" / "snapshots" / ("c" * 40)
    folder.mkdir(parents=True)
    (folder / "config.json").symlink_to(place)
    ref = CheckpointRef(text=str(folder), path=str(folder))
    found = LocalSource(ref).read_wave(["config.json"], {}, limit=9)["config.json"]
    assert (found == b"{}") == ("ab" * 32 in target.format(hash="ab" * 32) and "blobs" in target)
