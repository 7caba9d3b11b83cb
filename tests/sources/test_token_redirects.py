"""The token reaches the endpoint's own origin and nobody else, however an address is written.

Every form is sent over real sockets: by the Hub in place of a file and of a listing, by a CDN on
the second hop, and as the next page of a list of models. A second host records who arrives.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal

import pytest

from famtree.errors import FamtreeError, NetworkError
from famtree.sources.hub import HubSource
from famtree.sources.hub_access import HubAccess
from famtree.sources.hub_models import walk_models
from famtree.sources.reference import parse_reference
from hub import endpoints
from hub.repository import HubFile, make_file
from hub.server import Faults, HubServer

pytestmark = pytest.mark.allow_hosts(["127.0.0.1", "127.0.0.2"])

TOKEN = "hf_" + "S3cret" * 5
Verdict = Literal["home", "other", "refused"]

# HUB and OTHER are host:port; {h}, {p} and {o}, {q} are their hosts and ports.
OTHER: tuple[str, ...] = (
    "http://{o}:{q}/x", "HTTP://{o}:{q}/x", "//{o}:{q}/x", "http://{o}:0{q}/x", "http://{o}:{q}",
    "http://{o}:{q}/@{h}:{p}/x", "http://{o}:{q}/x?@{h}:{p}/", "http://{o}:{q}?@{h}:{p}/x",
    "http://{o}:{q}#@{h}:{p}/x", "http://{o}:{q}/x#@{h}:{p}", "http://{o}:{q}//{h}:{p}/x",
    "http://{o}:{q}/%5C@{h}:{p}/x", "http://{o}:{q}/a/../b", "http://{o}:{q}/http://{h}:{p}/x",
    "http://{o}:{q}/;@{h}:{p}", "//{o}:{q}/\xe9?\xff", "http://{o}:{q}/x%20y",
    "http://{o}:{q}/<|>\"'`{{}}^",
)  # fmt: skip
"""Well-formed: each arrives at the second host, without the token."""
HOME: tuple[str, ...] = (
    "/own", "own", "?own", "./own", "../own", "http://{h}:{p}/own", "HTTP://{h}:{p}/own",
    "//{h}:{p}/own", "http://{h}:{p}/@{o}:{q}/", "http://{h}:{p}?@{o}:{q}", "//{h}:{p}#@{o}:{q}",
    "/own?to=http://{o}:{q}/", "http://{h}:{p}//{o}:{q}/", "/own/%5C{o}:{q}", "/\xe9",
    "http://{h}:0{p}/own",
)  # fmt: skip
"""At the endpoint itself, where the token belongs."""
REFUSED: tuple[str, ...] = (
    # Backslashes.
    "http://{o}:{q}\\@{h}:{p}/x", "http://{o}:{q}\\\\@{h}:{p}/x", "http:\\\\{o}:{q}\\@{h}:{p}/",
    "http:/\\{o}:{q}/x", "\\\\{o}:{q}\\x", "/\\{o}:{q}/x", "\\/{o}:{q}/x", "//{h}:{p}\\@{o}:{q}/x",
    "http://{h}:{p}\\.{o}:{q}/", "/own\\..\\x", "http://{o}:{q}/\\@{h}:{p}/x",
    # User names.
    "http://{h}:{p}@{o}:{q}/x", "http://{o}:{q}@{h}:{p}/x", "http://{h}@{o}:{q}/", "//me@{o}:{q}/",
    "http://me:pw@{o}:{q}/x", "http://@{o}:{q}/x", "http://:@{o}:{q}/x", "http://a@b@{o}:{q}/x",
    "http://{o}:{q}@@{h}:{p}/", "http://a:b@c:d@{h}:{p}/", "http://{h}:{p}%2F@{o}:{q}/",
    # Blanks and control characters, raw and in the bytes of a header.
    "http://{o}:{q}\t@{h}:{p}/x", "ht\ttp://{o}:{q}/x", "http://{o}:{q} @{h}:{p}/", "/own x",
    "http://{o}:{q}/\x0b", "http://{o}\x0c:{q}/", "http://{o}:{q}/\x1f", "http://{o}:{q}/\x7fx",
    "http://{o}:{q}\x00@{h}:{p}/", "http://{o}\x85:{q}/", "http://{o}\xa0:{q}/x",
    # Slashes that are read in several ways.
    "http:///{o}:{q}/x", "http:////{o}:{q}/x", "///{o}:{q}/x", "////{o}:{q}/x", "http:{o}:{q}/x",
    "http:/{o}:{q}/x", "http://", "//", "http://:{q}/x", "http://?{o}:{q}", "http://#{o}:{q}",
    # Other schemes.
    "ftp://{o}:{q}/x", "file:///etc/hostname", "javascript:alert(1)", "data:,x", "ws://{o}:{q}/x",
    "gopher://{o}:{q}/x", "httpx://{o}:{q}/x", "http+unix://{o}:{q}/x", "x:http://{o}:{q}/",
    # Ports.
    "http://{o}:{q}x/", "http://{o}:-1/", "http://{o}:0/x", "http://{o}:65536/", "http://{o}:+{q}/",
    "http://{o}:{q}:{p}/", "http://{o}:{q}%20/", "http://{o}:\xb2/", "http://{o}:0x50/",
    # Hosts: percent encodings, other alphabets, numbers and names that are none.
    "http://127%2e0.0.2:{q}/x", "http://{o}%00:{q}/x", "http://{o}%2f:{q}/x", "http://%40{o}:{q}/",
    "http://\xef\xbc\x91\xef\xbc\x92\xef\xbc\x97.0.0.2:{q}/", "http://127\xe3\x80\x820.0.2:{q}/x",
    "http://127.2:{q}/x", "http://0x7f.0.0.2:{q}/", "http://2130706434:{q}/x",
    "http://0177.0.0.2:{q}/x", "http://127.0.0.02:{q}/x", "http://127.0.0.2.:{q}/x",
    "http://{o}..:{q}/x", "http://.{o}:{q}/x", "http://*.{o}:{q}/x", "http://{o}':{q}/x",
    "http://{o},{h}:{q}/x", "http://[{o}]:{q}/x", "http://[::1/", "http://[::1]x:{q}/",
    "http://[::ffff:{o}%25lo]:{q}/x", "http://[v1.{o}]:{q}/", "http://" + "a" * 64 + ":{q}/x",
    "http://{o}:{q}/" + "a" * 17_000,
)  # fmt: skip
"""Nobody is asked, and an error says why."""
FORMS: dict[str, Verdict] = {
    **dict.fromkeys(OTHER, "other"),
    **dict.fromkeys(HOME, "home"),
    **dict.fromkeys(REFUSED, "refused"),
}


class Recorder(ThreadingHTTPServer):
    """A second host, which answers whatever it is asked and remembers it."""

    daemon_threads = True

    def __init__(self, host: str) -> None:
        super().__init__((host, 0), _Handler)
        self.seen: list[dict[str, str]] = []


class _Handler(BaseHTTPRequestHandler):
    server: Recorder

    def do_GET(self) -> None:
        self.server.seen.append({name.lower(): value for name, value in self.headers.items()})
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(params=["127.0.0.2", "127.0.0.1"])
def other(request: pytest.FixtureRequest) -> Iterator[Recorder]:
    """Another address of this machine, and another port of the Hub's own."""
    try:
        server = Recorder(request.param)
    except OSError:
        pytest.skip(f"{request.param} is no address of this machine")
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def write(form: str, hub: HubServer, other: Recorder) -> str:
    host, port = hub.url.removeprefix("http://").split(":")
    there = str(other.server_address[0])
    return form.format(h=host, p=port, o=there, q=other.server_address[1])


