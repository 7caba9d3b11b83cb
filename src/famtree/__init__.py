"""famtree: which family a model checkpoint is, and where its weights came from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from famtree.api import identify
    from famtree.errors import FamtreeError
    from famtree.types.identification import Identification

__all__ = ["FamtreeError", "Identification", "__version__", "identify"]

_HOMES = {
    "identify": "famtree.api",
    "FamtreeError": "famtree.errors",
    "Identification": "famtree.types.identification",
}


def __getattr__(name: str) -> Any:
    """Import public names on first use, so that `import famtree` stays cheap."""
    if name not in _HOMES:
        raise AttributeError(f"module 'famtree' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
