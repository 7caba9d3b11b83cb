"""The same function on Ray Data (extra `ray`): partitioned Parquet, on this machine or a cluster.

References go out in blocks. Each task answers its block and writes it as one Parquet file, under
another name until it is whole: a lost worker's block is done again by Ray, and a killed driver
loses what was under way and nothing that was written. `resume` leaves out what the folder holds.
"""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cache
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from famtree.errors import FamtreeError, UsageError, require_package
from famtree.scan.checkpoint import scan_checkpoint
from famtree.scan.parquet import count_rows, read_parquet, require_parquet, write_parquet
from famtree.scan.references import drop_repeated, hash_reference
from famtree.scan.row import Row
from famtree.scan.settings import ScanSettings

if TYPE_CHECKING:
    from famtree.registry.registry import Registry

THREADS = 8
"""References under way in one task."""
BLOCK = 64
"""References a task answers: what is asked again, at most, when its worker is lost."""
WAVE = 256
"""Blocks handed to Ray at a time, so that endless references need no endless memory."""
_SHOWN = ("ref", "outcome", "error_code")


def require_ray() -> Any:
    """Return the module. Raises UsageError where it is not installed."""
    require_parquet()
    require_package("ray.data", "the ray engine", instead=", or use --engine local")
    import ray

    return ray


def open_folder(folder: Path, *, resume: bool) -> set[int]:
    """Make `folder`, and return hashes of the references it has a final row for.

    Failures that may pass are taken out of its files, since they are asked again. Raises
    UsageError where it holds rows and is not to be continued, or cannot be used.
    """
    done: set[int] = set()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        held = sorted(folder.glob("*.parquet"))
        if held and not resume:
            raise UsageError(
                f"{folder.name} holds rows already",
                hint="continue it with --resume, or move it away",
            )
        for path in held:
            final = {hash_reference(row["ref"]) for row in read_parquet(path)}
            if len(final) < count_rows(path):
                write_parquet(list(read_parquet(path)), path)
            done |= final
    except ValueError as fault:
        raise UsageError(str(fault), hint="name another folder") from fault
    except OSError as fault:
        raise UsageError(
            f"{folder.name} cannot be used: {fault.strerror or fault}", hint="name another folder"
        ) from fault
    return done


@contextlib.contextmanager
def connect(address: str | None, workers: int) -> Iterator[Any]:
    """Join the cluster at `address`, or start one on this machine, and yield Ray.

    Raises UsageError where the cluster cannot be reached.
    """
    ray = require_ray()
    options: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
    if address is not None:
        options["address"] = address
    else:
        options |= {"include_dashboard": False, "num_cpus": max(1, workers // THREADS)}
    try:
        ray.init(**options)
    except Exception as fault:
        told = (str(fault).splitlines() or [""])[0][:200]
        where = f"at {address}" if address is not None else "could be started here"
        raise UsageError(
            f"no Ray cluster {where}: {told}", hint="check --ray-address, or use --engine local"
        ) from fault
    try:
        ray.data.DataContext.get_current().enable_progress_bars = False
        yield ray
    finally:
        ray.shutdown()


def scan_ray(
    refs: Iterable[str],
    settings: ScanSettings,
    folder: Path,
    done: set[int],
    ray: Any,
) -> Generator[Row, None, None]:
    """Scan into files of `folder` and yield the columns that are counted, once they are written.

    `done` and the order of rows are as in `famtree.scan.local`; `ray` is what `connect` yields.
    On a cluster `folder` has to be one that all machines share.
    """
    waiting = drop_repeated(refs, done)
    task = make_task(settings, folder)
    while wave := list(islice(waiting, WAVE * BLOCK)):
        blocks = [wave[at : at + BLOCK] for at in range(0, len(wave), BLOCK)]
        data = ray.data.from_items(
            [{"refs": block} for block in blocks], override_num_blocks=len(blocks)
        )
        answered = data.map_batches(task, batch_size=1, batch_format="numpy", zero_copy_batch=True)
        try:
            for row in answered.iter_rows():
                yield {name: row[name] or None for name in _SHOWN}
        except ray.exceptions.RayError as fault:
            told = (str(fault).splitlines() or [""])[0][:200]
            raise FamtreeError(
                f"the Ray cluster failed: {told}",
                hint="what was written is kept; go on with --resume",
                code="worker-lost",
            ) from fault


def make_task(settings: ScanSettings, folder: Path) -> Any:
    """Return the function that answers one block and writes its file."""
    share = replace(settings, workers=THREADS)

    def answer(batch: dict[str, Any]) -> dict[str, list[Any]]:
        refs = [str(ref) for block in batch["refs"] for ref in block]
        rows = answer_block(refs, share)
        write_parquet(rows, folder / f"{name_block(refs)}.parquet")
        return {name: [row[name] or "" for row in rows] for name in _SHOWN}

    return answer


def answer_block(refs: list[str], settings: ScanSettings) -> list[Row]:
    """Return the rows of `refs`, in their order, `settings.workers` at a time."""
    registry = _load(tuple(settings.registry))
    with ThreadPoolExecutor(settings.workers) as pool:
        return list(pool.map(lambda ref: scan_checkpoint(ref, registry, settings), refs))


def name_block(refs: list[str]) -> str:
    """Return the name of a block's file: one done twice replaces its first file."""
    return blake2b("\n".join(refs).encode("utf-8", "replace"), digest_size=16).hexdigest()


@cache
def _load(places: tuple[str, ...]) -> Registry:
    from famtree.registry.places import load_places

    return load_places(places)
