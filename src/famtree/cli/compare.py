"""`famtree compare`."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated

import typer

from famtree.cli.completion import complete_question
from famtree.cli.options import (
    AsJson,
    Batch,
    Context,
    EngineNames,
    GpuCapability,
    GpuMemory,
    KvCacheType,
    Nonce,
    Offline,
    RegistryFolders,
    Thorough,
    Timeout,
    choose_format,
    choose_proof,
    offer_formats,
)

MOST_REFERENCES = 32
"""Pairs grow with the square; of more checkpoints `famtree scan` tells the families."""


QUESTIONS = (
    "serve", "engine", "lora", "merge", "draft", "kv-cache", "chat", "context", "quantization",
    "memory",
)  # fmt: skip
"""Those of the document, which help and completion do not import."""


class Expected(StrEnum):
    """What `--expect` can ask of every pair."""

    same_family = "same-family"
    same_lineage = "same-lineage"
    same_tokenizer = "same-tokenizer"
    drop_in = "drop-in"


def compare(
    references: Annotated[
        list[str],
        typer.Argument(
            metavar="A B [REF]...",
            help="Two checkpoints, or more for a matrix of every two.",
            show_default=False,
        ),
    ],
    as_json: AsJson = False,
    form: Annotated[str | None, offer_formats("comparison")] = None,
    verify: Annotated[
        bool, typer.Option("--verify", help="May read weight bytes to tell how they are related.")
    ] = False,
    thorough: Thorough = False,
    nonce: Nonce = None,
    expect: Annotated[
        Expected | None,
        typer.Option("--expect", help="Exit with 1 unless this holds for every pair."),
    ] = None,
    engine: EngineNames = None,
    question: Annotated[
        list[str] | None,
        typer.Option(
            "--question",
            metavar="Q",
            help="Answer this question at length (may be given again): serve, lora, merge, ...",
            autocompletion=complete_question,
            show_default=False,
        ),
    ] = None,
    context: Context = None,
    batch: Batch = None,
    gpu_memory: GpuMemory = None,
    kv_cache_type: KvCacheType = None,
    gpu_capability: GpuCapability = None,
    offline: Offline = False,
    registry: RegistryFolders = None,
    timeout: Timeout = None,
    verbose: Annotated[
        bool, typer.Option("--verbose", help="Show every difference, rule and source.")
    ] = False,
) -> None:
    """Say how checkpoints are related, and what can be swapped for what.

    Answers are about B in place of A: serve it, put A's adapter on it, draft for it with A, ...
    Exit codes: 0 answered, 1 --expect failed, 2 usage, 3 could not be fetched, 4 unreadable,
    70 a bug.
    """
    from famtree.cli.output import render, write_stderr, write_stdout
    from famtree.cli.progress import Progress
    from famtree.errors import UsageError

    chosen = choose_format(form, json=as_json)
    questions = _read_questions(question or ())
    if not 2 <= len(references) <= MOST_REFERENCES:
        raise UsageError(
            f"compare needs 2 to {MOST_REFERENCES} checkpoints, got {len(references)}",
            hint="famtree compare A B",
        )
    from famtree import api
    from famtree.interchange.side import Plan

    plan = Plan(
        context=context,
        batch=batch,
        gpu_memory=gpu_memory,
        cache_type=kv_cache_type,
        capability=gpu_capability,
    )
    proof = choose_proof(verify=verify, thorough=thorough, nonce=nonce)
    with Progress() as progress:
        found = api.compare_all(
            references,
            engines=engine or (),
            plan=plan,
            offline=offline,
            registry=registry or (),
            timeout=timeout,
            verify=verify,
            proof=proof,
            on_progress=progress.show,
        )
    pairs = found.comparisons
    if len(pairs) == 1:
        told = render(
            "comparison",
            pairs[0],
            chosen,
            verbose=verbose,
            questions=questions,
            at_length=bool(engine),
        )
        write_stdout(told)
    else:
        write_stdout(render("comparison matrix", found, chosen))
    if expect is None:
        return
    from famtree.cli.comparison_expectation import find_comparison_failure
    from famtree.formats.escape import clip_text

    failures = [find_comparison_failure(one, expect.value, engine or ()) for one in pairs]
    failed = [failure for failure in failures if failure is not None]
    for failure in failed:
        write_stderr(f"failed: {clip_text(failure)}\n")
    if failed:
        raise typer.Exit(1)


def _read_questions(asked: Sequence[str]) -> list[str]:
    from famtree.errors import UsageError

    for one in asked:
        if one not in QUESTIONS:
            raise UsageError(f"no question {one!r}", hint=f"one of {', '.join(QUESTIONS)}")
    return list(dict.fromkeys(asked))
