"""Ids of the models a Hub lists: by author, by search text, by tag.

`GET /api/models` answers in pages; the address of the next one stands in the `Link` header
(https://huggingface.co/docs/hub/api). One page is held at a time, whatever the length of the list.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from urllib.parse import urlencode

from msgspec import Struct

from famtree.errors import NetworkError, NotFoundError, OfflineError, UsageError
from famtree.redaction import holds_secret
from famtree.sources.addresses import AddressError, follow_address, parse_address
from famtree.sources.hub_access import OWN, HubAccess
from famtree.sources.hub_client import HubClient
from famtree.sources.hub_listing import decode_each
from famtree.sources.hub_pauses import PATIENCE
from famtree.sources.hub_settings import list_hub_endpoints, load_settings
from famtree.sources.reference import HUB_ADDRESS, parse_reference

PAGE = 1000
"""Models asked for at a time; the Hub gives no more."""
MAX_PAGE_BYTES = 8 * 1024 * 1024
"""A thousand models take 0.1 MB, with all that the Hub tells of them some 2 MB."""
MAX_ON_PAGE = 10 * PAGE
"""For servers that do not heed how many were asked for."""
MAX_PAGES = 10_000
"""Of one list: three times as many models as the Hub has."""
_MODELS = "/api/models"
_NEXT = re.compile(r'<([^<>]+)>\s*(?:;[^,<>]*)?;\s*rel="?next"?(?=\s*[;,]|\s*$)')


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
    Raises OfflineError, NetworkError or AccessError, NotFoundError for an account without models
    or of another name; NetworkError also for a list without an end.
    """
    constants = load_settings()
    if offline or constants.is_offline_mode():
        raise OfflineError(
            "models can only be listed with the network, and offline mode is on",
            hint="give the ids, or a file of them with --from",
        )
    client = HubClient(patience=PATIENCE, access=access)
    asked = [("author", author), ("search", search), *(("filter", tag) for tag in filters)]
    query = [(name, value) for name, value in asked if value]
    ids = (name for page, _ in walk_pages(client, query, size=limit) for name in page)
    first = next(ids, None)
    if first is None and author and not (search or filters):
        raise NotFoundError(
            f"the Hub lists no model of {author}",
            hint="check the name; private models take a token (HF_TOKEN)",
        )
    if first is not None:
        yield from islice(chain([first], ids), limit)


def walk_pages(
    client: HubClient, query: Sequence[tuple[str, str]], *, size: int | None = None
) -> Iterator[tuple[list[str], bool]]:
    """Yield the ids of each page of models, and whether another follows.

    `size` is how many are wanted at most, so that a first page need not be longer. Raises
    NetworkError and AccessError. A list that would be cut short is an error: one that leads in
    circles or elsewhere, repeats itself, or has more than MAX_PAGES pages.
    """
    # The least that a model can be described by.
    described = [*query, ("expand", "createdAt"), ("limit", str(min(PAGE, size or PAGE)))]
    following = f"{client.endpoint}{_MODELS}?{urlencode(described)}"
    met: set[int] = set()
    for _ in range(MAX_PAGES):
        answer = client.get(following, stop=MAX_PAGE_BYTES, what="the list of models")
        ids = _read_ids(answer.body)
        link = _NEXT.search(answer.headers.get("link", ""))
        # The same models again, or none, from another address each time are a circle as well.
        page = {hash(following), hash(tuple(ids))}
        if link is not None and page & met:
            raise _endless("repeats itself")
        met |= page
        yield ids, link is not None
        if link is None:
            return
        following = _find_next(link[1], following, client.endpoint)
    raise _endless(f"has more than {MAX_PAGES} pages")


class _Model(Struct, gc=False):
    id: str


def _read_ids(body: bytes) -> list[str]:
    """Return the ids of a page, without what can be none: no id is taken for a path."""
    try:
        listed = decode_each(body, _Model, MAX_ON_PAGE)
    except ValueError as fault:
        raise NetworkError(
            "the server sent no list of models",
            hint="a proxy or login page may answer for the Hub; check HF_ENDPOINT and the network",
        ) from fault
    except OverflowError as fault:
        raise _endless(f"has more than {MAX_ON_PAGE} models on a page") from fault
    return [item.id for item in listed if _is_id(item.id)]


def _is_id(name: str) -> bool:
    try:
        return parse_reference(f"{HUB_ADDRESS}models/{name}").repo_id == name
    except UsageError:
        return False


def _find_next(place: str, current: str, endpoint: str) -> str:
    """Return the next page's address, which is at the endpoint.

    A mirror hands on the Hub's own, absolute addresses: of those the question alone is taken, as
    huggingface_hub does (2.4, `utils/_http.py:fix_hf_endpoint_in_url`), and of one that lacks the
    endpoint's path. Raises NetworkError for one that leads to another host, or is none: the list
    would end early.
    """
    here, own = parse_address(current), f"{endpoint}{_MODELS}"
    try:
        there = follow_address(here, place)
        path, mark, query = there.target.partition("?")
        if there.origin == here.origin and f"{there.place}{path}" != own and path == _MODELS:
            return f"{own}{mark}{query}"
        if there.origin != here.origin:
            hosts = {parse_address(one).host for one in list_hub_endpoints()}
            if there.host not in hosts or path != _MODELS or holds_secret(place.encode()):
                raise AddressError("another host")
            return f"{own}{mark}{query}"
    except AddressError as fault:
        raise NetworkError(
            f"the next page of the list of models is said to be at {fault}",
            hint="a proxy or mirror sends famtree elsewhere; check HF_ENDPOINT",
        ) from fault
    return str(there)


def _endless(told: str) -> NetworkError:
    return NetworkError(
        f"the list of models {told}, so that it cannot be read to its end",
        hint="check HF_ENDPOINT; --limit, where there is one, asks for fewer",
    )
