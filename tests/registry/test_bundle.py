"""Registries that travel: what is taken, what is refused, and what an interruption leaves."""

from __future__ import annotations

import io
import json
import os
import random
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from cli.commands import Command, make_command
from conftest import POSIX, ROOT
from famtree import api
from famtree.errors import UsageError
from famtree.registry import bundle
from famtree.registry.bundle import MAX_FILE_BYTES
from famtree.registry.installed import MANIFEST, find_base
from famtree.registry.load import load_registry
from famtree.registry.parse import GENERIC
from hub.server import HubServer
from registry.bundles import (
    EXEMPLAR,
    RECORDED,
    RECORDS,
    SCRIPT,
    Files,
    add,
    make_files,
    name_family,
    restate,
    write_folder,
    write_tar,
    write_zip,
)
from registry.own import FAMILY, write_checkpoint


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Command:
    return make_command(capsys)


def keys() -> set[str]:
    return set(load_registry().by_key)


@pytest.mark.parametrize("form", ["folder", "tar", "zip", "dataset", "dataset@revision", "page"])
def test_update_rollback_builtin(
    command: Command, hub: HubServer, tmp_path: Path, form: str
) -> None:
    files, own = make_files(), keys()
    if form == "page":
        hub.add("datasets/acme/registry", files)
        source = "https://huggingface.co/datasets/acme/registry/tree/main"
    elif form.startswith("dataset"):
        hub.add("datasets/acme/registry", files)
        source = f"hf://datasets/acme/registry{'@main' if '@' in form else ''}"
    else:
        write = {"folder": write_folder, "tar": write_tar, "zip": write_zip}[form]
        source = write(files, tmp_path / "bundle.tar.gz")
    done = command("families", "update", source)
    assert done.code == 0, done.err
    assert "added: 2 (elmling, oakling)" in done.out
    assert keys() == {"elmling", "oakling"}
    assert load_registry().by_key["oakling"].exemplars[0].traits == RECORDED["traits"]
    known = load_registry().knowledge
    assert (known.version, known.sources) == ("2026.12.1", ["bundle 2026.12.1"])
    oak = str(write_checkpoint(tmp_path / "oak"))
    document = command("identify", oak, "--json").document
    assert document["family"]["key"] == "oakling"
    assert document["registry"]["digest"] == known.digest
    assert command("families", "update", "--rollback").code == 0
    assert keys() == own
    assert command("families", "update", "--rollback").code == 0
    assert "oakling" in keys()
    assert command("families", "update", "--builtin").code == 0
    assert keys() == own


def test_the_last_one_is_kept(command: Command, tmp_path: Path) -> None:
    first = write_folder(make_files("1", grown=False), tmp_path / "1")
    second = write_folder(make_files("2"), tmp_path / "2")
    for source in (first, second, second):  # the same again changes nothing
        assert command("families", "update", source).code == 0
    assert command("families", "update", "--rollback").code == 0
    assert load_registry().version == "1"
    assert len([place for place in find_base().iterdir() if place.is_dir()]) == 2


def test_a_pin_is_the_registry_s_digest(command: Command, tmp_path: Path) -> None:
    source = write_tar(make_files(), tmp_path / "bundle.tar.gz")
    digest = api.read_bundle(source).registry.digest
    assert command("families", "update", source, "--sha256", "0" * 64).code == 2
    assert load_registry().sources == ("famtree",)
    assert command("families", "update", source, "--sha256", digest).code == 0
    assert load_registry().digest == digest
    assert command("families", "update", source, "--sha256", f"sha256:{digest}").code == 0


