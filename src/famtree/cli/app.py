"""The `famtree` command: which sub-command is where, and nothing else."""

from __future__ import annotations

import contextlib
import gc
import os
import sys
from typing import Annotated, NoReturn

import typer

import famtree
from famtree.cli.compare import compare
from famtree.cli.families import families
from famtree.cli.identify import identify
from famtree.cli.lineage import lineage
from famtree.cli.run import run
from famtree.cli.schema import schema
from famtree.errors import UsageError

# Plain help and no pretty tracebacks: rich would take longer to import than help to print, and
# tracebacks are the business of `famtree.cli.run` alone.
app = typer.Typer(
    name="famtree",
    help="Which family a model checkpoint is, and where its weights came from.",
    epilog="A REF is org/name[@revision], hf://org/name/file.gguf, a folder or a file.",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
    invoke_without_command=True,
)
app.command(name="identify")(identify)
app.command(name="compare")(compare)
app.command(name="lineage")(lineage)
app.add_typer(families, name="families")
app.command(name="schema")(schema)


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"famtree {famtree.__version__}")
        raise typer.Exit


@app.callback()
def start(
    context: typer.Context,
    version: Annotated[  # noqa: ARG001 - its callback does the work
        bool,
        typer.Option(
            "--version", help="Print the version.", callback=_print_version, is_eager=True
        ),
    ] = False,
) -> None:
    """Which family a model checkpoint is, and where its weights came from."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help(), err=True)
        raise UsageError("no command given", hint="start with `famtree identify REF`")


def main() -> None:
    """Run the command line of this process and exit with the contract's code."""
    # A start makes some 100,000 objects and drops hardly any: with the default of 700 the
    # collector walks them over and over, a tenth of the time of a local answer.
    gc.set_threshold(50_000)
    # pydantic would look through every installed distribution for plugins, and run them.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    sys.exit(run(app, sys.argv[1:]))


def launch() -> NoReturn:
    """Run `main` and end the process at once.

    Freeing a hundred thousand objects one by one takes as long as importing a large package, and
    nothing is left to clean up: every file is written and closed by then.
    """
    code: object = 70
    try:
        main()
    except SystemExit as request:
        code = request.code
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(code if isinstance(code, int) else 70)
