"""What comes of a login that fails, by running huggingface_hub's own: each kind has words."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from huggingface_hub import constants
from huggingface_hub.utils import _auth

from famtree.errors import AccessError, FamtreeError, FetchError, NetworkError
from famtree.sources.hub_access import HubAccess

Answer = tuple[int, str, bytes]


class Exchange(ThreadingHTTPServer):
    """Answers the exchange of a token as it is told."""

    daemon_threads = True
    answer: Answer | None = (200, "application/json", b"{}")

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, *_: object) -> None:
        """Stay silent about what is broken off on purpose."""


class _Handler(BaseHTTPRequestHandler):
    server: Exchange

    def do_POST(self) -> None:
        if self.server.answer is None:
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        status, kind, body = self.server.answer
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def exchange(monkeypatch: pytest.MonkeyPatch) -> Iterator[Exchange]:
    monkeypatch.setenv("HF_OIDC_RESOURCE", "org/name")
    monkeypatch.setattr(_auth, "_OIDC_TOKEN_CACHE", None)
    monkeypatch.setattr("huggingface_hub.utils._http.time.sleep", lambda _: None)
    with Exchange() as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{server.server_address[1]}")
        yield server
        server.shutdown()


def find() -> FamtreeError:
    with pytest.raises(FamtreeError) as caught:
        HubAccess().find_token()
    assert isinstance(caught.value, FetchError), caught.value
    assert caught.value.exit_code == 3
    assert caught.value.hint
    assert "report it" not in caught.value.hint
    return caught.value


JSON = "application/json"
ANSWERS: dict[str, tuple[Answer | None, type[FamtreeError]]] = {
    "refused": ((401, JSON, b'{"error": "invalid_grant"}'), AccessError),
    "forbidden": ((403, JSON, b'{"error": "no trusted publisher"}'), AccessError),
    "bad request": ((400, JSON, b'{"error": "invalid_request"}'), NetworkError),
    "server fault": ((500, "text/plain", b"oops"), NetworkError),
    "too many": ((429, "text/plain", b""), NetworkError),
    "a page": ((200, "text/html", b"<!doctype html>"), AccessError),
    "a list": ((200, JSON, b"[]"), AccessError),
    "no token": ((200, JSON, b'{"token_type": "bearer"}'), AccessError),
    "an odd time": ((200, JSON, b'{"access_token": "hf_x", "expires_in": "soon"}'), AccessError),
    "no text": ((200, JSON, b"\xff\xfe\x00"), AccessError),
    "broken off": (None, NetworkError),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_a_failed_exchange(exchange: Exchange, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("HF_OIDC_ID_TOKEN", "of-the-runner")
    exchange.answer, kind = ANSWERS[name]
    assert isinstance(find(), kind)


def test_no_exchange_where_nothing_runs(exchange: Exchange) -> None:
    assert isinstance(find(), AccessError)


def test_nobody_to_exchange_with(exchange: Exchange, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_OIDC_ID_TOKEN", "of-the-runner")
    with socket.create_server(("127.0.0.1", 0)) as free:
        monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{free.getsockname()[1]}")
    assert isinstance(find(), NetworkError)


def test_a_sound_exchange(exchange: Exchange, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_OIDC_ID_TOKEN", "of-the-runner")
    answer = {"access_token": "hf_exchanged", "expires_in": 60}
    exchange.answer = (200, JSON, json.dumps(answer).encode())
    assert HubAccess().find_token() == "hf_exchanged"


def _garble(text: bytes) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        path.write_bytes(text)

    return damage


@pytest.mark.parametrize(
    "damage",
    [_garble(b"\xff\xfe\x00"), _garble(b"[a\nb"), _garble(b"= no section"), Path.mkdir],
)
@pytest.mark.parametrize("file", ["token", "stored_tokens"])
def test_damaged_files_of_a_login(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, file: str, damage: Callable[[Path], None]
) -> None:
    """A login is read or told of; nothing of it is a fault of famtree's own."""
    for name, constant in (("token", "HF_TOKEN_PATH"), ("stored_tokens", "HF_STORED_TOKENS_PATH")):
        monkeypatch.setattr(constants, constant, str(tmp_path / name))
    (tmp_path / "token").write_text("hf_stored")
    if file == "token":
        (tmp_path / "token").unlink()
    damage(tmp_path / file)
    monkeypatch.setattr(_auth, "_OAUTH_REFRESH_CACHE", None)
    with suppress(FetchError):
        HubAccess().find_token()