def refused(name: str) -> Files:
    """Return a bundle that is not to be taken."""
    files = make_files()
    shadow = name_family("elmling")
    listed = json.loads(files[MANIFEST])["files"]
    made: dict[str, Callable[[], Files]] = {
        "no manifest": lambda: {k: v for k, v in files.items() if k != MANIFEST},
        "a manifest that is none": lambda: {**files, MANIFEST: b"[]"},
        "deep manifest": lambda: {**files, MANIFEST: b'{"a":' + b"[" * 100_000},
        "newer schema": lambda: restate(files, schema="famtree/registry-bundle/2"),
        "newer famtree": lambda: restate(files, famtree="999.0"),
        "no version": lambda: restate(files, version="../../x"),
        "another content": lambda: {**files, "elmling.toml": files["elmling.toml"] + b"\n"},
        "wrong digest": lambda: restate(files, files=listed | {"elmling.toml": "0" * 64}),
        "absent file": lambda: {k: v for k, v in files.items() if k != "elmling.toml"},
        "file not listed": lambda: {**files, "more.toml": b""},
        "name with a folder": lambda: add(files, "../oak.toml", FAMILY.encode()),
        "another folder": lambda: add(files, "more/oak.json", FAMILY.encode()),
        "records of no family": lambda: add(files, "records/ash.json", files[RECORDS]),
        "records that do not fit": lambda: add(files, RECORDS, b'{"schema": "x"}'),
        "shadows a key": lambda: add(files, "other.toml", shadow),
        "broken file": lambda: add(files, "other.toml", b"schema = 3"),
        "no toml": lambda: add(files, "other.toml", b"\xff\xfe"),
        "no family": lambda: SCRIPT.make_bundle({GENERIC: files[GENERIC]}, "1", "2026-12-01"),
        "no general knowledge": lambda: restate(
            {k: v for k, v in files.items() if k != GENERIC},
            files={k: v for k, v in listed.items() if k != GENERIC},
        ),
    }
    return made[name]()


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("no manifest", "no manifest.json"),
        ("a manifest that is none", "manifest.json"),
        ("deep manifest", "manifest.json"),
        ("newer schema", "registry-bundle/2"),
        ("newer famtree", "needs famtree 999.0"),
        ("no version", "is no version"),
        ("another content", "elmling.toml is not what"),
        ("wrong digest", "elmling.toml is not what"),
        ("absent file", "'elmling.toml' is listed and not there"),
        ("file not listed", "'more.toml' is there and not listed"),
        ("name with a folder", "leads out of it"),
        ("shadows a key", "another file has it too"),
        ("another folder", "'more/oak.json' can be no registry file"),
        ("records of no family", "records/ash.json: there is no family"),
        ("records that do not fit", "records/oakling.json"),
        ("broken file", "other.toml"),
        ("no toml", "other.toml"),
        ("no general knowledge", "_generic.toml is missing"),
        ("no family", "it has no family"),
    ],
)
def test_a_hostile_bundle_is_refused(tmp_path: Path, name: str, told: str) -> None:
    files = refused(name)
    before, source = load_registry(), _place(files, tmp_path)
    with pytest.raises(UsageError) as caught:
        api.read_bundle(source)
    assert caught.value.code == "bad-bundle"
    assert told in caught.value.message
    assert load_registry() is before


def _place(files: Files, tmp_path: Path) -> str:
    """As a folder; what has no plain name only fits into an archive."""
    if all("/" not in name for name in files):
        return write_folder(files, tmp_path / "bundle")
    return write_tar(files, tmp_path / "bundle.tar.gz")


