"""What the Hub, and servers that stand for it, were recorded to answer: each form, end to end."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from huggingface_hub import set_client_factory
from huggingface_hub.utils import _http as library

from famtree.errors import AccessError, NetworkError, NotFoundError
from famtree.sources.addresses import parse_address
from famtree.sources.hub import HubSource
from famtree.sources.hub_access import HubAccess
from famtree.sources.hub_client import MAX_PAUSE, HubClient
from famtree.sources.hub_headers import HubHeaders
from famtree.sources.hub_models import walk_models
from famtree.sources.hub_pauses import PATIENCE, Gate, find_lane, read_limits
from famtree.sources.reference import parse_reference
from famtree.types.checkpoint import Missing
from hub.fixture import point_at
from hub.repository import HubFile, make_file
from hub.server import Faults, HubServer

CONFIG = b'{"model_type": "x"}'
FILES: dict[str, bytes | HubFile] = {
    "config.json": CONFIG,
    "tokenizer.model": b"sentencepiece" * 1000,
    "model.safetensors": make_file("model.safetensors", b"prefix" * 4000),
}
TOKEN = "hf_" + "S3cret" * 5


@pytest.fixture(autouse=True)
def _repository(hub: HubServer, pauses: list[float]) -> None:
    hub.add("org/name", FILES)


def read(
    text: str = "org/name", *, access: HubAccess | None = None, **options: Any
) -> dict[str, bytes | Missing]:
    source = HubSource(parse_reference(text), access=access or HubAccess(), **options)
    return source.read_wave(
        ["config.json", "tokenizer.model"], {"model.safetensors": 9}, limit=1 << 20
    )


WHOLE = {
    "config.json": CONFIG,
    "tokenizer.model": FILES["tokenizer.model"],
    "model.safetensors": b"prefixpre",
}


# Limits.


def test_a_limit_without_a_time_is_waited_out(hub: HubServer, pauses: list[float]) -> None:
    """CloudFront's 429 has neither Retry-After nor RateLimit."""
    hub.faults.statuses.extend([429] * 60)
    assert read(patience=PATIENCE) == WHOLE
    assert pauses == [0.5, 1.0, 2.0, 4.0, *[8.0] * 56]


def test_without_patience_a_limit_without_a_time_is_told(
    hub: HubServer, pauses: list[float]
) -> None:
    hub.faults.statuses.extend([429] * 99)
    with pytest.raises(NetworkError, match="rate limit"):
        read()
    assert sum(pauses) <= MAX_PAUSE
    assert hub.seen.requests < 8


def test_a_503_with_a_time_is_a_limit(hub: HubServer, pauses: list[float]) -> None:
    hub.faults.retry_after = "60"
    hub.faults.statuses.extend([503] * 8)
    assert read(patience=PATIENCE) == WHOLE
    assert sum(pauses) == 480


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ('"api";r=0;t=55', [("api", 55.0)]),
        ('"api";t=55;r=0', [("api", 55.0)]),
        ('"api"; r=0 ; t=55, "resolvers";r=12;t=40, "pages";r=0;t=7', [("api", 55), ("pages", 7)]),
        ("api;r=00;t=5", [("api", 5.0)]),
        ('"api";r=1;t=55', []),
        ('"api";r=0', []),
        ('"api";r=0;t=-5', []),
        ('"api";r=0;t=9999999', []),
        ('"api";r=\xb2;t=5', []),
        ("limit=100, remaining=0, reset=5", []),
        ("", []),
    ],
)
def test_limits_are_read_by_bucket(header: str, expected: list[tuple[str, float]]) -> None:
    assert read_limits({"ratelimit": header}) == expected


@pytest.mark.parametrize(
    ("url", "bucket"),
    [
        ("https://hub/api/models/org/name", "api"),
        ("https://hub/prefix/api/models", "api"),
        ("https://hub/org/name/resolve/main/a/api/b", "resolvers"),
        ("https://hub/api/resolve-cache/models/org/name/abc/config.json", "resolvers"),
        ("https://hub/org/name", "pages"),
    ],
)
def test_buckets_by_address(url: str, bucket: str) -> None:
    assert find_lane(url, None) == ("hub", None, bucket)
    assert find_lane(url, None, "api")[2] == "api"
    assert find_lane(url, None, "default")[2] == bucket, "a server's own word"


