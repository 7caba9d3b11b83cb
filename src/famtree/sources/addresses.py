"""Addresses of the web, taken apart once and sent as they were taken apart.

Two programs that find different hosts in one text are how a token comes to a stranger. So there is
one parser, that of the library that sends (urllib3); what it found is compared, connected to and
sent; and a text in which another parser (Python's own) finds something else is no address here.
"""

from __future__ import annotations

import os
import re
from functools import lru_cache
from ipaddress import ip_address
from urllib.parse import urlsplit

from msgspec import Struct

PORTS = {"http": 80, "https": 443}
MAX_ADDRESS = 16_384
"""Characters; signed addresses take some hundreds."""

_HUB = "https://huggingface.co"
_BLANK = r"[\x00-\x20\x7f-\xa0\u2028\u2029]"
_WEB = r"(?i)https?://([^/?#]+)"
_SCHEME = r"[A-Za-z][A-Za-z0-9+.-]*:"
_LABEL = r"[a-z0-9_-]{1,63}"
_HOST = rf"{_LABEL}(?:\.{_LABEL})*\.?|\[[0-9a-f:.]+\]"
_NUMERIC = r"(?:^|\.)(?:[0-9]+|0x[0-9a-f]*)\.?$|^\["
_LATIN = "[\x80-\xff]"
# What urllib3 gives back as it is, so that nothing need be imported to know it.
_NORMAL = rf"(?a)(https?)://({_LABEL}(?:\.{_LABEL})*)(?::([1-9]\d{{0,4}}))?(?:/[\w-][\w.-]*)*"


class AddressError(ValueError):
    """A text is no address that may be asked; says what it is instead."""


class Address(Struct, frozen=True):
    """What is asked, and where."""

    scheme: str
    host: str
    """In lower case; an IPv6 address in brackets."""
    port: int
    target: str
    """Path and query, as they are sent."""

    @property
    def origin(self) -> tuple[str, str, int]:
        """Whom a token belongs to (RFC 6454)."""
        return self.scheme, self.host, self.port

    @property
    def netloc(self) -> str:
        """Host, and the port where it is not the scheme's own."""
        return self.host if self.port == PORTS[self.scheme] else f"{self.host}:{self.port}"

    @property
    def place(self) -> str:
        """The address without path and query."""
        return f"{self.scheme}://{self.netloc}"

    @property
    def shown(self) -> str:
        """The address without its query, which may be signed."""
        return self.place + self.target.partition("?")[0]

    def __str__(self) -> str:
        return self.place + self.target


def parse_address(text: str) -> Address:
    """Return the parts of an absolute `http(s)` address. Raises AddressError."""
    from urllib3.exceptions import LocationParseError
    from urllib3.util import parse_url

    _check_length(text)
    if "\\" in text:
        raise AddressError("an address with a backslash")
    if re.search(_BLANK, text):
        raise AddressError("an address with blanks or control characters")
    found = re.match(_WEB, text)
    if found is None:
        raise AddressError("something else than an http(s) address")
    if "@" in found[1]:
        raise AddressError("an address with a user name")
    try:
        parts, other = parse_url(text), urlsplit(text)
        scheme, host = parts.scheme or "", parts.host or ""
        port = PORTS[scheme] if parts.port is None else parts.port
        seen = other.scheme, other.hostname, PORTS[scheme] if other.port is None else other.port
        target = parts.request_uri
        if target.startswith("//"):
            parse_url(target)  # the library does, on sending
    except (LocationParseError, ValueError) as fault:
        raise AddressError("an address without a valid host and port") from fault
    if not re.fullmatch(_HOST, host) or len(host) > 253 or not port:
        raise AddressError("an address without a valid host and port")
    if seen != (scheme, host.strip("[]"), port) or not _is_name_or_number(host):
        raise AddressError("an address that can be read in two ways")
    address = Address(scheme, host, port, target)
    _check_length(str(address))  # it is longer where characters had to be escaped
    return address


def _check_length(text: str) -> None:
    if len(text) > MAX_ADDRESS:
        raise AddressError(f"an address of more than {MAX_ADDRESS} characters")


def _is_name_or_number(host: str) -> bool:
    """Return whether `host` is a name, or an IP address in its usual form.

    Systems read `127.1`, `0x7f.1` and `127.0.0.01` as IPv4 addresses, each in its own way.
    """
    if not re.search(_NUMERIC, host):
        return True
    try:
        ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


def follow_address(here: Address, place: str) -> Address:
    """Return where `place`, of a `Location` or `Link` header at `here`, leads (RFC 3986, 5.2).

    Raises AddressError for what `parse_address` refuses, and for the way from https to http.
    """
    # A header's bytes are read as Latin-1. What is not ASCII is sent on as the bytes it was.
    place = re.sub(_LATIN, lambda found: f"%{ord(found[0]):02X}", place)
    path = here.target.partition("?")[0]
    if re.match(_SCHEME, place):
        text = place
    elif place.startswith("//"):
        text = f"{here.scheme}:{place}"
    elif place.startswith("/"):
        text = here.place + place
    elif place.startswith("?"):
        text = here.place + path + place
    elif place.partition("#")[0]:
        text = f"{here.place}{path.rpartition('/')[0]}/{place}"
    else:
        text = str(here)
    there = parse_address(text)
    if here.scheme == "https" != there.scheme:
        raise AddressError("http, from https")
    return there


def find_hub() -> str:
    """Return the address of the Hub that links lead to: that of HF_ENDPOINT, where it is one."""
    try:
        return normalise_endpoint(os.environ.get("HF_ENDPOINT") or _HUB)
    except AddressError:
        return _HUB


@lru_cache(maxsize=64)
def normalise_endpoint(text: str) -> str:
    """Return the address of a Hub as it is sent, without a slash at its end.

    Raises AddressError. International names become what is looked up for them.
    """
    text = text.rstrip("/")
    found = re.fullmatch(_NORMAL, text)
    if found is not None and len(text) <= 253:
        port = int(found[3] or 0)
        if port <= 65535 and port != PORTS[found[1]] and _is_name_or_number(found[2]):
            return text
    from urllib3.exceptions import LocationParseError
    from urllib3.util import parse_url

    if not re.search(_BLANK, text) and "\\" not in text:
        try:
            text = parse_url(text).url
        except (LocationParseError, ValueError) as fault:
            raise AddressError("an address without a valid host and port") from fault
    address = parse_address(text)
    if "?" in text or "#" in text:
        raise AddressError("an address with a query")
    return str(address).rstrip("/")
