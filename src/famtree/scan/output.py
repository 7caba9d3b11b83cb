"""Where the rows of a scan go: JSON Lines or Parquet, by the file's name."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from famtree.errors import UsageError
from famtree.scan.jsonl import JsonLines, read_rows
from famtree.scan.row import Row

SUFFIXES = (".jsonl", ".parquet")


class Output:
    """Takes rows one by one and ends as a valid file, however the scan ends.

    `done` has the hashes of the references that were answered before (`resume`).
    """

    def __init__(self, path: Path, *, resume: bool) -> None:
        if path.suffix not in SUFFIXES:
            raise UsageError(
                f"{path.name}: unknown output form", hint="name a file .jsonl or .parquet"
            )
        self._parquet = path if path.suffix == ".parquet" else None
        self._lines = path.with_name(f"{path.name}.jsonl") if self._parquet else path
        if self._parquet:
            from famtree.scan.parquet import require_parquet, require_text

            require_parquet()
            require_text(path)
        if not resume and (path.exists() or self._lines.exists()):
            raise UsageError(
                f"{path.name} exists, or a part of it",
                hint="continue it with --resume, or move it away",
            )
        try:
            self.done: set[int] = set()
            if self._parquet and self._parquet.exists():
                from famtree.scan.parquet import list_done

                self.done |= list_done(self._parquet)
            self._writer = JsonLines(self._lines)
            with ExitStack() as failed:
                failed.callback(self._writer.__exit__)
                self.done |= self._writer.recover()
                failed.pop_all()
        except ValueError as fault:
            raise UsageError(str(fault), hint="name another file") from fault
        except OSError as fault:
            raise _unwritable(path, fault) from fault

    def __enter__(self) -> Output:
        return self

    def write(self, row: Row) -> None:
        """Append one row; it is safe from then on. Raises UsageError when the disk is full."""
        try:
            self._writer.write(row)
        except OSError as fault:
            raise _unwritable(self._lines, fault) from fault

    def __exit__(self, *_: object) -> None:
        with self._writer:  # until all is done: no other scan may begin in between
            if self._parquet:
                from famtree.scan.parquet import extend_parquet

                try:
                    extend_parquet(self._parquet, read_rows(self._lines))
                    self._lines.unlink()
                except OSError as error:
                    raise _unwritable(self._parquet, error) from error


def _unwritable(path: Path, fault: OSError) -> UsageError:
    return UsageError(
        f"{path.name} cannot be written: {fault.strerror or fault}", hint="name another file"
    )
