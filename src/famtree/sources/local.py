"""A checkpoint on this machine: a folder, or one weight file with its small neighbours."""

from __future__ import annotations

import contextlib
import os
import stat
import time
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from famtree.errors import AccessError, ConfigError, NotFoundError, UnreadableError, UsageError
from famtree.files import open_regular
from famtree.sources import snapshot
from famtree.sources.card import MAX_CARD_BYTES, parse_card
from famtree.sources.hashes import add_record, is_sha256
from famtree.sources.tensor_index import MAX_INDEX_BYTES, decode_index
from famtree.sources.weight_files import CHECKPOINT_SUFFIXES, is_checkpoint_file
from famtree.types.checkpoint import CheckpointRef, Cost, FileEntry, Listing, Missing, SourceKind
from famtree.types.once import once
from famtree.types.source import FileSpan, Report

MAX_DEPTH = 6
"""Folder levels looked into; published repositories use three."""
MAX_FILES = 20_000
MAX_TOLD = 10
"""Checkpoints of a folder that are told by name."""

_GGUF = ".gguf"
_INDEX_SUFFIX = ".safetensors.index.json"
_SIDE_SUFFIXES = (".json", ".jinja", ".model", ".tiktoken", ".txt", ".md", ".vocab")
"""Neighbours of a single weight file that describe it."""
_SKIPPED_FOLDERS = frozenset({".git", ".cache", ".huggingface", "__pycache__"})


