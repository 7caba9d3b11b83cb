"""The files of a registry bundle: from a dataset repository of the Hub, a folder or an archive.

All are read with bounds, and nothing of an archive is written under a name of its own.
"""

from __future__ import annotations

import tarfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import IO, Any

from famtree.errors import ONLINE, OfflineError, UsageError, refuse_bundle
from famtree.files import open_regular
from famtree.sources.pasted import read_dataset

DATASETS = "hf://datasets/"
_HINT = "a folder, a .tar.gz or .zip archive, hf://datasets/org/name[@revision] or its page"
_NAMES = "manifest.json"
_ROOTS = "roots.atlas"
_BESIDE = "records"
"""The one folder of a bundle; of JSON files."""
_BROKEN = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    RuntimeError,
    NotImplementedError,
)


def read_bundle_files(
    source: str,
    *,
    most: int,
    largest: int,
    total: int,
    larger: Mapping[str, int] | None = None,
    endpoint: str | None = None,
    token: str | bool | None = None,
    offline: bool = False,
) -> dict[str, bytes]:
    """Return the bytes of the manifest, every TOML file and all records of `source`, by name.

    `most` files of at most `largest` bytes, those named in `larger` of as many as it says, and
    `total` bytes together. Raises UsageError for what is no bundle or goes beyond that, FetchError
    kin for a repository that cannot be had.
    """
    bounds = _Bounds(most, largest, total, larger or {})
    if pasted := read_dataset(source, endpoint):
        source = DATASETS + pasted
    if source.startswith(DATASETS):
        folder = _download(source, bounds, endpoint, token, offline)
        return bounds.take(_walk_folder(folder))
    path = Path(source)
    try:
        if path.is_dir():
            return bounds.take(_walk_folder(path))
        with open_regular(path) as stream:
            bounds.check(path.name, 0, 0, path.stat().st_size)
            walk = _walk_zip if zipfile.is_zipfile(stream) else _walk_tar
            stream.seek(0)
            return bounds.take(walk(stream))
    except _BROKEN as fault:
        raise UsageError(
            f"{source} is no archive that can be read: {fault}", hint=f"SOURCE is {_HINT}"
        ) from fault
    except (OSError, ValueError) as fault:
        told = getattr(fault, "strerror", None) or fault
        raise UsageError(f"{source} cannot be read: {told}", hint=f"SOURCE is {_HINT}") from fault


class _Bounds:
    def __init__(self, most: int, largest: int, total: int, larger: Mapping[str, int]) -> None:
        self.most, self.largest, self.total, self.larger = most, largest, total, larger

    def take(self, found: Iterator[tuple[str, IO[bytes]]]) -> dict[str, bytes]:
        """Read every file; nothing beyond the bounds is."""
        files: dict[str, bytes] = {}
        held = 0
        for name, stream in found:
            with stream:
                data = stream.read(self.larger.get(name, self.largest) + 1)
            held += len(data)
            if name in files:
                raise refuse_bundle(f"it has {name} twice")
            files[name] = data
            self.check(name, len(data), len(files), held)
        return files

    def check(self, name: str, size: int, files: int, held: int) -> None:
        """Raise UsageError where a bound is passed."""
        largest = self.larger.get(name, self.largest)
        if size > largest:
            raise refuse_bundle(f"{name} has more than {largest:,} bytes")
        if files > self.most or held > self.total:
            raise refuse_bundle(f"it has more than {self.most:,} files or {self.total:,} bytes")


def _is_part(name: str) -> bool:
    place, _, file = name.rpartition("/")
    if place:
        return place == _BESIDE and file.endswith(".json")
    return file in (_NAMES, _ROOTS) or file.endswith(".toml")


def _walk_folder(folder: Path) -> Iterator[tuple[str, IO[bytes]]]:
    if not folder.is_dir():
        return
    beside = folder / _BESIDE
    for path in sorted([*folder.iterdir(), *(beside.iterdir() if beside.is_dir() else ())]):
        name = path.relative_to(folder).as_posix()
        if _is_part(name):
            yield name, open_regular(path)


def _walk_zip(stream: IO[bytes]) -> Iterator[tuple[str, IO[bytes]]]:
    with zipfile.ZipFile(stream) as archive:
        for entry in archive.infolist():
            if not entry.is_dir() and (name := _read_name(entry.filename)):
                yield name, archive.open(entry)


def _walk_tar(stream: IO[bytes]) -> Iterator[tuple[str, IO[bytes]]]:
    # As a stream: a header that names a giant size is read no further than the bounds.
    with tarfile.open(fileobj=stream, mode="r|*") as archive:
        for entry in archive:
            if entry.isdir():
                continue
            name = _read_name(entry.name)
            if not entry.isfile():
                raise refuse_bundle(f"{entry.name[:100]!r} is a link or no file")
            part = archive.extractfile(entry)
            if name and part is not None:
                yield name, part


def _read_name(name: str) -> str:
    """Return the name of a file at the top or in the one folder there; "" for others' files."""
    parts = PurePosixPath(name.replace("\\", "/")).parts
    if name.startswith(("/", "\\")) or ".." in parts or (parts and ":" in parts[0]):
        raise refuse_bundle(f"{name[:100]!r} leads out of it")
    # With or without the one folder that archives of repositories have.
    names = ("/".join(parts), "/".join(parts[1:]))
    return next((one for one in names if _is_part(one)), "")


def _download(
    source: str, bounds: _Bounds, endpoint: str | None, token: str | bool | None, offline: bool
) -> Path:
    """Return a folder that holds the dataset's files, fetched by huggingface_hub."""
    from famtree.sources.hub_errors import is_uncached, translate

    name, _, revision = source.removeprefix(DATASETS).partition("@")
    if name.count("/") != 1 or not all(name.split("/")):
        raise UsageError(f"{source!r} names no dataset repository", hint=f"SOURCE is {_HINT}")
    import huggingface_hub
    from huggingface_hub.utils.tqdm import disable_progress_bars

    disable_progress_bars()
    wanted: dict[str, Any] = {"repo_type": "dataset", "token": token, "endpoint": endpoint}
    try:
        commit = revision or None
        patterns = [_NAMES, _ROOTS, "*.toml", f"{_BESIDE}/*.json"]
        if not offline:
            api = huggingface_hub.HfApi(endpoint=endpoint, token=token)
            info = api.dataset_info(name, revision=commit, files_metadata=True)
            commit = info.sha
            held = 0
            parts = [one for one in info.siblings or () if _is_part(one.rfilename)]
            patterns = [part.rfilename for part in parts]
            for number, part in enumerate(parts, start=1):
                held += part.size or 0
                bounds.check(part.rfilename, part.size or 0, number, held)
        folder = huggingface_hub.snapshot_download(
            name,
            revision=commit,
            allow_patterns=patterns,
            local_files_only=offline,
            **wanted,
        )
    except Exception as fault:
        if is_uncached(fault):
            raise OfflineError(
                f"{source} is not cached and offline mode is on", hint=ONLINE
            ) from fault
        raise translate(fault, what=source, repository=True) from fault
    # Of a repository without any of them there is no folder.
    return Path(folder)
