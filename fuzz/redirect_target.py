"""Where a redirect leads: what famtree decided, against where a socket would be opened.

The first byte chooses who redirects; the others are the `Location`, as the bytes of its header.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urljoin, urlsplit

from urllib3 import Timeout
from urllib3.exceptions import HTTPError
from urllib3.util import connection, parse_url

from famtree.sources.addresses import Address, AddressError, follow_address, parse_address
from famtree.sources.connections import Connections
from famtree.sources.hub_access import HubAccess
from famtree.sources.hub_client import HubClient
from famtree.sources.proxies import Proxies

HUB = "http://hub.test:8080"
HUB_HOSTS = ("huggingface.co", "hub-ci.huggingface.co", "hf.co")
"""Whom the token is given to as well, over https alone."""
STARTS = (
    "http://hub.test:8080/org/name/resolve/main/config.json?a=b",
    "https://hub.test/api/models/org/name",
    "http://cdn.test/xet/name?Signature=s",
)
# What a browser takes for scheme and authority (https://url.spec.whatwg.org): it drops tabs and
# line feeds, and a backslash is a slash.
_BROWSER = re.compile(r"(?:(https?):)?[\\/]{2,}(?:[^\\/?#]*@)?([^\\/?#]*)", re.IGNORECASE)


class _OpenedError(Exception):
    """A socket would be opened now."""


class _Client:
    """A client of the Hub, made once, with the token that must not leave it."""

    def __init__(self) -> None:
        self.hub = HubClient(access=HubAccess(HUB, "hf_fuzzed"))
        self.ways = Connections()
        self.ways._proxies = Proxies({}, "")
        self._met: dict[object, tuple[str, int]] = {}

    def find_token(self, address: Address) -> str | None:
        """Return what the request to `address` is authorised with."""
        return self.hub._headers.find(address).get("authorization")

    def find_socket(self, address: Address) -> tuple[str, int]:
        """Return host and port that the library opens a socket to when `address` is sent.

        Opened once for all that starts alike: a socket takes longer than all the rest.
        """
        # urllib3 is given these parts, and takes a target of two slashes apart once more.
        key = address.origin, address.target[: 64 if address.target.startswith("//") else 0]
        if key not in self._met:
            if len(self._met) > 4096:
                self._met.clear()
            self._met[key] = self._open_socket(address)
        return self._met[key]

    def _open_socket(self, address: Address) -> tuple[str, int]:
        opened: list[tuple[str, int]] = []
        with _caught(opened):
            try:
                self.ways.send(address, {}, Timeout(connect=1, read=1)).close()
            except _OpenedError:
                pass
            except (HTTPError, OSError) as fault:
                raise AssertionError(f"{address} cannot be sent: {fault!r}") from fault
        (found,) = opened
        return found


_CLIENTS: list[_Client] = []


@contextmanager
def _caught(opened: list[tuple[str, int]]) -> Iterator[None]:
    """Note the sockets that are to be opened, and open none."""

    def note(address: tuple[str, int], *_: object, **__: object) -> socket.socket:
        opened.append(address)
        raise _OpenedError

    kept = connection.create_connection
    connection.create_connection = note
    try:
        yield
    finally:
        connection.create_connection = kept


def fuzz_redirect(data: bytes) -> None:
    """Follow a redirect; whom it is sent to, and with what, must be beyond doubt."""
    if not _CLIENTS:
        _CLIENTS.append(_Client())
    client = _CLIENTS[0]
    here = parse_address(STARTS[data[0] % len(STARTS) if data else 0])
    place = data[1:].decode("latin-1")
    try:
        there = follow_address(here, place)
    except AddressError:
        return
    sent = str(there)
    host = there.host.strip("[]")
    assert client.find_socket(there) == (host, there.port), "another socket is opened"
    trusted = {("http", "hub.test", 8080), *(("https", one, 443) for one in HUB_HOSTS)}
    known = (there.scheme, host, there.port) in trusted
    assert client.find_token(there) == ("Bearer hf_fuzzed" if known else None)
    assert not (here.scheme == "https" and there.scheme == "http")
    # What goes through a proxy is read once more there: nothing may change, whoever reads it.
    assert sent.isascii()
    assert parse_address(sent) == there
    assert parse_url(sent).url == sent
    assert _read_by_python(sent) == _read_by_python(urljoin(str(here), _encode(place)))
    assert _read_by_python(sent) == (there.scheme, host, there.port)
    named = _BROWSER.match(place)
    if named is not None:
        assert (named[1] or here.scheme).lower() == there.scheme
        assert re.sub(r":\d*$", "", named[2].lower()) == there.host


def _encode(place: str) -> str:
    return "".join(one if one < "\x80" else f"%{ord(one):02X}" for one in place)


def _read_by_python(text: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(text)
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}[parts.scheme]


def make_seeds() -> list[bytes]:
    """Return the ways a `Location` can be written, sound and otherwise."""
    places = [
        "/org/other/resolve/main/config.json", "next?c=d#e", "?cursor=2", "#top", "", "../x/./y",
        "http://hub.test:8080/x", "HTTP://HUB.TEST:08080/x", "//hub.test:8080/x", "//cdn.test/x",
        "https://hub.test:443/x", "https://[::1]:8443/x", "http://127.0.0.1:80/%7e?b=%2F",
        "http://cdn.test\\@hub.test:8080/x", "http://hub.test:8080@cdn.test/x",
        "http://cdn.test#@hub.test:8080/", "http://cdn.test?@hub.test:8080/", "http:///cdn.test/x",
        "///cdn.test/x", "http:cdn.test", "/\\cdn.test/x", "http://hub.test:8080.cdn.test/x",
        "http://hub.test%00.cdn.test/x", "http://hub.test:8080\t@cdn.test/x", "http://0x7f.1/x",
        "http://[fe80::1%25eth0]/x", "http://hub.test.:8080/x", "http://h\xfcb.test/\xe9",
        "http://hub.test:0/x", "http://hub.test:99999/x", "ftp://hub.test/x", "data:,x",
        "https://huggingface.co/x", "http://huggingface.co/x", "https://huggingface.co:80/x",
        "https://hf.co.cdn.test/x", "https://HF.co/x", "https://cdn.test\\@hf.co/x", "//hf.co:443/",
        "http://cdn.test//hub.test:8080/x", "http://a:b@c:d@hub.test:8080/", "//[::ffff:1.2.3.4]",
    ]  # fmt: skip
    return [
        bytes([start]) + place.encode("latin-1")
        for start in range(len(STARTS))
        for place in places[start :: len(STARTS)] + places[:3]
    ]
