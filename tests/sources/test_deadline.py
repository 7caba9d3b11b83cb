"""All fetching ends at the moment that was set, whatever the server does."""

from __future__ import annotations

import time

import pytest

from famtree.errors import DeadlineError, NetworkError
from famtree.sources import hub_client
from famtree.sources.hub import HubSource
from famtree.sources.hub_access import OWN
from famtree.sources.reference import parse_reference
from famtree.types.checkpoint import Missing
from hub.server import HubServer

CONFIG = b'{"model_type": "x"}'


@pytest.fixture(autouse=True)
def _repo(hub: HubServer, pauses: list[float]) -> None:
    hub.add("org/name", {"config.json": CONFIG})


def within(seconds: float, name: str = "config.json") -> dict[str, bytes | Missing]:
    source = HubSource(parse_reference("org/name"), access=OWN.until(seconds))
    return source.read_wave([name], {}, limit=1 << 20)


@pytest.mark.parametrize("fault", ["drip", "slow_headers", "latency"])
def test_a_deadline_holds_whatever_the_server_does(hub: HubServer, fault: str) -> None:
    """Every phase of these is quick; only all of them together take long."""
    setattr(hub.faults, fault, 0.3)
    hub.faults.only = "" if fault == "latency" else "resolve-cache"
    started = time.monotonic()
    with pytest.raises(DeadlineError, match=r"within the 0\.5 seconds") as caught:
        within(0.5)
    assert time.monotonic() - started < 1.5, "0.5, on a busy machine"
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