def ask(place: str, number: int, where: str, hub: HubServer) -> None:
    """Make a request that is redirected to `place`; one that nothing is cached of."""
    access = HubAccess(hub.url, TOKEN)
    if where == "link":
        _serve_pages(hub, place)
        list(walk_models(author="org", access=access))
        return
    name = f"org/{where}-{number}"
    files: dict[str, bytes | HubFile] = {
        "config.json": b'{"a": %d}' % number,
        "model.safetensors": make_file("model.safetensors", b"%d" % number * 999),
    }
    hub.add(name, files)
    only = {"file": "resolve-cache", "listing": "^/api/models/org/", "cdn": "^/xet/"}[where]
    hub.choose = lambda path: Faults(redirect=place) if re.search(only, path) else None
    source = HubSource(parse_reference(name), access=access)
    asked = "model.safetensors" if where == "cdn" else "config.json"
    source.read_wave([asked], {}, limit=9999)


def _serve_pages(hub: HubServer, place: str) -> None:
    hub.choose = None
    link = {"Link": f'<{place}>; rel="next"'}
    pages = iter([endpoints.Reply(200, link, b'[{"id": "org/a"}]')])
    end = endpoints.Reply(200, {}, b'[{"id": "org/b"}]')
    _PAGES[hub.url] = lambda: next(pages, end)


