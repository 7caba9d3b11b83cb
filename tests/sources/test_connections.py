"""Ways to a host: direct, by a proxy, encrypted."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.request import getproxies

import pytest
from urllib3 import PoolManager, Timeout

from famtree.errors import UsageError
from famtree.sources import connections as connections_module
from famtree.sources.addresses import parse_address
from famtree.sources.connections import Connections, find_certificates
from famtree.sources.proxies import Proxies

SOON = Timeout(connect=5, read=5)


class Proxy(ThreadingHTTPServer):
    """Answers for every host and remembers what it was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: list[tuple[str, str, str | None]] = []

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: Proxy

    def do_GET(self) -> None:
        self._remember()
        self.send_response(200)
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.wfile.write(b"proxy")

    def do_CONNECT(self) -> None:
        self._remember()
        self.send_error(403)

    def _remember(self) -> None:
        told = self.headers.get("proxy-authorization")
        self.server.asked.append((self.command, self.path, told))

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def proxy(monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    with Proxy() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def fetch(url: str) -> bytes:
    connections = Connections()
    try:
        response = connections.send(parse_address(url), {"user-agent": "famtree"}, SOON)
        return response.read()
    finally:
        connections.close()


@pytest.mark.parametrize("name", ["http_proxy", "HTTP_PROXY", "ALL_PROXY"])
@pytest.mark.parametrize("scheme", ["", "http://"])
def test_the_proxy_of_the_environment_is_asked(
    proxy: Proxy, monkeypatch: pytest.MonkeyPatch, name: str, scheme: str
) -> None:
    monkeypatch.setenv(name, scheme + proxy.address)
    assert fetch("http://hub.invalid/api/models") == b"proxy"
    assert proxy.asked == [("GET", "http://hub.invalid/api/models", None)]


def test_a_proxy_is_given_its_password(proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://me:p%40ss@{proxy.address}")
    fetch("http://hub.invalid/file")
    assert proxy.asked[0][2] == "Basic bWU6cEBzcw=="


def test_encrypted_addresses_are_tunnelled(proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy.address)
    with pytest.raises(Exception, match="403"):
        fetch("https://hub.invalid/file")
    assert proxy.asked == [("CONNECT", "hub.invalid:443", None)]


@pytest.mark.parametrize("spared", ["*", "127.0.0.1", "localhost,127.0.0.1"])
def test_no_proxy_spares_a_host(proxy: Proxy, monkeypatch: pytest.MonkeyPatch, spared: str) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", spared)
    assert fetch(f"http://{proxy.address}/file") == b"proxy"
    assert proxy.asked == [("GET", "/file", None)]


SPARED = (
    "127.0.0.0/8", "10.0.0.0/8,127.0.0.0/8", " 127.0.0.1 ", "127.0.0.1/32", "127.0.0.1:{port}",
    "127.0.0.0/8:{port}", "http://127.0.0.1", "all://127.0.0.1", "::ffff:127.0.0.0/104,127.0.0.1",
    "*:{port}", "HTTP://*",
)  # fmt: skip
ASKED = (
    "10.0.0.0/8", "127.0.0.1:1", "127.0.0.0/8:1", "https://127.0.0.1", "0.0.1", ".0.0.1", "", ",",
    "127.0.0.0/64", "[::1]", "example", "128.0.0.0/1",
)  # fmt: skip


@pytest.mark.parametrize("spared", SPARED)
def test_no_proxy_in_every_form(proxy: Proxy, monkeypatch: pytest.MonkeyPatch, spared: str) -> None:
    port = proxy.address.partition(":")[2]
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", spared.format(port=port))
    assert fetch(f"http://{proxy.address}/file") == b"proxy"
    assert proxy.asked == [("GET", "/file", None)]


@pytest.mark.parametrize("spared", ASKED)
def test_others_are_asked_by_the_proxy(
    proxy: Proxy, monkeypatch: pytest.MonkeyPatch, spared: str
) -> None:
    monkeypatch.setenv("HTTP_PROXY", proxy.address)
    monkeypatch.setenv("NO_PROXY", spared)
    fetch("http://127.0.0.1:9/file")
    assert proxy.asked == [("GET", "http://127.0.0.1:9/file", None)]


@pytest.mark.parametrize(
    ("spared", "place", "direct"),
    [
        ("hub.example", "http://hub.example/x", True),
        ("hub.example", "http://eu.hub.example/x", True),
        (".hub.example", "http://eu.hub.example/x", True),
        (".hub.example", "http://hub.example/x", True),
        ("*.hub.example", "http://eu.hub.example/x", True),
        ("HUB.example.", "http://hub.example/x", True),
        ("hub.example", "http://myhub.example/x", False),
        ("hub.example:8080", "http://hub.example:8080/x", True),
        ("hub.example:8080", "http://hub.example/x", False),
        ("hub.example:80", "http://hub.example/x", True),
        ("fd00::/8", "http://[fd00::1]/x", True),
        ("fd00::/8", "http://[fe80::1]/x", False),
        ("[::1]:8080", "http://[::1]:8080/x", True),
        ("[::1]:8080", "http://[::1]/x", False),
        ("::1", "http://[::1]/x", True),
        ("10.0.0.0/8", "http://10.example/x", False),
    ],
)
def test_who_is_spared(spared: str, place: str, direct: bool) -> None:
    proxies = Proxies({"http": "proxy.example:3128"}, f"other.example,{spared}")
    found = proxies.find(parse_address(place))
    assert found == (None if direct else "http://proxy.example:3128")


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
@pytest.mark.parametrize("kind", ["file", "folder"])
def test_bundles_of_older_clients(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, kind: str
) -> None:
    for other in ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(other, raising=False)
    bundle = tmp_path / "bundle.pem"
    bundle.write_text("no certificate")
    monkeypatch.setenv(name, str(bundle if kind == "file" else tmp_path))
    if kind == "file":
        with pytest.raises(ssl.SSLError):
            find_certificates()
    else:
        assert find_certificates().cert_store_stats()["x509"] == 0
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    assert find_certificates().cert_store_stats()["x509"] == 0, "the newer names come first"


def test_surroundings_are_read_once(proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", proxy.address)
    connections = Connections()
    for _ in range(2):
        connections.send(parse_address("http://hub.invalid/file"), {}, SOON).read()
        monkeypatch.setattr("urllib.request.getproxies", lambda: pytest.fail("again"))
    monkeypatch.setattr("urllib.request.getproxies", getproxies)
    monkeypatch.setenv("NO_PROXY", "*")
    connections.close()
    response = connections.send(parse_address(f"http://{proxy.address}/file"), {}, SOON)
    response.read()
    connections.close()
    assert proxy.asked[-1][1] == "/file"


@pytest.mark.parametrize("address", ["ftp://127.0.0.1", "http://127.0.0.1:port", "http://secret@["])
def test_what_is_no_proxy(proxy: Proxy, monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv("HTTP_PROXY", address)
    with pytest.raises(UsageError, match="proxy for http is not a valid address") as caught:
        fetch("http://hub.invalid/file")
    assert "HTTP_PROXY" in caught.value.hint
    assert "secret" not in caught.value.message


def test_certificates_are_checked_as_huggingface_hub_does(
    proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By its client's own rules, and for encrypted addresses only: reading them takes a while."""
    made: list[ssl.SSLContext] = []

    def create() -> ssl.SSLContext:
        made.append(ssl.create_default_context())
        return made[-1]

    monkeypatch.setattr(connections_module, "find_certificates", create)
    assert fetch(f"http://{proxy.address}/file") == b"proxy"
    assert made == []
    connections = Connections()
    for url in ("https://hub.invalid/file", "https://other.invalid/file", "https://[::1]/file"):
        sender, _ = connections._find_sender(parse_address(url))
        kept = sender.connection_pool_kw if isinstance(sender, PoolManager) else sender.conn_kw
        assert kept["ssl_context"] is made[0]
    assert len(made) == 1
    assert made[0].verify_mode == ssl.CERT_REQUIRED


@pytest.mark.parametrize("variable", [None, "SSL_CERT_FILE", "SSL_CERT_DIR"])
def test_certificates_are_those_of_huggingface_hub(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variable: str | None
) -> None:
    import httpx2

    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
    if variable is not None:
        some = find_certificates().get_ca_certs(binary_form=True)[:2]
        text = "".join(ssl.DER_cert_to_PEM_cert(one) for one in some)
        (tmp_path / "some.pem").write_text(text)
        place = tmp_path / "some.pem" if variable == "SSL_CERT_FILE" else tmp_path
        monkeypatch.setenv(variable, str(place))
    ours, theirs = find_certificates(), httpx2.create_ssl_context()
    assert ours.get_ca_certs(binary_form=True) == theirs.get_ca_certs(binary_form=True)
    assert (ours.verify_mode, ours.check_hostname) == (theirs.verify_mode, theirs.check_hostname)
    assert ours.verify_mode == ssl.CERT_REQUIRED
    assert ours.check_hostname


def test_a_file_of_certificates_that_is_none(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "absent.pem"))
    with pytest.raises(OSError, match="No such file"):
        find_certificates()


def test_more_hosts_than_are_kept(proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections_module, "HOSTS", 1)
    connections = Connections()
    port = proxy.server_address[1]
    for _ in range(2):
        for host in ("127.0.0.1", "localhost"):
            address = parse_address(f"http://{host}:{port}/file?a=b")
            response = connections.send(address, {}, SOON)
            assert response.read() == b"proxy"
    assert {path for _, path, _ in proxy.asked} == {"/file?a=b"}
    connections.close()
