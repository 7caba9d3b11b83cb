"""What a request says of who asks, and to whom it gives the token.

The token goes to the endpoint, and to the Hub's own hosts over https where a mirror redirects
there; to nobody else. huggingface_hub counts the same hosts (2.4, `utils/_http.py:_HUB_ORIGINS`).
"""

from __future__ import annotations

from functools import cached_property

from famtree import __version__
from famtree.sources.addresses import Address, parse_address
from famtree.sources.hub_access import HubAccess
from famtree.sources.hub_redirects import parse_own
from famtree.sources.hub_settings import find_origin, list_hub_endpoints

Origin = tuple[str, str, int]
_AUTHORIZATION = "authorization"


class HubHeaders:
    """The headers of one user of one endpoint."""

    def __init__(self, access: HubAccess, endpoint: str) -> None:
        self._access = access
        self._endpoint = endpoint
        self._all: dict[str, str] | None = None

    def find(self, address: Address) -> dict[str, str]:
        """Return the headers for a request to `address`.

        That is what is sent, and was taken apart by the parser that took the endpoint apart.
        """
        if self._all is None:
            self._all = _make_headers(self._access)
        if self.trusts(address):
            return dict(self._all)
        return {name: value for name, value in self._all.items() if name != _AUTHORIZATION}

    def trusts(self, address: Address) -> bool:
        """Return whether `address` is the endpoint's, or one of the Hub's own over https."""
        return address.origin == self.home.origin or address.origin in self._hub_hosts

    @cached_property
    def home(self) -> Address:
        """The endpoint: whom the token belongs to. Parsed late, as it takes the HTTP client."""
        return parse_own(self._endpoint)

    @cached_property
    def _hub_hosts(self) -> frozenset[Origin]:
        found = (parse_address(one).origin for one in list_hub_endpoints())
        return frozenset(one for one in found if one[0] == "https")


def _make_headers(access: HubAccess) -> dict[str, str]:
    import platform

    from huggingface_hub import __version__ as library
    from urllib3 import make_headers

    agent = f"famtree/{__version__}; hf_hub/{library}; python/{platform.python_version()}"
    if origin := find_origin():
        agent += f"; origin/{origin}"
    token = access.find_token()
    headers = {"user-agent": agent, **make_headers(accept_encoding=True)}
    return headers | ({_AUTHORIZATION: f"Bearer {token}"} if token else {})
