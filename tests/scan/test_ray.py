"""The ray engine against the local one, in processes of their own."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from conftest import ROOT
from famtree.errors import NetworkError
from famtree.scan.jsonl import read_rows
from famtree.scan.row import make_failure
from hub.server import HubServer
from registry.own import write_checkpoint, write_family

pytestmark = pytest.mark.skipif(find_spec("ray") is None, reason="needs ray")
CONFIG = (ROOT / "fixtures" / "example" / "config.json").read_bytes()
COST = ("requests", "bytes", "seconds", "document")


def start(*arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "famtree", "scan", *arguments],
        env=os.environ | {"PYTHONPATH": str(ROOT / "src"), "RAY_USAGE_STATS_ENABLED": "0"},
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


@contextlib.contextmanager
def started(*arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """Start a scan; whatever of it is left at the end is killed, Ray's own processes as well."""
    process = start(*arguments)
    try:
        yield process
    finally:
        below = list_below(process.pid) if Path("/proc").exists() else []
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        for number, _ in below:  # those that Ray gave a session of their own
            with contextlib.suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)
        process.wait(timeout=60)


def scan(*arguments: str) -> None:
    with started(*arguments) as process:
        assert process.wait(timeout=400) == 0


def read_folder(folder: Path) -> list[dict[str, Any]]:
    from pyarrow import parquet

    return [row for path in sorted(folder.glob("*.parquet"))
            for row in parquet.read_table(path).to_pylist()]  # fmt: skip


def list_workers(driver: int) -> list[int]:
    """Return the processes of Ray below `driver` that run a task."""
    return [number for number, name in list_below(driver) if name.startswith(b"ray::MapBatches")]


def list_below(driver: int) -> list[tuple[int, bytes]]:
    """Return number and command line of all processes that come from `driver`."""
    parents: dict[int, int] = {}
    named: list[tuple[int, bytes]] = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            state = (entry / "stat").read_text().rpartition(")")[2].split()
            name = (entry / "cmdline").read_bytes()
        except OSError:
            continue
        parents[int(entry.name)] = int(state[1])
        named.append((int(entry.name), name))

    def is_below(process: int) -> bool:
        while process in parents and process != driver:
            process = parents[process]
        return process == driver

    return [one for one in named if one[0] != driver and is_below(one[0])]


@pytest.mark.skipif(not Path("/proc").exists(), reason="finds processes in /proc")
def test_a_lost_worker_changes_no_row(hub: HubServer, tmp_path: Path) -> None:
    for number in range(200):
        hub.add(f"org/model-{number:03}", {"config.json": CONFIG}, tags=["text"])
    hub.add("org/broken", {"config.json": b"{"})
    local, folder = tmp_path / "local.jsonl", tmp_path / "rows.parquet"
    scan("--author", "org", "--out", str(local))
    hub.faults.latency = 0.1
    with started(
        "--author", "org", "--engine", "ray", "--workers", "16", "--out", str(folder)
    ) as ray:
        deadline = time.monotonic() + 300
        while not (workers := list_workers(ray.pid)):
            assert time.monotonic() < deadline
            assert ray.poll() is None
            time.sleep(0.05)
        os.kill(workers[0], signal.SIGKILL)
        assert ray.wait(timeout=400) == 0
    expected = {row["ref"]: row for row in read_rows(local)}
    found = read_folder(folder)
    assert sorted(row["ref"] for row in found) == sorted(expected)
    for row in found:
        own = expected[row["ref"]]
        assert {name: value for name, value in row.items() if name not in COST} == {
            name: value for name, value in own.items() if name not in COST
        }


@pytest.mark.skipif(not Path("/proc").exists(), reason="finds processes in /proc")
def test_a_killed_driver_loses_nothing_that_was_written(hub: HubServer, tmp_path: Path) -> None:
    names = {f"org/model-{number:03}" for number in range(200)}
    for name in names:
        hub.add(name, {"config.json": CONFIG})
    folder = tmp_path / "rows.parquet"
    hub.faults.latency = 0.1
    command = ["--author", "org", "--engine", "ray", "--workers", "16", "--out", str(folder)]
    with started(*command) as ray:
        deadline = time.monotonic() + 300
        while not (written := list(folder.glob("*.parquet"))):
            assert time.monotonic() < deadline
            assert ray.poll() is None
            time.sleep(0.02)
    kept = {path: path.stat().st_mtime_ns for path in written}
    assert len(read_folder(folder)) < len(names)
    hub.faults.latency = 0
    scan(*command, "--resume")
    assert sorted(row["ref"] for row in read_folder(folder)) == sorted(names)
    assert kept.items() <= {path: path.stat().st_mtime_ns for path in kept}.items()


def test_a_folder_is_continued(tmp_path: Path) -> None:
    from famtree.errors import UsageError
    from famtree.scan.parquet import write_parquet
    from famtree.scan.ray import open_folder
    from famtree.scan.references import hash_reference
    from scan_rows import make_row

    rows = [make_row("org/a"), make_failure("org/b", NetworkError("gone"))]
    assert open_folder(tmp_path / "rows", resume=False) == set()
    write_parquet(rows, tmp_path / "rows" / "one.parquet")
    with pytest.raises(UsageError):
        open_folder(tmp_path / "rows", resume=False)
    assert open_folder(tmp_path / "rows", resume=True) == {hash_reference("org/a")}
    assert [row["ref"] for row in read_folder(tmp_path / "rows")] == ["org/a"]
    (tmp_path / "rows" / "other.parquet").write_text("nothing")
    with pytest.raises(UsageError):
        open_folder(tmp_path / "rows", resume=True)


def test_tasks_know_own_families(tmp_path: Path) -> None:
    own, checkpoint = write_family(tmp_path / "own"), write_checkpoint(tmp_path / "oak")
    folder = tmp_path / "rows.parquet"
    scan(str(checkpoint), "--engine", "ray", "--registry", str(own), "--out", str(folder))
    assert [row["family"] for row in read_folder(folder)] == ["oakling"]
