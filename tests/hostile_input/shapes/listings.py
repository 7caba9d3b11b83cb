"""Shapes of what a Hub lists of a repository, and a server that lists it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from famtree.sources.hub_listing import MAX_DOCUMENT_BYTES
from hostile_input.shapes.shape import Shape, fill, give_json, number

FILE = "listing.json"
_LISTED = b'{"sha":"' + b"0" * 40 + b'","siblings":[{"rfilename":"README.md","size":3}],'
_SIBLINGS = b'{"siblings":['


def _listing(name: str, make: Callable[[int], bytes]) -> Shape:
    return Shape(
        "Hub listing", name, lambda size: {FILE: make(size)}, MAX_DOCUMENT_BYTES - 1, _COMMAND
    )


_COMMAND = ("identify", "org/name", "--json")
LISTINGS = [
    *(
        Shape(one.parser, one.name, one.make, one.largest, _COMMAND)
        for one in give_json("Hub listing", FILE, MAX_DOCUMENT_BYTES - 1, _LISTED)
    ),
    *(
        _listing(name, lambda size, unit=unit: number(_SIBLINGS, unit, b"]}", size, 99_999))  # type: ignore[misc]
        for name, unit in (
            ("100,000 files", b'{"rfilename":"d/%d.json","size":3}'),
            ("100,000 files of long names", b'{"rfilename":"%d' + b"n" * 370 + b'"}'),
            ("100,000 names of escapes", b'{"rfilename":"%d' + b"\\u0041" * 60 + b'"}'),
            ("100,000 names of folders", b'{"rfilename":"' + b"a/" * 180 + b'%d"}'),
            ("100,000 shards", b'{"rfilename":"%d.safetensors","size":3}'),
            ("100,000 sizes of a wrong type", b'{"rfilename":"%d.json","size":"x","lfs":[]}'),
            (
                "100,000 hashes",
                b'{"rfilename":"%d.safetensors","size":3,"blobId":"' + b"0" * 40
                + b'","lfs":{"size":3,"sha256":"' + b"0" * 64 + b'"}}',
            ),
        )
    ),
    _listing("files that are empty lists", lambda size: fill(_SIBLINGS, b"[],", b"1]}", size)),
    _listing("files that are tables", lambda size: fill(_SIBLINGS, b"{},", b"1]}", size)),
    *(
        _listing(
            f"{key.decode()} of {what}",
            lambda size, key=key, unit=unit: number(  # type: ignore[misc]
                _LISTED + b'"%s":[' % key, unit, b"]}", min(size, 2 << 20)
            ),
        )
        for key in (b"cardData", b"tags", b"config")
        for what, unit in (("lists", b"[[],%d]"), ("words", b'"%d"'), ("tables", b'{"%d":{}}'))
    ),
]  # fmt: skip


@contextmanager
def serve(folder: Path) -> Iterator[str]:
    """Serve the listing in `folder` for every repository; yield the endpoint."""
    data = (folder / FILE).read_bytes()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            listed = self.path.startswith("/api/models/")
            self.send_response(200 if listed else 404)
            self.send_header("Content-Length", str(len(data) if listed else 0))
            self.end_headers()
            self.wfile.write(data if listed else b"")

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
