"""What was fetched from a Hub before: famtree's own small cache, and huggingface_hub's.

Under `$HF_HOME/famtree/<host>-<digest>/`, where the digest is of the endpoint, with its scheme and
path, and of whose token is sent; nothing that another endpoint or token was told answers for it:

    listings/<repo>/<commit>     the listing of one commit
    refs/<repo>/<revision>       the commit a branch or tag pointed at when last asked
    blobs/<ab>/<key>             a whole file; `key` is its sha256 or git blob id
    spans/<ab>/<key>/<from>-<to> bytes [from, to) of a file

Every entry carries its length and sha256, and a whole file has to fit the hash it is named by, so
a damaged or misplaced one counts as absent and is replaced. Entries are written to a temporary
file first. A cache that cannot be written is no error.

Paths are strings here: a `Path` costs more than the system's answer that there is no such file,
which is what a scan hears several times for each file.
"""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
from collections.abc import Iterable
from hashlib import blake2b, sha256
from pathlib import Path
from urllib.parse import quote

from famtree.errors import NetworkError
from famtree.sources import snapshot
from famtree.sources.hashes import content_key, fits, is_blob_id, is_sha256
from famtree.sources.hub_listing import decode_listing, encode_listing, is_safe_name
from famtree.sources.hub_settings import load_settings
from famtree.types.checkpoint import FileEntry, Listing

MAX_ENTRY_BYTES = 128 * 1024 * 1024
"""Larger answers are not kept."""
SHARED_BYTES = 64 * 1024
"""Whole files from here on are mostly vocabularies and indexes, which many repositories share."""

_MAGIC = b"famtree1"
_HEADER = len(_MAGIC) + 32 + 8


