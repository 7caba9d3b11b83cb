"""Caches of two endpoints or two tokens never answer for each other."""

from __future__ import annotations

from pathlib import Path

import pytest

from famtree.errors import OfflineError
from famtree.sources.hub import HubSource
from famtree.sources.hub_access import HubAccess
from famtree.sources.hub_cache import HubCache, name_folder
from famtree.sources.reference import parse_reference
from famtree.types.checkpoint import Listing, Missing
from hub import endpoints
from hub.endpoints import Reply
from hub.server import HubServer

COMMIT = "1" * 40
ENDPOINTS = (
    "http://h", "https://h", "http://h_80", "http://h:8080", "https://h:8080", "http://h/a_b",
    "http://h/a/b", "http://h/a-b", "http://h/a.b", "http://h/A_b", "http://h_a_b", "http://h/8080",
)  # fmt: skip


def test_no_two_endpoints_or_owners_share_a_folder() -> None:
    owners = [HubAccess(token=token).find_owner() for token in ("hf_a", "hf_b", False)]
    names = [name_folder(one, owner) for one in ENDPOINTS for owner in owners]
    assert len({name.lower() for name in names}) == len(ENDPOINTS) * len(owners)
    assert all(name.startswith("h") for name in names), "known by their hosts"
    assert name_folder("http://h", owners[0]) == name_folder("http://h", owners[0])


@pytest.mark.parametrize(
    ("one", "other"), [("http://h/", "HTTP://H:80"), ("https://h:443", "https://h")]
)
def test_one_endpoint_has_one_folder(one: str, other: str) -> None:
    names = {name_folder(HubAccess(text).find_endpoint(), "x") for text in (one, other)}
    assert len(names) == 1


def test_no_token_can_be_read_from_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    owner = HubAccess().find_owner()
    assert "secret" not in owner
    assert owner == HubAccess(token="hf_secret").find_owner()
    assert owner not in name_folder("http://h", owner), "nor tokens of two Hubs be compared"


@pytest.mark.parametrize(("one", "other"), [("a_b", "a/b"), ("a/b", "a_b")])
def test_two_mirrors_on_one_server(
    hub: HubServer, monkeypatch: pytest.MonkeyPatch, one: str, other: str
) -> None:
    """End to end: what one says of a commit is not what the other says of the same commit."""
    serve = endpoints.serve_hub

    def split(
        hub: HubServer, method: str, path: str, headers: dict[str, str], body: bytes
    ) -> Reply:
        place = next(name for name in (one, other) if path.startswith(f"/{name}/"))
        inner = path.removeprefix(f"/{place}")
        inner = inner.replace("org/name", f"{place.replace('/', '-')}/name")
        reply = serve(hub, method, inner, headers, body)
        if "Location" in reply.headers:
            reply.headers["Location"] = f"/{place}{reply.headers['Location']}"
        return reply

    commits = {}
    for place in (one, other):
        text = b'{"model_type": "%s"}' % place.encode()
        commits[place] = hub.add(f"{place.replace('/', '-')}/name", {"config.json": text})
    repositories = [hub.repositories[f"{place.replace('/', '-')}/name"] for place in (one, other)]
    for repository in repositories:
        (files,) = repository.commits.values()
        repository.commits = {COMMIT: files}
        repository.refs = {"main": COMMIT}
    monkeypatch.setattr(endpoints, "serve_hub", split)

    def read(place: str, reference: str = f"org/name@{COMMIT}") -> dict[str, bytes | Missing]:
        access = HubAccess(f"{hub.url}/{place}")
        return HubSource(parse_reference(reference), access=access).read_wave(
            ["config.json"], {}, limit=99
        )

    for reference in (f"org/name@{COMMIT}", "org/name"):
        for place in (one, other, one):
            expected = {"config.json": b'{"model_type": "%s"}' % place.encode()}
            assert read(place, reference) == expected
    hub.seen.clear()
    assert read(one)
    assert hub.seen.all == [], "its own cache does answer"


@pytest.mark.parametrize("first", ["hf_first", None])
def test_nothing_of_one_token_answers_for_another(
    hub: HubServer, monkeypatch: pytest.MonkeyPatch, first: str | None
) -> None:
    """The user's own tokens among them: who logs in as another reads nothing of the first."""
    hub.add("org/name", {"config.json": b"{}"}, private=first is not None)
    hub.tokens = {"hf_first": {"org/name"}, "hf_second": set()}

    def open_as(token: str | None, *, offline: bool) -> HubSource:
        monkeypatch.delenv("HF_TOKEN", raising=False)
        if token is not None:
            monkeypatch.setenv("HF_TOKEN", token)
        return HubSource(parse_reference("org/name"), offline=offline)

    assert open_as(first, offline=False).read_wave(["config.json"], {}, limit=9)
    assert open_as(first, offline=True).read_wave(["config.json"], {}, limit=9)
    for other in {"hf_second", None, "hf_first"} - {first}:
        with pytest.raises(OfflineError):
            open_as(other, offline=True).list_files()


def test_the_token_of_a_file_is_the_one_that_is_sent(
    hub: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants, get_token

    for text in ("hf_file\n", " hf_file ", "\n", None):
        path = tmp_path / "token"
        path.unlink(missing_ok=True)
        if text is not None:
            path.write_text(text)
        monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(path))
        token = get_token()
        assert HubAccess().find_owner() == HubAccess(token=token or False).find_owner()
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_IMPLICIT_TOKEN", True)
    monkeypatch.setenv("HF_TOKEN", "hf_env")
    assert HubAccess().find_owner() == HubAccess(token=False).find_owner()
    assert HubAccess(token=True).find_owner() == HubAccess(token="hf_env").find_owner()


def test_http_answers_not_for_https(tmp_path: Path, hub: HubServer) -> None:
    document = Listing((), revision=COMMIT)
    HubCache("http://h", "x").write_listing("org/name", COMMIT, document)
    assert HubCache("http://h", "x").read_listing("org/name", COMMIT) == document
    for endpoint in ("https://h", "http://h:8080", "http://h_"):
        assert HubCache(endpoint, "x").read_listing("org/name", COMMIT) is None
