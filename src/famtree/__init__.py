"""famtree: which family a model checkpoint is, and where its weights came from."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from famtree.api import attest, bom, check, compare, fit, identify, lineage, scan
    from famtree.errors import FamtreeError
    from famtree.interchange.side import Plan
    from famtree.session import Session
    from famtree.types.comparison import Comparison
    from famtree.types.fit import FitReport
    from famtree.types.identification import Identification
    from famtree.types.lineage import Lineage
    from famtree.types.place import Place
    from famtree.types.policy import CheckReport

__all__ = [
    "CheckReport",
    "Comparison",
    "FamtreeError",
    "FitReport",
    "Identification",
    "Lineage",
    "Place",
    "Plan",
    "Session",
    "__version__",
    "attest",
    "bom",
    "check",
    "compare",
    "fit",
    "identify",
    "lineage",
    "scan",
]

_HOMES = {
    "attest": "famtree.api",
    "bom": "famtree.api",
    "check": "famtree.api",
    "compare": "famtree.api",
    "fit": "famtree.api",
    "identify": "famtree.api",
    "lineage": "famtree.api",
    "scan": "famtree.api",
    "CheckReport": "famtree.types.policy",
    "Comparison": "famtree.types.comparison",
    "FamtreeError": "famtree.errors",
    "FitReport": "famtree.types.fit",
    "Lineage": "famtree.types.lineage",
    "Place": "famtree.types.place",
    "Plan": "famtree.interchange.side",
    "Session": "famtree.session",
    "Identification": "famtree.types.identification",
}


def __getattr__(name: str) -> Any:
    """Import public names on first use, so that `import famtree` stays cheap."""
    if name not in _HOMES:
        raise AttributeError(f"module 'famtree' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)


class _Package(ModuleType):
    """Keeps `famtree.lineage` and `famtree.scan` the functions, though packages have these names.

    Importing a package binds it in its parent. Statements like `from famtree.scan.row import Row`
    do without that binding.
    """

    def __setattr__(self, name: str, value: Any) -> None:
        if not (name in _HOMES and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
