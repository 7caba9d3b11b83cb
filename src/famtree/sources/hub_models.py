"""Ids of the models a Hub lists: by author, by search text, by tag.

`GET /api/models` answers in pages; the address of the next one stands in the `Link` header
(https://huggingface.co/docs/hub/api). One page is held at a time, whatever the length of the list.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from itertools import islice
from urllib.parse import urlencode, urljoin, urlsplit

from famtree.errors import NetworkError, OfflineError
from famtree.sources.hub_access import OWN, HubAccess
from famtree.sources.hub_client import HubClient
from famtree.sources.hub_pauses import PATIENCE

PAGE = 1000
"""Models asked for at a time; the Hub gives no more."""
MAX_PAGE_BYTES = 32 * 1024 * 1024
_NEXT = re.compile(r'<([^<>]+)>\s*;\s*rel="?next"?')


def walk_models(
    *,
    author: str | None = None,
    search: str | None = None,
    filters: Sequence[str] = (),
    limit: int | None = None,
    offline: bool = False,
    access: HubAccess = OWN,
) -> Iterator[str]:
    """Yield ids `org/name` in the Hub's order, at most `limit`.

    `filters` are tags, all of which a model must have (`base_model:quantized:org/name`, `gguf`).
    Raises OfflineError, NetworkError or AccessError.
    """
    from huggingface_hub import constants

    if offline or constants.is_offline_mode():
        raise OfflineError(
            "models can only be listed with the network, and offline mode is on",
            hint="give the ids, or a file of them with --from",
        )
    client = HubClient(patience=PATIENCE, access=access)
    asked = [("author", author), ("search", search), *(("filter", tag) for tag in filters)]
    query = [(name, value) for name, value in asked if value]
    ids = (name for page, _ in walk_pages(client, query, size=limit) for name in page)
    yield from ids if limit is None else islice(ids, limit)


def walk_pages(
    client: HubClient, query: Sequence[tuple[str, str]], *, size: int | None = None
) -> Iterator[tuple[list[str], bool]]:
    """Yield the ids of each page of models, and whether another follows.

    `size` is how many are wanted at most, so that a first page need not be longer. Raises
    NetworkError and AccessError.
    """
    # The least that a model can be described by.
    described = [*query, ("expand", "createdAt"), ("limit", str(min(PAGE, size or PAGE)))]
    following: str | None = f"{client.endpoint}/api/models?{urlencode(described)}"
    while following:
        answer = client.get(following, stop=MAX_PAGE_BYTES, what="the list of models")
        following = _find_next(answer.headers.get("link", ""), following)
        yield _read_ids(answer.body), following is not None


def _read_ids(body: bytes) -> list[str]:
    try:
        listed = json.loads(body)
    except (ValueError, RecursionError) as fault:
        raise _not_a_list() from fault
    if not isinstance(listed, list):
        raise _not_a_list()
    names = [item.get("id") for item in listed if isinstance(item, dict)]
    return [name for name in names if isinstance(name, str) and 0 < len(name) <= 200]


def _find_next(link: str, current: str) -> str | None:
    """Return the next page's address; one that leads to another host or back is not followed."""
    found = _NEXT.search(link)
    if found is None:
        return None
    try:
        following = urljoin(current, found.group(1))
        here, there = urlsplit(current), urlsplit(following)
    except ValueError:  # a host in open brackets
        return None
    same_host = (here.scheme, here.netloc) == (there.scheme, there.netloc)
    return following if same_host and following != current else None


def _not_a_list() -> NetworkError:
    return NetworkError(
        "the server sent no list of models",
        hint="a proxy or login page may answer for the Hub; check HF_ENDPOINT and the network",
    )
