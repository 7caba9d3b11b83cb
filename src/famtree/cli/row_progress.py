"""The bar of a scan on stderr: rows, errors, rate, time left."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from famtree.scan.tally import Tally


@contextmanager
def show_rows(tally: Tally, total: int | None) -> Iterator[Callable[[], None]]:
    """Yield what to call after each row; it draws on a terminal and does nothing elsewhere."""
    if not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        yield lambda: None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]:.1f} a second, {task.fields[errors]} failed"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("scan", total=total, rate=0.0, errors=0)

        def advance() -> None:
            progress.update(
                task, completed=tally.rows, rate=tally.rate, errors=tally.errors.total()
            )

        yield advance
