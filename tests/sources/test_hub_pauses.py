"""When a server wants to be asked again, as its headers say."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from urllib3 import exceptions as urllib3
from urllib3.connection import HTTPConnection

from famtree.errors import NetworkError
from famtree.sources import connections, hub_client, hub_pauses
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


@contextmanager
def putting_off(times: int) -> Iterator[str]:
    """Serve `100 Continue` so many times before each answer; yield the address."""

    def serve() -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            with connection, suppress(OSError):
                connection.recv(1 << 16)
                for _ in range(times):
                    connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]")

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/api/models"


@pytest.mark.parametrize("proxied", [False, True])
def test_an_answer_is_not_put_off_for_ever(
    hub: HubServer, pauses: list[float], monkeypatch: pytest.MonkeyPatch, proxied: bool
) -> None:
    client = hub_client.HubClient()
    with putting_off(3) as url:
        assert client.get(url, stop=10, what="models").body == b"[]"
    with putting_off(2_000) as url:
        if proxied:
            monkeypatch.delenv("NO_PROXY")
            monkeypatch.setenv("HTTP_PROXY", url.removesuffix("/api/models"))
            connections.CONNECTIONS.close()
            url = "http://hub.invalid/api/models"
        with pytest.raises(NetworkError, match="broke off"):
            client.get(url, stop=10, what="models")
    assert len(pauses) == hub_client.MAX_TRIES - 1


@pytest.mark.parametrize(
    ("cause", "tries"),
    [
        (urllib3.NewConnectionError(HTTPConnection("proxy"), "refused"), 2),
        (urllib3.ConnectTimeoutError("no answer"), 5),
        (ConnectionResetError("hung up"), 5),
        (OSError("Tunnel connection failed: 407 Proxy Authentication Required"), 1),
    ],
)
def test_the_way_to_a_proxy_fails_as_any_other(cause: Exception, tries: int) -> None:
    faults: list[Exception] = [urllib3.ProxyError("no way", cause)]
    if not isinstance(cause, OSError):
        faults.append(cause)
    for fault in faults:
        asked = [hub_pauses.pause_after(fault, attempt) is not None for attempt in range(1, 5)]
        assert asked == [attempt < tries for attempt in range(1, 5)]
