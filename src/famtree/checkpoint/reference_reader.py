"""What the `safetensors` package itself says of files on this machine.

Famtree reads headers with a parser of its own, which pauses, is bounded and works on the first
bytes of a file that lies elsewhere. What a loader will open is up to the package: here it opens the
same files, headers only, and what it refuses is told in its words.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from famtree.errors import require_package
from famtree.files import open_regular
from famtree.sources.safetensors_header import MAX_HEADER, MAX_READ
from famtree.sources.weight_files import list_weight_files
from famtree.types.identification import Notice

if TYPE_CHECKING:
    from famtree.types.source import CheckpointSource

CODE = "safetensors-refused"
SUFFIX = ".safetensors"
MAX_LISTED = 8
MAX_WORDS = 300
"""Characters of a refusal, which may quote the header."""


def list_refusals(source: CheckpointSource) -> list[Notice]:
    """Return a warning for each safetensors file of this machine that the package refuses.

    No tensor is read. Raises UsageError where the package, or numpy which it needs, is missing.
    """
    found: list[Notice] = []
    for entry in list_weight_files(source.list_files()):
        path = source.find_path(entry.name) if entry.name.lower().endswith(SUFFIX) else None
        words = _ask(path) if path is not None else None
        if words is not None and len(found) < MAX_LISTED:
            found.append(
                Notice.model_construct(
                    code=CODE, message=f"{entry.name}: safetensors refuses the file: {words}"
                )
            )
    return found


def _ask(path: Path) -> str | None:
    """Return the words of a refusal; None for none, and for what only famtree cannot read."""
    try:
        with open_regular(path) as stream:
            stated = int.from_bytes(stream.read(8), "little")
    except OSError:
        return None  # the first reading has told of it
    if MAX_READ < stated <= MAX_HEADER:
        return None  # takes several times its length in memory
    for module in ("safetensors", "numpy"):
        require_package(module, "opening files as loaders do")
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="np"):
            return None
    except SafetensorError as fault:
        return " ".join(str(fault).split())[:MAX_WORDS]
    except OSError as fault:
        return fault.strerror or str(fault)
