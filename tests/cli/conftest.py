from __future__ import annotations

import pytest

from cli.commands import Command, FakeApi, install_fake_api, make_command
from families import make_registry
from famtree.registry import load


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Command:
    return make_command(capsys)


@pytest.fixture
def fake_api(monkeypatch: pytest.MonkeyPatch) -> FakeApi:
    return install_fake_api(monkeypatch)


@pytest.fixture
def fake_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    registry = make_registry()
    monkeypatch.setattr(load, "load_registry", lambda: registry)
