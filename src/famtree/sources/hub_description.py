"""A repository's description, asked for in the form that the server knows.

The Hub gives all in one answer (`/api/models/{id}?blobs=true`). What stands for it may refuse the
query, or know a repository at a named revision only: each is tried where the first form is refused
without one of the Hub's own words, and what was good is remembered.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from urllib.parse import quote

from famtree.errors import FetchError
from famtree.sources.hub_answer import HubAnswer
from famtree.sources.hub_client import HubClient
from famtree.sources.hub_dialect import Dialect
from famtree.sources.hub_errors import RefusalError
from famtree.sources.hub_listing import MAX_DOCUMENT_BYTES

DEFAULT_REVISION = "main"
_QUERY = "?blobs=true"
_NOT_UNDERSTOOD = frozenset({400, 404, 405, 406, 422, 501})
"""What servers say of a question that they do not know."""


def request_description(
    client: HubClient,
    repo_id: str,
    revision: str | None,
    *,
    etag: str | None,
    what: str,
    page: str,
) -> HubAnswer:
    """Return the answer of the first form that is understood; of none, the first one's error.

    `etag` is that of a listing which is known: the answer may then be 304. Raises FetchError kin.
    """
    headers: Mapping[str, str] | None = {"if-none-match": etag} if etag else None
    refused: FetchError | None = None
    base = f"{client.endpoint}/api/models/{repo_id}"
    for form in _list_forms(client.dialect, revision):
        place = f"/revision/{quote(revision or DEFAULT_REVISION, safe='')}"
        url = base + (place if form.by_revision else "") + ("" if form.bare else _QUERY)
        try:
            answer = client.get(url, stop=MAX_DOCUMENT_BYTES, what=what, page=page, headers=headers)
        except FetchError as fault:
            if not _is_foreign(fault.__cause__):
                raise
            refused = refused or fault
        else:
            client.dialect.bare = form.bare
            if revision is None:
                client.dialect.by_revision = form.by_revision
            return answer
    assert refused is not None  # noqa: S101 - there is always a form to try
    raise refused


def _list_forms(known: Dialect, revision: str | None) -> Iterator[Dialect]:
    """Yield the forms to try, the known one first, without those that a revision rules out."""
    named = [True] if revision is not None else [known.by_revision, not known.by_revision]
    for bare in (known.bare, not known.bare):
        for by_revision in named:
            yield Dialect(bare=bare, by_revision=by_revision)
    if revision == DEFAULT_REVISION:
        yield Dialect(bare=known.bare)
        yield Dialect(bare=not known.bare)


def _is_foreign(cause: BaseException | None) -> bool:
    """Return whether a refusal is none of the Hub's own, and so may be of the question's form."""
    return isinstance(cause, RefusalError) and not cause.code and cause.status in _NOT_UNDERSTOOD
