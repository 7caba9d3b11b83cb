from __future__ import annotations

import os
import socket

import pytest
from pytest_socket import SocketConnectBlockedError


def test_only_loopback_can_be_reached() -> None:
    # pytest-socket warns before it raises, and warnings are errors here.
    with socket.socket() as client, pytest.raises((SocketConnectBlockedError, UserWarning)):
        client.connect(("192.0.2.1", 80))


def test_loopback_can_be_reached() -> None:
    with socket.socket() as server, socket.socket() as client:
        server.bind(("127.0.0.1", 0))
        server.listen()
        client.connect(server.getsockname())


def test_settings_of_the_user_are_hidden() -> None:
    assert "HF_TOKEN" not in os.environ
    assert os.environ["HF_ENDPOINT"].startswith("http://127.0.0.1:")
    assert "surroundings" in os.environ["HF_HOME"]
