from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from conftest import ROOT
from famtree.scan.processes import MAX_TRIES, ProcessPool
from famtree.scan.settings import ScanSettings

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


def test_every_reference_gets_one_row(tmp_path: Path) -> None:
    refs = [*make_folders(tmp_path, 12), str(tmp_path / "absent")]
    with ProcessPool(ScanSettings(workers=4), 2) as pool:
        rows = list(pool.scan(refs))
    assert sorted(row["ref"] for row in rows) == sorted(refs)
    assert {row["error_code"] for row in rows} == {None, "not-found"}


def test_references_are_taken_only_as_places_become_free(tmp_path: Path) -> None:
    refs = make_folders(tmp_path, 40)
    taken = 0

    def count() -> Iterator[str]:
        nonlocal taken
        for ref in refs:
            taken += 1
            yield ref

    with ProcessPool(ScanSettings(workers=2), 1) as pool:
        next(rows := pool.scan(count()))
        assert taken <= 8
        assert len(list(rows)) == 39


def test_what_a_killed_process_held_is_asked_again(tmp_path: Path) -> None:
    refs = make_folders(tmp_path, 30)
    with ProcessPool(ScanSettings(workers=2), 2) as pool:
        rows = pool.scan(refs)
        done = [next(rows)]
        os.kill(pool._processes[0]._process.pid, signal.SIGKILL)
        done += rows
    assert sorted(row["ref"] for row in done) == sorted(refs)
    assert {row["error_code"] for row in done} == {None}


def test_a_checkpoint_that_kills_every_process_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not what the workers run is replaced, but the workers: by programs that end at once."""
    program = tmp_path / "python"
    program.write_text("#!/bin/sh\nread line\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))
    with ProcessPool(ScanSettings(workers=1), 1) as pool:
        rows = list(pool.scan(["org/deadly"]))
    assert [(row["ref"], row["error_code"]) for row in rows] == [("org/deadly", "worker-lost")]
    assert pool._tries["org/deadly"] == MAX_TRIES


def test_leaving_ends_the_processes(tmp_path: Path) -> None:
    with ProcessPool(ScanSettings(workers=2), 2) as pool:
        pids = [one._process.pid for one in pool._processes]
        next(pool.scan(make_folders(tmp_path, 20)))
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
