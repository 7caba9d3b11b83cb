"""Models that name a repository as their base, as the Hub lists them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from famtree.errors import NetworkError
from famtree.sources.hub_client import HubClient
from famtree.types.checkpoint import Cost

PAGE = 1000
"""Models a page, the most that the Hub sends."""
MAX_PAGES = 3
MAX_PAGE_BYTES = 4 << 20
_NEXT = re.compile(r'<([^>]+)>\s*;\s*rel="next"')


@dataclass(frozen=True, slots=True)
class Children:
    """Models of one relation to a repository, most downloaded first."""

    names: tuple[str, ...]
    complete: bool
    """False where the Hub has more than were read."""
    cost: Cost


def list_models(repo_id: str, relation: str) -> Children:
    """Return the models whose tag is `base_model:<relation>:<repo_id>`.

    `relation` is a word of the Hub's own: adapter, finetune, merge or quantized. Raises
    NetworkError and AccessError.
    """
    client = HubClient()
    tag = quote(f"base_model:{relation}:{repo_id}", safe="")
    url = (
        f"{client.endpoint}/api/models?filter={tag}&limit={PAGE}&sort=downloads&direction=-1"
        "&expand=createdAt"  # the least that a model can be described by
    )
    names: list[str] = []
    for _ in range(MAX_PAGES):
        answer = client.get(url, stop=MAX_PAGE_BYTES, what=f"the children of {repo_id}")
        names += _read_names(answer.body, repo_id)
        following = _NEXT.search(answer.headers.get("link", ""))
        if following is None or not _same_host(following[1], client.endpoint):
            return Children(tuple(names), following is None, _cost(client))
        url = following[1]
    return Children(tuple(names), False, _cost(client))


def _cost(client: HubClient) -> Cost:
    return Cost(client.requests, client.bytes)


def _read_names(data: bytes, repo_id: str) -> list[str]:
    try:
        found = json.loads(data)
    except (ValueError, RecursionError) as fault:
        raise NetworkError(
            f"the list of children of {repo_id} is no valid JSON",
            hint="a proxy or login page may answer for the Hub; check HF_ENDPOINT and the network",
        ) from fault
    items = found[:PAGE] if isinstance(found, list) else []
    named = [item.get("id") for item in items if isinstance(item, dict)]
    return [name for name in named if isinstance(name, str) and 0 < len(name) <= 200]


def _same_host(url: str, endpoint: str) -> bool:
    return urlsplit(url)[:2] == urlsplit(endpoint)[:2]
