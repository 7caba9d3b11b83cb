"""The Hub's model document (`GET /api/models/{id}?blobs=true`) as a Listing."""

from __future__ import annotations

import json
import re
from typing import Any

from famtree.errors import NetworkError
from famtree.sources.hashes import is_blob_id, is_sha256
from famtree.types.checkpoint import FileEntry, Listing

MAX_DOCUMENT_BYTES = 64 * 1024 * 1024
"""A repository with 100,000 files makes some 20 MB."""
MAX_FILES = 100_000

_REPO_ID = re.compile(r"[\w.-]{1,96}(?:/[\w.-]{1,96})?", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x1f]")
_KEPT = ("id", "sha", "cardData", "tags", "createdAt", "gated", "config")


def decode_document(data: bytes, what: str) -> dict[str, Any]:
    """Return the JSON object the server sent for `what`.

    Raises NetworkError when it is not one: a login page, a proxy's error page, another server.
    """
    try:
        found = json.loads(data)
    except (ValueError, RecursionError) as fault:
        page = data.lstrip()[:1] == b"<"
        raise NetworkError(
            f"{what}: the server sent {'an HTML page' if page else 'no valid JSON'}, "
            "not a model's description",
            hint="a proxy or login page may answer for the Hub; check HF_ENDPOINT and the network",
        ) from fault
    if not isinstance(found, dict) or not isinstance(found.get("siblings"), list):
        raise NetworkError(
            f"{what}: the server's description lists no files",
            hint="check that HF_ENDPOINT points at a Hub",
        )
    return found


def trim_document(document: dict[str, Any]) -> dict[str, Any]:
    """Return the part of `document` a Listing is made of, small enough to keep."""
    kept = {key: document[key] for key in _KEPT if key in document}
    kept["siblings"] = document["siblings"]
    return kept


def parse_listing(document: dict[str, Any]) -> Listing:
    """Return the listing in `document`; fields of wrong types count as absent.

    File names that could lead out of a folder are dropped: no repository can hold them.
    """
    commit = document.get("sha")
    tags = document.get("tags")
    created = document.get("createdAt")
    name = document.get("id")
    return Listing(
        files=tuple(
            entry
            for item in document["siblings"][:MAX_FILES]
            if (entry := _parse_file(item)) is not None
        ),
        revision=commit if is_blob_id(commit) else None,
        card=_object(document.get("cardData")),
        tags=tuple(tag for tag in tags if isinstance(tag, str)) if isinstance(tags, list) else (),
        created_at=created if isinstance(created, str) else None,
        gated=bool(document.get("gated")),
        config=_object(document.get("config")),
        repo_id=name if isinstance(name, str) and _REPO_ID.fullmatch(name) else None,
    )


def is_safe_name(name: str) -> bool:
    """Return whether `name` is a relative path that stays inside its repository."""
    return (
        0 < len(name) <= 1024
        and not name.startswith("/")
        and "\\" not in name
        and _CONTROL.search(name) is None
        and not {"", ".", ".."} & set(name.split("/"))
    )


def _parse_file(item: Any) -> FileEntry | None:
    name = item.get("rfilename") if isinstance(item, dict) else None
    if not isinstance(name, str) or not is_safe_name(name):
        return None
    lfs = _object(item.get("lfs"))
    size, blob_id, sha256 = lfs.get("size", item.get("size")), item.get("blobId"), lfs.get("sha256")
    return FileEntry(
        name=name,
        size=size if isinstance(size, int) and size >= 0 else None,
        blob_id=blob_id if is_blob_id(blob_id) else None,
        sha256=sha256 if is_sha256(sha256) else None,
    )


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