def test_a_limit_of_one_bucket_does_not_stall_another(hub: HubServer, pauses: list[float]) -> None:
    hub.manner.limits["api"] = '"api";r=0;t=20'
    assert read() == WHOLE
    assert pauses == [], "the one listing was answered, and files are counted apart"
    HubSource(parse_reference("org/name@main")).list_files()
    assert pauses == [20.0], "the next listing waits"


def test_a_limit_on_a_redirect_counts(hub: HubServer, pauses: list[float]) -> None:
    hub.manner.limits["resolvers"] = '"resolvers";r=0;t=12'
    source = HubSource(parse_reference("org/name"))
    assert source.read_wave([], {"model.safetensors": 9}, limit=0) == {
        "model.safetensors": b"prefixpre"
    }
    assert pauses == []
    source.read_wave(["tokenizer.model"], {}, limit=1 << 20)
    assert pauses == [12.0]


def test_what_is_left_of_another_bucket_is_no_reason(hub: HubServer, pauses: list[float]) -> None:
    """`RateLimit` comes with every answer: on a bare 429 of a file it may tell of the listing."""
    hub.manner.limits["resolvers"] = '"api";r=0;t=280'
    hub.faults.only = "/resolve/"
    hub.faults.statuses.append(429)
    source = HubSource(parse_reference("org/name"))
    source.list_files()
    assert source.read_wave(["config.json"], {}, limit=99) == {"config.json": CONFIG}
    assert pauses == [0.5]


def test_a_limit_of_the_storage_host_holds_there(hub: HubServer, pauses: list[float]) -> None:
    hub.faults.only = "^/xet/"
    hub.faults.statuses.extend([429] * 3)
    source = HubSource(parse_reference("org/name"))
    assert source.read_wave([], {"model.safetensors": 9}, limit=0)
    assert pauses == [0.5, 1.0, 2.0]
    assert sum("/api/models/" in one.path for one in hub.seen.all) == 1


def test_gates_open_by_the_clock(pauses: list[float]) -> None:
    gate, lane = Gate(), find_lane("https://hub/api/models", None)
    gate.close(lane, 3)
    gate.close(lane, 1)
    assert gate.left([lane]) == 3
    assert gate.wait([lane], most=2) == 2
    assert gate.left([lane]) == 1


# Hosts.


def test_the_hubs_own_hosts_are_those_of_huggingface_hub() -> None:
    headers = HubHeaders(HubAccess("https://mirror.example", TOKEN), "https://mirror.example")
    own = {one for one in library._HUB_ORIGINS if one[0] == "https"}
    places = [f"{scheme}://{host}:{port}/x" for scheme, host, port in own]
    assert len(places) >= 3
    for place in [*places, "https://mirror.example/x"]:
        assert headers.find(parse_address(place))["authorization"] == f"Bearer {TOKEN}", place
    for place in (
        "http://huggingface.co/x", "https://huggingface.co:8443/x", "https://cdn.hf.co/x",
        "https://huggingface.co.example/x", "http://mirror.example/x", "https://hf.co.:443/x",
    ):  # fmt: skip
        assert "authorization" not in headers.find(parse_address(place)), place


