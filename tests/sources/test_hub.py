import stat
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import pytest

from conftest import is_root
from famtree.errors import NotFoundError, OfflineError
from famtree.sources.hub import HubSource
from famtree.sources.reference import parse_reference
from famtree.types.checkpoint import Missing
from hub.repository import HubFile, git_blob, make_file, make_sparse
from hub.server import HubServer

GB = 1 << 30
HEADER = b"\x10\0\0\0\0\0\0\0" + b'{"a": "header"} '
SHARDS = {f"model-0000{n}-of-00004.safetensors": 4 * GB for n in range(1, 5)}


def open_hub(text: str = "org/name", *, offline: bool = False) -> HubSource:
    return HubSource(parse_reference(text), offline=offline)


@pytest.fixture
def repo(hub: HubServer) -> str:
    """Commit of org/name: small files, a 12 kB LFS file and four sparse shards."""
    files: dict[str, bytes | HubFile] = {
        "config.json": b'{"model_type": "x"}',
        "tokenizer.json": b'{"model": {}}' * 1000,
        "tokenizer.model": b"sentencepiece" * 1000,
        "sub dir/ä#?.json": b"[]",
    }
    files |= {name: make_sparse(name, size, HEADER) for name, size in SHARDS.items()}
    return hub.add(
        "org/name",
        files,
        card={"base_model": "org/base"},
        tags=["base_model:org/base"],
        config={"model_type": "x"},
    )


def wave(source: HubSource) -> dict[str, bytes | Missing]:
    names = ["config.json", "tokenizer.json", "tokenizer.model", "absent.json"]
    return source.read_wave(names, dict.fromkeys(SHARDS, 16), limit=1 << 20)


def test_listing(hub: HubServer, repo: str) -> None:
    source = open_hub()
    listing = source.list_files()
    assert source.kind == "hub"
    assert listing.revision == repo
    assert listing.card == {"base_model": "org/base"}
    assert listing.tags == ("base_model:org/base",)
    assert listing.config == {"model_type": "x"}
    assert listing.created_at == "2024-01-01T00:00:00.000Z"
    assert listing.gated is False
    config, weights = listing.find("config.json"), listing.find("model-00001-of-00004.safetensors")
    assert config is not None
    assert weights is not None
    assert (config.size, config.blob_id) == (19, git_blob(b'{"model_type": "x"}'))
    assert config.sha256 is None
    assert weights.size == 4 * GB
    assert len(weights.sha256 or "") == 64
    source.list_files()
    assert source.cost.requests == hub.seen.with_redirects == 1


def test_one_wave_is_three_round_trips(hub: HubServer, repo: str) -> None:
    hub.faults.latency = 0.25
    source = open_hub()
    found = wave(source)
    assert found["config.json"] == b'{"model_type": "x"}'
    assert found["tokenizer.model"] == b"sentencepiece" * 1000
    assert all(found[name] == HEADER[:16] for name in SHARDS)
    assert isinstance(found["absent.json"], Missing)
    assert hub.seen.round_trips == 3, "listing, redirects, files"
    assert hub.seen.most_at_once == 7
    assert {seen.method for seen in hub.seen.all} == {"GET"}
    assert not any("absent" in path for path in hub.seen.paths), "no probing"
    assert source.cost.requests == hub.seen.requests == 8
    assert source.cost.bytes == hub.seen.bytes
    assert source.cost.seconds >= 0.75
    assert all(size == 1 for path, size in hub.seen.paths.items() if "cache" in path)


def test_more_files_than_connections(hub: HubServer) -> None:
    hub.add("org/many", {f"{n}.json": b"%d" % n for n in range(40)})
    hub.faults.latency = 0.05
    found = open_hub("org/many").read_wave([f"{n}.json" for n in range(40)], {}, limit=9)
    assert found == {f"{n}.json": b"%d" % n for n in range(40)}
    assert 2 <= hub.seen.most_at_once <= 16