_PAGES: dict[str, Callable[[], endpoints.Reply]] = {}


@pytest.mark.parametrize("where", ["file", "listing", "cdn", "link"])
def test_the_token_stays_at_home(
    hub: HubServer,
    other: Recorder,
    pauses: list[float],
    monkeypatch: pytest.MonkeyPatch,
    where: str,
) -> None:
    hub.tokens = {TOKEN: set()}
    if where == "link":
        monkeypatch.setattr(endpoints, "serve_hub", lambda hub, *_: _PAGES[hub.url]())
    met: dict[str, Verdict] = {}
    # In a `Link` header an address ends at a bracket.
    forms = [form for form in FORMS if where != "link" or not set("<>") & set(form)]
    for number, form in enumerate(forms):
        place = write(form, hub, other)
        hub.seen.clear()
        other.seen.clear()
        fault: FamtreeError | None = None
        try:
            ask(place, number, where, hub)
        except FamtreeError as caught:
            fault = caught
        assert not any("authorization" in seen or TOKEN in str(seen) for seen in other.seen), form
        at_home = f"127.0.0.1:{hub.url.rpartition(':')[2]}"
        for seen in hub.seen.all:
            told = seen.headers.get("authorization")
            assert told == (f"Bearer {TOKEN}" if seen.host == "hub" else None), form
            assert told is None or seen.headers["host"] == at_home, form
        met[form] = "other" if other.seen else _judge(fault, hub, where)
        if met[form] == "refused":
            assert isinstance(fault, NetworkError), form
            assert "redirects to" in fault.message or "next page" in fault.message, form
            assert TOKEN not in fault.message
    # A list of models goes on at the endpoint alone: elsewhere is refused, well-formed or not.
    elsewhere: Verdict = "refused" if where == "link" else "other"
    assert met == {form: elsewhere if form in OTHER else FORMS[form] for form in forms}


def _judge(fault: FamtreeError | None, hub: HubServer, where: str) -> Verdict:
    """Return whether the redirect was followed to the Hub itself."""
    led = {"file": 3, "listing": 1, "cdn": 3, "link": 1}[where]
    followed = len(hub.seen.all) > led
    assert followed or fault is not None
    return "home" if followed else "refused"


def test_there_are_enough_forms() -> None:
    assert len(FORMS) == len(OTHER) + len(HOME) + len(REFUSED) >= 120


def test_addresses_among_the_names_of_a_listing(hub: HubServer, other: Recorder) -> None:
    """A file's name is a part of a path and never more, whatever it looks like."""
    hub.tokens = {TOKEN: set()}
    names = [write(form, hub, other)[:900] + ".json" for form in FORMS]
    names += [re.sub("/+", "/", name).removeprefix("/") for name in names]
    hub.add("org/name", {name: name.encode() for name in names})
    source = HubSource(parse_reference("org/name"), access=HubAccess(hub.url, TOKEN))
    listed = [entry.name for entry in source.list_files().files]
    assert 20 < len(listed) < len(names), "names that could climb are dropped"
    for name in listed:
        with suppress(NetworkError):
            source.read_wave([name], {}, limit=9999)
    assert len(hub.seen.all) > len(listed)
    assert other.seen == []
