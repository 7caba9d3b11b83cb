"""All fetching ends at the moment that was set, whatever the server does."""

from __future__ import annotations

import threading
import time

import pytest

from famtree.errors import DeadlineError, NetworkError
from famtree.sources import hub_client
from famtree.sources.hub import HubSource
from famtree.sources.hub_access import OWN
from famtree.sources.reference import parse_reference
from famtree.types.checkpoint import Missing
from hub.repository import HubFile
from hub.server import HubServer

CONFIG = b'{"model_type": "x"}'
FILES: dict[str, bytes | HubFile] = {
    "config.json": CONFIG,
    "tokenizer.model": b"sentencepiece" * 1000,
}


@pytest.fixture(autouse=True)
def _repo(hub: HubServer, pauses: list[float]) -> None:
    hub.add("org/name", FILES)


def within(seconds: float, name: str = "config.json") -> dict[str, bytes | Missing]:
    source = HubSource(parse_reference("org/name"), access=OWN.until(seconds))
    return source.read_wave([name], {}, limit=1 << 20)


@pytest.mark.parametrize(
    ("fault", "seconds"), [("drip", 0.15), ("slow_headers", 0.1), ("latency", 1.5)]
)
def test_a_deadline_holds_whatever_the_server_does(
    hub: HubServer, fault: str, seconds: float
) -> None:
    """Every phase of the first two is quick; only all of them together take long."""
    setattr(hub.faults, fault, seconds)
    hub.faults.only = "xet"
    with pytest.raises(DeadlineError, match="within the 1 seconds") as caught:
        within(1.0, "tokenizer.model")
    assert (caught.value.code, caught.value.exit_code) == ("timeout", 3)
    assert "--timeout" in caught.value.hint
    setattr(hub.faults, fault, 0.0)
    assert within(60.0) == {"config.json": CONFIG}


def test_a_deadline_ends_pauses_too(hub: HubServer, pauses: list[float]) -> None:
    hub.faults.retry_after = "20"
    hub.faults.statuses.append(429)
    with pytest.raises(NetworkError, match="rate limit"):
        within(10.0)
    assert pauses == []


def test_without_a_deadline_a_try_ends_as_well(
    hub: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_client, "MAX_SECONDS", 0.3)
    hub.faults.only, hub.faults.slow_headers = "resolve-cache", 0.1
    with pytest.raises(NetworkError, match="takes too long"):
        within(60.0)


@pytest.mark.parametrize("fault", ["drip", "slow_headers"])
@pytest.mark.parametrize("limit", ["own", "deadline"])
def test_what_is_given_up_leaves_its_place_to_others(
    hub: HubServer, monkeypatch: pytest.MonkeyPatch, fault: str, limit: str
) -> None:
    """Not when the server is done, which is in more than four seconds here, but at once."""
    places = threading.BoundedSemaphore(1)
    monkeypatch.setattr(hub_client, "_slots", places)
    if limit == "own":
        monkeypatch.setattr(hub_client, "MAX_SECONDS", 0.5)
    hub.faults.only = "tokenizer.model" if fault == "slow_headers" else "xet"
    setattr(hub.faults, fault, 0.3)
    with pytest.raises((NetworkError, DeadlineError)):
        within(1.0 if limit == "deadline" else 60.0, "tokenizer.model")
    asked = hub.seen.requests
    assert places.acquire(timeout=2)
    places.release()
    time.sleep(0.3)
    assert hub.seen.requests == asked  # nor is it tried again
    setattr(hub.faults, fault, 0.0)
    assert within(60.0) == {"config.json": CONFIG}
