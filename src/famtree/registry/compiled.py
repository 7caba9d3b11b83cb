"""The registry as one JSON file: parsing the TOML files takes several times longer.

The wheel carries `registry/compiled.json`, written by the build hook; an edited checkout writes
its own under the user's cache folder. Either is used only when its digest equals that of the TOML
files at hand, so a stale one is ignored, never trusted.
"""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

from famtree.registry.registry import Registry
from famtree.types.family import Family, GenericTraits

PACKAGED = Path(__file__).parent / "compiled.json"


def read_compiled(digest: str) -> Registry | None:
    """Return the compiled registry for exactly these sources, or None."""
    for path in (PACKAGED, cached_path(digest)):
        try:
            data = path.read_bytes()
        except OSError:
            continue
        # The digest stands first, so that a stale file costs one comparison.
        if not data.startswith(b'{"digest":"' + digest.encode() + b'"'):
            continue
        table = json.loads(data)
        return Registry(
            families=tuple(Family.model_validate(entry) for entry in table["families"]),
            generic=GenericTraits.model_validate(table["generic"]),
        )
    return None


def dump_compiled(registry: Registry, digest: str) -> bytes:
    """Serialise a validated registry."""
    table = {
        "digest": digest,
        "generic": registry.generic.model_dump(mode="json", exclude_defaults=True, by_alias=True),
        "families": [
            family.model_dump(mode="json", exclude_defaults=True, by_alias=True)
            for family in registry.families
        ],
    }
    return json.dumps(table, separators=(",", ":"), ensure_ascii=False).encode()


def cached_path(digest: str) -> Path:
    """Return where a checkout's own compiled form lies (XDG cache folder)."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "famtree" / f"registry-{digest[:16]}.json"


def write_cached(registry: Registry, digest: str) -> None:
    """Remember the compiled form for the next run; a folder that cannot be written is no fault."""
    path = cached_path(digest)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent)
        with os.fdopen(handle, "wb") as stream:
            stream.write(dump_compiled(registry, digest))
        os.replace(temporary, path)
    except OSError:
        return
