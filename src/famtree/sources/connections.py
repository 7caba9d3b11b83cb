"""Connections that are kept for the next request, direct or by way of a proxy.

urllib3 sends: huggingface_hub's own client takes twice the processor's time for a request, and that
is what bounds a scan (benchmarks/scan.py). Certificates are that client's all the same, and the
proxies those of `urllib.request`: HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY, else the
system's.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from famtree.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from urllib3 import BaseHTTPResponse, PoolManager, Timeout

KEPT = 16
"""Idle connections to one host."""
HOSTS = 32
"""Hosts that connections are kept to."""


class Connections:
    """Sends requests; threads may share one. Surroundings are read at the first request."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._proxies: dict[str, str] | None = None
        self._managers: dict[tuple[str, str | None], PoolManager] = {}

    def send(self, url: str, headers: Mapping[str, str], timeout: Timeout) -> BaseHTTPResponse:
        """Return the answer to one GET as soon as its headers are there.

        Redirects are not followed and nothing is tried again. Raises urllib3's errors, and
        UsageError for what is no web address and for a proxy that cannot be used.
        """
        return self._find_manager(url).urlopen(
            "GET",
            url,
            headers=headers,
            timeout=timeout,
            retries=False,
            redirect=False,
            preload_content=False,
        )

    def close(self) -> None:
        """Close what is idle and forget the surroundings."""
        with self._lock:
            managers, self._managers, self._proxies = self._managers, {}, None
        for manager in managers.values():
            manager.clear()

    def _find_manager(self, url: str) -> PoolManager:
        scheme = url.partition("://")[0].lower()
        if scheme not in {"http", "https"}:
            raise UsageError(f"{url[:200]} is not an http(s) address", hint="check HF_ENDPOINT")
        with self._lock:
            if self._proxies is None:
                from urllib.request import getproxies

                self._proxies = getproxies()
            place = scheme, self._find_proxy(scheme, url) if self._proxies else None
            if place not in self._managers:
                self._managers[place] = _make_manager(*place)
            return self._managers[place]

    def _find_proxy(self, scheme: str, url: str) -> str | None:
        from urllib.request import proxy_bypass

        proxies = self._proxies or {}
        proxy = proxies.get(scheme) or proxies.get("all")
        if not proxy or proxy_bypass(urlsplit(url).netloc.rpartition("@")[2]):
            return None
        return proxy if "://" in proxy else f"http://{proxy}"


def _make_manager(scheme: str, proxy: str | None) -> PoolManager:
    import urllib3

    options: dict[str, Any] = {"num_pools": HOSTS, "maxsize": KEPT}
    if scheme == "https":
        from httpx2 import create_ssl_context

        options["ssl_context"] = create_ssl_context()
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
        raise UsageError(
            "the proxy is a SOCKS proxy, for which a library is missing",
            hint="pip install pysocks",
        ) from fault
    except (ValueError, AssertionError) as fault:
        raise UsageError(
            f"the proxy for {scheme} is not a valid address",  # it may hold a password
            hint="check HTTP_PROXY, HTTPS_PROXY and ALL_PROXY",
        ) from fault


CONNECTIONS = Connections()
"""Those of this process."""
