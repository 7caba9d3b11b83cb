"""Options that several commands share, each defined once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from famtree.cli.completion import complete_engine
from famtree.formats.table import FORMATS

if TYPE_CHECKING:
    from famtree.types.proof_options import ProofOptions

DEEPEST = 64
"""Generations that may be asked for; no chain on the Hub comes near."""
TEXT = "text"
"""What is printed where nothing else is asked for."""


def offer_formats(kind: str) -> Any:
    """Return the option `--format` for documents of a kind: what it offers is what there is."""
    names = tuple(FORMATS[kind])

    def read(text: str) -> str:
        if text not in names:
            known = ", ".join(map(repr, names))
            raise typer.BadParameter(f"{text!r} is not one of {known}.")
        return text

    def complete(incomplete: str) -> Sequence[str]:
        return [name for name in names if name.startswith(incomplete)]

    return typer.Option(
        "--format",
        metavar=f"<{'|'.join(names)}>",
        help="What to print.",
        show_default=TEXT,
        parser=read,
        autocompletion=complete,
    )


Reference = Annotated[
    str,
    typer.Argument(
        metavar="REF",
        help="org/name[@revision], hf://org/name/file.gguf, a folder or a weight file.",
        show_default=False,
    ),
]
References = Annotated[
    list[str],
    typer.Argument(
        metavar="REF...",
        help="org/name[@revision], hf://org/name/file.gguf, a folder or a weight file; several "
        "are answered in turn.",
        show_default=False,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="The same as --format json.")]
Offline = Annotated[
    bool, typer.Option("--offline", help="Use only what is on this machine already.")
]
Timeout = Annotated[
    float | None,
    typer.Option(
        "--timeout",
        metavar="SECONDS",
        min=0.001,
        help="Fetch nothing more after so many seconds (exit code 3).",
        show_default=False,
    ),
]
RegistryFolders = Annotated[
    list[str] | None,
    typer.Option(
        "--registry",
        metavar="DIR",
        help="Know the families of this folder too, before famtree's own; repeatable.",
        show_default=False,
    ),
]
Revision = Annotated[
    str | None,
    typer.Option("--revision", metavar="R", help="Branch, tag or commit on the Hub."),
]
Atlas = Annotated[
    Path | None,
    typer.Option("--atlas", metavar="FILE", help="Look for undeclared parents in an atlas."),
]
NoAtlas = Annotated[
    bool,
    typer.Option("--no-atlas", help="Leave out the atlas of roots of an installed registry."),
]
Depth = Annotated[
    int, typer.Option("--depth", metavar="N", min=1, max=DEEPEST, help="Generations to go up.")
]
Verify = Annotated[bool, typer.Option("--verify", help="May read weight bytes to prove claims.")]
Thorough = Annotated[
    bool,
    typer.Option(
        "--thorough", help="With --verify: also look for what was done and which came first."
    ),
]
Nonce = Annotated[
    str | None,
    typer.Option(
        "--nonce",
        metavar="TEXT",
        help="With --verify: look at other places, or again at those of a random draw.",
        show_default=False,
    ),
]
Candidates = Annotated[
    list[str] | None,
    typer.Option(
        "--candidate",
        metavar="REF",
        help="With --verify: may be the parent, or a member of a merge; repeatable.",
        show_default=False,
    ),
]
Children = Annotated[
    bool, typer.Option("--children", help="Also list what was made from it, from the Hub.")
]


def _read(name: str) -> Any:
    """Return a parser of one of `famtree.types.units`, which help and completion do not import."""

    def parse(text: object) -> object:
        if not isinstance(text, str):
            return text
        from famtree.errors import UsageError
        from famtree.types import units

        try:
            return getattr(units, name)(text)
        except UsageError as error:
            raise typer.BadParameter(f"{error}; {error.hint}") from None

    return parse


EngineNames = Annotated[
    list[str] | None,
    typer.Option(
        "--engine",
        metavar="ENGINE[@VERSION]",
        help="Ask about this engine only (may be given again), e.g. vllm@0.33.",
        autocompletion=complete_engine,
        show_default=False,
    ),
]
Context = Annotated[
    int | None,
    typer.Option(
        "--context", metavar="N", parser=_read("read_tokens"), show_default=False,
        help="Tokens a sequence has to fit: 32768, 32k, 1M.",
    ),
]  # fmt: skip
Batch = Annotated[
    int | None,
    typer.Option(
        "--batch", metavar="N", parser=_read("read_count"), show_default=False,
        help="Sequences that are run at once.",
    ),
]  # fmt: skip
GpuMemory = Annotated[
    float | None,
    typer.Option(
        "--gpu-memory", metavar="GB", parser=_read("read_memory"), show_default=False,
        help="Memory of an accelerator: 24 or 24GB (10**9 bytes), 24GiB.",
    ),
]  # fmt: skip
GpuCapability = Annotated[
    int | None,
    typer.Option(
        "--gpu-capability", metavar="X.Y", parser=_read("read_capability"), show_default=False,
        help="CUDA compute capability of the accelerator: 9.0 or sm_90.",
    ),
]  # fmt: skip
KvCacheType = Annotated[
    str | None,
    typer.Option(
        "--kv-cache-type", metavar="TYPE", parser=_read("read_cache_type"), show_default=False,
        help="How keys and values are stored: bf16, fp8, int8, nvfp4, q8_0, ...",
    ),
]  # fmt: skip


def choose_format(form: str | None, **shorthands: bool) -> str:
    """Return the format asked for, by `--format` or by an option of its own name.

    Raises UsageError for two that exclude each other.
    """
    asked = {} if form is None else {f"--format {form}": form}
    asked |= {f"--{name}": name for name, given in shorthands.items() if given}
    if len(set(asked.values())) > 1:
        from famtree.errors import UsageError

        raise UsageError(
            f"{' and '.join(asked)} exclude each other", hint="run famtree once for each"
        )
    return next(iter(asked.values()), TEXT)


def choose_proof(*, verify: bool, thorough: bool, nonce: str | None) -> ProofOptions:
    """Return how weights are to be looked at.

    Raises UsageError where they are not to be looked at all.
    """
    from famtree.types.proof_options import ProofOptions

    if not verify and (thorough or nonce is not None):
        from famtree.errors import UsageError

        given = "--thorough" if thorough else "--nonce"
        raise UsageError(f"{given} says how to read weights", hint="add --verify")
    return ProofOptions(thorough=thorough, nonce=nonce)
