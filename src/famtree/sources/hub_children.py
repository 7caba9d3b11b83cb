"""Models that name a repository as their base, as the Hub lists them."""

from __future__ import annotations

from itertools import islice

from msgspec import Struct

from famtree.sources.hub_access import OWN, HubAccess
from famtree.sources.hub_client import HubClient
from famtree.sources.hub_models import walk_pages
from famtree.types.checkpoint import Cost

MAX_PAGES = 3


class Children(Struct, frozen=True):
    """Models of one relation to a repository, most downloaded first."""

    names: tuple[str, ...]
    complete: bool
    """False where the Hub has more than were read."""
    cost: Cost


def list_models(repo_id: str, relation: str, access: HubAccess = OWN) -> Children:
    """Return the models whose tag is `base_model:<relation>:<repo_id>`.

    `relation` is a word of the Hub's own: adapter, finetune, merge or quantized. Raises
    NetworkError, AccessError and DeadlineError.
    """
    client = HubClient(access=access)
    tag = f"base_model:{relation}:{repo_id}"
    query = [("filter", tag), ("sort", "downloads"), ("direction", "-1")]
    pages = list(islice(walk_pages(client, query), MAX_PAGES))
    names = tuple(name for page, _ in pages for name in page)
    more = pages[-1][1]
    return Children(names, not more, Cost(client.requests, client.bytes))
