"""Write docs/famtree.1, the page of `man famtree`, from the commands and options themselves.

With `--check` nothing is written and drift exits with 1. The order of commands is that of
docs/cli.md, the exit codes are those of docs/ci.md. A wheel brings it as share/man/man1/famtree.1.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from enum import EnumMeta
from typing import Any

import typer
from update_cli_docs import COMMANDS, ROOT, update

sys.path.insert(0, str(ROOT / "src"))

import famtree
from famtree.cli.app import make_app

PAGE = ROOT / "docs" / "famtree.1"
_HEAD = """\
.\\" Written by scripts/update_man_page.py.
.TH FAMTREE 1 "" "famtree {version}" "User Commands"
.SH NAME
famtree \\- which family a model checkpoint is, and where its weights came from
.SH SYNOPSIS
.B famtree
.I COMMAND
.RI [ OPTIONS "] [" ARGUMENTS ]
.SH DESCRIPTION
A
.I REF
is org/name[@revision] on the Hub, hf://org/name/file.gguf, an address of the Hub, a folder or a
file.
Answers come from metadata; weights are read only where
.B \\-\\-verify
is given."""
_ENVIRONMENT = """\
.SH ENVIRONMENT
.BR HF_TOKEN ", " HF_HOME ", " HF_ENDPOINT " and " HF_HUB_OFFLINE
mean what huggingface_hub makes them mean;
.BR HTTP_PROXY ", " HTTPS_PROXY ", " ALL_PROXY ", " NO_PROXY " and " SSL_CERT_FILE
hold too.
.TP
.B FAMTREE_REGISTRY
Folders of families of your own, joined as those of PATH are.
.TP
.B FAMTREE_DEBUG
With 1, errors show where they come from.
.TP
.B NO_COLOR
No colours."""


def render_page() -> str:
    """Return the page in the macros of man(7)."""
    root = typer.main.get_command(make_app())
    lines = [_HEAD.format(version=famtree.__version__), ".SH OPTIONS", *_list_options(root)]
    lines.append(".SH COMMANDS")
    for words in COMMANDS:
        command = root
        for word in words.split():
            command = command.commands[word]  # type: ignore[attr-defined]
        if words and not hasattr(command, "commands"):
            lines += _describe(words, command)
    lines += [".SH EXIT STATUS", *_list_exit_codes(), _ENVIRONMENT]
    return "\n".join(lines) + "\n"


def _describe(words: str, command: Any) -> Iterator[str]:
    arguments = [one for one in command.params if one.param_type_name == "argument"]
    yield f'.SS "famtree {words}' + "".join(f" {_name(one)}" for one in arguments) + '"'
    yield from _write_text(command.help)
    for one in arguments:
        yield from (".TP", f".I {_escape(_name(one))}", *_write_text(getattr(one, "help", None)))
    yield from _list_options(command)
    example = [line for line in (command.epilog or "").splitlines() if line.startswith("  ")]
    if example:
        yield from (".PP", "Examples:", ".PP", ".EX", *map(_escape, example), ".EE")


def _list_options(command: Any) -> Iterator[str]:
    for one in command.params:
        if one.param_type_name == "option" and not one.hidden:
            names = ", ".join(
                rf"\fB{_escape(name)}\fR" for name in (*one.opts, *one.secondary_opts)
            )
            value = "" if one.is_flag else rf" \fI{_escape(_name(one))}\fR"
            yield from (".TP", names + value, *_write_text(one.help))
    yield from (".TP", r"\fB\-h\fR, \fB\-\-help\fR", "Show the help.")


def _name(parameter: Any) -> str:
    """Return what stands for a value; of a few known ones those."""
    kind = parameter.type_descriptor.annotation
    known = "|".join(map(str, kind)) if isinstance(kind, EnumMeta) else ""
    name: str = parameter.metavar or known or parameter.name.upper()
    return name.strip("<>")


def _list_exit_codes() -> Iterator[str]:
    page = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
    for code, meaning in re.findall(r"^\| (\d+) \| (.+) \|$", page, re.MULTILINE):
        yield from (".TP", f".B {code}", *_write_text(meaning.replace("`", "")))


def _write_text(text: str | None) -> Iterator[str]:
    """Return paragraphs; the first needs no macro."""
    for number, part in enumerate(re.split(r"\n\s*\n", (text or "").strip())):
        if number:
            yield ".PP"
        if part:
            yield _escape(" ".join(part.split()))


def _escape(text: str) -> str:
    """Return text that is neither a macro nor an escape, with hyphens that can be searched for."""
    escaped = text.replace("\\", r"\e").replace("-", r"\-")
    return rf"\&{escaped}" if escaped.startswith((".", "'")) else escaped


if __name__ == "__main__":
    sys.exit(update(PAGE, render_page()))
