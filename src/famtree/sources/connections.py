"""Connections that are kept for the next request, direct or by way of a proxy.

urllib3 sends: huggingface_hub's own client takes half as much of the processor's time again, and
that is what bounds a scan (benchmarks/scan.py). Certificates are that client's all the same, and
`famtree.sources.proxies` finds the proxy. A client that the user set is used in place of all this
(`famtree.sources.user_client`).
"""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from famtree.errors import UsageError, missing_package
from famtree.sources.proxies import Proxies, read_proxies
from famtree.sources.user_client import find_user_client, send_by

if TYPE_CHECKING:
    from collections.abc import Mapping
    from ssl import SSLContext

    from urllib3 import BaseHTTPResponse, HTTPConnectionPool, PoolManager, Timeout

    from famtree.sources.addresses import Address

KEPT = 16
"""Idle connections to one host; as many requests may be in flight."""
MAX_INTERIM = 16
"""Times that a server may say it will go on (`100 Continue`) before it answers."""
HOSTS = 32
"""Hosts that connections are kept to."""


class Exchange:
    """What one thread asks and is answered by, so that another one can end it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._connection: Any = None
        self._socket: socket.socket | None = None
        self.ended = False
        """Another thread has given it up: it is no matter any more, whatever comes of it."""

    def begin(self, connection: Any) -> None:
        """Hold what is used from now on. Raises OSError where it was given up."""
        with self._lock:
            if self.ended:
                raise OSError("given up")
            self._connection, self._socket = connection, connection.sock

    def leave(self) -> None:
        """Forget the connection: the next user's is not this one's to end."""
        with self._lock:
            self._connection = self._socket = None

    def end(self) -> None:
        """End it: whoever waits for the next bytes finds that there are none."""
        with self._lock:
            self.ended = True
            # A connection that closes after its answer has given its socket away.
            used = getattr(self._connection, "sock", None) or self._socket
            if used is not None:
                with suppress(OSError):
                    # The socket's own: that of an encrypted one would first take it apart.
                    socket.socket.shutdown(used, socket.SHUT_RDWR)


_present = threading.local()


class Connections:
    """Sends requests; threads may share one. Surroundings are read at the first request."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._proxies: Proxies | None = None
        self._managers: dict[tuple[str, str | None], PoolManager] = {}
        self._pools: dict[str, HTTPConnectionPool] = {}
        """By scheme and host, for the first hosts that are asked without a proxy."""
        self._certificates: SSLContext | None = None

    def send(
        self,
        address: Address,
        headers: Mapping[str, str],
        timeout: Timeout,
        exchange: Exchange | None = None,
    ) -> BaseHTTPResponse:
        """Return the answer to one GET as soon as its headers are there.

        What it goes by is told to `exchange`.
        Redirects are not followed and nothing is tried again. Raises urllib3's errors, and
        UsageError for a proxy that cannot be used.
        """
        users = find_user_client()
        if users is not None:
            return send_by(users, address, headers, timeout, exchange)
        sender, target = self._find_sender(address)
        _present.exchange = exchange
        return sender.urlopen(
            "GET",
            target,
            headers=headers,
            timeout=timeout,
            retries=False,
            redirect=False,
            preload_content=False,
        )

    def close(self) -> None:
        """Close what is idle and forget the surroundings."""
        with self._lock:
            managers, self._managers = self._managers, {}
            pools, self._pools = self._pools, {}
            self._proxies = self._certificates = None
        for manager in managers.values():
            manager.clear()
        for pool in pools.values():
            pool.close()

    def _find_sender(self, address: Address) -> tuple[PoolManager | HTTPConnectionPool, str]:
        """Return what sends a request to `address`, and what to tell it.

        A manager spends a tenth of a small request on finding the host's pool: those of the first
        hosts are known here.
        """
        if address.place in self._pools:
            return self._pools[address.place], address.target
        scheme = address.scheme
        with self._lock:
            proxy = self._find_proxy(address)
            if proxy is None and len(self._pools) < HOSTS:
                from urllib3 import connection_from_url

                pool = connection_from_url(address.place, **self._list_options(scheme))
                pool.ConnectionCls = _bound_connection(pool.ConnectionCls)
                return self._pools.setdefault(address.place, pool), address.target
            if (scheme, proxy) not in self._managers:
                options = {"num_pools": HOSTS, **self._list_options(scheme)}
                manager = _make_manager(scheme, proxy, options)
                manager.pool_classes_by_scheme = {
                    name: _bound_pool(kind) for name, kind in manager.pool_classes_by_scheme.items()
                }
                self._managers[scheme, proxy] = manager
            return self._managers[scheme, proxy], str(address)

    def _find_proxy(self, address: Address) -> str | None:
        if self._proxies is None:
            self._proxies = read_proxies()
        return self._proxies.find(address)

    def _list_options(self, scheme: str) -> dict[str, Any]:
        if scheme == "http":
            return {"maxsize": KEPT}
        if self._certificates is None:
            self._certificates = find_certificates()
        return {"maxsize": KEPT, "ssl_context": self._certificates}


