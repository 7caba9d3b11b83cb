"""Neither the token nor a password is in anything that is shown, kept or written.

A proxy that answers for the Hub sends back what it was given, in every place an answer has and in
every code it could be written in. Commands run against it; then all that they left is searched.
"""

from __future__ import annotations

import json
import threading
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote

import pytest

from famtree import redaction
from famtree.cli.app import make_app
from famtree.cli.run import run
from famtree.sources.connections import CONNECTIONS
from hub.fixture import close_session
from hub.repository import make_files
from tiny_models import files_of, make_model

TOKEN = "hf_" + "Q7vTokenTokenToken" + "x9Z"
PASSWORD = "pass%2Fw0rd9"  # as it stands in the address; what it means is another text
DECODED = "pass/w0rd9"
COMMIT = "1" * 40
COMMANDS: dict[str, list[str]] = {
    "identify": ["identify", "org/name"],
    "json": ["identify", "org/name", "--json"],
    "compare": ["compare", "org/name", "org/other"],
    "lineage": ["lineage", "org/name", "--children", "--json"],
    "verify": ["lineage", "org/name", "--verify"],
    "bom": ["bom", "org/name"],
    "check": ["check", "POLICY", "--format", "sarif"],
    "junit": ["check", "POLICY", "--format", "junit"],
    "scan": ["scan", "org/name", "org/other", "--out", "OUT/rows.jsonl"],
    "author": ["scan", "--author", "org", "--out", "OUT/listed.jsonl"],
}
MODES = (
    "400",
    "401",
    "403",
    "404",
    "429",
    "500",
    "path",
    "elsewhere",
    "listing",
    "config",
    "headers",
)


def encode(secret: str) -> list[str]:
    """Return the ways in which `secret` is sent back."""
    data = secret.encode()
    return [
        secret,
        "".join(f"%{byte:02X}" for byte in data),
        "".join(f"%{byte:02x}" for byte in data),
        "".join(f"\\u{byte:04x}" for byte in data),
        data.hex(),
        b64encode(b"Bearer " + data).decode(),
        *(b64encode(bytes(before) + data + b"...").decode() for before in range(3)),
    ]


