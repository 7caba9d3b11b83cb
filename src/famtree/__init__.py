"""famtree: which family a model checkpoint is, and where its weights came from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from famtree.api import compare, identify
    from famtree.errors import FamtreeError
    from famtree.interchange.side import Plan
    from famtree.types.comparison import Comparison
    from famtree.types.identification import Identification

__all__ = [
    "Comparison",
    "FamtreeError",
    "Identification",
    "Plan",
    "__version__",
    "compare",
    "identify",
]

_HOMES = {
    "compare": "famtree.api",
    "identify": "famtree.api",
    "Comparison": "famtree.types.comparison",
    "FamtreeError": "famtree.errors",
    "Plan": "famtree.interchange.side",
    "Identification": "famtree.types.identification",
}


def __getattr__(name: str) -> Any:
    """Import public names on first use, so that `import famtree` stays cheap."""
    if name not in _HOMES:
        raise AttributeError(f"module 'famtree' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
