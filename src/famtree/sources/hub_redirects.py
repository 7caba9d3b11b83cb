"""Where the redirects of one request lead: bounded, to web addresses, and never with a secret.

Cookies that a host sets on the way go back to it within the same request: some front doors let
nobody through without (a redirect to the very address that was asked for, and a cookie with it).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from famtree.errors import NetworkError
from famtree.redaction import holds_secret
from famtree.sources.addresses import Address, AddressError, follow_address, parse_address

if TYPE_CHECKING:
    from collections.abc import Iterable

    from urllib3 import BaseHTTPResponse

    from famtree.sources.hub_dialect import Dialect

MAX_REDIRECTS = 6
REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MAX_COOKIES = 16
_LONGEST_COOKIE = 4096
_NOT_FOUND = 404


class Trail:
    """The way of one request: where it has led, and what was told on it."""

    def __init__(self, url: str, home: Address, dialect: Dialect) -> None:
        self.address = parse_own(url)
        self.linked = ""
        """The Hub's own name for the content (`X-Linked-Etag`)."""
        self._prefix = home.target.partition("?")[0].rstrip("/")
        self._home = home
        self._dialect = dialect
        self._below: Address | None = None
        """Where the last redirect leads if it was meant below the endpoint's path."""
        self._cookies: dict[tuple[str, str, int], dict[str, str]] = {}

    def leads_on(self, response: BaseHTTPResponse) -> bool:
        """Follow a redirect; False for any other answer. Raises NetworkError for a wrong one."""
        headers = response.headers
        place = headers.get("location")
        if place is None or response.status not in REDIRECTS:
            return self._turns_back(response.status)
        self._keep_cookies(headers.getlist("set-cookie"))
        self.linked = headers.get("x-linked-etag", self.linked)
        here, self.address = self.address, find_next(self.address, place)
        self._below = self._place_below(here, place)
        if self._below is not None and self._dialect.prefixed:
            self.address, self._below = self._below, None
        return True

    def list_cookies(self) -> dict[str, str]:
        """Return the header with what this host has set."""
        kept = self._cookies.get(self.address.origin)
        return {"cookie": "; ".join(f"{k}={v}" for k, v in kept.items())} if kept else {}

    def _place_below(self, here: Address, place: str) -> Address | None:
        """Return the address below the endpoint's path that a server behind it may have meant.

        The Hub's redirects are relative to its root, and a mirror with a path hands them on.
        """
        outside = not self.address.target.startswith(f"{self._prefix}/")
        if not self._prefix or not outside or here.origin != self._home.origin:
            return None
        if not place.startswith("/") or self.address.origin != here.origin:
            return None
        return parse_address(f"{here.place}{self._prefix}{self.address.target}")

    def _turns_back(self, status: int) -> bool:
        """Take the address below the endpoint's path where nothing is at the one that was told."""
        if status != _NOT_FOUND or self._below is None:
            return False
        self.address, self._below = self._below, None
        self._dialect.prefixed = True
        return True

    def _keep_cookies(self, lines: Iterable[str]) -> None:
        kept = self._cookies.setdefault(self.address.origin, {})
        for line in lines:
            name, mark, value = line.partition(";")[0].strip().partition("=")
            sound = mark and name and f"{name}{value}".isascii() and f"{name}{value}".isprintable()
            if sound and len(line) <= _LONGEST_COOKIE and len(kept) < _MAX_COOKIES:
                kept[name] = value


def parse_own(url: str) -> Address:
    """Take apart what famtree has put together from the endpoint."""
    try:
        return parse_address(url)
    except AddressError as fault:
        raise NetworkError(
            f"{url.partition('?')[0][:200]} is {fault}", hint="check HF_ENDPOINT"
        ) from fault


def find_next(here: Address, place: str) -> Address:
    """Return where a redirect leads: see `follow_address`; never elsewhere with a secret in it."""
    try:
        there = follow_address(here, place)
        # As it was sent too: a host's name is put in lower case.
        if there.origin != here.origin and holds_secret(f"{place} {there}".encode()):
            raise AddressError("another host with the token or a password in the address")
    except AddressError as fault:
        raise NetworkError(
            f"{here.shown} redirects to {fault}",
            hint="a proxy or mirror sends famtree elsewhere; check HF_ENDPOINT",
        ) from fault
    return there
