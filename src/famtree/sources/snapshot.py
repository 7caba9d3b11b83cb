"""Origin of files that huggingface_hub fetched, read from the traces it leaves on disk.

Two layouts, both as of huggingface_hub 2.4 (`file_download.py`, `_local_folder.py`,
`_tree_cache.py`):

    models--org--name/snapshots/<commit>/<file> -> ../../blobs/<etag>     the shared cache
    models--org--name/trees/<commit>.json                                 its listing
    <folder>/.cache/huggingface/download/<file>.metadata                  `--local-dir` downloads

An etag is the git blob id of a small file and the sha256 of an LFS or Xet file. All of it can be
written by hand, and travels with a copied folder: what is read here is recorded, not known.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from msgspec import Struct

from famtree.errors import NotFoundError, UsageError
from famtree.files import open_regular
from famtree.sources.hashes import add_record, is_blob_id, is_sha256
from famtree.types.checkpoint import FileEntry

_REPO_PREFIX = "models--"
_CACHED = {"models": "a model", "datasets": "a dataset", "spaces": "a Space"}
_MAX_TREE_BYTES = 32 * 1024 * 1024
_MAX_METADATA_BYTES = 4096
_METADATA_FOLDER = Path(".cache", "huggingface", "download")


class Snapshot(Struct, frozen=True):
    """A folder of the shared cache: which repository at which commit it is a copy of."""

    repo_id: str
    commit: str


def recognise_snapshot(folder: Path) -> Snapshot | None:
    """Return what `folder` is a snapshot of, or None when it does not lie in a Hub cache."""
    absolute = Path(os.path.abspath(folder))
    repo = absolute.parent.parent.name
    if (
        absolute.parent.name != "snapshots"
        or not is_blob_id(absolute.name)
        or not repo.startswith(_REPO_PREFIX)
    ):
        return None
    return Snapshot(repo.removeprefix(_REPO_PREFIX).replace("--", "/"), absolute.name)


def is_cached_repository(folder: str) -> bool:
    """Return whether `folder` is one of a cache's repositories."""
    kind, mark, _ = os.path.basename(os.path.abspath(folder)).partition("--")
    return bool(mark) and kind in _CACHED and os.path.isdir(os.path.join(folder, "snapshots"))


def find_snapshot(folder: str, revision: str | None = None) -> str | None:
    """Return the snapshot that a cache's repository folder stands for; None for another folder.

    That of `revision`, else of `refs/main`, else the only one. Raises UsageError for the folder of
    a dataset, for several none of which is main, NotFoundError where there is none.
    """
    absolute = os.path.abspath(folder)
    kind, _, repo = os.path.basename(absolute).partition("--")
    snapshots = os.path.join(absolute, "snapshots")
    if not is_cached_repository(folder):
        return None
    if kind != "models":
        raise UsageError(
            f"{folder} holds {_CACHED[kind]}, not a model", hint="folders of models begin models--"
        )
    held = sorted(name for name in os.listdir(snapshots) if is_blob_id(name))
    asked = revision or "main"
    commit = asked if asked in held else _read_ref(absolute, asked)
    if commit in held:
        return os.path.join(folder, "snapshots", str(commit))
    if not held or revision is not None:
        told = "no snapshot" if revision is None else f"no revision {revision}"
        name = repo.replace("--", "/")
        raise NotFoundError(
            f"{folder} holds {told} of {name}", hint=f"`hf download {name}` fetches it"
        )
    if len(held) == 1:
        return os.path.join(folder, "snapshots", held[0])
    raise UsageError(
        f"{folder} holds {len(held)} snapshots, none of which is main: {', '.join(held[:5])}",
        hint="say which with --revision",
    )


def _read_ref(folder: str, name: str) -> str | None:
    """Return the commit that a repository folder records of a branch or tag."""
    if not set(name.split("/")) & {"", ".", ".."}:
        try:
            with open_regular(Path(folder, "refs", name)) as stream:
                return str(stream.read(64).decode("ascii", "replace").strip())
        except OSError:
            pass
    return None


def repo_folder(cache: str, repo_id: str) -> Path:
    """Return where the shared cache `cache` keeps `repo_id`."""
    return Path(cache) / (_REPO_PREFIX + repo_id.replace("/", "--"))


def blob_etag(path: Path) -> str | None:
    """Return the etag of a snapshot's file, from the name of the blob it links to."""
    try:
        target = os.readlink(path)
    except OSError:
        return None
    parent, name = os.path.split(target)
    return name if os.path.basename(parent) == "blobs" else None


def has_metadata(folder: Path) -> bool:
    """Return whether `download_metadata` can tell anything of the files of `folder`."""
    return (folder / _METADATA_FOLDER).is_dir()


def download_metadata(folder: Path, name: str) -> tuple[str, str] | None:
    """Return (commit, etag) of file `name` of a folder fetched with `local_dir`.

    None when nothing was recorded or the file changed since: like huggingface_hub, a record
    older than the file's modification time by more than a second is not believed.
    """
    record = folder / _METADATA_FOLDER / f"{name}.metadata"
    try:
        if not record.is_file():
            return None
        with record.open("rb") as stream:
            lines = stream.read(_MAX_METADATA_BYTES).decode("ascii", "replace").splitlines()
        commit, etag, saved = lines[0].strip(), lines[1].strip(), float(lines[2])
        if (folder / name).stat().st_mtime - 1 > saved:
            return None
    except (OSError, ValueError, IndexError):
        return None
    return (commit, etag) if is_blob_id(commit) else None


def read_tree(folder: Path, commit: str) -> list[FileEntry] | None:
    """Return the complete listing of `commit` if the shared cache recorded one in `folder`."""
    path = folder / "trees" / f"{commit}.json"
    try:
        if path.stat().st_size > _MAX_TREE_BYTES:
            return None
        found = json.loads(path.read_bytes())
        if found["format_version"] != 1:
            return None
        return [
            add_record(
                FileEntry(name, info["size"] if isinstance(info["size"], int) else None),
                info["lfs_sha256"] if is_sha256(info.get("lfs_sha256")) else info["blob_id"],
            )
            for name, info in found["files"].items()
        ]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