class LocalSource:
    """Reads a folder or a single file; `cost.requests` stays 0 and no network code is imported.

    Only regular files are opened, only by names of the listing: a hostile index cannot point
    outside, and pipes or devices are never touched. Hashes are those that the folder records
    (`famtree.sources.snapshot`), until `hash_files` computes them.
    """

    def __init__(self, ref: CheckpointRef) -> None:
        if ref.path is None:
            raise ValueError("a local source needs a local reference")
        self.ref = ref
        self._path = Path(ref.path)
        self._single = not self._path.is_dir()
        self._folder = self._path.parent if self._single else self._path
        self._snapshot = snapshot.recognise_snapshot(self._folder)
        self.kind: SourceKind = "local"
        self._alias: str | None = None
        """What a GGUF file of another ending is listed as."""
        if self._single:
            self.kind = "gguf" if self._path.name.endswith(_GGUF) else "safetensors"
            if not self._path.name.endswith(CHECKPOINT_SUFFIXES):
                self.kind, self._alias = "gguf", f"{self._path.name}{_GGUF}"
                self.ref = replace(ref, file=self._alias)
        self._listing: Listing | None = None
        self._names: frozenset[str] = frozenset()
        self._bytes = 0
        self._seconds = 0.0

    near = True

    @property
    def origin(self) -> str | None:
        """Hub repository the folder is a cached copy of, where its path tells."""
        return self._snapshot.repo_id if self._snapshot else None

    @property
    def cost(self) -> Cost:
        """Bytes and seconds spent on reading so far."""
        return Cost(0, self._bytes, self._seconds)

    def list_files(self) -> Listing:
        """Return the listing, made once.

        Raises NotFoundError when the path is gone, AccessError when it may not be read and
        UnreadableError (code `empty`) when nothing in it belongs to a checkpoint.
        """
        if self._listing is None:
            started = time.perf_counter()
            self._listing = self._make_listing()
            self._names = frozenset(entry.name for entry in self._listing.files)
            self._seconds += time.perf_counter() - started
        return self._listing

    def read_wave(
        self, names: Iterable[str], prefixes: Mapping[str, int], *, limit: int
    ) -> dict[str, bytes | Missing]:
        """Return whole files `names` and the first `prefixes[name]` bytes of others."""
        found: dict[str, bytes | Missing] = {}
        for name in names:
            found[name] = self._read(name, 0, limit, whole=True)
        for name, length in prefixes.items():
            found[name] = self._read(name, 0, length)
        return found

    def read_ranges(self, ranges: Mapping[str, tuple[int, int]]) -> dict[str, bytes | Missing]:
        """Return bytes [start, stop) of each file; fewer where the file ends before."""
        return {name: self._read(name, *span) for name, span in ranges.items()}

    def read_spans(self, spans: Iterable[FileSpan]) -> dict[FileSpan, bytes | Missing]:
        """Return the bytes of each span; fewer where the file ends before."""
        return {span: self._read(*span) for span in spans}

    def hash_files(self, names: Iterable[str], report: Report) -> int:
        """Compute the sha256 of `names` and state it in the listing; see `CheckpointSource`."""
        from famtree.sources.file_hashes import hash_into

        started = time.perf_counter()
        found = {name: self.find_path(name) for name in names}
        places = {name: path for name, path in found.items() if path is not None}
        self._listing, read, total = hash_into(self.list_files(), places, report)
        self._bytes += read
        self._seconds += time.perf_counter() - started
        return total

    def find_path(self, name: str) -> Path | None:
        """Return where a listed file lies; None for others and for links out of the folder."""
        if self.list_files().find(name) is None or self._leads_out(name):
            return None
        return Path(self._place(name))

    def _place(self, name: str) -> str:
        # Joined as text: a folder may hold twenty thousand files.
        return self.ref.path or "" if name == self._alias else os.path.join(self._folder, name)

    def _read(self, name: str, start: int, stop: int, *, whole: bool = False) -> bytes | Missing:
        self.list_files()
        if name not in self._names:
            return Missing(name, "no such file")
        if self._leads_out(name):
            return Missing(name, "a link that leads out of the folder")
        started = time.perf_counter()
        try:
            with open_regular(self._place(name)) as stream:
                size = os.fstat(stream.fileno()).st_size
                if whole and size > stop:
                    return Missing(name, f"{size} bytes, more than the {stop} that are read")
                stream.seek(start)
                data: bytes = stream.read(max(0, min(stop, size) - start))
        except FileNotFoundError:
            return Missing(name, "no such file")
        except PermissionError as fault:
            raise AccessError(
                f"{self._place(name)} may not be read", hint="check the file's permissions"
            ) from fault
        except OSError as fault:
            raise UnreadableError(
                f"{self._place(name)} cannot be read: {fault.strerror or fault}",
                hint="check the file and the disk it lies on",
            ) from fault
        self._bytes += len(data)
        self._seconds += time.perf_counter() - started
        return data

    def _leads_out(self, name: str) -> bool:
        """Return whether `name` is a link to a file elsewhere, which a stranger's folder may hold.

        A snapshot of the Hub cache links to blobs beside it, and a file the user named is meant.
        """
        if self._single and name in (self._path.name, self._alias):
            return False
        path = self._place(name)
        if self._snapshot is None and "/" not in name and not os.path.islink(path):
            return False
        target = os.path.realpath(path)
        own, shared = self._places
        return not _lies_in(target, own) and not (
            _lies_in(target, shared) and is_sha256(os.path.basename(target))
        )

    @once
    def _places(self) -> tuple[str, str]:
        """Where files may really lie: the folder or the cached repository; blobs, named by hash."""
        if self._snapshot is None:
            return os.path.realpath(self._folder), ""
        repository = self._folder.absolute().parent.parent
        # Repositories of one cache share blobs.
        return os.path.realpath(repository), os.path.realpath(repository.parent / "blobs")

    def _make_listing(self) -> Listing:
        entries, commits = [], set()
        etag: str | None
        recorded = self._snapshot is None and snapshot.has_metadata(self._folder)
        try:
            for name, size in sorted(self._find_files()):
                entry = FileEntry(name, size)
                if name == self._alias:
                    etag = self._path.name.removeprefix("sha256-")
                elif self._snapshot is not None:
                    etag = snapshot.blob_etag(self._folder / name)
                elif not recorded:
                    etag = None
                else:
                    commit, etag = snapshot.download_metadata(self._folder, name) or (None, None)
                    commits.add(commit)
                entries.append(add_record(entry, etag))
        except FileNotFoundError as fault:
            raise NotFoundError(
                f"no such file or folder: {self.ref.text}", hint="check the path"
            ) from fault
        except PermissionError as fault:
            raise AccessError(
                f"{self.ref.text} may not be read", hint="check the folder's permissions"
            ) from fault
        telling = [entry.name for entry in entries if is_checkpoint_file(entry.name)]
        nothing = not telling
        alone = any("/" not in name and not name.endswith(_GGUF) for name in telling)
        if self._snapshot is None and not (self._single or alone):
            self._refuse_several([entry.name for entry in entries], nothing=nothing)
        if nothing:
            raise UnreadableError(
                f"no checkpoint files in {self.ref.text}",
                hint="expected config.json, *.safetensors, *.gguf or a tokenizer in it",
                code="empty",
            )
        commits.discard(None)
        revision = commits.pop() if len(commits) == 1 else None
        return Listing(
            tuple(entries),
            revision=self._snapshot.commit if self._snapshot else revision,
            card=self._read_card(),
        )

    def _refuse_several(self, names: list[str], *, nothing: bool) -> None:
        """Raise UsageError for a folder that is no checkpoint, but has some below."""
        from famtree.sources.nested import list_nested, walk_checkpoints

        if nothing:
            root = os.path.join(self.ref.path or "", "")
            below = islice(walk_checkpoints(root), MAX_TOLD + 1)
            found = [one.removeprefix(root) for one in below if one.removeprefix(root)]
        else:
            found = list_nested(names)
        if not found:
            return
        shown = ", ".join(found[:MAX_TOLD]) + (" and more" if found[MAX_TOLD:] else "")
        folder = self.ref.text
        if len(found) == 1:
            told, hint = "a checkpoint below it", f"give {os.path.join(folder, found[0])}"
        else:
            count = f"{MAX_TOLD} and more" if nothing and found[MAX_TOLD:] else str(len(found))
            told, hint = f"{count} checkpoints", f"give one of them, or `famtree scan {folder}` all"
        raise UsageError(f"{folder} is no checkpoint itself; it holds {told}: {shown}", hint=hint)

    def _find_files(self) -> Iterable[tuple[str, int]]:
        if not self._single:
            return _walk(self._folder)
        found = {
            name: size
            for name, size in _walk(self._folder, depth=1)
            if name.endswith(_SIDE_SUFFIXES) and not name.endswith(_INDEX_SUFFIX)
        }
        found[self._alias or self._path.name] = self._path.stat().st_size
        if self._path.name.endswith(_INDEX_SUFFIX):
            found.update(_shards_of(self._path))
        return found.items()

    def _read_card(self) -> dict[str, Any]:
        if self._leads_out("README.md"):
            return {}
        try:
            with open_regular(self._folder / "README.md") as stream:
                start = stream.read(8)
                if b"---" not in start:
                    return {}
                return parse_card(start + stream.read(MAX_CARD_BYTES - len(start)))
        except OSError:
            return {}


