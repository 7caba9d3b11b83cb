from __future__ import annotations

import json
import time
from collections.abc import Callable
from itertools import count
from typing import Any

import pytest

from famtree.errors import NetworkError, OfflineError
from famtree.sources import hub_models
from famtree.sources.hub_models import walk_models
from hub import endpoints
from hub.endpoints import Reply
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


Linked = Callable[[Callable[[int], tuple[str, list[Any]]]], None]


@pytest.fixture
def linked(hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> Linked:
    """Make the Hub answer its nth request with a `Link` and models of the test's own."""

    def install(page: Callable[[int], tuple[str, list[Any]]]) -> None:
        numbers = count()

        def answer(*_: Any) -> Reply:
            link, models = page(next(numbers))
            return Reply(200, {"Link": link} if link else {}, json.dumps(models).encode())

        monkeypatch.setattr(endpoints, "serve_hub", answer)

    return install


def models_of(number: int) -> list[Any]:
    return [{"id": f"org/model-{number}-{index}"} for index in range(3)]


@pytest.mark.parametrize(
    ("link", "told"),
    [
        ('<http://127.0.0.2:1/api/models?cursor=2>; rel="next"', "another host"),
        ('<https://127.0.0.1/api/models?cursor=2>; rel="next"', "another host"),
        ('<//127.0.0.2/api/models?cursor=2>; rel="next"', "another host"),
        ('<http://[/api/models>; rel="next"', "without a valid host"),
    ],
)
def test_a_list_that_goes_on_elsewhere_is_not_cut_in_silence(
    linked: Linked, link: str, told: str
) -> None:
    linked(lambda number: (link, models_of(number)))
    with pytest.raises(NetworkError, match=told):
        list(walk_models(author="org"))
    assert len(list(walk_models(author="org", limit=3))) == 3, "enough without another page"


@pytest.mark.parametrize("link", ['</x>; rel="prev"', "", "nonsense"])
def test_other_links_end_the_list(linked: Linked, link: str) -> None:
    linked(lambda number: (link, models_of(number)))
    assert len(list(walk_models(author="org"))) == 3


@pytest.mark.parametrize(
    "page",
    [
        lambda _: ('</api/models>; rel="next"', models_of(0)),
        lambda n: (f'</api/models?cursor={n % 3}>; rel="next"', models_of(n)),
        lambda n: (f'</api/models?cursor={n}>; rel="next"', models_of(0)),
        lambda n: (f'</api/models?cursor={n}>; rel="next"', models_of(n % 5)),
        lambda n: (f'</api/models?cursor={n}>; rel="next"', []),
        lambda n: (f'</api/models?cursor={n}>; rel="next"', [{"id": "../.."}, n]),
    ],
)
def test_pages_in_circles_end(hub: HubServer, linked: Linked, page: Any) -> None:
    linked(page)
    with pytest.raises(NetworkError, match="repeats itself"):
        list(walk_models(author="org"))
    assert hub.seen.requests <= 8


def test_pages_without_end_end(
    hub: HubServer, linked: Linked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_models, "MAX_PAGES", 20)
    linked(lambda n: (f'</api/models?cursor={n}>; rel="next"', models_of(n)))
    found: list[str] = []
    with pytest.raises(NetworkError, match="more than 20 pages"):
        found.extend(walk_models(author="org"))
    assert hub.seen.requests == 20


def test_what_can_be_no_id_is_left_out(linked: Linked) -> None:
    """No entry of a list makes a scan look at the machine's own files."""
    odd = ["/etc", "../x", ".", "./a", "~", "a/b/c", "org/\ud800", "", "x" * 300, "hf://a/b", "a@b"]
    named: list[Any] = [{"id": one} for one in odd]
    linked(lambda _: ("", [*named, None, 3, [], {"id": 5}, {}, {"id": "org/good"}, {"id": "gpt2"}]))
    assert list(walk_models(author="org")) == ["org/good", "gpt2"]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"[" + b"{}," * 2_700_000 + b"{}]", "more than 10000 models"),
        (b"[" + b"[]," * 2_700_000 + b"1]", "more than 10000 models"),
        (b'[{"id":"' + b"x" * (9 << 20) + b'"}]', "longer than"),
        (b"[" * 200_000, "no list"),
        (b'{"id":"org/name"}', "no list"),
        (b"", "no list"),
    ],
)
def test_pages_beyond_the_bounds(
    hub: HubServer, monkeypatch: pytest.MonkeyPatch, body: bytes, told: str
) -> None:
    monkeypatch.setattr(endpoints, "serve_hub", lambda *_: Reply(200, {}, body))
    began = time.process_time()
    with pytest.raises(NetworkError, match=told):
        list(walk_models(author="org"))
    assert time.process_time() - began < 2
