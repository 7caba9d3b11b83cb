"""`famtree atlas`: build one from scans, and ask it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from famtree.cli.options import AsJson, choose_format, offer_formats

if TYPE_CHECKING:
    from famtree.sources.deadline import Deadline

atlas = typer.Typer(
    name="atlas",
    help="Many scanned checkpoints in one file, to find undeclared parents in and to query.",
    rich_markup_mode=None,
    no_args_is_help=False,
)

File = Annotated[
    Path, typer.Argument(metavar="ATLAS", help="File of `atlas build`.", show_default=False)
]

Timeout = Annotated[
    float | None,
    typer.Option(
        "--timeout",
        metavar="SECONDS",
        min=0.001,
        help="End after so many seconds (exit code 3); 60 unless told.",
        show_default=False,
    ),
]


@atlas.command("build")
def build(
    sources: Annotated[
        list[Path],
        typer.Argument(
            metavar="ROWS...",
            help="Outputs of `famtree scan`: .jsonl, .parquet, folders of .parquet.",
            show_default=False,
        ),
    ],
    out: Annotated[Path, typer.Option("--out", metavar="ATLAS", help="The file to make.")],
) -> None:
    """Make an atlas out of scans; of a checkpoint in several, the last named counts."""
    from famtree.atlas.build import build_atlas
    from famtree.cli.output import check_target, write_stderr
    from famtree.formats.escape import clip_text

    check_target("--out", str(out))
    built = build_atlas(sources, out)
    write_stderr(
        f"{clip_text(str(out))}: {built.checkpoints} checkpoints of {built.rows} rows, "
        f"{built.seconds:.1f} s\n"
    )


@atlas.command("info")
def info(
    file: File,
    as_json: AsJson = False,
    form: Annotated[str | None, offer_formats("atlas")] = None,
    timeout: Timeout = None,
) -> None:
    """Say what an atlas holds."""
    chosen = choose_format(form, json=as_json)
    from famtree.atlas.query import describe_atlas
    from famtree.cli.output import render, write_stdout

    write_stdout(render("atlas", describe_atlas(file, _make_deadline(timeout)), chosen))


@atlas.command("query")
def query(
    file: File,
    statement: Annotated[str, typer.Argument(metavar="SQL", help="One statement of DuckDB's SQL.")],
    as_json: AsJson = False,
    form: Annotated[str | None, offer_formats("atlas answer")] = None,
    timeout: Timeout = None,
) -> None:
    """Ask an atlas in SQL. Neither other files nor the network can be reached from it."""
    chosen = choose_format(form, json=as_json)
    from famtree.atlas.query import query_atlas
    from famtree.cli.output import render, write_stdout

    answer = query_atlas(file, statement, _make_deadline(timeout))
    write_stdout(render("atlas answer", answer, chosen))


@atlas.command("report")
def report(
    file: File,
    html: Annotated[
        str, typer.Option("--html", metavar="FILE", help="The page to write; - is stdout.")
    ],
    timeout: Timeout = None,
) -> None:
    """Write a page on families, lineage, quantizations and licences."""
    from famtree.atlas.report import report_atlas
    from famtree.cli.output import check_target, render, write_page

    check_target("--html", html)
    report = report_atlas(file, _make_deadline(timeout))
    write_page(html, render("atlas report", report, "html"))


def _make_deadline(timeout: float | None) -> Deadline:
    from famtree.sources.deadline import Deadline

    return Deadline.after(timeout)
