"""Ids of the models a Hub lists: by author, by search text, by tag.

`GET /api/models` answers in pages; the address of the next one stands in the `Link` header
(https://huggingface.co/docs/hub/api). One page is held at a time, whatever the length of the list.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from itertools import islice
from urllib.parse import urlencode

from famtree.errors import NetworkError, OfflineError
from famtree.sources.addresses import AddressError, follow_address, parse_address
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
        link = _NEXT.search(answer.headers.get("link", ""))
        yield _read_ids(answer.body), link is not None
        following = _find_next(link[1], following) if link is not None else None


def _read_ids(body: bytes) -> list[str]:
    try:
        listed = json.loads(body)
    except (ValueError, RecursionError) as fault:
        raise _not_a_list() from fault
    if not isinstance(listed, list):
        raise _not_a_list()
    names = [item.get("id") for item in listed if isinstance(item, dict)]
    return [name for name in names if isinstance(name, str) and 0 < len(name) <= 200]


def _find_next(place: str, current: str) -> str | None:
    """Return the next page's address; None for one that leads back.

    Raises NetworkError for one that leads to another host, or is none: the list would end early.
    """
    here = parse_address(current)
    try:
        there = follow_address(here, place)
        if there.origin != here.origin:
            raise AddressError("another host")
    except AddressError as fault:
        raise NetworkError(
            f"the next page of the list of models is said to be at {fault}",
            hint="a proxy or mirror sends famtree elsewhere; check HF_ENDPOINT",
        ) from fault
    return str(there) if there != here else None


def _not_a_list() -> NetworkError:
    return NetworkError(
        "the server sent no list of models",
        hint="a proxy or login page may answer for the Hub; check HF_ENDPOINT and the network",
    )
