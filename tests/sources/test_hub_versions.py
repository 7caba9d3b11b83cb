"""One answer is of one commit, whatever is pushed or mirrored meanwhile."""

from __future__ import annotations

import pytest

from famtree.errors import NetworkError
from famtree.sources.hub import HubSource
from famtree.sources.reference import parse_reference
from hub.repository import HubFile, make_sparse
from hub.server import HubServer

CONFIG = b'{"model_type": "x"}'
FILES: dict[str, bytes | HubFile] = {
    "config.json": CONFIG,
    "model.safetensors": make_sparse("model.safetensors", 1 << 32, b"prefix" * 10),
}


@pytest.fixture(autouse=True)
def _repo(hub: HubServer, pauses: list[float]) -> None:
    hub.add("org/name", FILES)


def test_content_that_changes_between_two_reads(hub: HubServer) -> None:
    source = HubSource(parse_reference("org/name"))
    header = source.read_wave([], {"model.safetensors": 12}, limit=0)
    assert header == {"model.safetensors": b"prefixprefix"}
    hub.faults.other_version = True
    with pytest.raises(NetworkError, match="changed while it was read"):
        source.read_ranges({"model.safetensors": (30, 40)})
    hub.faults.other_version = False
    assert source.read_ranges({"model.safetensors": (30, 40)})


def test_a_mirror_of_another_version(hub: HubServer) -> None:
    """The redirect itself names other content than was listed."""
    source = HubSource(parse_reference("org/name"))
    source.list_files()
    (files,) = hub.repositories["org/name"].commits.values()
    files["model.safetensors"] = make_sparse("model.safetensors", 1 << 32, b"changed" * 9)
    with pytest.raises(NetworkError, match="another version"):
        source.read_ranges({"model.safetensors": (0, 12)})


def test_the_commit_is_pinned_for_the_whole_run(hub: HubServer) -> None:
    source = HubSource(parse_reference("org/name"))
    commit = source.list_files().revision
    hub.add("org/name", {"config.json": b"{}"})
    assert source.read_wave(["config.json"], {}, limit=99) == {"config.json": CONFIG}
    resolved = [path for path in hub.seen.paths if "/resolve/" in path]
    assert resolved == [f"/org/name/resolve/{commit}/config.json"]
