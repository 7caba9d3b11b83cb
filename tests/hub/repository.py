"""Repositories of the test server: files, commits and the documents the Hub makes of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha1, sha256
from pathlib import Path
from typing import Any

LFS_SUFFIXES = (".safetensors", ".gguf", ".bin", ".pt", ".model", ".msgpack")
LFS_SIZE = 10_000_000
"""The Hub stores larger files, and those `.gitattributes` names, outside git."""

Reader = Callable[[int, int], bytes]
"""Returns bytes [start, stop) of a file that is not held in memory."""


@dataclass(frozen=True)
class HubFile:
    """One file: its bytes, or a way to make any range of them."""

    name: str
    size: int
    read: Reader
    lfs: bool
    blob_id: str
    """git blob id: of the content, or of the pointer file for LFS."""
    sha256: str | None

    @property
    def etag(self) -> str:
        return self.sha256 or self.blob_id


def make_file(name: str, data: bytes, *, lfs: bool | None = None) -> HubFile:
    """Return a file with true hashes."""
    if lfs is None:
        lfs = name.endswith(LFS_SUFFIXES) or len(data) > LFS_SIZE
    digest = sha256(data).hexdigest() if lfs else None
    stored = pointer(digest, len(data)) if digest else data
    return HubFile(name, len(data), lambda a, b: data[a:b], lfs, git_blob(stored), digest)


def make_sparse(name: str, size: int, prefix: bytes = b"") -> HubFile:
    """Return an LFS file that is `prefix` and then zeros, never held in memory.

    Its sha256 is made up from the description: whoever reads all of it sees a mismatch.
    """

    def read(start: int, stop: int) -> bytes:
        stop = min(stop, size)
        head = prefix[start:stop]
        return head + bytes(max(0, stop - start - len(head)))

    digest = sha256(repr((name, size)).encode() + prefix).hexdigest()
    return HubFile(name, size, read, True, git_blob(pointer(digest, size)), digest)


def make_from_path(name: str, path: Path) -> HubFile:
    """Return a file whose content lies on disk."""

    def read(start: int, stop: int) -> bytes:
        with path.open("rb") as stream:
            stream.seek(start)
            return stream.read(stop - start)

    size = path.stat().st_size
    if size <= LFS_SIZE:
        return make_file(name, path.read_bytes())
    made = sha256()
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            made.update(block)
    digest = made.hexdigest()
    return HubFile(name, size, read, True, git_blob(pointer(digest, size)), digest)


def git_blob(data: bytes) -> str:
    return sha1(b"blob %d\0" % len(data) + data).hexdigest()


def pointer(digest: str, size: int) -> bytes:
    """Return the file git stores in place of an LFS object (git-lfs specification, v1)."""
    return b"version https://git-lfs.github.com/spec/v1\noid sha256:%s\nsize %d\n" % (
        digest.encode(),
        size,
    )


@dataclass
class Repository:
    """A model repository; `commits` maps commit to files, `refs` branch or tag to commit."""

    id: str
    commits: dict[str, dict[str, HubFile]] = field(default_factory=dict)
    refs: dict[str, str] = field(default_factory=dict)
    card: dict[str, Any] = field(default_factory=dict)
    config: dict[str, Any] = field(default_factory=dict)
    tags: list[str] = field(default_factory=list)
    gated: bool | str = False
    private: bool = False
    disabled: bool = False
    created_at: str = "2024-01-01T00:00:00.000Z"
    extra: dict[str, Any] = field(default_factory=dict)
    """Further fields for `expand=` (safetensors, gguf, baseModels, ...)."""
    moved_to: str | None = None
    """New id of a renamed repository: its old address redirects there."""

    def commit(self, files: Iterable[HubFile], *, ref: str = "main") -> str:
        """Make a commit of exactly `files`, point `ref` at it and return its id."""
        held = {file.name: file for file in files}
        described = repr(
            [self.id, ref, len(self.commits)] + [(f.name, f.etag) for f in held.values()]
        )
        made = sha1(described.encode()).hexdigest()
        self.commits[made] = held
        self.refs[ref] = made
        return made

    def resolve(self, revision: str) -> str | None:
        """Return the commit `revision` stands for."""
        return self.refs.get(revision) or (revision if revision in self.commits else None)

    def document(self, commit: str, *, blobs: bool, expand: list[str]) -> dict[str, Any]:
        """Return the answer of `/api/models/{id}`."""
        document: dict[str, Any] = {
            "_id": sha1(self.id.encode()).hexdigest()[:24],
            "id": self.id,
            "modelId": self.id,
            "author": self.id.partition("/")[0],
            "sha": commit,
            "lastModified": self.created_at,
            "createdAt": self.created_at,
            "private": self.private,
            "gated": self.gated,
            "disabled": self.disabled,
            "downloads": 1,
            "likes": 0,
            "tags": self.tags,
            "library_name": "transformers",
            "pipeline_tag": "text-generation",
            "config": self.config,
            "cardData": self.card,
            "siblings": [_sibling(file, blobs) for file in self.commits[commit].values()],
            "spaces": [],
        }
        if expand:
            named = document | self.extra
            kept = ("_id", "id", "modelId")
            return {key: named[key] for key in (*kept, *expand) if key in named}
        return document

    def tree(self, commit: str, names: Iterable[str] | None = None) -> list[dict[str, Any]]:
        """Return the answer of `/tree` (all files) or `/paths-info` (those in `names`)."""
        held = self.commits[commit]
        return [
            {
                "type": "file",
                "oid": file.blob_id,
                "size": file.size,
                "path": file.name,
            }
            | ({"lfs": _lfs(file, "oid"), "xetHash": file.sha256} if file.lfs else {})
            for name in (held if names is None else names)
            if (file := held.get(name)) is not None
        ]


def _sibling(file: HubFile, blobs: bool) -> dict[str, Any]:
    if not blobs:
        return {"rfilename": file.name}
    made: dict[str, Any] = {"rfilename": file.name, "blobId": file.blob_id, "size": file.size}
    return made | ({"lfs": _lfs(file, "sha256")} if file.lfs else {})


def _lfs(file: HubFile, key: str) -> dict[str, Any]:
    size = len(pointer(file.sha256 or "", file.size))
    return {key: file.sha256, "size": file.size, "pointerSize": size}


def make_files(files: Mapping[str, bytes | HubFile] | Path) -> list[HubFile]:
    """Return the files of a dict, or of a folder with its subfolders."""
    if isinstance(files, Path):
        return [
            make_from_path(path.relative_to(files).as_posix(), path)
            for path in sorted(files.rglob("*"))
            if path.is_file()
        ]
    return [
        replace(data, name=name) if isinstance(data, HubFile) else make_file(name, data)
        for name, data in files.items()
    ]
