"""The `hub` fixture: a running test server that this process and its children take for the Hub."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hub.server import HubServer

_CLEARED = (
    "HF_TOKEN",
    "HUGGING_FACE_HUB_TOKEN",
    "HF_HUB_OFFLINE",
    "TRANSFORMERS_OFFLINE",
    "HF_HUB_CACHE",
    "HUGGINGFACE_HUB_CACHE",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "http_proxy",
    "https_proxy",
    "all_proxy",
)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[HubServer]:
    """Serve an empty Hub; HF_ENDPOINT and HF_HOME point at it and at a new folder."""
    with HubServer() as server:
        point_at(server, tmp_path / "hf", monkeypatch)
        yield server
        close_session()


def point_at(server: HubServer, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make huggingface_hub, here and in child processes, use `server` and `home`.

    The library reads its environment once, on import, so its constants are set too.
    """
    from huggingface_hub import constants

    for name in _CLEARED:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_ENDPOINT", server.url)
    monkeypatch.setenv("HF_HOME", str(home))
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setattr(constants, "ENDPOINT", server.url)
    template = server.url + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr(constants, "HF_HOME", str(home))
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(home / "hub"))
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(home / "token"))
    monkeypatch.setattr(constants, "HF_STORED_TOKENS_PATH", str(home / "stored_tokens"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    # Files come from the Hub's storage host, not by the protocol of another service.
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    close_session()


def close_session() -> None:
    """Close pooled connections, so that none outlives its server, and forget proxies."""
    from huggingface_hub import close_session as close

    from famtree.sources.connections import CONNECTIONS

    close()
    CONNECTIONS.close()
