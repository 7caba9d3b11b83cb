"""Make a registry bundle from this checkout, for `famtree families update`.

    python scripts/bundle_registry.py OUT [--version 2026.12.1] [--date 2026-12-01] [--roots FILE]

OUT is a folder (which must be empty or absent: the files of a dataset repository) or a .tar.gz, the
same bytes for the same files. FILE is an atlas of `scripts/build_roots.py`. Prints the digest that
a policy's `registry` pins, and `--sha256` too; with an atlas that is another one, which is printed
below.
"""

from __future__ import annotations

import argparse
import gzip
import io
import json
import sys
import tarfile
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from famtree import __version__
from famtree.errors import FamtreeError
from famtree.registry.bundle import SCHEMA, read_bundle
from famtree.registry.installed import MANIFEST, ROOTS
from famtree.registry.load import DATA, read_sources


def make_bundle(sources: dict[str, bytes], version: str, date: str) -> dict[str, bytes]:
    """Return the files of a bundle by name, the manifest among them."""
    manifest = {
        "schema": SCHEMA,
        "version": version,
        "date": date,
        "famtree": __version__,
        "files": {name: sha256(data).hexdigest() for name, data in sorted(sources.items())},
    }
    text = json.dumps(manifest, indent=1, sort_keys=True) + "\n"
    return {**sources, MANIFEST: text.encode()}


def write_archive(files: dict[str, bytes], path: Path) -> None:
    """Write a .tar.gz without times, owners or modes of this machine."""
    with (
        path.open("wb") as raw,
        gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as archive,
    ):
        for name, data in sorted(files.items()):
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))


def main() -> int:
    """Write the bundle and print its digest."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    now = datetime.now(UTC)
    parser.add_argument("out", type=Path)
    parser.add_argument("--version", default=f"{now.year}.{now.month}.{now.day}")
    parser.add_argument("--date", default=now.date().isoformat())
    parser.add_argument("--roots", type=Path)
    asked = parser.parse_args()
    sources = read_sources(DATA)
    if asked.roots is not None:
        sources[ROOTS] = asked.roots.read_bytes()
    files = make_bundle(sources, asked.version, asked.date)
    try:
        bundle = read_bundle(files)
    except FamtreeError as fault:
        print(fault.message, file=sys.stderr)
        return 1
    if asked.out.name.endswith((".tar.gz", ".tgz")):
        write_archive(files, asked.out)
    else:
        asked.out.mkdir(parents=True, exist_ok=True)
        if any(asked.out.iterdir()):
            print(f"{asked.out} is not empty", file=sys.stderr)
            return 1
        for name, data in files.items():
            (asked.out / name).parent.mkdir(exist_ok=True)
            (asked.out / name).write_bytes(data)
    print(f"{asked.version} sha256:{bundle.registry.digest}")
    if bundle.pin != bundle.registry.digest:
        print(f"with its roots sha256:{bundle.pin}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
