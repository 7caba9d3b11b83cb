"""Real servers between famtree and a Hub: caches, proxies, encryption. `.ci/run` installs them."""

from __future__ import annotations

import json
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

import famtree
from conftest import is_root
from famtree.errors import FamtreeError
from famtree.sources.connections import CONNECTIONS
from hub.fixture import point_at
from hub.repository import HubFile
from hub.server import HubServer

CONFIG = {
    "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 64,
    "num_hidden_layers": 1, "num_attention_heads": 4, "vocab_size": 128,
}  # fmt: skip
Start = Callable[..., None]


def make_files(changed: int) -> dict[str, bytes | HubFile]:
    """Return a small model; the last byte of its weights is `changed`."""
    shape = {"model.embed_tokens.weight": (128, 64), "model.layers.0.mlp.up_proj.weight": (96, 64)}
    header, at = {}, 0
    for name, (rows, columns) in shape.items():
        size = 2 * rows * columns
        header[name] = {"dtype": "BF16", "shape": [rows, columns], "data_offsets": [at, at + size]}
        at += size
    text = json.dumps(header).encode()
    weights = len(text).to_bytes(8, "little") + text + bytes(at - 1) + bytes([changed])
    card = b"---\nbase_model: org/base\n---\n" if changed else b""
    return {
        "config.json": json.dumps(CONFIG).encode(),
        "model.safetensors": weights,
        "README.md": card,
    }


def find_program(name: str) -> str:
    """Return the path of a program, or skip."""
    path = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin:/sbin")
    if path is None:
        pytest.skip(f"needs {name}")
    return path


def find_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


@pytest.fixture
def filled(hub: HubServer) -> HubServer:
    hub.add("org/base", make_files(0))
    hub.add("org/name", make_files(1), card={"base_model": "org/base"})
    return hub


@pytest.fixture
def start() -> Iterator[Start]:
    """Start a program and wait until its port answers; end it after the test.

    What the programs print is shown where the test fails.
    """
    running: list[subprocess.Popen[bytes]] = []

    def run(port: int, *command: str) -> None:
        process = subprocess.Popen(command)
        running.append(process)
        until = time.monotonic() + 60
        while time.monotonic() < until:
            assert process.poll() is None, f"{command[0]} ended at once"
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                time.sleep(0.1)
                # It may be another program's port that answered.
                assert process.poll() is None, f"{command[0]} ended at once"
                return
            time.sleep(0.05)
        raise AssertionError(f"{command[0]} does not listen")

    yield run
    for process in running:
        process.terminate()
    for process in running:
        with suppress(subprocess.TimeoutExpired):
            process.wait(20)
        process.kill()
        process.wait()


def check_answers() -> None:
    """Identify and verify, as if nothing stood in between."""
    found = famtree.identify("org/name")
    assert found.parameters == (128 + 96) * 64
    assert found.warnings == []
    assert [link.parent for link in found.lineage.chain] == ["org/base"]
    verified = famtree.identify("org/name", verify=True)
    assert verified.checkpoint.weights_read
    [link] = verified.lineage.chain
    assert link.status in ("consistent", "verified")


NGINX = """
{user} daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 64; }}
http {{
  access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  proxy_cache_path {folder}/cache keys_zone=hub:1m;
  server {{
    listen 127.0.0.1:{port};
    location {prefix}/ {{
      proxy_pass {hub}/;
      proxy_cache hub; proxy_cache_valid 200 206 302 307 10m;
      proxy_ignore_headers Cache-Control Vary;
      {more}
    }}
  }}
}}
"""
SLICED = (
    "slice 64k; proxy_set_header Range $slice_range; proxy_cache_key $uri$is_args$args$slice_range;"
)


@pytest.mark.parametrize("more", ["", SLICED], ids=["cache", "slices"])
@pytest.mark.parametrize("prefix", ["", "/hf"])
def test_nginx(
    filled: HubServer, start: Start, monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
    prefix: str, more: str,
) -> None:  # fmt: skip
    program, port = find_program("nginx"), find_port()
    configuration = tmp_path / "nginx.conf"
    configuration.write_text(
        NGINX.format(
            user="user root;" if is_root() else "",
            folder=tmp_path,
            port=port,
            hub=filled.url,
            prefix=prefix,
            more=more,
        )
    )
    start(port, program, "-c", str(configuration), "-p", str(tmp_path))
    for home in ("cold", "warm"):
        point_at(filled, tmp_path / home, monkeypatch)
        _ask_by(f"http://127.0.0.1:{port}{prefix}", monkeypatch)
        check_answers()