def test_a_mirror_that_hands_over_to_the_hub(
    hub: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """308 to a host of the Hub: a gated repository is read there with the token."""
    hub.add("org/gated", FILES, gated="manual")
    hub.tokens = {TOKEN: {"org/gated"}}
    with HubServer() as mirror:
        mirror.manner.moves_to = hub.url
        access = HubAccess(mirror.url, TOKEN)
        with pytest.raises(AccessError):
            read("org/gated", access=access)
        monkeypatch.setattr(HubHeaders, "_hub_hosts", frozenset({parse_address(hub.url).origin}))
        assert read("org/gated", access=access) == WHOLE


@pytest.mark.parametrize(
    "host", ["https://huggingface.co", "https://hf.co", "http://huggingface.co"]
)
def test_pages_of_a_list_are_asked_of_the_endpoint(hub: HubServer, host: str) -> None:
    for number in range(7):
        hub.add(f"acme/model-{number}", FILES)
    hub.manner.page, hub.manner.link_to = 3, host
    assert len(list(walk_models(author="acme"))) == 7
    hub.manner.link_to = "https://huggingface.co.example"
    with pytest.raises(NetworkError, match="another host"):
        list(walk_models(author="acme"))


def test_pages_below_a_path(hub: HubServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    for number in range(7):
        hub.add(f"acme/model-{number}", FILES)
    hub.manner.prefix = "/artifactory/api/hf"
    hub.manner.page, hub.manner.link_to = 3, hub.host_url
    point_at(hub, tmp_path / "home", monkeypatch)
    assert len(list(walk_models(author="acme"))) == 7


# Servers that stand for the Hub.


@pytest.mark.parametrize("reference", ["org/name", "org/name@main"])
@pytest.mark.parametrize(
    ("manner", "forms"),
    [({"strict_query": True}, 3), ({"only_revision": True}, 2),
     ({"strict_query": True, "only_revision": True}, 4)],
)  # fmt: skip
def test_other_forms_of_the_question(
    hub: HubServer, manner: dict[str, bool], forms: int, reference: str
) -> None:
    for name, value in manner.items():
        setattr(hub.manner, name, value)
    access = HubAccess()
    assert read(reference, access=access) == WHOLE
    asked = [one for one in hub.seen.all if one.path.startswith("/api/models/")]
    assert len(asked) == (
        forms if reference == "org/name" else min(2, forms) if hub.manner.strict_query else 1
    )
    hub.add("org/other", FILES)
    hub.seen.clear()
    assert read(reference.replace("name", "other"), access=access) == WHOLE
    asked = [one for one in hub.seen.all if one.path.startswith("/api/models/")]
    assert len(asked) == 1, "what the server wants is remembered"


def test_what_is_absent_stays_absent(hub: HubServer) -> None:
    hub.tokens = {TOKEN: set()}
    with pytest.raises(NotFoundError, match="does not exist, or is private"):
        read("org/absent", access=HubAccess(token=TOKEN))
    assert hub.seen.requests == 1, "the Hub's own word needs no second question"
    hub.manner.strict_query = True
    with pytest.raises(NotFoundError, match="does not exist, or is private"):
        read("org/absent")


def test_redirects_from_the_root_of_a_server_with_a_path(
    hub: HubServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    hub.manner.prefix = "/repository/hf"
    point_at(hub, tmp_path / "home", monkeypatch)
    access = HubAccess()
    assert read(access=access) == WHOLE
    hub.add("org/other", FILES)
    hub.seen.clear()
    read("org/other", access=access)
    assert 404 not in [one.status for one in hub.seen.all], "remembered"


@pytest.mark.parametrize("lfs", ["oid", "empty", "null"])
def test_large_files_that_a_listing_describes_otherwise(hub: HubServer, lfs: str) -> None:
    hub.manner.lfs = lfs
    assert read() == WHOLE
    hub.faults.only, hub.faults.corrupt = "^/xet/", True
    hub.add("org/name", {"tokenizer.model": b"other" * 99})
    with pytest.raises(NetworkError, match="size or hash"):
        HubSource(parse_reference("org/name")).read_wave(["tokenizer.model"], {}, limit=9999)


def test_ranges_of_files_whose_size_is_not_listed(hub: HubServer) -> None:
    """Of an empty file no range can be had, and that is what a server says of it (416)."""
    hub.add("org/name", {"README.md": b"", "config.json": CONFIG})
    hub.faults.no_blobs = True
    source = HubSource(parse_reference("org/name"))
    found = source.read_wave([], {"README.md": 64, "config.json": 64}, limit=0)
    assert found == {"README.md": b"", "config.json": CONFIG}
    assert source.read_ranges({"config.json": (999, 1099)}) == {"config.json": b""}


def test_compressed_documents_with_etags_of_their_own(hub: HubServer) -> None:
    hub.manner.gzip = True
    assert read() == WHOLE
    hub.seen.clear()
    assert read() == WHOLE
    assert [one.status for one in hub.seen.all] == [304]


def test_a_cookie_wall(hub: HubServer) -> None:
    hub.manner.cookie_wall = True
    assert read() == WHOLE
    told = [one.headers["cookie"] for one in hub.seen.all if "cookie" in one.headers]
    assert set(told) == {"seen=1"}
    assert all(one.host == "hub" for one in hub.seen.all if "cookie" in one.headers)


@pytest.mark.parametrize("keeps_query", [True, False])
def test_renamed_repositories(hub: HubServer, keeps_query: bool) -> None:
    hub.add("org/old", {}, moved_to="org/name")
    hub.manner.keeps_query = keeps_query
    assert read("org/old") == WHOLE
    paths = [one.path for one in hub.seen.all]
    assert sum("/org/old" in path for path in paths) == 1, "one question leads to the new name"


# Words.


def test_an_address_that_has_expired_is_asked_for_again(hub: HubServer) -> None:
    hub.manner.stale = 2
    assert read() == WHOLE


def test_words_for_an_address_that_is_refused(hub: HubServer) -> None:
    hub.manner.unsigned = True
    with pytest.raises(NetworkError, match="refused the address that the Hub gave") as caught:
        read(access=HubAccess(token=None))
    assert "expired" in caught.value.hint
    assert "token was not accepted" not in str(caught.value)


def test_words_for_each_refusal(hub: HubServer) -> None:
    def fault(reference: str, token: str | bool) -> str:
        with pytest.raises((AccessError, NotFoundError)) as caught:
            read(reference, access=HubAccess(token=token))
        return caught.value.message

    hub.add("org/secret", FILES, private=True)
    hub.add("org/gated", FILES, gated="auto")
    hub.tokens = {TOKEN: set()}
    for reference in ("org/absent", "org/secret"):
        for token in (False, TOKEN):
            assert "does not exist, or is private and needs a token" in fault(reference, token)
    assert "is gated" in fault("org/gated", False)
    assert "is gated" in fault("org/gated", TOKEN)
    assert "the token was not accepted" in fault("org/name", "hf_wrong")
    hub.choose = lambda path: Faults(statuses=hub.faults.statuses)
    for status, token, words in (
        (403, False, "may only be read with a token, and none was sent"),
        (403, TOKEN, "may not be read with this token"),
        (401, TOKEN, "the token was not accepted"),
    ):
        hub.faults.statuses.append(status)
        assert words in fault("org/name", token)


# The user's own client.


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Set a client by huggingface_hub's own function; what passed it is returned."""
    passed: list[str] = []

    def note(request: httpx2.Request) -> None:
        passed.append(str(request.url))

    def make() -> httpx2.Client:
        return httpx2.Client(event_hooks={"request": [note]}, trust_env=False)

    before: Callable[[], httpx2.Client] = library._GLOBAL_CLIENT_FACTORY
    set_client_factory(make)
    yield passed
    set_client_factory(before)


def test_the_users_client_sends_every_request(hub: HubServer, client: list[str]) -> None:
    assert read() == WHOLE
    places = {"hub": hub.host_url, "cdn": hub.cdn_url}
    assert sorted(places[one.host] + one.path for one in hub.seen.all) == sorted(client)
    assert len(client) == len(hub.seen.all) > 4


@pytest.mark.parametrize("fault", ["reset", "truncate", "corrupt"])
def test_faults_by_the_users_client(hub: HubServer, client: list[str], fault: str) -> None:
    hub.faults.only = "resolve-cache|xet"
    setattr(hub.faults, fault, 3 if fault == "truncate" else True)
    with pytest.raises(NetworkError):
        read()
    assert client


def test_nobody_there_by_the_users_client(client: list[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        place = f"http://127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(NetworkError, match="no connection could be made"):
        HubClient(access=HubAccess(place)).get(f"{place}/api/models", stop=9, what="models")