def test_no_token_leaves_the_hub(
    hub: HubServer, repo: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    hub.tokens["hf_secret"] = {"org/name"}
    wave(open_hub())
    by_host = {host: [s for s in hub.seen.all if s.host == host] for host in ("hub", "cdn")}
    assert by_host["cdn"]
    assert not any("authorization" in seen.headers for seen in by_host["cdn"])
    assert not any("hf_secret" in str(seen.headers) for seen in by_host["cdn"])
    assert {seen.headers.get("authorization") for seen in by_host["hub"]} == {"Bearer hf_secret"}
    assert {seen.headers["user-agent"].split("/")[0] for seen in hub.seen.all} == {"famtree"}


def test_ranges_and_reuse_of_a_signed_address(hub: HubServer, repo: str) -> None:
    source, name = open_hub(), "model-00001-of-00004.safetensors"
    source.read_wave([], {name: 8}, limit=0)
    hub.seen.clear()
    assert source.read_ranges({name: (8, 20)}) == {name: HEADER[8:20]}
    assert [seen.host for seen in hub.seen.all] == ["cdn"], "no second redirect"
    assert hub.seen.all[0].headers["range"] == "bytes=8-19"
    assert hub.seen.all[0].headers["accept-encoding"] == "identity"
    hub.expire_signatures()
    assert source.read_ranges({name: (20, 24)}) == {name: HEADER[20:24]}
    assert source.read_ranges({name: (4 * GB - 2, 4 * GB + 9)}) == {name: b"\0\0"}
    before = source.cost
    assert source.read_ranges({name: (5, 5), "gone": (0, 4)}) == {
        name: b"",
        "gone": Missing("gone", "not in the repository"),
    }
    assert source.cost.requests == before.requests


def test_prefix_of_a_short_file_is_the_whole_file(hub: HubServer, repo: str) -> None:
    source = open_hub()
    found = source.read_wave([], {"config.json": 1 << 20}, limit=0)
    assert found == {"config.json": b'{"model_type": "x"}'}
    assert "range" not in hub.seen.all[-1].headers


def test_too_large_is_missing_without_a_request(hub: HubServer, repo: str) -> None:
    source = open_hub()
    found = source.read_wave(["tokenizer.json"], {}, limit=100)["tokenizer.json"]
    assert isinstance(found, Missing)
    assert "13000 bytes" in found.reason
    assert hub.seen.requests == 1


def test_awkward_names_and_revisions(hub: HubServer, repo: str) -> None:
    source = open_hub()
    assert source.read_wave(["sub dir/ä#?.json"], {}, limit=9) == {"sub dir/ä#?.json": b"[]"}
    for revision in ("refs/pr/3", "feature/new head".replace(" ", "-"), "v1.0"):
        commit = hub.add("org/name", {"config.json": revision.encode()}, ref=revision)
        source = open_hub(f"org/name@{revision}")
        found = source.read_wave(["config.json"], {}, limit=99)
        assert found == {"config.json": revision.encode()}
        assert source.list_files().revision == commit
        assert f"/api/models/org/name/revision/{quote(revision, safe='')}" in hub.seen.paths


def test_legacy_name_and_renamed_repository(hub: HubServer) -> None:
    hub.add("gpt2", {"config.json": b"{}"})
    assert open_hub("gpt2").read_wave(["config.json"], {}, limit=9) == {"config.json": b"{}"}
    hub.add("old/name", {}, moved_to="gpt2")
    assert open_hub("old/name").list_files().find("config.json") is not None


def test_file_of_the_reference_must_exist(hub: HubServer) -> None:
    hub.add("org/gguf", {"a.gguf": b"GGUF"})
    assert open_hub("hf://org/gguf/a.gguf").list_files().find("a.gguf") is not None
    with pytest.raises(NotFoundError, match=r"no file b\.gguf"):
        open_hub("hf://org/gguf/b.gguf").list_files()


def test_second_run_revalidates_the_listing_only(hub: HubServer, repo: str) -> None:
    first = wave(open_hub())
    hub.seen.clear()
    source = open_hub()
    assert wave(source) == first
    assert source.cost.requests == hub.seen.with_redirects == 1
    assert hub.seen.all[0].status == 304
    assert source.cost.bytes == 0
    hub.etags = False
    hub.seen.clear()
    assert wave(open_hub()) == first
    assert hub.seen.with_redirects == 1


def test_pinned_commit_costs_nothing_the_second_time(hub: HubServer, repo: str) -> None:
    first = wave(open_hub())
    hub.seen.clear()
    source = open_hub(f"org/name@{repo}")
    assert wave(source) == first
    assert source.cost.requests == hub.seen.with_redirects == 0


def test_new_commit_fetches_only_what_changed(hub: HubServer, repo: str) -> None:
    wave(open_hub())
    files = hub.repositories["org/name"].commits[repo] | {
        "config.json": make_file("config.json", b'{"model_type": "y"}')
    }
    hub.add("org/name", files)
    hub.seen.clear()
    source = open_hub()
    assert wave(source)["config.json"] == b'{"model_type": "y"}'
    assert source.cost.requests == 2


def test_cached_prefix_serves_shorter_spans(hub: HubServer, repo: str) -> None:
    name = "model-00002-of-00004.safetensors"
    open_hub().read_wave([], {name: 20}, limit=0)
    source = open_hub(f"org/name@{repo}")
    assert source.read_wave([], {name: 8}, limit=0) == {name: HEADER[:8]}
    assert source.read_ranges({name: (8, 20)}) == {name: HEADER[8:20]}
    assert source.cost.requests == 0
    assert source.read_ranges({name: (8, 22)}) == {name: HEADER[8:22]}
    assert source.cost.requests == 1


def test_offline(hub: HubServer, repo: str) -> None:
    with pytest.raises(OfflineError, match="listing of org/name") as caught:
        open_hub(offline=True).list_files()
    assert caught.value.exit_code == 3
    assert "--offline" in caught.value.hint
    open_hub().read_wave(["config.json"], {}, limit=99)
    hub.seen.clear()
    source = open_hub(offline=True)
    assert source.read_wave(["config.json", "absent"], {}, limit=99)["config.json"]
    with pytest.raises(OfflineError, match=r"tokenizer\.json, tokenizer\.model of org/name"):
        source.read_wave(["tokenizer.model", "tokenizer.json"], {}, limit=1 << 20)
    assert hub.seen.with_redirects == 0


def test_offline_by_environment(hub: HubServer, repo: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(OfflineError):
        open_hub().list_files()
    assert hub.seen.with_redirects == 0


def test_cached_run_imports_no_http_client(hub: HubServer, repo: str) -> None:
    open_hub().read_wave(["config.json"], {}, limit=99)
    code = (
        "import sys\n"
        "from famtree.sources.open import open_source\n"
        "from famtree.sources.reference import parse_reference\n"
        f"source = open_source(parse_reference('org/name@{repo}'))\n"
        "assert isinstance(source.read_wave(['config.json'], {}, limit=99)['config.json'], bytes)\n"
        "print(sorted({'httpx2', 'httpx', 'urllib3', 'numpy', 'transformers'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.stderr) == ("[]", "")


def test_cold_run_never_touches_hf_api(hub: HubServer, repo: str) -> None:
    code = (
        "import sys\n"
        "from famtree.sources.open import open_source\n"
        "from famtree.sources.reference import parse_reference\n"
        "source = open_source(parse_reference('org/name'))\n"
        "source.read_wave(['config.json'], {}, limit=99)\n"
        "assert source.cost.requests == 2\n"
        "print(sorted({'huggingface_hub.hf_api', 'numpy', 'transformers'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.stderr) == ("[]", "")
    assert hub.seen.requests == 2, "nothing else was asked"


def test_a_listing_without_sizes_still_works(hub: HubServer, repo: str) -> None:
    hub.faults.no_blobs = True
    source = open_hub()
    assert isinstance(source.read_wave(["tokenizer.json"], {}, limit=99)["tokenizer.json"], Missing)
    name = "model-00001-of-00004.safetensors"
    found = source.read_wave(["config.json"], {name: 8, "tokenizer.model": 1 << 20}, limit=99)
    assert found["config.json"] == b'{"model_type": "x"}'
    assert found[name] == HEADER[:8]
    assert found["tokenizer.model"] == b"sentencepiece" * 1000
    again = open_hub(f"org/name@{repo}")
    assert again.read_wave(["config.json"], {}, limit=99)["config.json"] == b'{"model_type": "x"}'
    assert again.cost.requests == 0


def test_hostile_listing(hub: HubServer, tmp_path: Path) -> None:
    names = ["../../escape.json", "/etc/passwd", "a//b", "c\\d", "e\x00", "", "ok.json"]
    hub.add("org/evil", dict.fromkeys(names, b"{}"), card=[], config=5, tags={"a": 1})
    listing = open_hub("org/evil").list_files()
    assert [entry.name for entry in listing.files] == ["ok.json"]
    assert (listing.card, listing.config, listing.tags) == ({}, {}, ())


def test_a_huge_document_is_read_once_in_bounds(hub: HubServer) -> None:
    hub.add("org/wide", {f"f{n}.txt": b"" for n in range(5000)})
    source = open_hub("org/wide")
    assert len(source.list_files().files) == 5000
    assert source.read_wave(["f1.txt"], {"f2.txt": 10}, limit=9) == {"f1.txt": b"", "f2.txt": b""}


@pytest.mark.skipif(is_root(), reason="root may write anywhere")
def test_unwritable_cache_is_no_error(hub: HubServer, repo: str, tmp_path: Path) -> None:
    home = tmp_path / "hf"
    home.mkdir()
    home.chmod(stat.S_IRUSR | stat.S_IXUSR)
    assert wave(open_hub())["config.json"] == b'{"model_type": "x"}'


def test_cache_folder_that_is_a_file_is_no_error(hub: HubServer, repo: str, tmp_path: Path) -> None:
    (tmp_path / "hf").mkdir()
    (tmp_path / "hf" / "famtree").write_text("in the way")
    assert wave(open_hub())["config.json"] == b'{"model_type": "x"}'