def _lies_in(path: str, place: str) -> bool:
    return place != "" and (path == place or path.startswith(os.path.join(place, "")))


def _walk(folder: Path, *, depth: int = MAX_DEPTH) -> Iterator[tuple[str, int]]:
    """Yield (name, size) of regular files; links to files are followed, links to folders not."""
    layer, found = [""], 0
    for _ in range(depth):
        deeper: list[str] = []
        for inner in layer:
            for item in _scan(os.path.join(folder, inner), required=inner == ""):
                name = f"{inner}{item.name}"
                try:
                    if item.is_dir(follow_symlinks=False):
                        if item.name not in _SKIPPED_FOLDERS:
                            deeper.append(f"{name}/")
                        continue
                    status = item.stat()
                except OSError:
                    continue  # a link to nowhere, or to itself
                if stat.S_ISREG(status.st_mode):
                    yield name, status.st_size
                    found += 1
                if found >= MAX_FILES or len(deeper) > MAX_FILES:
                    return
        layer = sorted(deeper)


def _scan(folder: str, *, required: bool) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as items:
            return sorted(items, key=lambda item: item.name)
    except OSError:
        if required:
            raise
        return []


def _shards_of(index: Path) -> Iterator[tuple[str, int]]:
    """Yield (name, size) of the shards beside `index`; a malformed index names none here."""
    try:
        with open_regular(index) as stream:
            found = decode_index(stream.read(MAX_INDEX_BYTES), index.name)
    except (OSError, ConfigError):
        return
    for name in sorted(set(found["weight_map"].values()))[:MAX_FILES]:
        # A shard lies beside its index; anything else would lead out of the folder.
        if name and os.path.basename(name) == name:
            with contextlib.suppress(OSError, ValueError):
                status = (index.parent / name).stat()
                if stat.S_ISREG(status.st_mode):
                    yield name, status.st_size
