"""A Hub over a real socket: the calls a client makes, their headers, and faults on demand.

    with HubServer() as hub:
        hub.add("org/name", {"config.json": b"{}"})
        ...HF_ENDPOINT=hub.url...
        assert hub.seen.requests == 2

Answers have the headers and words that were recorded of the Hub in September 2026: `RateLimit` of
three buckets, small files by a 307 to `/api/resolve-cache/`, LFS files by a 302 to a second server
(`hub.cdn_url`) with a signed address that expires, 401 without a code to whom shows no token.
`hub.manner` makes it one of the servers that stand for the Hub. Usable outside pytest, for
benchmarks.
"""

from __future__ import annotations

import re
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from hub import endpoints
from hub.record import Record, Seen
from hub.repository import HubFile, Repository, make_files


@dataclass
class Faults:
    """What goes wrong; `only` (a regular expression on the path) limits where."""

    only: str = ""
    latency: float = 0.0
    """Seconds before each answer, redirects included (not limited by `only`)."""
    ignore_range: bool = False
    """Answer 200 with the whole body, as some proxies do."""
    wrong_range: bool = False
    """Answer 206 from another offset than asked."""
    truncate: int | None = None
    """Close the connection after so many body bytes."""
    html_page: bool = False
    """Answer 200 with a login page."""
    corrupt: bool = False
    """Flip the first byte of the body."""
    reset: bool = False
    """Close the connection without an answer."""
    slow_body: float = 0.0
    """Seconds between the two halves of a body."""
    drip: float = 0.0
    """Seconds before each sixteenth of a body."""
    slow_headers: float = 0.0
    """Seconds before each line of a long run of headers that say nothing."""
    length_off: int = 0
    """Added to the Content-Length; the body stays."""
    redirect: str = ""
    """Answer 302 to this address; `loop` is the one that was asked for."""
    other_version: bool = False
    """Serve other bytes of the same length, under the ETag that is theirs."""
    statuses: deque[int] = field(default_factory=deque)
    """Statuses to answer with, one a request, before all is well (429, 503, ...)."""
    retry_after: str | None = None
    """`Retry-After` sent with them."""
    no_blobs: bool = False
    """Leave sizes and hashes out of the listing, as some mirrors do."""

    def hits(self, path: str) -> bool:
        return re.search(self.only, path) is not None


@dataclass
class Manner:
    """How servers that stand for the Hub differ from it, and what the Hub does now and then."""

    strict_query: bool = False
    """404, without a code, for a description with any query (Artifactory)."""
    only_revision: bool = False
    """404, without a code, for a description without `/revision/`."""
    prefix: str = ""
    """Path of the endpoint; redirects lead from the root all the same."""
    lfs: str = "sha256"
    """What a sibling says of an LFS file: `sha256`, `oid`, `empty` (`{}`) or `null`."""
    page: int = 1000
    """Most models on a page of a list."""
    link_to: str = ""
    """Host of the next page's address in place of this one (a mirror hands on the Hub's)."""
    keeps_query: bool = True
    """Whether a renamed repository's redirect keeps the question."""
    limits: dict[str, str] = field(default_factory=dict)
    """`RateLimit` by bucket (`api`, `resolvers`, `pages`) in place of one with much left."""
    gzip: bool = False
    """Compress documents, under an ETag that ends in `-gzip`."""
    cookie_wall: bool = False
    """302 to the same address with a cookie, without which nobody is let through."""
    moves_to: str = ""
    """308 to the same path of this host (hf-mirror.com since 2026)."""
    unsigned: bool = False
    """Let the signed addresses be refused, however fresh they are."""
    stale: int = 0
    """How many addresses a cache in between hands out that have expired."""


