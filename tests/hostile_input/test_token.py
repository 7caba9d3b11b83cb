"""The token: no other host gets it, and nothing that is kept or shown holds it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from hostile_input.case import sound_files
from hub.endpoints import Reply
from hub.repository import make_sparse
from hub.server import HubServer
from test_end_to_end import identify

TOKEN = "hf_" + "verysecret" * 3
REPO = "org/name"


class Elsewhere:
    """A second host that records what it is sent and serves a file to everyone."""

    def __init__(self, body: bytes) -> None:
        self.received: list[str] = []
        received = self.received

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                received.append(f"{self.path}\n{self.headers}")
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_address[1]}"


@pytest.fixture
def elsewhere() -> Iterator[Elsewhere]:
    found = Elsewhere(sound_files()["config.json"][0])
    threading.Thread(target=found.server.serve_forever, args=(0.02,), daemon=True).start()
    yield found
    found.server.shutdown()
    found.server.server_close()


@pytest.mark.parametrize("status", [301, 302, 307, 308])
@pytest.mark.parametrize("code", ["0", "1"])
@pytest.mark.parametrize("listing", [False, True])
def test_a_hub_that_redirects_elsewhere(
    hub: HubServer,
    elsewhere: Elsewhere,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    status: int,
    code: str,
    listing: bool,
) -> None:
    """`code` is FAMTREE_DEBUG: a traceback must not hold the token either."""
    from hub import endpoints

    files = sound_files()
    hub.add(
        REPO,
        {
            "config.json": files["config.json"][0],
            "model.safetensors": make_sparse(
                "model.safetensors", files["model.safetensors"][1], files["model.safetensors"][0]
            ),
        },
        private=True,
    )
    hub.tokens = {TOKEN: {REPO}}
    serve = endpoints.serve_hub

    def redirect(
        server: HubServer, method: str, path: str, headers: dict[str, str], body: bytes
    ) -> Reply:
        if path.startswith("/api/models") if listing else "config.json" in path:
            return Reply(status, {"Location": f"{elsewhere.address}{path}"})
        return serve(server, method, path, headers, body)

    monkeypatch.setattr(endpoints, "serve_hub", redirect)
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    monkeypatch.setenv("FAMTREE_DEBUG", code)
    done = identify(REPO)
    assert done.code == (3 if listing else 0), done.err
    assert elsewhere.received, "the redirect was followed"
    assert any(TOKEN in str(seen.headers) for seen in hub.seen.all if seen.host == "hub")
    assert TOKEN not in "".join(elsewhere.received)
    assert not any(TOKEN in str(seen.headers) for seen in hub.seen.all if seen.host == "cdn")
    assert TOKEN not in done.out + done.err
    kept = [path for path in (tmp_path / "hf").rglob("*") if path.is_file()]
    assert kept or listing
    assert not [path for path in kept if TOKEN.encode() in path.read_bytes()]
    assert not [path for path in kept if TOKEN in str(path)]
