"""What the user's own HF variables may hold: nonsense is an error of usage, never a bug."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from checkpoint.folders import CONFIG, write_folder
from hub.server import HubServer


def run(hub: HubServer, home: Path, *arguments: str, **variables: str) -> tuple[int, str]:
    environment = {**os.environ, "HF_ENDPOINT": hub.url, "HF_HOME": str(home), **variables}
    done = subprocess.run(
        [sys.executable, "-m", "famtree", *arguments],
        env=environment, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    return done.returncode, done.stderr


@pytest.mark.parametrize(
    "variables",
    [
        {"HF_HUB_DOWNLOAD_TIMEOUT": "soon"},
        {"HF_HUB_DOWNLOAD_TIMEOUT": ""},
        {"HF_HUB_DOWNLOAD_TIMEOUT": "-1"},
        {"HF_HUB_ETAG_TIMEOUT": "1.5s"},
    ],
)
def test_settings_that_cannot_be_read_are_told(
    hub: HubServer, tmp_path: Path, variables: dict[str, str]
) -> None:
    hub.add("org/name", {"config.json": b'{"model_type": "llama"}'})
    code, told = run(hub, tmp_path, "identify", "org/name", **variables)
    assert code == 2, told
    assert "HF_HUB_DOWNLOAD_TIMEOUT" in told


def test_who_calls_is_told_without_line_ends(hub: HubServer, tmp_path: Path) -> None:
    hub.add("org/name", {"config.json": b'{"model_type": "llama"}'})
    origin = {"HF_HUB_USER_AGENT_ORIGIN": "a\r\nx-evil: 1"}
    assert run(hub, tmp_path, "identify", "org/name", **origin)[0] == 0


@pytest.mark.parametrize("command", ["lineage", "bom"])
def test_a_password_in_the_endpoint_is_told_where_a_parent_is_asked_for(
    hub: HubServer, tmp_path: Path, command: str
) -> None:
    files = {"config.json": CONFIG, "README.md": "---\nbase_model: acme/base\n---\n"}
    folder = write_folder(tmp_path / "child", files)
    endpoint = hub.url.replace("://", "://user:PASSW0RD@")
    code, told = run(hub, tmp_path, command, str(folder), HF_ENDPOINT=endpoint)
    assert code == 2, told
    assert "PASSW0RD" not in told
    assert hub.seen.requests == 0