class HubServer:
    """Two loopback servers, the Hub and its CDN, sharing repositories, faults and a record."""

    def __init__(self, encryption: ssl.SSLContext | None = None) -> None:
        """Serve in the clear, or with `encryption`."""
        self.encryption = encryption
        self.repositories: dict[str, Repository] = {}
        self.faults = Faults()
        self.manner = Manner()
        self.seen = Record()
        self.tokens: dict[str, set[str]] = {}
        """Accepted tokens, with the private or gated repositories each may read."""
        self.choose: Callable[[str], Faults | None] | None = None
        """Picks the faults of each request by its path, in place of `faults`."""
        self.etags = True
        """Send an ETag with the listing and answer 304 to If-None-Match."""
        self.signatures: dict[str, HubFile] = {}
        """Which file each signed address is of."""
        self._servers = [_Server(self, "hub"), _Server(self, "cdn")]

    @property
    def url(self) -> str:
        """The endpoint."""
        return self.host_url + self.manner.prefix

    @property
    def host_url(self) -> str:
        return self._servers[0].address

    @property
    def cdn_url(self) -> str:
        return self._servers[1].address

    def add(
        self,
        repo_id: str,
        files: Mapping[str, bytes | HubFile] | Path,
        *,
        ref: str = "main",
        **fields: Any,
    ) -> str:
        """Add a commit to `repo_id` (made if new, with `fields` of Repository); return its id."""
        repository = self.repositories.setdefault(repo_id, Repository(repo_id))
        for name, value in fields.items():
            setattr(repository, name, value)
        return repository.commit(make_files(files), ref=ref)

    def expire_signatures(self) -> None:
        """Make the CDN refuse every address handed out so far."""
        self.signatures.clear()

    def start(self) -> HubServer:
        for server in self._servers:
            threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def stop(self) -> None:
        for server in self._servers:
            server.shutdown()
            server.server_close()

    def __enter__(self) -> HubServer:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, hub: HubServer, host: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.hub = hub
        self.host = host
        scheme = "http"
        if hub.encryption is not None:
            scheme = "https"
            self.socket = hub.encryption.wrap_socket(
                self.socket, server_side=True, do_handshake_on_connect=False
            )
        self.address = f"{scheme}://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Stay silent about clients that close early: that is what is tested."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 1 << 17  # headers leave with their body, as from a grown-up server
    server: _Server

    def setup(self) -> None:
        super().setup()
        self.server.hub.seen.connect(self.server.host)

    def do_GET(self) -> None:
        self._serve()

    def do_HEAD(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def parse_request(self) -> bool:
        """Parse what a sound client sends; the library's way takes longer than all the rest."""
        line: bytes = self.raw_requestline  # type: ignore[attr-defined]
        self.requestline = line.decode("latin-1").strip()
        self.command, self.path, self.request_version = self.requestline.split()
        self.fields: dict[str, str] = {}
        while line := self.rfile.readline().strip():
            name, _, value = line.decode("latin-1").partition(":")
            self.fields[name.lower()] = value.strip()
        self.close_connection = self.fields.get("connection", "").lower() == "close"
        return True

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def _serve(self) -> None:
        hub = self.server.hub
        length = int(self.fields.get("content-length", "0"))
        body = self.rfile.read(length) if length else b""
        seen = hub.seen.begin(self.server.host, self.command, self.path, self.fields)
        try:
            if hub.faults.latency:
                time.sleep(hub.faults.latency)
            self._answer(hub, seen, body)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True
        finally:
            if not seen.ended:
                hub.seen.end(seen)

    def _answer(self, hub: HubServer, seen: Seen, body: bytes) -> None:
        faults = (hub.choose(self.path) if hub.choose else None) or hub.faults
        hit = faults.hits(self.path)
        if hit and faults.reset:
            self.close_connection = True
            return
        if hit and faults.statuses:
            extra = {"Retry-After": faults.retry_after} if faults.retry_after else {}
            reply = endpoints.error(faults.statuses.popleft(), "", "Fault on demand", **extra)
        elif hit and faults.redirect:
            place = self.path if faults.redirect == "loop" else faults.redirect
            reply = endpoints.Reply(302, {"Location": place})
        elif hit and faults.html_page:
            page = b"<!doctype html><title>Sign in</title>"
            reply = endpoints.Reply(200, {"Content-Type": "text/html"}, page)
        elif self.server.host == "cdn":
            reply = endpoints.serve_cdn(hub, self.path, seen.headers)
        else:
            reply = endpoints.serve_hub(hub, self.command, self.path, seen.headers, body)
        self._send(reply, seen, faults if hit else Faults())

    def _send(self, reply: endpoints.Reply, seen: Seen, faults: Faults) -> None:
        body, status, headers = reply.body, reply.status, dict(reply.headers)
        if reply.file is not None:
            span = _span(seen.headers.get("range"), reply.file.size)
            if span is None or faults.ignore_range:
                start, stop = 0, reply.file.size
            else:
                start, stop = span
                if start >= reply.file.size:
                    status, stop = 416, start
                    headers["Content-Range"] = f"bytes */{reply.file.size}"
                else:
                    start += 1 if faults.wrong_range else 0
                    status = 206
                    headers["Content-Range"] = f"bytes {start}-{stop - 1}/{reply.file.size}"
            size = stop - start
        else:
            start, stop, size = 0, len(body), len(body)
        self.send_response(status)
        if self.server.host == "hub":
            headers = endpoints.sign_answer(self.server.hub, self.path) | headers
        if "Transfer-Encoding" not in headers:
            headers["Content-Length"] = str(max(0, size + faults.length_off))
        if faults.other_version and "ETag" in headers:
            headers["ETag"] = f'"{sha256(headers["ETag"].encode()).hexdigest()}"'
        for name, value in headers.items():
            self.send_header(name, value)
        seen.status = status
        # Stamped before the headers leave: the client cannot send its next request earlier.
        self.server.hub.seen.end(seen)
        for _ in range(32 if faults.slow_headers else 0):
            self.send_header("X-Nothing", "")
            self.flush_headers()
            self.wfile.flush()
            time.sleep(faults.slow_headers)
        self.end_headers()
        if self.command != "HEAD":
            self._send_body(reply, seen, faults, start, stop)

    def _send_body(
        self, reply: endpoints.Reply, seen: Seen, faults: Faults, start: int, stop: int
    ) -> None:
        step = 1 << 16
        if faults.drip:
            step = max(1, -(-(stop - start) // 16))
        if faults.slow_body:
            step = max(1, (stop - start + 1) // 2)
        for begin in range(start, stop, step):
            end = min(stop, begin + step)
            block = reply.file.read(begin, end) if reply.file else reply.body[begin:end]
            if faults.corrupt and begin == start:
                block = bytes([block[0] ^ 1]) + block[1:]
            if faults.other_version:
                block = bytes(byte ^ 1 for byte in block)
            if faults.drip:
                self.wfile.flush()
                time.sleep(faults.drip)
            if faults.truncate is not None and seen.sent + len(block) > faults.truncate:
                self.wfile.write(block[: faults.truncate - seen.sent])
                seen.sent = faults.truncate
                self.close_connection = True
                return
            if faults.slow_body and begin > start:
                self.wfile.flush()
                time.sleep(faults.slow_body)
            self.wfile.write(block)
            seen.sent += len(block)


def _span(text: str | None, size: int) -> tuple[int, int] | None:
    match = re.fullmatch(r"bytes=(\d+)-(\d*)", text or "")
    if match is None:
        return None
    stop = int(match.group(2)) + 1 if match.group(2) else size
    return int(match.group(1)), min(stop, size)