class HubCache:
    """The two caches of one endpoint; every method returns None for what is not there."""

    def __init__(
        self, endpoint: str, owner: str, *, users_own: bool = True, only_shared: bool = False
    ) -> None:
        """Write only whole files of `SHARED_BYTES` and more where `only_shared`.

        `endpoint` and `owner` are those of `HubAccess`; `users_own` tells whether
        huggingface_hub's cache, which knows neither, may be read.
        """
        constants = load_settings()
        self._root = os.path.join(constants.HF_HOME, "famtree", name_folder(endpoint, owner))
        self._endpoint = endpoint
        self._only_shared = only_shared
        # Filled with the user's own token: nothing for others to read.
        self._shared = constants.HF_HUB_CACHE if users_own else None
        self._folders: dict[str, str | None] = {}
        """Where that cache keeps each repository; None for those it has not."""
        self._hashed: dict[str, bool] = {}
        """Whether that cache's file is what its hash says, by the hash."""

    def read_listing(self, repo_id: str, commit: str) -> Listing | None:
        """Return the remembered listing of `repo_id` at `commit`."""
        data = _read(self._place("listings", _slug(repo_id), commit))
        if data is None:
            return None
        try:
            return decode_listing(data, repo_id)
        except NetworkError:
            return None

    def write_listing(self, repo_id: str, commit: str, listing: Listing) -> None:
        """Remember `listing` for `repo_id` at `commit`."""
        if not self._only_shared:
            _write(self._place("listings", _slug(repo_id), commit), encode_listing(listing))

    def read_ref(self, repo_id: str, revision: str) -> str | None:
        """Return the commit `revision` pointed at when it was last asked."""
        data = _read(self._place("refs", _slug(repo_id), _slug(revision)))
        commit = data.decode("ascii", "replace") if data else None
        return commit if is_blob_id(commit) else None

    def write_ref(self, repo_id: str, revision: str, commit: str) -> None:
        """Remember that `revision` points at `commit`."""
        if not self._only_shared:
            _write(self._place("refs", _slug(repo_id), _slug(revision)), commit.encode())

    def read_file(
        self,
        repo_id: str,
        commit: str | None,
        entry: FileEntry,
        span: tuple[int, int] | None,
        *,
        trust: bool | None = True,
    ) -> bytes | None:
        """Return bytes [start, stop) of `entry`, or all of it, from either cache.

        All of a file is held against its hash; a part cannot be, and in huggingface_hub's cache
        anything may lie under any name. Where a part is to prove something, `trust` is False and
        that cache is not read, or None and its file is hashed first, once.
        """
        key = self._key(repo_id, commit, entry)
        if key is not None:
            data = self._read_own(key, entry, span)
            if data is not None:
                return data
        if trust is None and span is not None:
            trust = self._is_sound(repo_id, commit, entry)
        return self._read_shared(repo_id, commit, entry, span) if trust or span is None else None

    def write_file(
        self,
        repo_id: str,
        commit: str | None,
        entry: FileEntry,
        span: tuple[int, int] | None,
        data: bytes,
    ) -> None:
        """Keep `data`, which is all of `entry` or its bytes [start, stop)."""
        key = self._key(repo_id, commit, entry)
        if key is None or len(data) > MAX_ENTRY_BYTES:
            return
        if self._only_shared and (span is not None or len(data) < SHARED_BYTES):
            return
        if span is None:
            _write(self._place("blobs", key[:2], key), data)
        else:
            name = f"{span[0]}-{span[0] + len(data)}"
            _write(self._place("spans", key[:2], key, name), data)

    def find_shared_snapshot(self, repo_id: str, revision: str) -> tuple[Path, list[str]] | None:
        """Return the folder that huggingface_hub's cache has of a commit, branch or tag.

        With it the names of all files of the commit, as far as that cache recorded them.
        """
        if self._shared is None:
            return None
        folder = snapshot.repo_folder(self._shared, repo_id)
        commit: str | None = revision
        if not is_blob_id(revision):
            try:
                commit = (folder / "refs" / revision).read_text("ascii")[:64].strip()
            except (OSError, ValueError):
                return None
        if commit is None or not is_blob_id(commit):
            return None
        place = folder / "snapshots" / commit
        if not place.is_dir():
            return None
        entries = snapshot.read_tree(folder, commit) or []
        return place, [entry.name for entry in entries if is_safe_name(entry.name)]

    def holds_any(self, entries: Iterable[FileEntry]) -> bool:
        """Return whether famtree's own cache has all or a part of any of `entries`."""
        keys = [key for entry in entries if (key := content_key(entry))]
        kinds = ("blobs", "spans")
        return any(os.path.exists(self._place(kind, k[:2], k)) for k in keys for kind in kinds)

    def find_shared_files(
        self, repo_id: str, commit: str | None, names: Iterable[str]
    ) -> dict[str, Path]:
        """Return where huggingface_hub's cache has files of a commit, those it has."""
        if self._shared is None or commit is None:
            return {}
        folder = snapshot.repo_folder(self._shared, repo_id) / "snapshots" / commit
        return {name: folder / name for name in names if (folder / name).is_file()}

    def _place(self, *names: str) -> str:
        return os.path.join(self._root, *names)

    def _key(self, repo_id: str, commit: str | None, entry: FileEntry) -> str | None:
        listed = content_key(entry)
        if listed is not None or commit is None:
            return listed
        place = f"{self._endpoint}\n{repo_id}\n{commit}\n{entry.name}"
        return sha256(place.encode("utf-8", "surrogatepass")).hexdigest()

    def _read_own(self, key: str, entry: FileEntry, span: tuple[int, int] | None) -> bytes | None:
        whole = _read(self._place("blobs", key[:2], key))
        if whole is not None and fits(entry, whole):
            return whole if span is None else whole[span[0] : span[1]]
        if span is None:
            return None
        folder = self._place("spans", key[:2], key)
        try:
            names = sorted(os.listdir(folder))
        except OSError:
            return None
        for name in names:
            first, _, last = name.partition("-")
            if not (first.isdigit() and last.isdigit()):
                continue
            if int(first) <= span[0] and span[1] <= int(last):
                data = _read(os.path.join(folder, name))
                if data is not None and len(data) == int(last) - int(first):
                    return data[span[0] - int(first) : span[1] - int(first)]
        return None

    def _list_places(self, repo_id: str, commit: str | None, entry: FileEntry) -> list[str]:
        """Return where huggingface_hub's cache would have `entry`."""
        if self._shared is None:
            return []
        if repo_id not in self._folders:
            folder = str(snapshot.repo_folder(self._shared, repo_id))
            self._folders[repo_id] = folder if os.path.isdir(folder) else None
        if (held := self._folders[repo_id]) is None:
            return []
        places = []
        if key := content_key(entry):
            places.append(os.path.join(held, "blobs", key))
        if commit is not None:
            places.append(os.path.join(held, "snapshots", commit, entry.name))
        return places

    def _is_sound(self, repo_id: str, commit: str | None, entry: FileEntry) -> bool:
        """Return whether huggingface_hub's cache has of `entry` what its hash says.

        Where none is known the cache's word is all there is.
        """
        from famtree.sources.file_hashes import hash_file

        key = content_key(entry) or entry.recorded
        if key is None or not is_sha256(key):
            return key is None
        if key not in self._hashed:
            places = map(Path, self._list_places(repo_id, commit, entry))
            hashes = (hash_file(place, lambda _: None) for place in places)
            self._hashed[key] = next((one[0] == key for one in hashes if one), False)
        return self._hashed[key]

    def _read_shared(
        self, repo_id: str, commit: str | None, entry: FileEntry, span: tuple[int, int] | None
    ) -> bytes | None:
        for place in self._list_places(repo_id, commit, entry):
            try:
                size = os.stat(place).st_size
                if not os.path.isfile(place) or entry.size not in {None, size}:
                    continue
                with open(place, "rb") as stream:
                    if span is not None:
                        stream.seek(span[0])
                        return stream.read(span[1] - span[0])
                    data = stream.read(size)
            except OSError:
                continue
            if fits(entry, data):
                return data
        return None


def name_folder(endpoint: str, owner: str) -> str:
    """Return the folder's name: the host, to be known by, and the digest that tells all apart."""
    told = f"{endpoint}\n{owner}".encode()
    digest = blake2b(told, digest_size=16, person=b"famtree cache").hexdigest()
    host = endpoint.partition("://")[2].partition("/")[0]
    return f"{re.sub(r'[^a-z0-9.-]', '_', host)[:100]}-{digest}"


def _slug(name: str) -> str:
    return quote(name, safe="").replace(".", "%2E")


def _read(path: str) -> bytes | None:
    try:
        with open(path, "rb") as stream:
            data = stream.read()
    except OSError:
        return None
    body = data[_HEADER:]
    header = _MAGIC + sha256(body).digest() + len(body).to_bytes(8, "little")
    return body if data[:_HEADER] == header else None


def _write(path: str, body: bytes) -> None:
    folder, temporary = os.path.dirname(path), None
    try:
        os.makedirs(folder, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=folder, prefix=".new-")
        with os.fdopen(handle, "wb") as stream:
            stream.write(_MAGIC + sha256(body).digest() + len(body).to_bytes(8, "little"))
            stream.write(body)
        os.replace(temporary, path)
        temporary = None
    except OSError:
        pass  # a full disk, a home that may not be written
    finally:
        if temporary is not None:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
