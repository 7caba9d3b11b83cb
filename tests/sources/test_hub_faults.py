"""What the Hub refuses, and what goes wrong on the way."""

from __future__ import annotations

import io
import socket
from pathlib import Path

import pytest
from urllib3 import HTTPResponse

from famtree.errors import (
    AccessError,
    FamtreeError,
    FetchError,
    NetworkError,
    NotFoundError,
    UsageError,
)
from famtree.sources import connections, hub_answer, hub_client, hub_pauses
from famtree.sources.addresses import Address, parse_address
from famtree.sources.hub import HubSource
from famtree.sources.hub_access import HubAccess
from famtree.sources.hub_redirects import find_next
from famtree.sources.reference import parse_reference
from famtree.types.checkpoint import Missing
from hub import endpoints
from hub.repository import HubFile, make_sparse
from hub.server import Faults, HubServer

CONFIG = b'{"model_type": "x"}'
SPREAD = hub_pauses._spread
FILES: dict[str, bytes | HubFile] = {
    "config.json": CONFIG,
    "tokenizer.model": b"sentencepiece" * 1000,
    "model.safetensors": make_sparse("model.safetensors", 1 << 32, b"prefix" * 10),
}


@pytest.fixture(autouse=True)
def _repo(hub: HubServer, pauses: list[float]) -> None:
    hub.add("org/name", FILES)


def read(text: str = "org/name", *names: str) -> dict[str, bytes | Missing]:
    source = HubSource(parse_reference(text))
    return source.read_wave(names or ["config.json"], {}, limit=1 << 20)


def fails(kind: type[FamtreeError], text: str = "org/name", *names: str) -> FamtreeError:
    with pytest.raises(FamtreeError) as caught:
        read(text, *names)
    assert type(caught.value) is kind, repr(caught.value)
    assert caught.value.hint
    assert caught.value.exit_code == (3 if issubclass(kind, FetchError) else 2)
    return caught.value


def test_absent_or_private(hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    words = "does not exist, or is private and needs a token (HF_TOKEN / hf auth login)"
    assert words in fails(NotFoundError, "org/absent").message
    hub.add("org/secret", FILES, private=True)
    assert words in fails(NotFoundError, "org/secret").message
    hub.tokens = {"hf_other": set(), "hf_good": {"org/secret"}}
    monkeypatch.setenv("HF_TOKEN", "hf_other")
    assert words in fails(NotFoundError, "org/secret").message
    monkeypatch.setenv("HF_TOKEN", "hf_good")
    assert read("org/secret") == {"config.json": CONFIG}


def test_bad_token(hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_wrong")
    fault = fails(AccessError)
    assert "token was not accepted" in fault.message
    assert "hf_wrong" not in fault.message + fault.hint


@pytest.mark.parametrize("token", [None, "hf_other"])
def test_gated(hub: HubServer, monkeypatch: pytest.MonkeyPatch, token: str | None) -> None:
    hub.add("org/gated", FILES, gated="manual")
    hub.tokens = {"hf_other": set(), "hf_good": {"org/gated"}}
    if token:
        monkeypatch.setenv("HF_TOKEN", token)
    assert HubSource(parse_reference("org/gated")).list_files().gated
    fault = fails(AccessError, "org/gated")
    assert f"{hub.url}/org/gated" in fault.hint
    assert "gated" in fault.message
    monkeypatch.setenv("HF_TOKEN", "hf_good")
    assert read("org/gated") == {"config.json": CONFIG}


def test_gated_repository_that_hides_its_files(hub: HubServer) -> None:
    hub.add("org/gated", FILES, gated="auto")
    hub.faults.statuses.append(404)
    hub.faults.only = "resolve"
    fails(AccessError, "org/gated")


def test_disabled(hub: HubServer) -> None:
    hub.add("org/off", FILES, disabled=True)
    assert "disabled" in fails(AccessError, "org/off").message


def test_revision(hub: HubServer) -> None:
    fault = fails(NotFoundError, "org/name@nowhere")
    assert fault.message == "org/name@nowhere has no such revision"
    fails(NotFoundError, "org/name@" + "0" * 40)


def test_listed_file_that_is_not_served(hub: HubServer) -> None:
    source = HubSource(parse_reference("org/name"))
    listing = source.list_files()
    assert listing.revision is not None
    del hub.repositories["org/name"].commits[listing.revision]["config.json"]
    with pytest.raises(NetworkError, match=r"config.json is listed, but .* does not serve it"):
        source.read_wave(["config.json"], {}, limit=99)


def test_repository_that_became_private_since(hub: HubServer) -> None:
    commit = hub.repositories["org/name"].refs["main"]
    read()
    hub.repositories["org/name"].private = True
    fails(NotFoundError, f"org/name@{commit}", "tokenizer.model")


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504, 408])
def test_passing_failures_are_tried_again(hub: HubServer, pauses: list[float], status: int) -> None:
    hub.faults.statuses.extend([status] * 3)
    assert read() == {"config.json": CONFIG}
    assert pauses == [0.5, 1.0, 2.0]


