"""The test server judged by the real client: what huggingface_hub reads from it must be right."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from huggingface_hub import HfApi, hf_hub_download, hf_hub_url
from huggingface_hub.errors import (
    EntryNotFoundError,
    GatedRepoError,
    HfHubHTTPError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.utils._pagination import paginate

from hub.repository import LFS_SIZE, git_blob, make_sparse
from hub.server import HubServer

HEADER = json.dumps({"w": {"dtype": "BF16", "shape": [2, 2], "data_offsets": [0, 8]}}).encode()
WEIGHTS = len(HEADER).to_bytes(8, "little") + HEADER + bytes(8)
FILES = {"config.json": b"{}", "model.safetensors": WEIGHTS, "sub/a.txt": b"hello\n"}


@pytest.fixture
def api(hub: HubServer) -> HfApi:
    return HfApi(endpoint=hub.url, token=False)


def test_model_info(hub: HubServer, api: HfApi) -> None:
    commit = hub.add("org/name", FILES, card={"license": "mit"}, tags=["x"])
    info = api.model_info("org/name", files_metadata=True)
    assert info.sha == commit
    assert info.card_data is not None
    assert info.card_data.license == "mit"
    files = {file.rfilename: file for file in info.siblings or []}
    assert files["sub/a.txt"].blob_id == "ce013625030ba8dba906f756967f9e9ca394464a"
    assert files["model.safetensors"].lfs is not None
    assert files["model.safetensors"].size == len(WEIGHTS)
    assert [file.path for file in api.list_repo_tree("org/name", recursive=True)] == list(FILES)
    assert [file.path for file in api.get_paths_info("org/name", ["config.json", "no"])] == [
        "config.json"
    ]
    only = api.model_info("org/name", expand=["tags"])
    assert (only.tags, only.sha) == (["x"], None)


def test_downloads_and_metadata(hub: HubServer, api: HfApi, tmp_path: Path) -> None:
    commit = hub.add("org/name", FILES)
    for name, data in FILES.items():
        path = api.hf_hub_download("org/name", name, cache_dir=tmp_path)
        assert Path(path).read_bytes() == data
    known = api.get_hf_file_metadata(url=hf_hub_url("org/name", "config.json", endpoint=hub.url))
    assert (known.commit_hash, known.etag, known.size) == (commit, git_blob(b"{}"), 2)
    metadata = api.get_safetensors_metadata("org/name")
    assert metadata.parameter_count == {"BF16": 4}


def test_refusals(hub: HubServer, api: HfApi) -> None:
    hub.add("org/name", FILES)
    hub.add("org/gated", FILES, gated="manual")
    hub.add("org/private", FILES, private=True)
    hub.tokens["hf_other"] = set()
    for absent in ("org/none", "org/private"):
        with pytest.raises(HfHubHTTPError, match="Invalid username or password") as caught:
            api.model_info(absent)
        assert caught.value.response.status_code == 401
        with pytest.raises(RepositoryNotFoundError):
            api.model_info(absent, token="hf_other")
    with pytest.raises(RevisionNotFoundError):
        api.model_info("org/name", revision="none")
    with pytest.raises(EntryNotFoundError):
        hf_hub_download("org/name", "none.json", endpoint=hub.url)
    with pytest.raises(GatedRepoError):
        hf_hub_download("org/gated", "config.json", endpoint=hub.url)
    with pytest.raises(HfHubHTTPError, match="Invalid credentials"):
        api.model_info("org/name", token="hf_wrong")
    hub.tokens["hf_good"] = {"org/private", "org/gated"}
    assert api.model_info("org/private", token="hf_good").private
    assert api.hf_hub_download("org/gated", "config.json", token="hf_good")


def test_search_is_paged(hub: HubServer, api: HfApi) -> None:
    for number in range(5):
        hub.add(f"org/child{number}", FILES, tags=["base_model:quantized:org/name"])
    hub.add("other/model", FILES)
    api.list_models(filter="base_model:quantized:org/name")
    found = api.list_models(filter="base_model:quantized:org/name", limit=2)
    assert [model.id for model in found] == ["org/child0", "org/child1"]
    every = api.list_models(author="org")
    assert len(list(every)) == 5
    hub.seen.clear()
    address = f"{hub.url}/api/models"
    assert len(list(paginate(address, params={"author": "org", "limit": 2}, headers={}))) == 5
    assert hub.seen.requests == 3


def test_sparse_files_are_never_held(hub: HubServer, api: HfApi) -> None:
    size = 1 << 40
    hub.add("org/huge", {"model.safetensors": make_sparse("model.safetensors", size, WEIGHTS)})
    assert api.model_info("org/huge", files_metadata=True).siblings[0].size == size  # type: ignore[index]
    assert api.get_safetensors_metadata("org/huge").parameter_count == {"BF16": 4}
    assert hub.seen.bytes < LFS_SIZE


def test_folders(hub: HubServer, api: HfApi, tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.txt").write_bytes(b"hello\n")
    (tmp_path / "big.json").write_bytes(bytes(LFS_SIZE + 1))
    hub.add("org/folder", tmp_path)
    files = {
        file.rfilename: file
        for file in api.model_info("org/folder", files_metadata=True).siblings or []
    }
    assert files["sub/a.txt"].blob_id == git_blob(b"hello\n")
    assert files["big.json"].lfs is not None
    path = api.hf_hub_download("org/folder", "big.json", cache_dir=tmp_path / "cache")
    assert Path(path).stat().st_size == LFS_SIZE + 1


def test_record_of_round_trips(hub: HubServer, api: HfApi) -> None:
    hub.add("org/name", FILES)
    api.model_info("org/name")  # the library asks for its list of agents once in a process
    hub.seen.clear()
    hub.faults.latency = 0.1
    hf_hub_download("org/name", "config.json", endpoint=hub.url)
    assert hub.seen.round_trips == hub.seen.with_redirects == 3, "HEAD, 307 to a HEAD, GET"
    assert hub.seen.most_at_once == 1
    assert hub.seen.requests == 2
