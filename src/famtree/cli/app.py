"""The `famtree` command: which sub-command is where, and nothing else."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Annotated, Any

import typer

import famtree
from famtree.cli.completion import VARIABLE, answer_shell
from famtree.cli.manners import add_manners, make_epilog
from famtree.cli.output import open_streams
from famtree.cli.run import PROGRAM, run
from famtree.errors import UsageError

COMMANDS = (
    "identify", "compare", "lineage", "fit", "check", "bom", "attest", "scan", "atlas", "families",
    "schema", "completion", "mcp",
)  # fmt: skip
"""Each is a function, or a group of commands, of its own name in a module of that name, in the
order of the help."""


def make_app(asked: str | None = None, *, outline: bool = False) -> typer.Typer:
    """Return the command line: of the one command `asked` for, else of all.

    What is not asked for is not imported: a dozen commands would take as long to describe to typer
    as a local answer takes. An `outline` of all has their names and what they are for, no options.
    """
    # Plain help and no pretty tracebacks: rich would take longer to import than help to print, and
    # tracebacks are the business of `famtree.cli.run` alone.
    app = typer.Typer(
        name="famtree",
        help="Which family a model checkpoint is, and where its weights came from.",
        epilog="A REF is org/name[@revision], hf://org/name/file.gguf, an address of the Hub, a "
        f"folder or a file.\n\n{make_epilog('famtree')}",
        context_settings={"help_option_names": ["-h", "--help"]},
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        add_completion=False,
        invoke_without_command=True,
    )
    app.callback()(start)
    for name in (asked,) if asked in COMMANDS else COMMANDS:
        command = getattr(import_module(f"famtree.cli.{name}"), name)
        if outline and asked not in COMMANDS:
            command = _outline(command)
            app.command(name=name)(command)
        elif isinstance(command, typer.Typer):
            for one in command.registered_commands:
                own = one.name or ""
                one.callback = add_manners(one.callback, own) if one.callback else None
                one.epilog = make_epilog(f"{name} {own}")
            app.add_typer(command, name=name)
        else:
            app.command(name=name, epilog=make_epilog(name))(add_manners(command, name))
    return app


def _outline(command: Any) -> Callable[[], None]:
    """Return a command without options, with the help of the whole one."""

    def stand_in() -> None:
        """Never run: only where the list of commands is shown, or a word is none of them."""

    group = isinstance(command, typer.Typer)
    stand_in.__doc__ = command.info.help if group else command.__doc__
    return stand_in


def _print_version(context: typer.Context, option: typer.CallbackParam, asked: bool) -> None:
    """Answer `--version [--verbose]` before anything else is read: as soon as both are known."""
    given: dict[str | None, bool] = context.meta.setdefault(__name__, {})
    given[option.name] = asked
    if len(given) < 2 or not given["version"]:
        return
    typer.echo(f"famtree {famtree.__version__}")
    if given["verbose"]:
        from famtree.registry.places import find_places, load_places

        known = load_places(find_places()).knowledge
        typer.echo(f"registry {known.version} {known.digest} ({', '.join(known.sources)})")
    raise typer.Exit


def start(
    context: typer.Context,
    version: Annotated[  # noqa: ARG001 - its callback does the work
        bool,
        typer.Option(
            "--version", "-V", help="Print the version.", callback=_print_version, is_eager=True
        ),
    ] = False,
    verbose: Annotated[  # noqa: ARG001
        bool,
        typer.Option(
            "--verbose",
            help="With --version: the registry and its digest too.",
            callback=_print_version,
            is_eager=True,
        ),
    ] = False,
) -> None:
    """Which family a model checkpoint is, and where its weights came from."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help(), err=True)
        raise UsageError("no command given", hint="start with `famtree identify REF`")


def main(program: str = PROGRAM) -> None:
    """Run the command line of this process and exit with the contract's code."""
    open_streams()
    # pydantic would look through every installed distribution for plugins, and run them.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    if os.environ.get(VARIABLE):
        sys.exit(answer_shell(make_app()))
    arguments = sys.argv[1:]
    # What stands before a command: `--help` is about all of them, other options about none.
    asked = next((one for one in arguments if one in COMMANDS or one in ("--help", "-h")), None)
    sys.exit(run(make_app(asked, outline=True), arguments, program))
