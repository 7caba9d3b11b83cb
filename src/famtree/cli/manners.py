"""What every command has: `--output`, `--no-color`, and examples at the end of its help."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
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
EXAMPLES = {
    "famtree": ("famtree identify org/name", "famtree compare org/a org/b"),
    "identify": (
        "famtree identify mistralai/Mistral-7B-v0.3",
        "famtree identify https://huggingface.co/org/name/blob/main/name-Q4_K_M.gguf",
        "famtree identify ./model --expect llama/llama-3.1 --min-confidence 0.9",
    ),
    "compare": (
        "famtree compare org/a org/b --engine vllm",
        "famtree compare org/base org/tuned --verify --expect same-lineage",
    ),
    "lineage": (
        "famtree lineage org/name --children",
        "famtree lineage org/name --html lineage.html",
    ),
    "fit": (
        "famtree fit org/name --gpu L40S:2 --context 32k",
        "famtree fit org/name --engine vllm --gpu-memory 24GB",
    ),
    "check": (
        "famtree check famtree.toml --write sarif=famtree.sarif",
        "",
        'schema = "famtree/policy/1"   # famtree.toml',
        "[[checkpoint]]",
        'ref = "org/name"              # or org/*, ./models/*',
        'expect = "llama/llama-3.1"',
        'max_status = "consistent"',
    ),
    "bom": ("famtree bom org/name --output bom.json",),
    "scan": (
        "famtree scan --author org --out rows.jsonl",
        "famtree scan --cache --out - --format csv > rows.csv",
        "famtree scan ~/.ollama/models --out rows.jsonl",
    ),
    "build": ("famtree atlas build rows.jsonl --out atlas.duckdb",),
    "info": ("famtree atlas info atlas.duckdb",),
    "query": ('famtree atlas query atlas.duckdb "SELECT * FROM checkpoints LIMIT 5"',),
    "report": ("famtree atlas report atlas.duckdb --out atlas.html",),
    "list": ("famtree families list --json",),
    "show": ("famtree families show llama", "famtree families show llama/llama-3.1"),
    "families check": ("famtree families check --registry ./families",),
    "draft": ("famtree families draft org/name > family.toml",),
    "update": ("famtree families update ./registry-2030-01.tar.gz",),
    "schema": ("famtree schema identification",),
    "completion": ('eval "$(famtree completion bash)"',),
}
"""Of each command by its own name, lines to be typed; those of a file are told as such."""


def make_epilog(name: str) -> str:
    """Return what stands below the help of a command, in lines that are not filled anew."""
    lines = EXAMPLES.get(name) or EXAMPLES.get(name.rpartition(" ")[2], ())
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