def find_certificates() -> SSLContext:
    """Return what tells a trusted server, by the rules of huggingface_hub's client (httpx2 2.16).

    The file SSL_CERT_FILE, else the folder SSL_CERT_DIR, else the file or folder that older clients
    read (REQUESTS_CA_BUNDLE, CURL_CA_BUNDLE), else what OpenSSL finds on its own, else what the
    system has. Raises OSError kin for a file that is none.
    """
    import os
    import ssl
    import sys

    file, folder = os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")
    if not file and not folder:
        older = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE")
        file, folder = (None, older) if older and os.path.isdir(older) else (older, None)
    if file or folder:
        return ssl.create_default_context(cafile=file or None, capath=None if file else folder)
    paths = ssl.get_default_verify_paths()
    if sys.platform not in ("win32", "darwin") and paths.cafile:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(paths.cafile, paths.capath)
        return context
    from truststore import SSLContext

    return SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _bound_connection(kind: type[Any]) -> type[Any]:
    """Return this kind of connection, with answers that can be ended and are not put off for ever.

    The library reads every `100 Continue` before the answer, and so without end.
    """
    from http.client import BadStatusLine, HTTPResponse

    class Response(HTTPResponse):
        put_off = 0

        def _read_status(self) -> Any:
            self.put_off += 1
            if self.put_off > MAX_INTERIM + 1:
                raise BadStatusLine("100 Continue, again and again")
            return super()._read_status()  # type: ignore[misc]

    def tell(self: Any) -> None:
        exchange: Exchange | None = getattr(_present, "exchange", None)
        if exchange is not None:
            exchange.begin(self)

    def connect(self: Any) -> None:
        tell(self)  # before: a handshake may take as long as an answer
        kind.connect(self)

    def request(self: Any, *arguments: Any, **options: Any) -> None:
        tell(self)
        kind.request(self, *arguments, **options)
        tell(self)  # the socket may be a new one

    own = {"response_class": Response, "connect": connect, "request": request}
    return type(kind.__name__, (kind,), own)


def _bound_pool(kind: type[Any]) -> type[Any]:
    bound = {"ConnectionCls": _bound_connection(kind.ConnectionCls)}
    return type(kind.__name__, (kind,), bound)


def _make_manager(scheme: str, proxy: str | None, options: dict[str, Any]) -> PoolManager:
    import urllib3

    if proxy is None:
        return urllib3.PoolManager(**options)
    try:
        if proxy.lower().startswith("socks"):
            from urllib3.contrib.socks import SOCKSProxyManager

            return SOCKSProxyManager(proxy, **options)
        user = urlsplit(proxy).netloc.rpartition("@")[0]
        if user:
            options["proxy_headers"] = urllib3.make_headers(proxy_basic_auth=unquote(user))
        return urllib3.ProxyManager(proxy, **options)
    except ImportError as fault:
        raise missing_package("socks", "a SOCKS proxy") from fault
    except (ValueError, AssertionError) as fault:
        raise UsageError(
            f"the proxy for {scheme} is not a valid address",  # it may hold a password
            hint="check HTTP_PROXY, HTTPS_PROXY and ALL_PROXY",
        ) from fault


CONNECTIONS = Connections()
"""Those of this process."""
