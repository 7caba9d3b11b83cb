"""Which proxy an address is asked through, if any: HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, NO_PROXY.

NO_PROXY is a list with commas, as clusters, curl and huggingface_hub's client write it:

    *                            nothing goes through a proxy
    host   .host   *.host        the host, and those below it
    10.0.0.0/8   fd00::/8        addresses of a network
    10.1.2.3   ::1   [::1]       one address
    host:8443   [::1]:8443       the same, on one port alone
    https://host                 the same, of one scheme alone

Where the environment names no proxy, the system's settings count, with their own exceptions.
"""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING, Any

from famtree.redaction import remember_address

if TYPE_CHECKING:
    from collections.abc import Mapping

    from famtree.sources.addresses import Address


class Proxies:
    """The proxies of one moment's surroundings."""

    def __init__(self, by_scheme: Mapping[str, str], exceptions: str | None) -> None:
        self._by_scheme = by_scheme
        self._exceptions = exceptions
        """NO_PROXY; None where the system's own exceptions count."""

    def find(self, address: Address) -> str | None:
        """Return the proxy's address, with a scheme; None for the direct way."""
        proxy = self._by_scheme.get(address.scheme) or self._by_scheme.get("all")
        if not proxy or self._spares(address):
            return None
        remember_address(proxy)
        return proxy if "://" in proxy else f"http://{proxy}"

    def _spares(self, address: Address) -> bool:
        if self._exceptions is None:
            from urllib.request import proxy_bypass

            return bool(proxy_bypass(address.netloc))
        return any(_covers(one.strip(), address) for one in self._exceptions.split(","))


def read_proxies() -> Proxies:
    """Return what the environment names, else the system."""
    from urllib.request import getproxies, getproxies_environment

    named = getproxies_environment()
    exceptions = named.pop("no", "")
    return Proxies(named, exceptions) if named else Proxies(getproxies(), None)


def _covers(written: str, address: Address) -> bool:
    """Return whether `written`, an item of NO_PROXY, is of `address`."""
    scheme, mark, rest = written.lower().rpartition("://")
    if mark and scheme not in ("all", address.scheme):
        return False
    name, port = _split_port(rest)
    if not name or port not in (None, address.port):
        return name == "*" and port is None
    host = address.host.strip("[]").rstrip(".")
    number, network = _read(ip_address, host), _read(_make_network, name)
    if network is not None:
        # An address that is written in IPv6's way and is an IPv4 one is of both networks.
        mapped = getattr(number, "ipv4_mapped", None)
        return number is not None and (number in network or (mapped or number) in network)
    if name == "*":
        return True
    name = name.removeprefix("*").removeprefix(".").rstrip(".")
    return number is None and (host == name or host.endswith(f".{name}")) and bool(name)


def _split_port(text: str) -> tuple[str, int | None]:
    """Return host or network, and the port where one is named."""
    if text.startswith("["):
        name, _, rest = text[1:].partition("]")
        rest = rest.removeprefix(":") if rest.startswith(":") else ""
        return name, int(rest) if rest.isascii() and rest.isdecimal() else None
    name, mark, port = text.partition(":")
    if mark and port.isascii() and port.isdecimal():
        return name, int(port)
    return text, None


def _make_network(text: str) -> Any:
    return ip_network(text, strict=False)


def _read(kind: Any, text: str) -> Any:
    try:
        return kind(text)
    except ValueError:
        return None