def test_lasting_failures_end(hub: HubServer, pauses: list[float]) -> None:
    hub.faults.statuses.extend([503] * 99)
    assert "503" in fails(NetworkError).message
    assert len(pauses) == 3
    assert hub.seen.requests == 4


def test_retry_after_is_honoured_in_bounds(hub: HubServer, pauses: list[float]) -> None:
    hub.faults.retry_after = "7"
    hub.faults.statuses.append(429)
    assert read() == {"config.json": CONFIG}
    assert pauses == [7.0]
    hub.faults.retry_after = "280"
    hub.faults.statuses.append(429)
    fault = fails(NetworkError, "org/name@main")
    assert "280 seconds" in fault.hint
    assert "rate limit" in fault.message
    assert pauses == [7.0], "no pause beyond the bound"


def test_one_pause_holds_for_every_request_of_its_bucket(pauses: list[float]) -> None:
    def lane(url: str, owner: str | None = None) -> hub_pauses.Lane:
        return hub_pauses.find_lane(url, owner)

    gate = hub_pauses.Gate()
    gate.close(lane("https://hub/api/models"), 5)
    assert gate.wait([lane("https://cdn/api/file")]) == 0
    assert gate.wait([lane("https://hub/org/name/resolve/main/a")]) == 0
    assert gate.wait([lane("https://hub/api/models/org/name")]) == 5
    assert gate.wait([lane("https://hub/api/other")]) == 0
    assert pauses == [5]


def test_a_pause_of_one_user_is_not_another_s(pauses: list[float]) -> None:
    gate = hub_pauses.Gate()
    url = "https://hub/api/models"
    gate.close(hub_pauses.find_lane(url, "alice"), 5)
    assert gate.wait([hub_pauses.find_lane(url, None)]) == 0
    assert gate.wait([hub_pauses.find_lane(url, "bob")]) == 0
    assert gate.wait([hub_pauses.find_lane(url, "alice")]) == 5


def test_ranges_leave_their_connection_to_the_next(hub: HubServer) -> None:
    source = HubSource(parse_reference("org/name"))
    for start in range(0, 400, 100):
        source.read_ranges({"model.safetensors": (start, start + 50)})
    assert len(hub.seen.all) == 6  # a listing, a redirect, four ranges
    assert sorted(hub.seen.connections) == ["cdn", "hub"]


def test_patience_outlasts_a_storm(hub: HubServer, pauses: list[float]) -> None:
    hub.faults.retry_after = "60"
    hub.faults.statuses.extend([429] * 8)
    client = hub_client.HubClient(patience=600)
    assert client.get(f"{hub.url}/api/models", stop=1 << 20, what="models").status == 200
    assert sum(pauses) == 480


def test_pauses_are_spread() -> None:
    drawn = {SPREAD() for _ in range(20)}
    assert len(drawn) > 1
    assert all(1.0 <= one <= 1.25 for one in drawn)


def test_client_errors_are_not_tried_again(hub: HubServer, pauses: list[float]) -> None:
    hub.faults.statuses.append(418)
    fails(NetworkError)
    hub.faults.statuses.extend([400] * 4)  # each form of the question
    assert "malformed" in fails(NetworkError).message, "the request was famtree's, not the user's"
    assert pauses == []


