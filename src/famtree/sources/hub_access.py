"""Which Hub is asked, as whom, and until when."""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from famtree.errors import AccessError, UsageError
from famtree.sources.deadline import NEVER, Deadline

if TYPE_CHECKING:
    from famtree.types.checkpoint import Listing

ANONYMOUS = "anonymous"
MOST_LISTINGS = 256
"""A large repository's listing takes megabytes."""
_TOKEN = re.compile(r"[!-~]{1,4096}")
"""What a header can carry: visible ASCII (RFC 9110, field values), no blanks."""


class ListingMemory:
    """Listings by repository and revision, so that a branch stays the commit it was first seen at.

    Threads may share one. Beyond `most`, what was asked for longest ago is forgotten.
    """

    def __init__(self, most: int = MOST_LISTINGS) -> None:
        self._most = most
        self._known: OrderedDict[tuple[str, str], Listing] = OrderedDict()
        self._lock = threading.Lock()

    def recall(self, repo_id: str, revision: str, find: Callable[[], Listing]) -> Listing:
        """Return the remembered listing, else what `find` returns; its errors are not kept."""
        key = (repo_id, revision)
        with self._lock:
            if key in self._known:
                self._known.move_to_end(key)
                return self._known[key]
        found = find()
        with self._lock:
            # Of two threads that asked at once, both take what the first was told.
            kept = self._known.setdefault(key, found)
            while len(self._known) > self._most:
                self._known.popitem(last=False)
        return kept


@dataclass(frozen=True, slots=True)
class HubAccess:
    """An endpoint and a token; both default to what huggingface_hub reads from its surroundings."""

    endpoint: str | None = None
    """Address of the Hub; None means HF_ENDPOINT."""
    token: str | bool | None = field(default=None, repr=False)
    """As in huggingface_hub: None or True mean the user's own (True that there must be one), False
    means none."""
    listings: ListingMemory | None = field(default=None, repr=False, compare=False)
    """None remembers nothing."""
    deadline: Deadline = field(default=NEVER, compare=False)
    """After it nothing more is fetched."""
    only_shared: bool = False
    """Cache only what other repositories may share: see `hub_cache.SHARED_BYTES`."""

    def __post_init__(self) -> None:
        """Raise UsageError for what can be no address and no token."""
        if self.endpoint is not None and not _is_address(self.endpoint):
            raise UsageError(
                f"{self.endpoint[:200]!r} is no address of a Hub",
                hint="for instance https://huggingface.co",
            )
        if isinstance(self.token, str) and not _TOKEN.fullmatch(self.token):
            # The token itself is not told: messages end up in logs.
            raise UsageError("the token has characters that no token has", hint="copy it again")

    def until(self, seconds: float | None) -> HubAccess:
        """Return the same access that ends `seconds` from now; None is never."""
        return replace(self, deadline=Deadline.after(seconds))

    def find_endpoint(self) -> str:
        """Return the address without a slash at its end."""
        from huggingface_hub import constants

        return (self.endpoint or constants.ENDPOINT).rstrip("/")

    def find_token(self) -> str | None:
        """Return the token to send. Raises AccessError where one is demanded and none is there."""
        from huggingface_hub import constants, get_token

        if isinstance(self.token, str):
            return self.token
        if self.token is False:
            return None
        if self.token is None and constants.HF_HUB_DISABLE_IMPLICIT_TOKEN:
            return None
        token = get_token()
        if token is None and self.token is True:
            raise AccessError(
                "a token is needed and none was found", hint="set HF_TOKEN or run `hf auth login`"
            )
        return token

    def find_owner(self) -> str | None:
        """Return a word for whose access this is; None for the user's own.

        What one token may read is nothing another token's holder may read from a cache.
        """
        if self.token is False:
            return ANONYMOUS
        if not isinstance(self.token, str):
            return None
        from huggingface_hub import get_token

        if self.token == get_token():
            return None
        return sha256(self.token.encode()).hexdigest()[:32]


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # half an IPv6 address, a port that is no number
        return False


OWN = HubAccess()
"""The access that huggingface_hub's settings give; nothing is remembered."""
