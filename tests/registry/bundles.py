"""Registry bundles of two families that famtree lacks, and the forms that they come in."""

from __future__ import annotations

import json
import zipfile
from hashlib import sha256
from pathlib import Path

from conftest import ROOT, load_module
from famtree.registry.installed import MANIFEST
from famtree.registry.load import DATA, read_sources
from famtree.registry.parse import GENERIC
from registry.own import FAMILY

SCRIPT = load_module(ROOT / "scripts" / "bundle_registry.py")
Files = dict[str, bytes]
RECORDS = "records/oakling.json"
EXEMPLAR = b"""
[[exemplar]]
repo = "acme/o"
generation = "oakling-1"
source = "its own files"
"""
RECORDED = {
    "traits": {
        "architecture.model_type": "oakling",
        "architecture.class_name": "OaklingForCausalLM",
        "architecture.vocab_rows": 48000,
    }
}


def make_files(version: str = "2026.12.1", *, grown: bool = True) -> Files:
    """Return a bundle of two families, or one, that famtree lacks."""
    sources = {GENERIC: read_sources(DATA)[GENERIC], "elmling.toml": name_family("elmling")}
    if grown:
        sources["oakling.toml"] = name_family("oakling") + EXEMPLAR
        sources[RECORDS] = json.dumps(
            {"schema": "famtree/records/1", "family": "oakling", "exemplar": {"acme/o": RECORDED}}
        ).encode()
    files: Files = SCRIPT.make_bundle(sources, version, "2026-12-01")
    return files


def name_family(key: str) -> bytes:
    return FAMILY.replace("oakling", key).replace("Oakling", key.title()).encode()


def restate(files: Files, /, **changes: object) -> Files:
    """Return the files with a manifest that states other things."""
    manifest = json.loads(files[MANIFEST]) | changes
    return {**files, MANIFEST: json.dumps(manifest).encode()}


def add(files: Files, name: str, data: bytes) -> Files:
    """Return the files with one more that the manifest lists."""
    listed = json.loads(files[MANIFEST])["files"] | {name: sha256(data).hexdigest()}
    return restate({**files, name: data}, files=listed)


def write_folder(files: Files, folder: Path) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(data)
    return str(folder)


def write_tar(files: Files, path: Path) -> str:
    SCRIPT.write_archive(files, path)
    return str(path)


def write_zip(files: Files, path: Path) -> str:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(f"bundle-1/{name}", data)
    return str(path)
