"""Hashes of files on this machine are kept, and the bar while they are computed."""

from __future__ import annotations

import io
import os
import re
import sys
import time
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from cli.commands import make_command
from famtree import api
from famtree.cli import progress
from famtree.sources import file_hashes
from forged_folders import BASE, Files, in_record, tamper, weights_of
from hub.server import HubServer
from tiny_models import files_of, make_model


@pytest.fixture
def base(hub: HubServer) -> Files:
    files = files_of(make_model(1))
    hub.add(BASE, {**files, "README.md": b"---\nlicense: mit\n---\n"})
    return files


class TestKeptHashes:
    """What was hashed is not read again, until the file may be another."""

    @pytest.fixture
    def read(self, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        found: list[str] = []
        plain = file_hashes._read_through

        def note(stream: Any, name: str, size: int, report: Any) -> str:
            found.append(name)
            return plain(stream, name, size, report)

        monkeypatch.setattr(file_hashes, "_read_through", note)
        return found

    @pytest.fixture
    def folder(self, hub: HubServer, base: Files, tmp_path: Path) -> Path:
        made = in_record(hub, tmp_path, base, weights_of(base))
        time.sleep(0.1)
        return made

    def test_the_second_run_reads_nothing(self, folder: Path, read: list[str]) -> None:
        first, second = (api.identify(str(folder), verify=True) for _ in range(2))
        assert read == ["model.safetensors"]
        size = (folder / "model.safetensors").stat().st_size
        assert second.cost.bytes < size <= first.cost.bytes - second.cost.bytes
        without = [one.to_document() | {"cost": None} for one in (first, second)]
        assert without[0] == without[1]

    def test_nothing_is_kept_in_the_folder(self, folder: Path, tmp_path: Path) -> None:
        before = sorted(folder.rglob("*"))
        api.identify(str(folder), verify=True)
        assert sorted(folder.rglob("*")) == before
        [kept] = [one for one in (tmp_path / "hf/famtree/hashes").rglob("*") if one.is_file()]
        assert kept.stat().st_mode & 0o077 == 0

    def test_a_changed_file_with_its_old_time(self, folder: Path, read: list[str]) -> None:
        path = folder / "model.safetensors"
        assert api.lineage(str(folder), verify=True).edges[0].status == "verified"
        status, data = path.stat(), path.read_bytes()
        with path.open("r+b") as stream:
            stream.write(tamper(data))
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
        after = path.stat()
        assert (after.st_size, after.st_mtime_ns, after.st_ino) == (
            status.st_size, status.st_mtime_ns, status.st_ino,
        )  # fmt: skip
        found = api.lineage(str(folder), verify=True)
        assert len(read) == 2
        assert found.edges[0].status != "verified"
        assert "hash-mismatch" in {one.code for one in found.warnings}

    @pytest.mark.parametrize("fault", ["writable by all", "damaged", "of another file"])
    def test_a_kept_hash_that_may_be_anybodys(
        self, folder: Path, read: list[str], tmp_path: Path, fault: str
    ) -> None:
        api.identify(str(folder), verify=True)
        [kept] = [one for one in (tmp_path / "hf/famtree/hashes").rglob("*") if one.is_file()]
        text = kept.read_bytes()
        if fault == "writable by all":
            kept.chmod(0o666)
        elif fault == "damaged":
            kept.write_bytes(text.replace(b'"sha256": "', b'"sha256": "0', 1))
        else:
            told = re.sub(rb'"ctime_ns": \d+', b'"ctime_ns": 1', text.partition(b"\n")[0])
            kept.write_bytes(told + b"\n" + sha256(told).hexdigest().encode())
        api.identify(str(folder), verify=True)
        assert len(read) == 2

    def test_a_file_that_was_just_written_is_not_kept(
        self,
        hub: HubServer,
        base: Files,
        read: list[str],
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(file_hashes, "_SETTLED", 3600.0)
        folder = in_record(hub, tmp_path, base, weights_of(base))
        for _ in range(2):
            api.identify(str(folder), verify=True)
        assert len(read) == 2


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("terminal", [True, False])
def test_a_bar_on_a_terminal_only(
    hub: HubServer,
    base: Files,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    terminal: bool,
) -> None:
    folder = in_record(hub, tmp_path, base, weights_of(base))
    monkeypatch.setattr(file_hashes, "_INTERVAL", 0.0)
    monkeypatch.setattr(progress.Progress.__init__, "__defaults__", (0.0,))
    monkeypatch.setattr(file_hashes, "_BLOCK", 1 << 12)
    screen = Terminal() if terminal else io.StringIO()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    make_command(capsys)("identify", str(folder), "--verify", "--json")
    shown = re.findall(r"hashing \[#*-*\] [\d.]+ MB of [\d.]+ MB, [\d.]+ \wB/s", screen.getvalue())
    assert bool(shown) is terminal
    assert terminal or screen.getvalue() == ""
