"""Failures -> words and exit codes: the one place that does it.

Whatever goes wrong ends as one line and a hint on stderr, never a traceback, and with `--json`
also as the contract's error document on stdout. `FAMTREE_DEBUG=1` shows the traceback.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from collections.abc import Sequence
from itertools import pairwise

import typer

from famtree.cli.output import silence_stdout, write_stderr, write_stdout
from famtree.errors import FamtreeError, NotFoundError, UsageError
from famtree.redaction import redact

PROGRAM = "famtree"
"""What the command is called, in usage lines and hints."""
INTERRUPTED = 130
"""128 + SIGINT, as shells report it."""
_SURROUNDINGS = frozenset(
    getattr(errno, name)
    for name in ("ENOSPC", "EDQUOT", "EFBIG", "EROFS", "EIO", "EBADF", "EMFILE", "ENFILE")
    if hasattr(errno, name)
)
"""What the system refuses is no bug: a full disk, a closed stdout, too many open files."""


def run(app: typer.Typer, arguments: Sequence[str], program: str = PROGRAM) -> int:
    """Run `app` on `arguments` and return the exit code; raises nothing."""
    try:
        code = app(list(arguments), prog_name=program, standalone_mode=False)
        sys.stdout.flush()
    except FamtreeError as error:
        return report(error, arguments)
    except typer.TyperException as error:
        return report(_translate_usage(error, program), arguments)
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED
    except SystemExit as request:
        # typer leaves this way when the reader of stdout has gone: what was asked was answered.
        fault = request.__context__
        if isinstance(fault, OSError) and fault.errno == errno.EPIPE:
            return 0
        return request.code if isinstance(request.code, int) else 70
    except BrokenPipeError:
        return 0
    except Exception as error:  # noqa: BLE001 - the last resort must hold for any bug
        return report(translate(error), arguments)
    return code if isinstance(code, int) else 0


def report(error: FamtreeError, arguments: Sequence[str]) -> int:
    """Tell of `error` in the form the arguments ask for, and return its exit code."""
    from famtree.formats.table import render

    if os.environ.get("FAMTREE_DEBUG") == "1":
        import traceback

        write_stderr(redact("".join(traceback.format_exception(error))))
    if wants_json(arguments):
        # Where it is stdout that failed, stderr is left to tell it.
        with contextlib.suppress(UsageError):
            write_stdout(render("error", error, "json"))
    write_stderr(render("error", error, "text"))
    return error.exit_code


def wants_json(arguments: Sequence[str]) -> bool:
    """Return whether the options ask for JSON; a usage error leaves nothing parsed to ask."""
    options = list(arguments)
    if "--" in options:
        options = options[: options.index("--")]
    if "--json" in options or "--format=json" in options:
        return True
    return ("--format", "json") in pairwise(options)


def translate(error: Exception) -> FamtreeError:
    """Return the words for an error that famtree did not raise itself."""
    return _translate_system(error) or _translate_bug(error)


def _translate_usage(error: typer.TyperException, program: str) -> UsageError:
    context = getattr(error, "ctx", None)
    command = getattr(context, "command_path", None) or program
    usage = UsageError(error.format_message(), hint=f"see `{command} --help`")
    usage.__cause__ = error
    return usage


def _translate_system(error: Exception) -> FamtreeError | None:
    """Return words for what the system refused; None for anything else."""
    if not isinstance(error, OSError):
        return None
    made: FamtreeError
    if error.errno in _SURROUNDINGS:
        silence_stdout()  # help and completions do not go through `write_stdout`
        place = f": {error.filename}" if error.filename else ""
        made = UsageError(
            f"nothing more can be read or written: {error.strerror}{place}",
            hint="make room, or send the output elsewhere",
        )
    elif isinstance(error, FileNotFoundError) and _is_lost():
        made = NotFoundError("the working directory no longer exists", hint="change to another")
    else:
        return None
    made.__cause__ = error
    return made


def _is_lost() -> bool:
    try:
        os.getcwd()
    except OSError:
        return True
    return False


def _translate_bug(error: Exception) -> FamtreeError:
    bug = FamtreeError(
        f"famtree failed unexpectedly: {type(error).__name__}: {error}",
        hint="please report it with the traceback that FAMTREE_DEBUG=1 shows",
    )
    bug.__cause__ = error
    return bug
