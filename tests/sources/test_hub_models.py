from __future__ import annotations

from typing import Any

import pytest

from famtree.errors import NetworkError, OfflineError
from famtree.sources import hub_models
from famtree.sources.hub_models import walk_models
from hub.server import HubServer


@pytest.fixture
def models(hub: HubServer) -> HubServer:
    for number in range(7):
        tags = ["gguf"] if number % 2 else []
        hub.add(f"org/model-{number}", {"config.json": b"{}"}, tags=tags)
    hub.add("other/model", {"config.json": b"{}"}, tags=["gguf"])
    return hub


def test_pages_are_followed(models: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_models, "PAGE", 3)
    assert list(walk_models(author="org")) == [f"org/model-{number}" for number in range(7)]
    assert models.seen.requests == 3


def test_no_page_is_fetched_before_it_is_needed(
    models: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_models, "PAGE", 2)
    walked = walk_models(author="org")
    assert [next(walked), next(walked)] == ["org/model-0", "org/model-1"]
    assert models.seen.requests == 1
    assert list(walk_models(author="org", limit=3)) == [f"org/model-{n}" for n in range(3)]


def test_filters_narrow(models: HubServer) -> None:
    assert list(walk_models(filters=["gguf"], author="other")) == ["other/model"]
    assert list(walk_models(search="model-3")) == ["org/model-3"]


def test_offline_and_strange_answers(models: HubServer) -> None:
    with pytest.raises(OfflineError, match="offline mode"):
        next(walk_models(author="org", offline=True))
    models.faults.html_page = True
    with pytest.raises(NetworkError, match="no list of models"):
        next(walk_models(author="org"))


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        ('<http://h/api/models?cursor=2>; rel="next"', "http://h/api/models?cursor=2"),
        ("</api/models?cursor=2>; rel=next", "http://h/api/models?cursor=2"),
        ('<http://evil/api/models?cursor=2>; rel="next"', NetworkError),
        ('<http://h/api/models>; rel="next"', None),
        ('<http://h/x>; rel="prev"', None),
        ("", None),
    ],
)
def test_next_page_stays_on_the_host(link: str, expected: Any) -> None:
    found = hub_models._NEXT.search(link)
    if expected is NetworkError:
        with pytest.raises(NetworkError, match="another host"):
            hub_models._find_next(found[1] if found else "", "http://h/api/models")
    else:
        assert (
            hub_models._find_next(found[1], "http://h/api/models") if found else None
        ) == expected
