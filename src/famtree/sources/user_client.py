"""The client that the user gave huggingface_hub (`set_client_factory`), used in place of famtree's.

Whoever sets one wants every request to pass it: certificates of one's own, an audit, a proxy that
asks for more than a password. It costs half as much processor time again. What it raises becomes
what famtree's own way of sending raises, so that pauses and words stay the same.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from urllib3 import BaseHTTPResponse, Timeout

    from famtree.sources.addresses import Address

_MODULE = "huggingface_hub.utils._http"
_CHUNK = 64 * 1024


def find_user_client() -> Any | None:
    """Return the client of huggingface_hub's session where the user set how it is made.

    Nothing is imported for it: who set one has imported the library.
    """
    library = sys.modules.get(_MODULE)
    if library is None or _is_default(library):
        return None
    return library.get_session()


def _is_default(library: Any) -> bool:
    made_by = getattr(library, "_GLOBAL_CLIENT_FACTORY", None)
    return made_by is None or made_by is getattr(library, "default_client_factory", None)


def send_by(
    client: Any,
    address: Address,
    headers: Mapping[str, str],
    timeout: Timeout,
    exchange: Any = None,
) -> BaseHTTPResponse:
    """Return the answer to one GET, sent by `client`, as soon as its headers are there.

    Redirects are not followed. Raises urllib3's errors, whatever the client's are.
    """
    import httpx2

    phases: Any = timeout
    limits = httpx2.Timeout(phases.read_timeout, connect=phases.connect_timeout)
    with _Translated():
        request = client.build_request("GET", str(address), headers=dict(headers), timeout=limits)
        response = client.send(request, stream=True, follow_redirects=False)
    if exchange is not None:
        exchange.begin(SimpleNamespace(sock=_find_socket(response)))
    found: Any = _Response(response)
    return found  # type: ignore[no-any-return]


def _find_socket(response: Any) -> Any:
    stream = response.extensions.get("network_stream")
    return stream.get_extra_info("socket") if stream is not None else None


class _Response:
    """What famtree asks of urllib3's answer, of the client's."""

    def __init__(self, response: Any) -> None:
        from urllib3 import HTTPHeaderDict

        self._response = response
        self.status: int = response.status_code
        self.headers = HTTPHeaderDict(response.headers.multi_items())
        self._chunks: Iterator[bytes] = response.iter_bytes(_CHUNK)
        self._rest = b""

    def read(self, amount: int) -> bytes:
        """Return up to `amount` decoded bytes, fewer at the end."""
        with _Translated():
            while len(self._rest) < amount and (chunk := next(self._chunks, b"")):
                self._rest += chunk
        data, self._rest = self._rest[:amount], self._rest[amount:]
        return data

    def tell(self) -> int:
        """Return the bytes of the body that came over the wire."""
        return int(self._response.num_bytes_downloaded)

    def close(self) -> None:
        """Give the connection back, or close it where the body was not read to its end."""
        with suppress(Exception):
            self._response.close()

    def release_conn(self) -> None:
        """Do nothing more: `close` has given the connection back."""


class _Translated:
    """Turns the client's errors into those of urllib3."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, fault: Any, trace: Any) -> None:
        if fault is None:
            return
        import httpx2
        from urllib3 import exceptions as urllib3

        told = str(fault)
        pairs: tuple[tuple[type[BaseException], Any], ...] = (
            (httpx2.ConnectTimeout, lambda: urllib3.ConnectTimeoutError(told)),
            (httpx2.TimeoutException, lambda: urllib3.TimeoutError(told)),
            (httpx2.ProxyError, lambda: urllib3.ProxyError(told, fault)),
            (httpx2.ConnectError, lambda: _connect_error(told)),
            (httpx2.DecodingError, lambda: urllib3.DecodeError(told)),
            (httpx2.UnsupportedProtocol, lambda: urllib3.URLSchemeUnknown(told)),
            (httpx2.TransportError, lambda: urllib3.ProtocolError(told)),
        )
        for theirs, make in pairs:
            if isinstance(fault, theirs):
                raise make() from fault


def _connect_error(told: str) -> Exception:
    from urllib3 import exceptions as urllib3
    from urllib3.connection import HTTPConnection

    if "ssl" in told.lower() or "certificate" in told.lower():
        return urllib3.SSLError(told)
    return urllib3.NewConnectionError(HTTPConnection("hub"), told)
