"""What every command has: `--output`, `--no-color`, and examples at the end of its help."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from functools import cache, wraps
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from famtree.cli import output as streams

Output = Annotated[
    str | None,
    typer.Option(
        "--output", "-o", metavar="FILE", help="Write there what would go to stdout.",
        show_default=False,
    ),
]  # fmt: skip
NoColor = Annotated[bool, typer.Option("--no-color", help="Print without colours.")]
_WITHOUT_OUTPUT = frozenset({"scan", "build", "report"})
"""Commands that have an option of their own for where the answer goes."""
DOCUMENTATION = "docs/index.md of the checkout famtree was installed from"
"""Where the pages are; they have no address of their own yet."""


@cache
def _load_examples() -> dict[str, list[str]]:
    """Return, of each command by its own name, lines to be typed; those of a file told as such."""
    text = (Path(__file__).parent / "data" / "examples.json").read_text(encoding="utf-8")
    return json.loads(text)  # type: ignore[no-any-return]


def make_epilog(name: str) -> str:
    """Return what stands below the help of a command, in lines that are not filled anew."""
    examples = _load_examples()
    lines = examples.get(name) or examples.get(name.rpartition(" ")[2], [])
    shown = "\n".join(["\b", "Examples:", *(f"  {line}".rstrip() or "  ." for line in lines)])
    shown = shown.replace("\n  .\n", "\n\n\b\n")
    return f"{shown}\n\n\b\nDocumentation: {DOCUMENTATION}"


def add_manners(command: Callable[..., Any], name: str) -> Callable[..., Any]:
    """Return a command with the options that all of them have."""
    if getattr(command, "mannered", False):
        return command
    # Names of annotations are looked up here: typer would do it in another module.
    hints = get_type_hints(command, include_extras=True)
    shared: dict[str, Any] = {"no_color": NoColor}
    if name not in _WITHOUT_OUTPUT:
        shared = {"output": Output, **shared}
    keyword, defaults = inspect.Parameter.KEYWORD_ONLY, {"output": None, "no_color": False}
    signature = inspect.signature(command)
    own = [one.replace(annotation=hints[one.name]) for one in signature.parameters.values()]
    more = [
        inspect.Parameter(word, keyword, default=defaults[word], annotation=hint)
        for word, hint in shared.items()
    ]

    @wraps(command)
    def run(
        *arguments: Any, output: str | None = None, no_color: bool = False, **given: Any
    ) -> Any:
        with streams.redirect(output, no_color=no_color):
            return command(*arguments, **given)

    run.__signature__ = signature.replace(parameters=[*own, *more])  # type: ignore[attr-defined]
    run.__annotations__ = {**hints, **shared}
    run.mannered = True  # type: ignore[attr-defined]
    return run
