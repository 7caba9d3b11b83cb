"""`famtree completion`, and what Tab offers: family keys, engines; paths are the shell's own."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated

import typer

VARIABLE = "_FAMTREE_COMPLETE"
"""Set by the script in the user's shell when it asks what could come next."""


class Shell(StrEnum):
    """The shells that are known."""

    bash = "bash"
    zsh = "zsh"
    fish = "fish"
    powershell = "powershell"
    pwsh = "pwsh"


def completion(
    shell: Annotated[Shell, typer.Argument(help="Which shell's.", show_default=False)],
) -> None:
    """Print the script that completes famtree's commands, options and family keys in a shell.

    bash and zsh: eval "$(famtree completion bash)" in ~/.bashrc, or zsh in ~/.zshrc. fish: famtree
    completion fish > ~/.config/fish/completions/famtree.fish. PowerShell: famtree completion pwsh |
    Out-String | Invoke-Expression in $PROFILE.
    """
    from typer.completion import get_completion_script  # type: ignore[attr-defined]

    from famtree.cli.output import write_stdout

    script = get_completion_script(prog_name="famtree", complete_var=VARIABLE, shell=shell.value)
    write_stdout(f"{script}\n")


def answer_shell(app: typer.Typer) -> int:
    """Print what could come next, and return the exit code that the shell's script expects.

    Whatever goes wrong, there is nothing to offer: a message would land in the user's input line.
    """
    from typer.completion import completion_init  # type: ignore[attr-defined]

    completion_init()
    with contextlib.suppress(Exception):
        try:
            app([], prog_name="famtree", complete_var=VARIABLE, standalone_mode=False)
        except SystemExit as request:
            return request.code if isinstance(request.code, int) else 1
    return 1


def complete_family(incomplete: str) -> Sequence[tuple[str, str]]:
    """Return keys and names of the families that begin so."""
    from famtree.registry.places import find_places, load_places

    families = load_places(find_places()).families
    return [(one.key, one.name) for one in families if one.key.startswith(incomplete)]


def complete_expectation(incomplete: str) -> Sequence[tuple[str, str]]:
    """Return FAMILY, and FAMILY/GENERATION once the family is settled."""
    from famtree.registry.places import find_places, load_places

    found = list(complete_family(incomplete))
    wanted, slash, _ = incomplete.partition("/")
    if slash or len(found) == 1:
        key = wanted if slash else found[0][0]
        family = load_places(find_places()).by_key.get(key)
        full = [(f"{key}/{one.key}", one.name) for one in family.generations] if family else []
        found += [pair for pair in full if pair[0].startswith(incomplete)]
    return found


def complete_engine(incomplete: str) -> Sequence[tuple[str, str]]:
    """Return keys and names of the engines that begin so."""
    from famtree.interchange.load import load_engines

    return [
        (key, engine.name) for key, engine in load_engines().items() if key.startswith(incomplete)
    ]


def complete_gpu(incomplete: str) -> Sequence[tuple[str, str]]:
    """Return names and memory of the accelerators that begin so."""
    from famtree.deployment.gpus import load_gpus

    wanted = incomplete.lower()
    return [
        (gpu.name, " or ".join(f"{size:g} GB" for size in gpu.memory))
        for gpu in load_gpus()
        if gpu.name.lower().startswith(wanted)
    ]


def leave_to_shell(incomplete: str) -> Sequence[str]:
    """Return nothing, upon which shells offer files: typer would offer what is there already."""
    del incomplete
    return []


def complete_question(incomplete: str) -> list[str]:
    """Return the questions of `famtree compare` that begin so."""
    from famtree.cli.compare import QUESTIONS

    return [one for one in QUESTIONS if one.startswith(incomplete)]
