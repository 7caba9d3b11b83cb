"""When a server wants to be asked again, as its headers say."""

from __future__ import annotations

from typing import Any

import pytest

from famtree.errors import NetworkError
from famtree.sources import hub_client, hub_pauses
from hub import endpoints
from hub.server import HubServer


def test_rate_limit_headers() -> None:
    assert hub_pauses.retry_after({"ratelimit": '"api";r=0;t=55'}) == 55
    assert hub_pauses.retry_after({"ratelimit": '"api";r=10;t=55', "retry-after": "3"}) == 3
    assert hub_pauses.retry_after({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}) == 0
    assert hub_pauses.retry_after({"retry-after": "soon"}) is None
    assert hub_pauses.retry_after({"retry-after": "\xb2"}) is None, "a digit, and no number"
    assert hub_pauses.retry_after({}) is None


def test_dates_count_on_the_servers_clock() -> None:
    """This machine's clock may be years off."""
    told = {"retry-after": "Wed, 21 Oct 2099 07:28:05 GMT", "date": "Wed, 21 Oct 2099 07:28:00 GMT"}
    assert hub_pauses.retry_after(told) == 5
    assert (hub_pauses.retry_after(told | {"date": "never"}) or 0) > 1e9
    for odd in ("Fri, 31 Dec 9999 23:59:59 -2359", "Fri, 31 Dec 0 00:00:00", "9" * 400):
        hub_pauses.retry_after({"retry-after": odd})


@pytest.mark.parametrize("asked", ["0", "0.0", "-1", "Wed, 21 Oct 2015 07:28:00 GMT", "1"])
def test_no_server_makes_us_ask_without_end(
    hub: HubServer, pauses: list[float], asked: str
) -> None:
    hub.faults.retry_after = asked
    hub.faults.statuses.extend([429] * 10_000)
    with pytest.raises(NetworkError, match="rate limit"):
        hub_client.HubClient().get(f"{hub.url}/api/models", stop=1 << 20, what="models")
    assert hub.seen.requests <= 7
    assert sum(pauses) <= hub_client.MAX_PAUSE
    hub.seen.clear()
    pauses.clear()
    client = hub_client.HubClient(patience=hub_pauses.PATIENCE)
    with pytest.raises(NetworkError, match="rate limit"):
        client.get(f"{hub.url}/api/models", stop=1 << 20, what="models")
    assert hub.seen.requests <= 40
    assert sum(pauses) <= hub_pauses.PATIENCE


@pytest.mark.parametrize("seconds", ["999999", "29", "7"])
def test_limits_on_good_answers_take_no_more_than_patience(
    hub: HubServer, pauses: list[float], monkeypatch: pytest.MonkeyPatch, seconds: str
) -> None:
    """One that is longer is left to the server to enforce, by a 429."""
    serve = endpoints.serve_hub

    def limit(*call: Any) -> endpoints.Reply:
        reply = serve(*call)
        reply.headers["RateLimit"] = f'"api";r=0;t={seconds}'
        return reply

    monkeypatch.setattr(endpoints, "serve_hub", limit)
    client = hub_client.HubClient()
    for _ in range(20):
        client.get(f"{hub.url}/api/models", stop=1 << 20, what="models")
    assert sum(pauses) <= hub_client.MAX_PAUSE
    assert set(pauses) == set() if seconds == "999999" else {float(seconds)}


def test_an_answer_beyond_the_bound_is_told(hub: HubServer) -> None:
    with pytest.raises(NetworkError, match="longer than the 1 bytes"):
        hub_client.HubClient().get(f"{hub.url}/api/models", stop=1, what="models")
