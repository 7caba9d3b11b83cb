"""What is listed and not served is no answer; what is not listed is honestly absent."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from famtree import identify
from famtree.errors import AccessError, NetworkError
from gguf_files import write_gguf
from hub import endpoints
from hub.endpoints import Reply, error
from hub.repository import HubFile, make_file
from hub.server import HubServer
from tiny_models import files_of, make_model

FAULTS: dict[str, Callable[[], Reply]] = {
    "no entry": lambda: error(404, "EntryNotFound", "Entry not found"),
    "no page": lambda: Reply(404, body=b"<Error>NoSuchKey</Error>"),
    "no words": lambda: Reply(404),
    "gone": lambda: Reply(410),
    "nothing": lambda: Reply(204),
    "empty": lambda: Reply(200),
    "another": lambda: Reply(200, body=b'{"model_type": "gpt2"}'),
    "unchanged": lambda: Reply(304),
    "nowhere": lambda: Reply(302),
}
SAFETENSORS = ("config.json", "model.safetensors", "tokenizer.json", "generation_config.json")
SHARDED = ("model.safetensors.index.json", "model-00001-of-00040.safetensors")


def make_repository(name: str) -> dict[str, bytes | HubFile]:
    """Return a repository in which `name` matters."""
    if name.endswith(".gguf"):
        return {name: write_gguf({"general.architecture": "llama"}, {"t": ("F16", (1,))})}
    files: dict[str, bytes | HubFile] = dict(files_of(make_model(1, layers=1)))
    files["generation_config.json"] = b"{}"
    if name in SHARDED:
        weights = files.pop("model.safetensors")
        assert isinstance(weights, bytes)
        # So many that the index is read instead of each header.
        shards = [SHARDED[1].replace("00001", f"{n:05d}", 1) for n in range(1, 41)]
        for number, shard in enumerate(shards):
            files[shard] = make_file(shard, weights[:-1] + bytes([number]))
        named = {f"model.layers.{n}.w": shard for n, shard in enumerate(shards)}
        files[SHARDED[0]] = json.dumps({"weight_map": named}).encode()
    return files


@pytest.mark.parametrize("blobs", [True, False], ids=["sizes", "names alone"])
@pytest.mark.parametrize("where", ["hub", "cdn"])
@pytest.mark.parametrize("name", [*SAFETENSORS, *SHARDED, "model.gguf"])
def test_what_is_listed_and_not_served_is_an_error_of_the_network(
    hub: HubServer, monkeypatch: pytest.MonkeyPatch, name: str, where: str, blobs: bool
) -> None:
    """Whoever fails to serve it: the Hub itself, or a host that it redirects to."""
    files = make_repository(name)
    hub.add("org/name", files)
    hub.faults.no_blobs = not blobs
    place = f"{hub.cdn_url}/away/{name}"
    serve_hub, present = endpoints.serve_hub, [FAULTS["no entry"]]

    def serve(
        hub: HubServer, method: str, path: str, headers: dict[str, str], body: bytes
    ) -> Reply:
        if path.startswith("/api/models/") or not path.endswith(f"/{name}"):
            return serve_hub(hub, method, path, headers, body)
        return present[0]() if where == "hub" else Reply(302, {"Location": place})

    serve_cdn = endpoints.serve_cdn
    monkeypatch.setattr(endpoints, "serve_hub", serve)
    monkeypatch.setattr(
        endpoints,
        "serve_cdn",
        lambda hub, path, headers: (
            present[0]() if "/away/" in path else serve_cdn(hub, path, headers)
        ),
    )
    for told, answer in FAULTS.items():
        present[0] = answer
        if told in {"empty", "another"} and not blobs:
            continue  # nothing is known that it could be held against
        with pytest.raises(NetworkError) as caught:
            identify("org/name")
        assert caught.value.exit_code == 3, told
        assert caught.value.hint
    monkeypatch.undo()


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json"])
def test_what_is_not_listed_is_absent(hub: HubServer, name: str) -> None:
    files = make_repository(name)
    del files[name]
    hub.add("org/name", files)
    assert identify("org/name").outcome in {"identified", "ambiguous", "unknown"}
    assert not [path for path in hub.seen.paths if path.endswith(f"/{name}")]


def test_a_gated_file_is_no_fault_of_the_network(hub: HubServer) -> None:
    hub.add("org/name", make_repository("config.json"), gated="manual")
    hub.faults.statuses.extend([404] * 9)
    hub.faults.only = "resolve"
    with pytest.raises(AccessError):
        identify("org/name")


def test_another_host_knows_of_no_repositories(hub: HubServer) -> None:
    """A CDN that speaks of an absent repository is not believed."""
    hub.add("org/name", make_repository("config.json"))
    with pytest.MonkeyPatch.context() as patch:
        for code in ("RepoNotFound", "RevisionNotFound", "EntryNotFound", "GatedRepo"):
            patch.setattr(
                endpoints,
                "serve_cdn",
                lambda *_, code=code: error(404, code, "no such repository"),
            )
            with pytest.raises(NetworkError, match="does not serve it"):
                identify("org/name")
