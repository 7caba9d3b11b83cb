"""A checkpoint on the Hub, read in as few requests as it takes.

One listing says which files exist, how large they are and by which hash they are known; so no
file is probed for and no HEAD is sent. What one wave asks for is fetched at once.
"""

from __future__ import annotations

import time
from collections.abc import Hashable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar, cast
from urllib.parse import quote

from msgspec import Struct
from msgspec.structs import replace

from famtree.errors import ONLINE, FamtreeError, NetworkError, NotFoundError, OfflineError
from famtree.sources.daemon_threads import THREADS
from famtree.sources.gguf_files import choose_quant, group_files
from famtree.sources.hashes import fits, is_blob_id
from famtree.sources.hub_access import OWN, HubAccess
from famtree.sources.hub_answer import read_sent_etag
from famtree.sources.hub_cache import HubCache
from famtree.sources.hub_client import MAX_CONNECTIONS, MAX_PAUSE, HubClient
from famtree.sources.hub_description import DEFAULT_REVISION, request_description
from famtree.sources.hub_files import HubFiles
from famtree.sources.hub_listing import decode_listing
from famtree.sources.hub_offline import DOWN_SECONDS, find_cached, is_unreachable
from famtree.sources.hub_settings import load_settings
from famtree.types.checkpoint import CheckpointRef, Cost, FileEntry, Listing, Missing, SourceKind
from famtree.types.source import FileSpan, Report

if TYPE_CHECKING:
    from famtree.sources.local import LocalSource

_Key = TypeVar("_Key", bound=Hashable)

MAX_UNKNOWN_BYTES = 64 * 1024 * 1024
"""Most of a file that is read whole where neither the listing nor the caller gives a size."""


class _Task(Struct, frozen=True):
    """One file still to be fetched: whole (`span` None, at most `limit` bytes) or a range."""

    entry: FileEntry
    span: tuple[int, int] | None
    limit: int
    key: Hashable
    """What the caller knows the answer by: the file's name, or a span of it."""


