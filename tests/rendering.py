"""Documents in their formats, with little to write."""

from __future__ import annotations

from typing import Any

from famtree.formats.table import Options, render


def show(kind: str, form: str, document: Any, **options: Any) -> str:
    """Return `document` in a format; keywords are fields of `Options`."""
    return render(kind, document, form, Options(**options))