def find_leaks(text: bytes) -> list[str]:
    """Return what of either secret `text` holds, in any of those ways."""
    needles = []
    for secret in (TOKEN, PASSWORD, DECODED):
        data = secret.encode()
        needles += encode(secret)[:5]
        for before in range(3):
            digits = b64encode(bytes(before) + data).decode()
            needles.append(digits[(before * 8 + 5) // 6 : (before + len(data)) * 8 // 6])
    return [needle for needle in needles if needle.encode() in text]


class Echo(ThreadingHTTPServer):
    """A proxy that answers for every host, and sends back what it was sent."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.mode = ""
        self.told: set[str] = set()
        self.asked: list[str] = []
        arrays = make_model(1, layers=1)
        self.files = {file.name: file for file in make_files(files_of(arrays))}


class _Handler(BaseHTTPRequestHandler):
    server: Echo

    def do_GET(self) -> None:
        basic = self.headers.get("proxy-authorization", "").removeprefix("Basic ")
        secrets = {b64decode(basic).decode().partition(":")[2], PASSWORD}
        secrets.add(self.headers.get("authorization", "").removeprefix("Bearer "))
        self.server.told |= secrets
        self.server.asked.append(self.path)
        said = [form for secret in sorted(filter(None, secrets)) for form in encode(secret)]
        said += [basic, self.headers.get("authorization", "")]
        self._answer(self.server.mode, said, "/" + self.path.partition("://")[2].partition("/")[2])

    def _answer(self, mode: str, said: list[str], path: str) -> None:
        one = " ".join(said)
        if mode.isdecimal():
            body = json.dumps({"error": one, "errors": [{"message": one}]}).encode()
            words = {"X-Error-Message": one, "X-HF-Warning": f"a; {one}", "Retry-After": one}
            self._send(int(mode), body, words | {"X-Request-Id": one, "Content-Type": one})
        elif mode == "path":
            self._send(302, b"", {"Location": f"/{said[len(path) % len(said)]}/{path}"[:900]})
        elif mode == "elsewhere":
            place = "http://other.invalid/" + said[len(path) % 5].replace("\\", "")
            self._send(302, b"", {"Location": place})
        elif path.startswith("/api/models?"):
            listed = [{"id": "org/name"}] + (
                [{"id": f"org/{said[0]}"}] if mode == "listing" else []
            )
            self._send(200, json.dumps(listed).encode(), {"Link": one})
        elif path.startswith("/api/models/"):
            self._send(200, self._list(said if mode == "listing" else []), self._decorate(one))
        else:
            self._serve(path, said)

    def _list(self, said: list[str]) -> bytes:
        files = [
            {"rfilename": name, "size": file.size, "blobId": file.blob_id}
            | ({"lfs": {"size": file.size, "sha256": file.sha256}} if file.lfs else {})
            for name, file in self.server.files.items()
            if self.server.mode != "config" or name != "config.json"
        ]
        if self.server.mode == "config":
            files.append({"rfilename": "config.json"})
        files += [{"rfilename": f"{form}.json".replace("\\", "")} for form in said]
        card = {"base_model": "org/" + said[0], "license": said[1]} if said else {}
        document = {"id": "org/name", "sha": COMMIT, "siblings": files, "tags": said}
        return json.dumps(document | {"cardData": card}).encode()

    def _decorate(self, one: str) -> dict[str, str]:
        if self.server.mode != "headers":
            return {}
        names = ("ETag", "X-Linked-Etag", "X-HF-Warning", "Link", "Server", "X-Repo-Commit")
        return dict.fromkeys(names, f'"{one}"') | {"RateLimit": one, "Content-Type": one}

    def _serve(self, path: str, said: list[str]) -> None:
        file = self.server.files.get(path.rpartition("/")[2])
        if file is None:
            self._send(404, b"", {"X-Error-Code": "EntryNotFound"})
            return
        body, span = file.read(0, file.size), self.headers.get("range", "")
        if self.server.mode == "config" and path.endswith("config.json"):
            body = json.dumps(json.loads(body) | {"model_type": said[0], "a": said}).encode()
        first, _, last = span.removeprefix("bytes=").partition("-")
        if not span:
            self._send(200, body, self._decorate(" ".join(said)))
            return
        stop = min(int(last) + 1, len(body))
        told = {"Content-Range": f"bytes {first}-{stop - 1}/{len(body)}"}
        self._send(206, body[int(first) : stop], told | self._decorate(" ".join(said)))

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status, headers.get("X-Error-Message", "")[:80])
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def echo(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Echo]:
    from huggingface_hub import constants

    with Echo() as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        for name in ("http_proxy", "no_proxy", "NO_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.delenv(name, raising=False)
        address = f"http://somebody:{PASSWORD}@127.0.0.1:{server.server_address[1]}"
        monkeypatch.setenv("HTTP_PROXY", address)
        monkeypatch.setenv("HF_ENDPOINT", "http://hub.invalid")
        monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        monkeypatch.setenv("FAMTREE_DEBUG", "1")
        monkeypatch.setattr(constants, "ENDPOINT", "http://hub.invalid")
        monkeypatch.setattr(constants, "HF_HOME", str(tmp_path / "hf"))
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hf" / "hub"))
        monkeypatch.setattr("famtree.sources.hub_pauses._sleep", lambda _: None)
        monkeypatch.setattr(redaction, "_remembered", {})
        CONNECTIONS.close()
        yield server
        close_session()
        server.shutdown()


@pytest.fixture
def command(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Callable[[str], tuple[int, str]]:
    """Run a command of COMMANDS; return its exit code and all that it printed."""
    policy, out = tmp_path / "policy.toml", tmp_path / "out"
    policy.write_text(
        'schema = "famtree/policy/1"\n[[checkpoint]]\nref = "org/name"\nexpect = "llama"\n'
    )
    out.mkdir()

    def do(name: str) -> tuple[int, str]:
        words = [word.replace("POLICY", str(policy)) for word in COMMANDS[name]]
        words = [word.replace("OUT", str(out)) for word in words]
        for path in out.iterdir():
            path.unlink()
        code = run(make_app(words[0]), words)
        shown = capfd.readouterr()
        return code, shown.out + shown.err

    return do


@pytest.mark.parametrize("mode", MODES)
def test_what_a_server_sends_back_is_nowhere(
    echo: Echo, command: Callable[[str], tuple[int, str]], tmp_path: Path, mode: str
) -> None:
    echo.mode = mode
    rows = {"scan", "author"} if mode in {"401", "listing"} else {"author"}
    shown = ""
    for name in COMMANDS.keys() - {"scan", "author"} | rows:
        code, text = command(name)
        assert code != 70, text
        assert not find_leaks(text.encode()), (name, find_leaks(text.encode()))
        shown += text
        search(tmp_path)
    assert {TOKEN, DECODED} <= echo.told, "the server was given both"
    if mode in {"401", "403"}:
        assert redaction.MARK in shown
    assert not [path for path in echo.asked if "other.invalid" in path], "sent to another host"
    if mode == "headers":
        assert any((tmp_path / "hf" / "famtree").rglob("listings/*/*"))
        assert "llama" in shown


def search(folder: Path) -> None:
    """Search names and contents of all that there is below `folder`."""
    for path in folder.rglob("*"):
        assert not find_leaks(str(path.relative_to(folder)).encode()), path
        if path.is_file():
            assert not find_leaks(path.read_bytes()), path


def test_the_search_finds_what_is_sent_back() -> None:
    for secret in (TOKEN, PASSWORD, DECODED):
        for form in encode(secret):
            assert find_leaks(b"..." + form.encode() + b"..."), form


@pytest.mark.parametrize("words", [["identify", "org/name"], ["scan", "org/name", "--out", "x"]])
@pytest.mark.parametrize("debug", ["0", "1"])
def test_an_endpoint_with_a_password_is_refused(
    echo: Echo,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    tmp_path: Path,
    words: list[str],
    debug: str,
) -> None:
    from huggingface_hub import constants

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FAMTREE_DEBUG", debug)
    monkeypatch.setenv("HF_ENDPOINT", f"http://me:{PASSWORD}@hub.invalid")
    monkeypatch.setattr(constants, "ENDPOINT", f"http://me:{PASSWORD}@hub.invalid")
    assert run(make_app(words[0]), [*words, *(["--json"] if words[0] == "identify" else [])]) == 2
    shown = capfd.readouterr()
    assert "HF_ENDPOINT is an address with a user name" in shown.err
    assert "HF_TOKEN" in shown.err
    assert not find_leaks((shown.out + shown.err).encode())
    assert not echo.told, "nothing was sent"
    search(tmp_path)


NASTY = 'p"q\\r/sé9Tok+en'


@pytest.mark.parametrize(
    "sent",
    [
        json.dumps(NASTY),
        json.dumps(NASTY, ensure_ascii=False),
        json.dumps(NASTY).replace("/", "\\/"),
        json.dumps(NASTY, ensure_ascii=False).replace("/", "\\/"),
        json.dumps(json.dumps(NASTY)),
        quote(NASTY),
        quote(NASTY, safe=""),
        quote(quote(NASTY, safe=""), safe=""),
        quote(quote(quote(NASTY, safe=""))),
        quote(json.dumps(NASTY)),
    ],
)
def test_a_secret_is_found_however_it_is_quoted(monkeypatch: pytest.MonkeyPatch, sent: str) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://user:{quote(NASTY, safe='')}@127.0.0.1:1")
    assert redaction.holds_secret(f"<p>{sent}</p>".encode())
    told = redaction.redact(f"said {sent}, no more")
    assert not {"Tok", "p%"} & {told[at : at + 3] for at in range(len(told))}
    assert redaction.MARK in told
    assert told.endswith("no more")


def test_a_token_in_the_name_of_a_host_is_neither_asked_for_nor_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from famtree.errors import NetworkError
    from famtree.sources.addresses import parse_address
    from famtree.sources.hub_redirects import find_next

    here = parse_address("http://127.0.0.1:1/x")
    host = TOKEN.replace("_", "-")
    monkeypatch.setenv("HF_TOKEN", host)
    with pytest.raises(NetworkError, match="token or a password"):
        find_next(here, f"http://{host}.example/")
    assert "7vtoken" not in redaction.redact(f"http://{host.lower()}.example/")
