from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from conftest import POSIX, ROOT
from famtree.scan.processes import MAX_TRIES, ProcessPool
from famtree.scan.settings import ScanSettings
from famtree.scan.starters import ForkServer, Spawner, Starter
from hub.server import HubServer

EXAMPLE = ROOT / "fixtures" / "example"


@pytest.fixture(autouse=True)
def import_from_this_checkout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "src"))


def make_folders(folder: Path, count: int) -> list[str]:
    made = []
    for number in range(count):
        place = folder / f"checkpoint-{number}"
        place.mkdir()
        (place / "config.json").write_bytes((EXAMPLE / "config.json").read_bytes())
        made.append(str(place))
    return made


@pytest.fixture(params=[ForkServer, Spawner], ids=["forked", "spawned"])
def starter(request: pytest.FixtureRequest) -> Starter:
    if request.param is ForkServer and sys.platform != "linux":
        pytest.skip("no forking here")
    made: Starter = request.param()
    return made


def list_workers(starter: Starter) -> list[int]:
    """Return the numbers of the processes that a starter's workers are."""
    if isinstance(starter, Spawner):
        return [process.pid for process in starter._started]
    assert isinstance(starter, ForkServer)
    assert starter._server is not None
    return _list_children(starter._server.pid)


def test_every_reference_gets_one_row(tmp_path: Path, starter: Starter) -> None:
    refs = [*make_folders(tmp_path, 12), str(tmp_path / "absent")]
    with ProcessPool(ScanSettings(workers=4), starter, 2) as pool:
        rows = list(pool.scan(refs))
    assert sorted(row["ref"] for row in rows) == sorted(refs)
    assert {row["error_code"] for row in rows} == {None, "not-found"}


def test_references_are_taken_only_as_places_become_free(tmp_path: Path, starter: Starter) -> None:
    refs = make_folders(tmp_path, 40)
    taken = 0

    def count() -> Iterator[str]:
        nonlocal taken
        for ref in refs:
            taken += 1
            yield ref

    with ProcessPool(ScanSettings(workers=2), starter, 1) as pool:
        next(rows := pool.scan(count()))
        assert taken <= 8
        assert len(list(rows)) == 39


@POSIX
def test_what_a_killed_process_held_is_asked_again(tmp_path: Path, starter: Starter) -> None:
    refs = make_folders(tmp_path, 30)
    with ProcessPool(ScanSettings(workers=2), starter, 2) as pool:
        rows = pool.scan(refs)
        done = [next(rows)]
        os.kill(list_workers(starter)[0], signal.SIGKILL)
        done += rows
    assert sorted(row["ref"] for row in done) == sorted(refs)
    assert {row["error_code"] for row in done} == {None}


@POSIX
def test_a_checkpoint_that_kills_every_process_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, starter: Starter
) -> None:
    """Not what the workers run is replaced, but the workers: by programs that end at once."""
    program = tmp_path / "python"
    program.write_text("#!/bin/sh\nread line\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))
    with ProcessPool(ScanSettings(workers=1), starter, 1) as pool:
        rows = list(pool.scan(["org/deadly"]))
    assert [(row["ref"], row["error_code"]) for row in rows] == [("org/deadly", "worker-lost")]
    assert pool._tries["org/deadly"] == MAX_TRIES


def test_a_lost_server_is_started_again(tmp_path: Path) -> None:
    refs = make_folders(tmp_path, 30)
    starter = ForkServer()
    with ProcessPool(ScanSettings(workers=2), starter, 2) as pool:
        rows = pool.scan(refs)
        done = [next(rows)]
        assert starter._server is not None
        lost = starter._server.pid
        os.killpg(lost, signal.SIGKILL)
        done += rows
        assert starter._server.pid != lost
    assert sorted(row["ref"] for row in done) == sorted(refs)
    assert {row["error_code"] for row in done} == {None}


def test_leaving_ends_the_processes(tmp_path: Path, starter: Starter) -> None:
    with ProcessPool(ScanSettings(workers=2), starter, 2) as pool:
        next(pool.scan(make_folders(tmp_path, 20)))
        pids = list_workers(starter)
    assert len(pids) == 2
    _wait_until_gone(pids)


@pytest.mark.skipif(sys.platform != "linux", reason="no forking here")
def test_workers_end_with_a_scan_that_is_killed(hub: HubServer, tmp_path: Path) -> None:
    """Though what they asked for does not come."""
    hub.faults.latency = 30
    command = [sys.executable, "-m", "famtree", "scan", "org/a", "org/b", "--out"]
    with subprocess.Popen([*command, str(tmp_path / "rows.jsonl")]) as scan:
        workers = _wait_for_grandchildren(scan.pid)
        while not hub.seen.connections:
            time.sleep(0.02)
        scan.kill()
    _wait_until_gone(workers)


def _wait_for_grandchildren(number: int) -> list[int]:
    """Return the numbers of a scan's fork server and its workers, once there are some."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        servers = _list_children(number)
        workers = [worker for server in servers for worker in _list_children(server)]
        if workers:
            return [*servers, *workers]
        time.sleep(0.02)
    raise AssertionError("no workers")


def _list_children(number: int) -> list[int]:
    children = Path(f"/proc/{number}/task/{number}/children")
    return [int(child) for child in children.read_text().split()] if children.exists() else []


def _wait_until_gone(pids: list[int]) -> None:
    deadline = time.monotonic() + 5
    while any(_alive(pid) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not any(_alive(pid) for pid in pids)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
