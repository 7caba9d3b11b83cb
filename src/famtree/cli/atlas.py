"""`famtree atlas`: build one from scans, and ask it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from famtree.cli.options import AsJson

atlas = typer.Typer(
    help="Many scanned checkpoints in one file, to find undeclared parents in and to query.",
    rich_markup_mode=None,
    no_args_is_help=True,
)

File = Annotated[
    Path, typer.Argument(metavar="ATLAS", help="File of `atlas build`.", show_default=False)
]


@atlas.command("build")
def build_atlas(
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
    from famtree.atlas import build
    from famtree.cli.output import check_target, write_stderr
    from famtree.formats.escape import clip_text

    check_target("--out", str(out))
    built = build.build_atlas(sources, out)
    write_stderr(
        f"{clip_text(str(out))}: {built.checkpoints} checkpoints of {built.rows} rows, "
        f"{built.seconds:.1f} s\n"
    )


@atlas.command("info")
def info_atlas(file: File, as_json: AsJson = False) -> None:
    """Say what an atlas holds."""
    from famtree.atlas.query import describe_atlas
    from famtree.cli.output import write_stdout
    from famtree.formats.atlas_text import render_info
    from famtree.formats.json_report import render_json

    found = describe_atlas(file)
    write_stdout(render_json(found) if as_json else render_info(found))


@atlas.command("query")
def query_atlas(
    file: File,
    statement: Annotated[str, typer.Argument(metavar="SQL", help="One statement of DuckDB's SQL.")],
    as_json: AsJson = False,
) -> None:
    """Ask an atlas in SQL. Neither other files nor the network can be reached from it."""
    from famtree.atlas import query
    from famtree.cli.output import write_stdout
    from famtree.formats.atlas_text import render_rows
    from famtree.formats.json_report import render_json

    answer = query.query_atlas(file, statement)
    write_stdout(
        render_json({"columns": answer.columns, "rows": answer.rows})
        if as_json
        else render_rows(answer.columns, answer.rows)
    )


@atlas.command("report")
def report_atlas(
    file: File,
    html: Annotated[
        str, typer.Option("--html", metavar="FILE", help="The page to write; - is stdout.")
    ],
) -> None:
    """Write a page on families, lineage, quantizations and licences."""
    from famtree.atlas import report
    from famtree.cli.output import check_target, write_file, write_stderr, write_stdout
    from famtree.formats.atlas_html import render_report
    from famtree.formats.escape import clip_text

    if html != "-":
        check_target("--html", html)
    page = render_report(report.report_atlas(file))
    if html == "-":
        write_stdout(page)
        return
    write_file(html, page)
    write_stderr(f"wrote {clip_text(html)}\n")
