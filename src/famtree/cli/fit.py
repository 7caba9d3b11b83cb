"""`famtree fit`."""

from __future__ import annotations

from typing import Annotated

import typer

from famtree.cli.completion import complete_gpu
from famtree.cli.options import (
    AsJson,
    Batch,
    Context,
    EngineNames,
    GpuCapability,
    GpuMemory,
    KvCacheType,
    Offline,
    Reference,
    RegistryFolders,
    Revision,
    Timeout,
    choose_format,
    offer_formats,
)


def fit(
    reference: Reference,
    as_json: AsJson = False,
    form: Annotated[str | None, offer_formats("fit")] = None,
    engine: EngineNames = None,
    gpu: Annotated[
        str | None,
        typer.Option(
            "--gpu",
            metavar="NAME[:COUNT]",
            help="Where it is to run: L4, H100:8, MI300X, cpu, ...",
            autocompletion=complete_gpu,
            show_default=False,
        ),
    ] = None,
    gpu_memory: GpuMemory = None,
    gpu_capability: GpuCapability = None,
    tensor_parallel: Annotated[
        int | None,
        typer.Option(
            "--tensor-parallel",
            metavar="N",
            min=1,
            max=4096,
            help="Accelerators that share one copy; as many as go by default.",
            show_default=False,
        ),
    ] = None,
    context: Context = None,
    batch: Batch = None,
    kv_cache_type: KvCacheType = None,
    expect_fit: Annotated[
        bool,
        typer.Option(
            "--expect-fit",
            help="Exit with 1 unless an engine serves it there; of those named, every one.",
        ),
    ] = False,
    offline: Offline = False,
    registry: RegistryFolders = None,
    timeout: Timeout = None,
    revision: Revision = None,
    verbose: Annotated[
        bool, typer.Option("--verbose", help="Show the rule and source of every answer.")
    ] = False,
) -> None:
    """Say which engines can serve a checkpoint on given accelerators, and what fits.

    Exit codes: 0 answered, 1 --expect-fit failed, 2 usage, 3 could not be fetched, 4 unreadable,
    70 a bug.
    """
    from famtree.cli.output import render, write_stderr, write_stdout
    from famtree.cli.progress import Progress
    from famtree.errors import UsageError

    chosen = choose_format(form, json=as_json)
    if expect_fit and gpu is None and gpu_memory is None:
        raise UsageError("--expect-fit needs to know where", hint="--gpu NAME, or --gpu-memory GB")
    from famtree import api
    from famtree.interchange.side import Plan

    plan = Plan(
        context=context,
        batch=batch,
        gpu_memory=gpu_memory,
        cache_type=kv_cache_type,
        capability=gpu_capability,
    )
    with Progress() as progress:
        found = api.fit(
            reference,
            engines=engine or (),
            gpu=gpu,
            plan=plan,
            tensor_parallel=tensor_parallel,
            revision=revision,
            offline=offline,
            registry=registry or (),
            timeout=timeout,
            on_progress=progress.show,
        )
    write_stdout(render("fit", found, chosen, verbose=verbose))
    if not expect_fit:
        return
    good = [one.fits == "yes" and one.answer in ("yes", "conditional") for one in found.engines]
    if not (all(good) and good if engine else any(good)):
        from famtree.formats.fit_text import tell_summary

        write_stderr(f"failed: {tell_summary(found)}\n")
        raise typer.Exit(1)