def _entry(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname = kind, link
    return entry


@pytest.mark.parametrize(
    "entry",
    [
        _entry("../../outside.toml"),
        _entry("/tmp/outside.toml"),
        _entry("C:\\outside.toml"),
        _entry("a\\..\\..\\outside.toml"),
        _entry("elmling.toml", tarfile.SYMTYPE, "/etc/passwd"),
        _entry("elmling.toml", tarfile.LNKTYPE, MANIFEST),
        _entry("elmling.toml", tarfile.FIFOTYPE),
        _entry("elmling.toml", tarfile.CHRTYPE),
    ],
    ids=lambda entry: f"{entry.name} {entry.type!r}",
)
def test_nothing_leads_out_of_an_archive(tmp_path: Path, entry: tarfile.TarInfo) -> None:
    path = tmp_path / "bundle.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        manifest = make_files()[MANIFEST]
        first = _entry(MANIFEST)
        first.size = len(manifest)
        archive.addfile(first, io.BytesIO(manifest))
        archive.addfile(entry)
    with pytest.raises(UsageError) as caught:
        api.read_bundle(str(path))
    assert caught.value.code == "bad-bundle"
    assert not list(tmp_path.rglob("outside.toml"))


@pytest.mark.parametrize("write", [write_tar, write_zip])
def test_a_bomb_is_read_no_further_than_its_bound(
    tmp_path: Path, write: Callable[[Files, Path], str]
) -> None:
    files = {**make_files(), "bomb.toml": b"#" * (64 << 20)}
    source = write(files, tmp_path / "bundle")
    with pytest.raises(UsageError, match=f"more than {MAX_FILE_BYTES:,} bytes"):
        api.read_bundle(source)


def test_too_many_files_are_refused(tmp_path: Path) -> None:
    source = write_zip({f"f{number}.toml": b"" for number in range(2_001)}, tmp_path / "many")
    with pytest.raises(UsageError, match="more than 2,000 files"):
        api.read_bundle(source)


@pytest.mark.parametrize("name", ["absent", "text", "cut.tar.gz", "cut.zip"])
def test_what_is_no_bundle_at_all(command: Command, tmp_path: Path, name: str) -> None:
    whole = tmp_path / "whole"
    (write_zip if name.endswith("zip") else write_tar)(make_files(), whole)
    if name != "absent":
        cut = b"hello" if name == "text" else whole.read_bytes()[:-4000]
        (tmp_path / name).write_bytes(cut)
    done = command("families", "update", str(tmp_path / name))
    assert done.code == 2, done.err
    assert load_registry().sources == ("famtree",)


def test_repositories_that_are_not_to_be_had(command: Command, hub: HubServer) -> None:
    hub.add("datasets/acme/empty", {"README.md": b"nothing"})
    absent = command("families", "update", "hf://datasets/acme/none")
    assert (absent.code, "does not exist, or is private" in absent.err) == (3, True)
    assert command("families", "update", "hf://datasets/acme/empty").code == 2
    assert command("families", "update", "hf://datasets/acme").code == 2
    offline = command("families", "update", "hf://datasets/acme/none", "--offline")
    assert (offline.code, "not cached and offline mode is on" in offline.err) == (3, True)


def test_what_is_asked_at_once_has_to_fit(command: Command) -> None:
    for arguments in (("x", "--rollback"), ("--rollback", "--builtin"), ("--rollback",), ()):
        done = command("families", "update", *arguments)
        assert done.code == 2, arguments


def test_an_emptied_cache_means_famtree_s_own(command: Command, tmp_path: Path) -> None:
    command("families", "update", write_folder(make_files(), tmp_path / "b"))
    for place in find_base().iterdir():
        if place.is_dir():
            place.rename(tmp_path / "taken away")
    assert load_registry().sources == ("famtree",)


@pytest.mark.parametrize("damage", [b"", b"# more\n", None])
def test_a_bundle_that_was_damaged_later(
    command: Command, tmp_path: Path, damage: bytes | None
) -> None:
    """No answer comes of it, and what leads away from it works."""
    source = write_folder(make_files(), tmp_path / "b")
    command("families", "update", source)
    (file,) = find_base().glob("*/oakling.toml")
    if damage is None:
        file.unlink()
    else:
        file.write_bytes(damage + file.read_bytes()[: -len(EXEMPLAR)])
    told = command("identify", str(write_checkpoint(tmp_path / "oak")))
    assert told.code == 2
    assert "oakling.toml is not what its manifest states" in told.err
    assert command("families", "update", source).code == 0
    assert load_registry().version == "2026.12.1"
    next(find_base().glob("*/oakling.toml")).write_bytes(b"")
    assert command("families", "update", "--builtin").code == 0
    assert load_registry().sources == ("famtree",)


def test_a_cache_that_cannot_be_written_is_told(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    done = command("families", "update", write_folder(make_files(), tmp_path / "b"))
    assert done.code == 2
    assert "cannot be written" in done.err


def test_it_is_put_in_use_when_it_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files, put_in_use = make_files(), bundle._use
    seen: list[set[str]] = []

    def use(key: str | None) -> None:
        place = find_base() / str(key)
        seen.append({str(path.relative_to(place)) for path in place.rglob("*.*")})
        put_in_use(key)

    monkeypatch.setattr(bundle, "_use", use)
    api.update_families(write_folder(files, tmp_path / "b"))
    assert seen == [set(files)]


@POSIX
def test_a_killed_update_leaves_a_whole_registry(tmp_path: Path) -> None:
    """Whenever it is killed, the registry in use is the one before or the new one."""
    sources = [write_folder(make_files(str(number)), tmp_path / str(number)) for number in (1, 2)]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    draw = random.Random(11)
    seen: set[str] = set()
    for turn in range(20):
        process = subprocess.Popen(
            [sys.executable, "-m", "famtree", "families", "update", sources[turn % 2]],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        # Until it writes, nothing can break; from then on at any moment.
        deadline = time.monotonic() + 30
        while not list(find_base().glob(".new-*")) and process.poll() is None:
            assert time.monotonic() < deadline
        time.sleep(draw.uniform(0, 0.03))
        process.send_signal(signal.SIGKILL)
        process.wait()
        found = load_registry()
        if found.sources == ("famtree",):
            assert not seen, "what was in use is gone"
        else:
            assert found.by_key.keys() == {"elmling", "oakling"}
            seen.add(found.version)
    (find_base() / ".new-left").write_bytes(b"")  # killed before it had its name
    done = subprocess.run(
        [sys.executable, "-m", "famtree", "families", "update", sources[0]],
        env=environment, check=True, capture_output=True, text=True,
    )  # fmt: skip
    assert "registry 1 " in done.stdout
    assert not list(find_base().glob(".new-*"))


def test_check_against_tells_what_would_change(command: Command, tmp_path: Path) -> None:
    oak = write_checkpoint(tmp_path / "oak")
    policy = tmp_path / "famtree.toml"
    policy.write_text(
        f'schema = "famtree/policy/1"\n[[checkpoint]]\nref = "{oak}"\ndeny_families = ["llama"]\n'
        f'[[checkpoint]]\nref = "{ROOT / "fixtures" / "example"}"\nexpect = "mistral"\n'
    )
    source = write_folder(make_files(), tmp_path / "bundle")
    report = command("check", str(policy), "--json", "--against", source)
    changes = report.document["against"]["changes"]
    assert [one["ref"] for one in changes] == [str(oak), str(ROOT / "fixtures" / "example")]
    assert [one["result_after"] for one in changes] == ["passed", "failed"]
    assert changes[0]["before"].startswith("unknown")
    assert changes[0]["after"].startswith("oakling/oakling-1")
    assert report.document["against"]["registry"]["version"] == "2026.12.1"
    for form in ("text", "markdown"):
        assert "oakling" in command("check", str(policy), "--format", form, "--against", source).out
    assert load_registry().sources == ("famtree",)  # nothing was put in use