class HubSource:
    """Reads a model repository at one commit; results are cached by content.

    `cost.requests` counts every answer that is no redirect, `cost.bytes` the body bytes that
    came over the wire (compressed ones as compressed). What a cache answers costs neither.
    """

    kind: SourceKind = "hub"
    origin = None

    def __init__(
        self,
        ref: CheckpointRef,
        *,
        offline: bool = False,
        patience: float = MAX_PAUSE,
        access: HubAccess = OWN,
    ) -> None:
        constants = load_settings()
        if ref.repo_id is None:
            raise ValueError("a Hub source needs a Hub reference")
        self.ref = ref
        self._repo = ref.repo_id
        self._revision = ref.revision or DEFAULT_REVISION
        self._offline = offline or constants.is_offline_mode()
        self._client = HubClient(patience=patience, access=access)
        self._cache = HubCache(
            self._client.endpoint,
            access.find_owner(),
            users_own=access.is_users_own(),
            only_shared=access.only_shared,
        )
        self._listings = access.listings
        self._page = f"{self._client.endpoint}/{self._repo}"
        self._listing: Listing | None = None
        self._snapshot: LocalSource | None = None
        """What reads the checkpoint where huggingface_hub's cache answers for the Hub."""
        self._partial = False
        """Whether what is not cached is absent, and no error."""
        self._down: FamtreeError | None = None
        """Why the Hub could not be reached, where a cache answers for it."""
        self._entries: dict[str, FileEntry] = {}
        self._files = HubFiles(self._client, self._repo, self._revision, self._page)
        self._seconds = 0.0
        self._hashed = 0

    @property
    def near(self) -> bool:
        """Whether a snapshot on this machine answers, which is read as any folder."""
        return self._snapshot is not None

    @property
    def cost(self) -> Cost:
        """Requests, bytes and seconds spent so far."""
        local = self._snapshot.cost.bytes if self._snapshot is not None else 0
        return Cost(self._client.requests, self._client.bytes + self._hashed + local, self._seconds)

    def list_files(self) -> Listing:
        """Return the listing: no request for a cached full commit, else one.

        Raises NotFoundError, AccessError, NetworkError or OfflineError; NotFoundError also when
        the reference names a file the repository does not have.
        """
        if self._listing is None:
            with self._timed():
                listing = self._find_listing()
            if self.ref.quant is not None and self.ref.file is None:
                self.ref = replace(self.ref, file=self._find_quant(listing, self.ref.quant))
            file = self.ref.file
            if file is not None and file in listing.absent:
                raise self._not_cached(file)
            if file is not None and listing.find(file) is None:
                raise NotFoundError(
                    f"{self._repo} has no file {file} at {self._revision}",
                    hint=f"see {self._page}/tree/{quote(self._revision)} for its files",
                )
            self._entries = {entry.name: entry for entry in listing.files}
            self._files.adopt(listing)
            self._listing = listing
        return self._listing

    def read_wave(
        self, names: Iterable[str], prefixes: Mapping[str, int], *, limit: int
    ) -> dict[str, bytes | Missing]:
        """Return whole files `names` and the first `prefixes[name]` bytes of others."""
        self.list_files()
        if self._snapshot is not None:
            return self._hold(self._snapshot.read_wave(names, prefixes, limit=limit))
        found: dict[str, bytes | Missing] = {}
        tasks: list[_Task] = []
        for name, length in prefixes.items():
            self._plan(name, (0, length), 0, found, tasks)
        for name in names:
            self._plan(name, None, limit, found, tasks)
        return self._run(found, tasks)

    def read_ranges(self, ranges: Mapping[str, tuple[int, int]]) -> dict[str, bytes | Missing]:
        """Return bytes [start, stop) of each file; fewer where the file ends before."""
        self.list_files()
        if self._snapshot is not None:
            return self._snapshot.read_ranges(ranges)
        found: dict[str, bytes | Missing] = {}
        tasks: list[_Task] = []
        for name, span in ranges.items():
            self._plan(name, span, 0, found, tasks)
        return self._run(found, tasks)

    def read_spans(self, spans: Iterable[FileSpan]) -> dict[FileSpan, bytes | Missing]:
        """Return the bytes of each span, as proof; fewer where the file ends before."""
        self.list_files()
        found: dict[FileSpan, bytes | Missing] = {}
        tasks, trust = list[_Task](), None if self._offline else False
        for span in dict.fromkeys(spans):
            self._plan(span[0], span[1:], 0, found, tasks, key=span, trust=trust)
        return self._run(found, tasks, proof=True)

    def find_path(self, name: str) -> None:
        """Return None: what lies in caches of the Hub is their matter, and no proof by itself."""

    def hash_files(self, names: Iterable[str], report: Report) -> int:
        """Hash files that huggingface_hub's cache alone describes; what the Hub lists is known."""
        from famtree.sources.file_hashes import hash_into

        listing = self.list_files()
        if self._snapshot is not None:
            return 0  # whatever lies in a snapshot proves nothing of the repository it is named by
        known = {one.name for one in listing.files if one.sha256 or not one.recorded}
        places = self._cache.find_shared_files(self._repo, self._commit, set(names) - known)
        self._listing, read, total = hash_into(listing, places, report)
        self._hashed += read
        return total

    def _find_listing(self) -> Listing:
        pinned = self._revision.lower() if is_blob_id(self._revision.lower()) else None
        if self._offline:
            return self._find_cached(pinned)
        dialect = self._client.dialect

        def ask() -> Listing:
            down = dialect.fault if time.monotonic() < dialect.down_until else None
            if down and find_cached(self._cache, self.ref, self._revision, pinned) is not None:
                raise down  # what is cached answers at once
            return self._ask(pinned)

        try:
            listing = (
                self._listings.recall(self._repo, self._revision, ask)
                if self._listings is not None
                else ask()
            )
        except NetworkError as fault:
            if not is_unreachable(fault):
                raise
            dialect.fault, dialect.down_until = fault, time.monotonic() + DOWN_SECONDS
            self._down = fault
            return self._find_cached(pinned)
        dialect.fault = None
        return self._name(listing)

    def _ask(self, pinned: str | None) -> Listing:
        """Return the listing: of a commit that is known without asking, else with one request."""
        commit = pinned or self._cache.read_ref(self._repo, self._revision)
        known = self._cache.read_listing(self._repo, commit) if commit else None
        if known is not None and pinned:
            return known
        what = f"{self._repo}@{self.ref.revision}" if self.ref.revision else self._repo
        answer = request_description(
            self._client,
            self._repo,
            self.ref.revision,
            etag=read_sent_etag(known.etag) if known else None,
            what=what,
            page=self._page,
        )
        if answer.status == 304 and known is not None:
            return known
        listing = replace(
            decode_listing(answer.body, what), etag=read_sent_etag(answer.headers.get("etag"))
        )
        if listing.revision is not None:
            self._cache.write_listing(self._repo, listing.revision, listing)
            if pinned is None:
                self._cache.write_ref(self._repo, self._revision, listing.revision)
        return listing

    def _find_cached(self, pinned: str | None) -> Listing:
        """Return what a cache has. Raises OfflineError, or why the Hub could not be reached."""
        cached = find_cached(self._cache, self.ref, self._revision, pinned)
        if cached is None:
            if self._down is not None:
                raise self._down
            what = f"{self._repo}@{self.ref.revision}" if self.ref.revision else self._repo
            raise OfflineError(
                f"the listing of {what} is not cached and offline mode is on", hint=ONLINE
            )
        self._snapshot, self._partial = cached.snapshot, cached.partial
        if self._down is None:
            return self._name(cached.listing)
        self._offline = True
        commit = (cached.listing.revision or "")[:12]
        told = f"{self._down.message}; what is cached of commit {commit} answers instead"
        return self._name(cached.listing, ("hub-unreachable", told))

    def _name(self, listing: Listing, *notices: tuple[str, str]) -> Listing:
        """Return the listing with what is to be said of it: a rename, and `notices`."""
        name = listing.repo_id
        if name is not None and name.lower() != self._repo.lower():
            notices += (("renamed", f"{self._repo} is now {name}"),)
        return replace(listing, notices=notices)

    def _hold(self, wave: dict[str, bytes | Missing]) -> dict[str, bytes | Missing]:
        """Return what a snapshot gave, without whole files that are not what they are named by."""
        for name, data in wave.items():
            entry = self._entries.get(name)
            whole = entry is not None and isinstance(data, bytes) and len(data) == entry.size
            if entry is not None and isinstance(data, bytes) and whole and not fits(entry, data):
                wave[name] = Missing(name, "its content is not what the cache names it by")
        return wave

    def _find_quant(self, listing: Listing, quant: str) -> str:
        found = choose_quant(listing.files, quant)
        if found is None:
            known = [one.name for one in group_files(listing.files)]
            told = f"it has {', '.join(known[:8])}" if known else "it has no GGUF file"
            raise NotFoundError(f"{self._repo} has no GGUF file of {quant}", hint=told)
        return found.name

    def _not_cached(self, what: str) -> FamtreeError:
        if self._down is not None:
            return self._down
        return OfflineError(
            f"{what} of {self._repo} not cached, and offline mode is on", hint=ONLINE
        )

    def _plan(
        self,
        name: str,
        span: tuple[int, int] | None,
        limit: int,
        found: dict[_Key, bytes | Missing],
        tasks: list[_Task],
        *,
        key: _Key | None = None,
        trust: bool | None = True,
    ) -> None:
        """Answer `name` from the listing or a cache, or add the task that will."""
        entry = self._entries.get(name)
        known_as: Any = name if key is None else key
        if entry is None:
            found[known_as] = Missing(name, "not in the repository")
            return
        size = entry.size
        if span is None:
            if size is not None and size > limit:
                found[known_as] = Missing(
                    name, f"{size} bytes, more than the {limit} that are read"
                )
                return
        else:
            start, stop = max(0, span[0]), span[1] if size is None else min(span[1], size)
            if start >= stop:
                found[known_as] = b""
                return
            span, limit = (start, stop), size if size is not None else MAX_UNKNOWN_BYTES
            if (start, stop) == (0, size):
                span = None
        with self._timed():
            cached = self._cache.read_file(self._repo, self._commit, entry, span, trust=trust)
        if cached is not None and len(cached) <= limit:
            found[known_as] = cached
        else:
            tasks.append(_Task(entry, span, limit, known_as))

    def _run(
        self, found: dict[_Key, bytes | Missing], tasks: list[_Task], *, proof: bool = False
    ) -> dict[_Key, bytes | Missing]:
        """Fetch `tasks` at once; of several failures, that of the first name is raised."""
        if not tasks:
            return found
        if self._offline and self._partial and not proof:
            for task in tasks:
                told = Missing(task.entry.name, "not cached, and the Hub is not asked")
                found[cast("_Key", task.key)] = told
            return found
        if self._offline:
            names = sorted(task.entry.name for task in tasks)
            shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if names[3:] else "")
            raise self._not_cached(shown)
        with self._timed():
            results = self._try_all(tasks)
        faults = {}
        for task, result in results:
            if isinstance(result, FamtreeError):
                faults[task.entry.name] = result
            else:
                found[cast("_Key", task.key)] = result
        if faults:
            raise faults[min(faults)]
        return found

    def _try_all(self, tasks: list[_Task]) -> list[tuple[_Task, bytes | Missing | FamtreeError]]:
        """Fetch several at a time."""
        waiting = iter(tasks)  # a list's own: each `next` is one step, whoever asks
        results: list[tuple[_Task, bytes | Missing | FamtreeError]] = []

        def work() -> None:
            for task in waiting:
                results.append((task, self._try(task)))  # noqa: PERF401 - shared with others

        threads = [THREADS.start(work) for _ in range(min(MAX_CONNECTIONS, len(tasks)))]
        try:
            self._client.wait(threads, f"{self._repo}/{tasks[0].entry.name}")
        finally:
            for _ in waiting:
                pass  # what nobody has begun by now, nobody shall
        return results

    def _try(self, task: _Task) -> bytes | Missing | FamtreeError:
        try:
            data = self._files.fetch(task.entry, task.span, task.limit)
        except FamtreeError as fault:
            return fault
        if isinstance(data, bytes):
            self._cache.write_file(self._repo, self._commit, task.entry, task.span, data)
        return data

    @property
    def _commit(self) -> str | None:
        return self._listing.revision if self._listing else None

    @contextmanager
    def _timed(self) -> Iterator[None]:
        started = time.perf_counter()
        try:
            yield
        finally:
            self._seconds += time.perf_counter() - started
