"""Files of one repository at one commit, fetched and held against what the listing says of them."""

from __future__ import annotations

from urllib.parse import quote

from msgspec.structs import replace

from famtree.errors import AccessError, FamtreeError, NetworkError, NotFoundError
from famtree.sources.addresses import parse_address
from famtree.sources.hashes import content_key, fits, is_sha256
from famtree.sources.hub_answer import HubAnswer
from famtree.sources.hub_client import HubClient
from famtree.sources.hub_errors import RefusalError
from famtree.types.checkpoint import FileEntry, Listing, Missing

PARTIAL = 206
_NO_SUCH_RANGE = 416
_VANISHED = frozenset({"RepoNotFound", "RevisionNotFound"})
"""The Hub's words for 404 where it does not concern the file alone."""
_ANEW = {"cache-control": "no-cache"}
"""What a cache in between is told, so that it does not hand out an old address again."""


class HubFiles:
    """Fetches files by the names of a listing; threads may share one."""

    def __init__(self, client: HubClient, repo_id: str, revision: str, page: str) -> None:
        self._client = client
        self._asked = repo_id
        self._repo = repo_id
        self._commit = revision
        self._gated = False
        self._page = page
        self._addresses: dict[str, str] = {}
        """Where a redirect led: a signed address serves further ranges of the same file."""
        self._etags: dict[tuple[str, str], str] = {}
        """By file and host: what the first answer named the content."""

    def adopt(self, listing: Listing) -> None:
        """Read at the commit of `listing`, under the name that the server gives the repository."""
        self._commit = listing.revision or self._commit
        self._repo = listing.repo_id or self._repo
        self._gated = listing.gated

    def fetch(self, entry: FileEntry, span: tuple[int, int] | None, limit: int) -> bytes | Missing:
        """Return all of `entry`, at most `limit` bytes, or its bytes [start, stop).

        What is not listed is absent. What is listed and not served is no answer: a CDN or proxy
        must not be able to change what a checkpoint is. A repository that vanished or became
        private since it was listed is told of in its own words. Raises FetchError kin.
        """
        name = entry.name
        try:
            return self._fetch(entry, span, limit)
        except (NotFoundError, AccessError) as fault:
            if self._gated:
                raise AccessError(
                    f"{self._asked} is gated: {name} may not be read",
                    hint=f"request access at {self._page}, then set HF_TOKEN or run "
                    "`hf auth login`",
                ) from fault
            code = getattr(fault.__cause__, "code", None)  # of a RefusalError
            if isinstance(fault, NotFoundError) and code is not None and code not in _VANISHED:
                raise NetworkError(
                    f"{self._asked}/{name} is listed, but the server does not serve it",
                    hint="it may have been deleted just now, or a proxy or mirror lacks it; "
                    "run again, or check HF_ENDPOINT",
                ) from fault
            raise

    def _fetch(self, entry: FileEntry, span: tuple[int, int] | None, limit: int) -> bytes | Missing:
        what = f"{self._asked}/{entry.name}"
        if span is None:
            # One byte more than expected shows a file that is longer than listed.
            stop = entry.size if entry.size is not None else limit
            answer = self._request(entry.name, None, stop, what)
            entry = self._take_name(entry, answer)
            if entry.size is None and not answer.complete:
                return Missing(entry.name, f"more than the {limit} bytes that are read")
            if not answer.complete or not fits(entry, answer.body) or _is_page(entry, answer):
                raise _foreign(what, answer.body)
            self._check_version(entry, answer, what)
            return answer.body
        start, stop = span
        try:
            answer = self._request(entry.name, start, stop, what)
        except NetworkError as fault:
            if entry.size is None and getattr(fault.__cause__, "status", None) == _NO_SUCH_RANGE:
                return b""  # the file ends before; nothing had told where
            raise
        entry = self._take_name(entry, answer)
        # A range has no hash to be held against; a page of unknown length could pass for it.
        whole_of = {entry.size} if answer.status != PARTIAL else {None, entry.size}
        if entry.size is not None and answer.total not in whole_of:
            raise _foreign(what, answer.body)
        if len(answer.body) != stop - start and entry.size is not None:
            raise _foreign(what, answer.body)
        if _is_page(entry, answer):
            raise _foreign(what, answer.body)
        self._check_version(entry, answer, what)
        return answer.body

    def _take_name(self, entry: FileEntry, answer: HubAnswer) -> FileEntry:
        """Return the entry with the sha256 that the Hub's redirect states, where none is listed.

        A listing may have a large file's pointer alone: its blob id is not that of the content.
        """
        if entry.sha256 is None and is_sha256(answer.linked):
            return replace(entry, sha256=answer.linked)
        return entry

    def _check_version(self, entry: FileEntry, answer: HubAnswer, what: str) -> None:
        """Raise NetworkError when the answer is of other content than was listed or read before.

        A range cannot be hashed, and the size stays when weights change; but servers name what
        they send. The Hub's names are the listed hashes; storage hosts have names of their own.
        """
        listed, host = content_key(entry), parse_address(answer.url).netloc
        before = answer.etag and self._etags.setdefault((entry.name, host), answer.etag)
        linked = answer.linked or ""
        # A name of another kind (of the pointer in place of the content) says nothing of this one.
        other = listed is not None and len(linked) == len(listed) and linked != listed
        if before != answer.etag or other:
            raise NetworkError(
                f"{what} changed while it was read, or a mirror serves another version of it",
                hint="run again; name a commit with --revision, or check HF_ENDPOINT",
            )

    def _request(self, name: str, start: int | None, stop: int, what: str) -> HubAnswer:
        signed = self._addresses.get(name)
        if signed is not None:
            try:
                return self._get(signed, start, stop, what)
            except FamtreeError:
                self._addresses.pop(name, None)  # expired: ask the Hub for a new one
        commit = quote(self._commit, safe="")
        url = f"{self._client.endpoint}/{self._repo}/resolve/{commit}/{quote(name)}"
        try:
            answer = self._get(url, start, stop, what)
        except NetworkError as fault:
            refusal = fault.__cause__
            if not (isinstance(refusal, RefusalError) and refusal.expired):
                raise
            answer = self._get(url, start, stop, what, _ANEW)
        if answer.url != url:
            self._addresses[name] = answer.url
        return answer

    def _get(
        self,
        url: str,
        start: int | None,
        stop: int,
        what: str,
        headers: dict[str, str] | None = None,
    ) -> HubAnswer:
        return self._client.fetch(
            url, start=start, stop=stop, what=what, page=self._page, headers=headers
        )


def _is_page(entry: FileEntry, answer: HubAnswer) -> bool:
    """Return whether a web page came in place of a file that the listing gives no hash of."""
    kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    return kind == "text/html" and not entry.name.lower().endswith((".html", ".htm"))


def _foreign(what: str, data: bytes) -> NetworkError:
    if data.lstrip()[:1] == b"<":
        return NetworkError(
            f"{what}: an HTML page came in place of the file",
            hint="a proxy or login page answers for the Hub; check the network and HF_ENDPOINT",
        )
    return NetworkError(
        f"{what}: what came does not have the size or hash that the Hub lists",
        hint="a proxy or mirror altered it; fetch again or check HF_ENDPOINT",
    )