@pytest.mark.parametrize("name", ["config.json", "tokenizer.model"])
@pytest.mark.parametrize("fault", ["truncate", "corrupt", "html_page", "reset"])
def test_broken_answers_are_never_cached(hub: HubServer, fault: str, name: str) -> None:
    hub.faults.only = "resolve-cache|xet"
    setattr(hub.faults, fault, 5 if fault == "truncate" else True)
    found = fails(NetworkError, "org/name", name)
    assert name in found.message
    if fault == "html_page":
        assert "HTML page" in found.message
    setattr(hub.faults, fault, None if fault == "truncate" else False)
    assert read("org/name", name) == {name: FILES[name]}


def test_broken_listings(hub: HubServer) -> None:
    hub.faults.html_page = True
    assert "HTML page" in fails(NetworkError).message
    hub.faults.html_page = False
    hub.faults.truncate = 20
    fails(NetworkError)
    hub.faults.truncate = None
    assert read() == {"config.json": CONFIG}


def test_proxy_that_ignores_ranges(hub: HubServer) -> None:
    hub.faults.ignore_range = True
    source = HubSource(parse_reference("org/name"))
    found = source.read_wave([], {"model.safetensors": 12}, limit=0)
    assert found == {"model.safetensors": b"prefixprefix"}
    assert source.read_ranges({"model.safetensors": (6, 20)}) == {
        "model.safetensors": (b"prefix" * 10)[6:20]
    }
    assert source.cost.bytes < 1 << 20, "of 4 GB"
    with pytest.raises(NetworkError, match="ignores byte ranges"):
        source.read_ranges({"model.safetensors": (1 << 31, (1 << 31) + 8)})


def test_proxy_that_answers_with_another_range(hub: HubServer) -> None:
    hub.faults.wrong_range = True
    with pytest.raises(NetworkError, match="another range"):
        HubSource(parse_reference("org/name")).read_wave([], {"model.safetensors": 12}, limit=0)


def test_html_page_in_place_of_a_range(hub: HubServer) -> None:
    hub.faults.only, hub.faults.html_page = "xet", True
    with pytest.raises(NetworkError, match="HTML page"):
        HubSource(parse_reference("org/name")).read_wave([], {"model.safetensors": 12}, limit=0)


def test_truncated_range(hub: HubServer) -> None:
    hub.faults.only, hub.faults.truncate = "xet", 5
    with pytest.raises(NetworkError):
        HubSource(parse_reference("org/name")).read_wave([], {"model.safetensors": 12}, limit=0)


