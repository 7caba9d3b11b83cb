"""`famtree scan`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import ExitStack, closing
from enum import StrEnum
from io import TextIOWrapper
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from famtree.cli.options import Offline, RegistryFolders, Timeout

if TYPE_CHECKING:
    from famtree.scan.row import Row


class ScanEngine(StrEnum):
    """Where the work is done."""

    local = "local"
    ray = "ray"


class StreamForm(StrEnum):
    """How rows are written to stdout."""

    jsonl = "jsonl"
    csv = "csv"


def scan(
    references: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[REF]...",
            help="Checkpoints to scan; of a folder that is none, those below it.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        str,
        typer.Option(
            "--out",
            metavar="FILE",
            help="Where rows go: .jsonl or .parquet, - for stdout; with ray, a folder.",
        ),
    ] = "",
    form: Annotated[
        StreamForm, typer.Option("--format", help="How rows are written to stdout.")
    ] = StreamForm.jsonl,
    cache: Annotated[
        bool, typer.Option("--cache", help="All models of the Hub cache of this machine.")
    ] = False,
    source: Annotated[
        str | None,
        typer.Option("--from", metavar="FILE", help="A reference a line; - is stdin."),
    ] = None,
    author: Annotated[
        str | None, typer.Option("--author", metavar="ORG", help="All models of a Hub account.")
    ] = None,
    search: Annotated[
        str | None, typer.Option("--search", metavar="TEXT", help="Models whose name has TEXT.")
    ] = None,
    filters: Annotated[
        list[str] | None,
        typer.Option("--filter", metavar="TAG", help="Models with this Hub tag; repeatable."),
    ] = None,
    limit: Annotated[
        int | None, typer.Option("--limit", metavar="N", min=1, help="At most N models.")
    ] = None,
    workers: Annotated[
        int, typer.Option("--workers", metavar="N", min=1, max=256, help="Under way at a time.")
    ] = 24,
    engine: Annotated[ScanEngine, typer.Option("--engine", help="Where the work is done.")] = (
        ScanEngine.local
    ),
    ray_address: Annotated[
        str | None,
        typer.Option("--ray-address", metavar="HOST:PORT", help="A Ray cluster to use."),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue: skip what FILE holds already.")
    ] = False,
    sketch: Annotated[
        bool,
        typer.Option("--sketch", help="May read weight bytes: some 70 KB each, for an atlas."),
    ] = False,
    offline: Offline = False,
    registry: RegistryFolders = None,
    timeout: Timeout = None,
) -> None:
    """Identify many checkpoints: one row each, failures too.

    Exit codes: 0 scanned, whatever the rows say, 2 usage, 3 the models could not be listed, 70 a
    bug; 130 after Ctrl-C, with all finished rows in FILE.
    """
    from famtree.errors import UsageError

    if ray_address is not None and engine is not ScanEngine.ray:
        raise UsageError("--ray-address needs --engine ray", hint="add it")
    if not out:
        raise UsageError("--out is missing", hint="for instance --out scan.jsonl, or - for stdout")
    streamed = out == "-" and engine is ScanEngine.local
    if streamed and resume:
        raise UsageError("--resume needs a file", hint="name one with --out")
    if form is not StreamForm.jsonl and not streamed:
        raise UsageError("--format is of --out -", hint="a file's form is that of its name")
    listed = any((author, search, filters))
    if not (references or source or listed or cache):
        raise UsageError(
            "nothing to scan",
            hint="give references, --from FILE, --cache, --author, --search or --filter",
        )

    from famtree.registry.places import find_places, load_places
    from famtree.scan.settings import ScanSettings

    settings = ScanSettings(
        workers=workers,
        offline=offline,
        timeout=timeout,
        registry=find_places(registry or ()),
        sketch=sketch,
    )
    # What is wrong with these two is no fault of each row.
    settings.make_access().find_endpoint()
    if settings.registry:
        load_places(settings.registry)
    with ExitStack() as stack:
        from famtree.scan.references import expand_folders, list_cached

        refs, total = expand_folders(references or ()), None
        asked: Iterable[str] = chain(refs, list_cached()) if cache else refs
        if source:
            lines, total = _open_list(source, stack)
            asked = chain(asked, lines)
        if listed:
            from famtree.sources.hub_models import walk_models

            models = walk_models(
                author=author, search=search, filters=filters or (), limit=limit, offline=offline
            )
            asked, total = chain(asked, models), limit
        if limit is not None:
            asked, total = islice(asked, limit), min(limit, total or limit)
        if engine is ScanEngine.ray:
            from famtree.scan.ray import connect, open_folder, require_ray, scan_ray

            require_ray()
            folder = Path(out)
            done = open_folder(folder, resume=resume)
            joined = stack.enter_context(connect(ray_address, workers))
            written = scan_ray(asked, settings, folder, done, joined)
            _count(stack, written, len(done), total, lambda _: None)
            return

        from famtree.scan.local import scan_local
        from famtree.scan.output import Output

        if streamed:
            _count(stack, scan_local(asked, settings, set()), 0, total, _stream(form))
            return
        output = stack.enter_context(Output(Path(out), resume=resume))
        held = len(output.done)
        _count(stack, scan_local(asked, settings, output.done), held, total, output.write)


def _count(
    stack: ExitStack,
    scanned: Generator[Row, None, None],
    held: int,
    total: int | None,
    write: Callable[[Row], None],
) -> None:
    """Take every row, hand it to `write`, and say how it goes and how it went."""
    from famtree.cli.output import write_stderr
    from famtree.cli.row_progress import show_rows
    from famtree.scan.tally import Tally

    tally = Tally(held=held)
    advance = stack.enter_context(show_rows(tally, total))
    # Closed before the output: no process may go on when the file is finished.
    rows = stack.enter_context(closing(scanned))
    stack.callback(lambda: write_stderr(f"{tally.describe()}\n"))
    for row in rows:
        write(row)
        tally.add(row)
        advance()


def _stream(form: StreamForm) -> Callable[[Row], None]:
    """Return what writes a row to stdout."""
    from famtree.cli.output import write_stdout
    from famtree.formats.json_report import render_line
    from famtree.scan.csv_rows import write_heading, write_row

    if form is StreamForm.jsonl:
        return lambda row: write_stdout(f"{render_line(row)}\n")
    write_stdout(write_heading())
    return lambda row: write_stdout(write_row(row))


def _open_list(name: str, stack: ExitStack) -> tuple[Iterator[str], int | None]:
    """Return the references of a file or stdin, and how many, where that can be told."""
    from famtree.errors import UsageError
    from famtree.scan.references import read_lines, split_lines

    if name == "-":
        if sys.stdin is None:
            raise UsageError("stdin is closed", hint="name a file, or send references to it")
        if isinstance(sys.stdin, TextIOWrapper):
            sys.stdin.reconfigure(encoding="utf-8", errors="replace")
        return read_lines(split_lines(sys.stdin), "stdin"), None
    try:
        # Closed by the stack, after the last reference was taken.
        stream = stack.enter_context(Path(name).open(encoding="utf-8", errors="replace"))  # noqa: SIM115
        total = sum(1 for _ in read_lines(split_lines(stream), name))
        stream.seek(0)
    except OSError as fault:
        raise UsageError(
            f"{name} cannot be read: {fault.strerror or fault}", hint="check --from"
        ) from fault
    return read_lines(split_lines(stream), name), total
