"""A worker, or the server that forks workers, whose parent was killed ends without a word."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest

from conftest import ROOT
from famtree.scan.settings import ScanSettings

SETTINGS = json.dumps(asdict(ScanSettings(workers=2))).encode() + b"\n"
ENVIRONMENT = os.environ | {"PYTHONPATH": str(ROOT / "src")}


@pytest.mark.parametrize("asked", [b"", SETTINGS, SETTINGS + b'"./absent"\n' * 200])
def test_a_worker_without_a_parent(asked: bytes, tmp_path: Path) -> None:
    errors = tmp_path / "errors"
    with (
        errors.open("wb") as told,
        subprocess.Popen(
            [sys.executable, "-m", "famtree.scan.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=told,
            env=ENVIRONMENT,
        ) as process,
    ):
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdout.close()
        process.stdin.write(asked)
        process.stdin.close()
        assert process.wait(60) == 0
    assert errors.read_bytes() == b""


def test_a_worker_whose_parent_ended_before_it_said_anything() -> None:
    command = [sys.executable, "-m", "famtree.scan.worker"]
    done = subprocess.run(command, input=b"", capture_output=True, env=ENVIRONMENT, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"\n", b"")


@pytest.mark.skipif(sys.platform != "linux", reason="workers are forked on Linux")
def test_forked_workers_without_a_parent(tmp_path: Path) -> None:
    errors = tmp_path / "errors"
    control, end = socket.socketpair()
    with (
        errors.open("wb") as told,
        subprocess.Popen(
            [sys.executable, "-m", "famtree.scan.fork_server"],
            stdin=end.fileno(),
            stderr=told,
            env=ENVIRONMENT,
        ) as server,
    ):
        end.close()
        ends = []
        for _ in range(3):
            ours, theirs = socket.socketpair()
            socket.send_fds(control, [b"f"], [theirs.fileno()])
            theirs.close()
            ends.append(ours)
        for ours, asked in zip(ends, (b"", SETTINGS, SETTINGS + b'"./absent"\n'), strict=True):
            ours.sendall(asked)
        for ours in ends:
            # What stands unread when it is closed makes the other end's next read fail.
            ours.recv(1, socket.MSG_PEEK)
            ours.close()
        control.close()
        assert server.wait(60) == 0
    assert errors.read_bytes() == b""