def test_slow_server_times_out(hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_DOWNLOAD_TIMEOUT", 0.05)
    hub.faults.slow_body = 0.5
    fault = fails(NetworkError)
    assert "HF_HUB_DOWNLOAD_TIMEOUT" in fault.hint


def test_nobody_there(monkeypatch: pytest.MonkeyPatch, pauses: list[float]) -> None:
    from huggingface_hub import constants

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        closed = f"http://127.0.0.1:{probe.getsockname()[1]}"
        monkeypatch.setattr(constants, "ENDPOINT", closed)
        assert "no connection" in fails(NetworkError).message
    assert len(pauses) == 1


def test_unknown_host(monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    def fail(*_: object, **__: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(constants, "ENDPOINT", "http://hub.invalid")
    monkeypatch.setattr(socket, "getaddrinfo", fail)
    assert "host name could not be resolved" in fails(NetworkError).message


@pytest.mark.parametrize("endpoint", ["ftp://host", "http://host:port", "nonsense"])
def test_bad_endpoint(monkeypatch: pytest.MonkeyPatch, endpoint: str) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "ENDPOINT", endpoint)
    with pytest.raises(FamtreeError) as caught:
        read()
    assert type(caught.value) is UsageError
    assert "HF_ENDPOINT" in caught.value.message


def test_of_several_failures_the_first_name_is_told(hub: HubServer) -> None:
    hub.faults.only, hub.faults.corrupt = "resolve-cache|xet", True
    fault = fails(NetworkError, "org/name", "tokenizer.model", "config.json")
    assert "config.json" in fault.message


def test_damaged_cache_entries_are_fetched_again(hub: HubServer, tmp_path: Path) -> None:
    def entries() -> list[Path]:
        return sorted(path for path in (tmp_path / "hf" / "famtree").rglob("*") if path.is_file())

    source = HubSource(parse_reference("org/name"))
    first = source.read_wave(["config.json"], {"model.safetensors": 12}, limit=99)
    assert len(entries()) == 4, "listing, ref, whole file, span"
    for damage in (lambda data: data[:-1], lambda data: data[:-1] + b"!", lambda _: b""):
        for path in entries():
            path.write_bytes(damage(path.read_bytes()))
        source = HubSource(parse_reference("org/name"))
        assert source.read_wave(["config.json"], {"model.safetensors": 12}, limit=99) == first
        assert source.cost.requests == 3
    assert not [path for path in entries() if path.name.startswith(".new-")]


@pytest.mark.parametrize("text", ["bytes \xb2-5/9", "bytes -5/9", "bytes " + "9" * 5000 + "-/1"])
def test_a_range_without_a_number(text: str) -> None:
    with pytest.raises(NetworkError, match="without saying which"):
        hub_answer.parse_content_range(text, "http://hub/file")


def test_lengths_that_are_not_true(hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    # Bytes that never come are waited for.
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DOWNLOAD_TIMEOUT", 1)
    hub.faults.only = "resolve-cache|xet"
    for off in (-3, 3):
        hub.faults.length_off = off
        for name in ("config.json", "tokenizer.model"):
            assert name in fails(NetworkError, "org/name", name).message


@pytest.mark.parametrize("target", ["file:///etc/hostname", "ftp://host/x", "//[", "data:,x"])
def test_redirects_to_what_is_no_web_address(hub: HubServer, target: str) -> None:
    hub.faults.only, hub.faults.redirect = "resolve-cache", target
    fails(NetworkError)


def test_redirects_in_circles(hub: HubServer) -> None:
    hub.faults.only, hub.faults.redirect = "resolve-cache", "loop"
    assert "in circles" in fails(NetworkError).message
    assert hub.seen.with_redirects < 10


def test_an_encrypted_address_is_never_left_for_a_plain_one() -> None:
    def follow(here: str, place: str) -> str:
        return str(find_next(parse_address(here), place))

    assert follow("https://hub/a", "https://cdn/b?c=%2Fd~") == "https://cdn/b?c=%2Fd~"
    assert follow("http://hub/a", "/b") == "http://hub/b"
    with pytest.raises(NetworkError, match="https://hub/a redirects to http, from https") as caught:
        follow("https://hub/a?token=x", "http://hub/b")
    assert "token" not in caught.value.message


def test_a_token_stays_with_the_very_endpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even the same host's encrypted address is given it."""
    seen: list[tuple[str, str | None]] = []

    def send(address: Address, headers: dict[str, str], *_: object) -> HTTPResponse:
        seen.append((str(address), headers.get("authorization")))
        if address.scheme == "http":
            return HTTPResponse(b"", {"location": "https://hub/file"}, 302, preload_content=False)
        return HTTPResponse(io.BytesIO(b"data"), {}, 200, preload_content=False)

    monkeypatch.setattr(connections.CONNECTIONS, "send", send)
    client = hub_client.HubClient(access=HubAccess("http://hub", "hf_secret"))
    assert client.get("http://hub/file", stop=99, what="file").body == b"data"
    assert seen == [("http://hub/file", "Bearer hf_secret"), ("https://hub/file", None)]


def test_pages_of_unknown_length_in_place_of_a_range(
    hub: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy's page is longer than the range, and nothing says how long."""

    def chunked(*_: object) -> endpoints.Reply:
        page = b"20\r\n" + b"x" * 32 + b"\r\n0\r\n\r\n"
        return endpoints.Reply(200, {"Transfer-Encoding": "chunked"}, page)

    monkeypatch.setattr(endpoints, "serve_cdn", chunked)
    with pytest.raises(NetworkError, match="size or hash"):
        HubSource(parse_reference("org/name")).read_wave([], {"model.safetensors": 12}, limit=0)


def test_pages_in_place_of_files_without_a_listed_hash(hub: HubServer) -> None:
    hub.faults.no_blobs = True
    hub.choose = lambda path: None if path.startswith("/api/models") else Faults(html_page=True)
    for name in ("config.json", "model.safetensors"):
        assert "HTML page" in fails(NetworkError, "org/name", name).message
    hub.choose = None
    assert read() == {"config.json": CONFIG}