def _ask_by(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setenv("HF_ENDPOINT", endpoint)
    monkeypatch.setattr(constants, "ENDPOINT", endpoint)
    CONNECTIONS.close()


def _pass_by(proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_PROXY")
    for name in ("HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, proxy)
    CONNECTIONS.close()


TINYPROXY = """
Port {port}
Listen 127.0.0.1
Timeout 60
MaxClients 50
Allow 127.0.0.1
BasicAuth me p4ssword
"""


def test_tinyproxy(
    filled: HubServer, start: Start, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program, port = find_program("tinyproxy"), find_port()
    configuration = tmp_path / "tinyproxy.conf"
    configuration.write_text(TINYPROXY.format(port=port))
    start(port, program, "-d", "-c", str(configuration))
    _pass_by(f"http://me:p4ssword@127.0.0.1:{port}", monkeypatch)
    check_answers()
    _pass_by_wrong(f"http://me:wr0ng@127.0.0.1:{port}", monkeypatch)


def _pass_by_wrong(proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "")
    monkeypatch.setenv("HTTP_PROXY", proxy)
    CONNECTIONS.close()
    with pytest.raises(FamtreeError) as caught:
        famtree.identify("org/name", revision="main")
    assert caught.value.exit_code == 3
    assert "wr0ng" not in f"{caught.value.message}{caught.value.hint}"


SQUID = """
http_port 127.0.0.1:{port}
pid_filename {folder}/squid.pid
access_log none
cache_log {folder}/cache.log
cache deny all
coredump_dir {folder}
shutdown_lifetime 1 seconds
visible_hostname localhost
auth_param basic program {helper} {folder}/passwords
acl known proxy_auth REQUIRED
http_access allow known
http_access deny all
"""


def test_squid(
    filled: HubServer, start: Start, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program, port = find_program("squid"), find_port()
    helpers = ("/usr/lib/squid/basic_ncsa_auth", "/usr/lib64/squid/basic_ncsa_auth")
    helper = next((one for one in helpers if Path(one).exists()), None)
    if helper is None:
        pytest.skip("needs squid")
    secret = subprocess.run(
        [find_program("openssl"), "passwd", "-apr1", "p@ss:w%rd"],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    (tmp_path / "passwords").write_text(f"me:{secret}")
    configuration = tmp_path / "squid.conf"
    configuration.write_text(SQUID.format(port=port, folder=tmp_path, helper=helper))
    for path in (tmp_path, *tmp_path.iterdir()):
        path.chmod(0o777)  # it gives up root's rights
    for folder in list(tmp_path.parents)[:3]:  # a worker of xdist has one of its own
        with suppress(PermissionError):
            folder.chmod(folder.stat().st_mode | 0o055)
    start(port, program, "-N", "-f", str(configuration))
    _pass_by(f"http://me:p%40ss%3Aw%25rd@127.0.0.1:{port}", monkeypatch)
    check_answers()
    _pass_by_wrong(f"http://me:wr0ng@127.0.0.1:{port}", monkeypatch)


@pytest.fixture
def authority(tmp_path: Path) -> tuple[Path, ssl.SSLContext]:
    """Return the certificate of an authority of one's own, and a server's context under it."""
    openssl = find_program("openssl")

    def run(*arguments: str) -> None:
        subprocess.run([openssl, *arguments], cwd=tmp_path, check=True, capture_output=True)

    subject = ("-subj", "/CN=Test authority", "-days", "2", "-nodes", "-newkey", "rsa:2048")
    constraints = (
        "-addext",
        "basicConstraints=critical,CA:TRUE",
        "-addext",
        "keyUsage=keyCertSign",
    )
    run("req", "-x509", *subject, *constraints, "-keyout", "ca.key", "-out", "ca.pem")
    run("req", "-subj", "/CN=hub", "-nodes", "-newkey", "rsa:2048", "-keyout", "hub.key", "-out",
        "hub.csr")  # fmt: skip
    (tmp_path / "names").write_text("subjectAltName=IP:127.0.0.1\n")
    run("x509", "-req", "-in", "hub.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
        "-days", "2", "-extfile", "names", "-out", "hub.pem")  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "hub.pem", tmp_path / "hub.key")
    return tmp_path / "ca.pem", context


@pytest.mark.parametrize("name", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"])
def test_encryption_with_an_authority_of_ones_own(
    authority: tuple[Path, ssl.SSLContext], monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
    name: str,
) -> None:  # fmt: skip
    certificate, context = authority
    for other in ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(other, raising=False)
    with HubServer(context) as hub:
        hub.add("org/base", make_files(0))
        hub.add("org/name", make_files(1), card={"base_model": "org/base"})
        point_at(hub, tmp_path / "hf", monkeypatch)
        with pytest.raises(FamtreeError, match="certificate is not trusted"):
            famtree.identify("org/name")
        monkeypatch.setenv(name, str(certificate))
        CONNECTIONS.close()
        check_answers()
        CONNECTIONS.close()


def test_olah(
    filled: HubServer, start: Start, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A mirror that lists neither sizes nor hashes, and has no lists of models."""
    program, port = find_program("olah-cli"), find_port()
    mirror = f"127.0.0.1:{port}"
    hub, storage = (one.removeprefix("http://") for one in (filled.url, filled.cdn_url))
    monkeypatch.setenv("NO_PROXY", "*")
    start(
        port, program, "--host", "127.0.0.1", "--port", str(port),
        "--hf-scheme", "http", "--hf-netloc", hub, "--hf-lfs-netloc", storage,
        "--mirror-scheme", "http", "--mirror-netloc", mirror, "--mirror-lfs-netloc", mirror,
        "--repos-path", str(tmp_path / "repos"), "--log-path", str(tmp_path / "logs"),
    )  # fmt: skip
    for home in ("cold", "warm"):
        point_at(filled, tmp_path / home, monkeypatch)
        _ask_by(f"http://{mirror}", monkeypatch)
        check_answers()
