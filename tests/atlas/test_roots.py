"""An atlas of roots that a registry bundle brings is asked without being named."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.commands import make_command
from conftest import ROOT, load_module
from famtree import api
from famtree.errors import UsageError
from famtree.registry.bundle import install_bundle, read_bundle
from famtree.registry.installed import MANIFEST, ROOTS, find_roots
from famtree.registry.load import DATA, load_registry, read_sources
from hub.server import HubServer
from tiny_models import make_model
from weighty_hubs import publish

BUILD = load_module(ROOT / "scripts" / "build_roots.py")
PACK = load_module(ROOT / "scripts" / "bundle_registry.py")
BASE = make_model(1)


def make_files(roots: Path) -> dict[str, bytes]:
    sources = {**read_sources(DATA), ROOTS: roots.read_bytes()}
    files: dict[str, bytes] = PACK.make_bundle(sources, "2026.12.1", "2026-12-01")
    return files


@pytest.fixture
def roots(hub: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What the script makes of one base on a Hub; a second run asks for nothing."""
    publish(hub, "acme/base", BASE)
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "src"))
    rows, target = tmp_path / "roots.jsonl", tmp_path / ROOTS
    assert BUILD.scan_roots(["acme/base"], rows, sketch=False) == 0
    kept = rows.read_bytes()
    assert BUILD.scan_roots(["acme/base"], rows, sketch=False) == 0
    assert rows.read_bytes() == kept
    BUILD.build_atlas([rows], target)
    return target


def test_installed_roots_are_asked_unless_told_otherwise(
    hub: HubServer, roots: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = make_command(capsys)
    publish(hub, "else/reupload", BASE)
    assert api.identify("else/reupload").lineage.parents == []
    digest = load_registry().digest
    bundle = read_bundle(make_files(roots))
    install_bundle(bundle)
    assert find_roots() is not None
    assert load_registry().digest == digest  # roots are no families
    step = api.identify("else/reupload").lineage.chain[0]
    assert (step.parent, step.status) == ("acme/base", "inferred")
    assert api.identify("else/reupload", roots=False).lineage.chain == []
    for name in ("identify", "lineage"):
        found = command(name, "else/reupload", "--json").out
        assert "acme/base" in found
        assert "acme/base" not in command(name, "else/reupload", "--no-atlas", "--json").out
    policy = tmp_path / "famtree.toml"
    demand = 'ref = "else/reupload"\nexpect_parent = "acme/base"\n'
    text = f'schema = "famtree/policy/1"\n\n[[checkpoint]]\n{demand}'
    policy.write_text(text, encoding="utf-8")
    assert command("check", str(policy)).code == 0
    assert command("check", str(policy), "--no-atlas").code == 1


def test_a_pin_covers_the_roots(roots: Path) -> None:
    files = make_files(roots)
    bundle = read_bundle(files)
    assert bundle.pin != bundle.registry.digest
    assert read_bundle(files, pin=f"sha256:{bundle.pin}").pin == bundle.pin
    with pytest.raises(UsageError, match="another was asked for"):
        read_bundle(files, pin=bundle.registry.digest)
    changed = roots.with_name("changed")
    changed.write_bytes(roots.read_bytes() + b"\0")
    with pytest.raises(UsageError, match="another was asked for"):
        read_bundle(make_files(changed), pin=bundle.pin)
    changed.write_bytes(b"no database at all")
    with pytest.raises(UsageError, match="is no atlas"):
        read_bundle(make_files(changed))
    assert ROOTS in read_bundle({**files, MANIFEST: files[MANIFEST]}).contents


def test_the_bases_on_record_are_the_roots() -> None:
    names = BUILD.list_roots(load_registry())
    assert len(names) > 100
    assert "openai-community/gpt2" in names or "gpt2" not in names
