"""The whole command, in processes of its own, against a Hub on this machine."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections import deque
from pathlib import Path

import pytest

from conftest import POSIX, ROOT
from famtree.scan.jsonl import read_rows
from hub.server import HubServer

CONFIG = (ROOT / "fixtures" / "example" / "config.json").read_bytes()


@pytest.fixture
def filled(hub: HubServer) -> HubServer:
    for number in range(24):
        hub.add(f"org/model-{number:02}", {"config.json": CONFIG}, tags=["text"])
    hub.add("org/broken", {"config.json": b"{"})
    return hub


def start(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "famtree", "scan", *arguments],
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(*arguments: str) -> tuple[int, str, str]:
    with start(*arguments) as process:
        out, err = process.communicate(timeout=120)
        return process.returncode, out, err


def wait_for_rows(path: Path, count: int) -> None:
    deadline = time.monotonic() + 60
    while not path.exists() or path.read_bytes().count(b"\n") < count:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_all_models_of_an_account(filled: HubServer, tmp_path: Path) -> None:
    out = tmp_path / "rows.jsonl"
    code, printed, told = run("--author", "org", "--out", str(out))
    assert (code, printed) == (0, "")
    rows = {row["ref"]: row for row in read_rows(out)}
    assert len(rows) == 25
    assert rows.pop("org/broken")["error_code"] == "bad-config"
    assert {row["outcome"] for row in rows.values()} == {"identified"}
    assert "25 scanned: 24 identified, 1 failed (bad-config 1)" in told


def test_killed_and_resumed_loses_and_doubles_nothing(filled: HubServer, tmp_path: Path) -> None:
    out, asked = tmp_path / "rows.jsonl", tmp_path / "ids.txt"
    asked.write_text("\n".join(sorted(filled.repositories)))
    filled.faults.latency = 0.03
    with start("--from", str(asked), "--out", str(out), "--workers", "2") as process:
        wait_for_rows(out, 3)
        process.kill()
    held = len(list(read_rows(out)))
    assert 3 <= held < 25
    filled.faults.latency = 0.0
    code, _, told = run("--from", str(asked), "--out", str(out), "--resume")
    assert code == 0
    assert f"{25 - held} scanned, {held} held already" in told
    refs = [row["ref"] for row in read_rows(out)]
    assert sorted(refs) == sorted(filled.repositories)


@POSIX
def test_interrupted_leaves_valid_rows_and_says_so(filled: HubServer, tmp_path: Path) -> None:
    out = tmp_path / "rows.jsonl"
    filled.faults.latency = 0.03
    with start("--author", "org", "--out", str(out), "--workers", "2") as process:
        wait_for_rows(out, 2)
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Traceback" not in told
    lines = out.read_text().splitlines()
    assert len(lines) >= 2
    assert {json.loads(line)["schema"] for line in lines} == {"famtree/scan/1"}


def test_faults_end_right_or_named(filled: HubServer, tmp_path: Path) -> None:
    out = tmp_path / "rows.jsonl"
    filled.faults.only = "model-1"
    filled.faults.statuses = deque([429, 500, 503, 404, 429])
    filled.faults.retry_after = "0"
    run("--author", "org", "--out", str(out))
    rows = list(read_rows(out))
    assert len(rows) == 25
    assert {row["error_code"] for row in rows} <= {None, "bad-config", "not-found"}


def test_limits_without_a_time_lose_no_row(hub: HubServer, tmp_path: Path) -> None:
    """What stands in front of the Hub answers 429 with neither Retry-After nor RateLimit."""
    for number in range(40):
        hub.add(f"org/model-{number:02}", {"config.json": CONFIG})
    hub.faults.statuses = deque([429] * 60)
    out = tmp_path / "rows.jsonl"
    code, _, told = run(*sorted(hub.repositories), "--out", str(out))
    assert code == 0, told
    assert [row["outcome"] for row in read_rows(out)] == ["identified"] * 40
    assert not hub.faults.statuses


def test_usage(tmp_path: Path) -> None:
    assert run("org/a")[0] == 2
    assert run("--out", "rows.jsonl")[0] == 2
    assert run("org/a", "--out", str(tmp_path / "rows.csv"))[0] == 2
    code, _, told = run("--from", str(tmp_path / "absent"), "--out", str(tmp_path / "rows.jsonl"))
    assert code == 2
    assert "cannot be read" in told


def test_rows_on_stdout_and_who_failed(filled: HubServer) -> None:
    code, printed, told = run("org/model-00", "org/broken", "org/absent", "--out", "-")
    rows = [json.loads(line) for line in printed.splitlines()]
    assert (code, len(rows)) == (0, 3)
    assert {"failed: org/absent (not-found)", "failed: org/broken (bad-config)"} <= set(
        told.splitlines()
    )
    code, printed, _ = run("org/model-00", "--out", "-", "--format", "csv")
    heading, row = csv.reader(printed.splitlines())
    assert dict(zip(heading, row, strict=True))["family"] == "mistral"


def test_a_limit_holds_for_lists_of_any_kind(filled: HubServer, tmp_path: Path) -> None:
    names = tmp_path / "names.txt"
    names.write_text("".join(f"org/model-{number:02}\n" for number in range(9)))
    _, printed, _ = run("--from", str(names), "--limit", "2", "--out", "-")
    assert len(printed.splitlines()) == 2


def test_an_account_that_nobody_has_is_an_error(filled: HubServer) -> None:
    code, _, told = run("--author", "nobody", "--out", "-")
    assert code == 3
    assert "the Hub lists no model of nobody" in told


def test_a_folder_and_the_cache(
    hub: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = [f"hub/models--org--{name}/snapshots/{'0' * 40}" for name in "ab"]
    for place in places:
        (tmp_path / place).mkdir(parents=True)
        (tmp_path / place / "config.json").write_bytes(CONFIG)
    for arguments in ([str(tmp_path / "hub")], ["--cache"]):
        monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
        code, printed, _ = run(*arguments, "--out", "-")
        rows = [json.loads(line) for line in printed.splitlines()]
        assert code == 0
        assert sorted(row["ref"] for row in rows) == [str(tmp_path / place) for place in places]
        assert {row["name"] for row in rows} == {"a", "b"}
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "none"))
    assert run("--cache", "--out", "-")[0] == 3
