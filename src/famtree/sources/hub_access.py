"""Which Hub is asked, as whom, and until when."""

from __future__ import annotations

import os
import re
import sys
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import TYPE_CHECKING

from famtree.errors import AccessError, UsageError
from famtree.redaction import remember, remember_address
from famtree.sources.addresses import AddressError, normalise_endpoint
from famtree.sources.deadline import NEVER, Deadline
from famtree.sources.hub_dialect import Dialect
from famtree.sources.hub_errors import translate_login
from famtree.sources.hub_settings import load_settings

if TYPE_CHECKING:
    from famtree.types.checkpoint import Listing

ANONYMOUS = "anonymous"
MOST_LISTINGS = 256
"""A large repository's listing takes megabytes."""
_VISIBLE = r"[!-~]{1,4096}"
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
    dialects: dict[str, Dialect] = field(default_factory=dict, repr=False, compare=False)
    """What was learnt of each endpoint."""

    def __post_init__(self) -> None:
        """Raise UsageError for what can be no address and no token."""
        if self.endpoint is not None:
            _check_endpoint(self.endpoint, "the endpoint")
        if isinstance(self.token, str) and not re.fullmatch(_VISIBLE, self.token):
            # The token itself is not told: messages end up in logs.
            raise UsageError("the token has characters that no token has", hint="copy it again")

    def until(self, seconds: float | None) -> HubAccess:
        """Return the same access that ends `seconds` from now; None is never."""
        return replace(self, deadline=Deadline.after(seconds))

    def find_endpoint(self) -> str:
        """Return the address as it is sent, without a slash at its end.

        Raises UsageError for what is no address of a Hub, or one with a user name or password.
        """
        constants = load_settings()
        if self.endpoint is not None:
            return _check_endpoint(self.endpoint, "the endpoint")
        return _check_endpoint(constants.ENDPOINT, "HF_ENDPOINT")

    def find_dialect(self) -> Dialect:
        """Return what is known of the endpoint's ways, to be added to."""
        return self.dialects.setdefault(self.find_endpoint(), Dialect())

    def find_token(self) -> str | None:
        """Return the token to send. Raises AccessError where one is demanded and none is there."""
        load_settings()
        from huggingface_hub import get_token

        if isinstance(self.token, str):
            remember(self.token)
            return self.token
        if not self._is_implied:
            return None
        try:
            token = get_token()
        except Exception as fault:
            raise translate_login(fault) from fault
        remember(token)
        if token is None and self.token is True:
            raise AccessError(
                "a token is needed and none was found", hint="set HF_TOKEN or run `hf auth login`"
            )
        return token

    def find_owner(self) -> str:
        """Return a word for whose access this is, from which no token can be read.

        What one token may read is nothing another token's holder may read from a cache.
        """
        token = self.token if isinstance(self.token, str) else None
        if token is None and self._is_implied:
            token = _peek_token()
        if not token:
            return ANONYMOUS
        return blake2b(token.encode(), digest_size=16, person=b"famtree owner").hexdigest()

    def is_users_own(self) -> bool:
        """Return whether the user's own caches, filled with the user's own token, may be read."""
        if isinstance(self.token, str):
            return self.token == _peek_token()
        return self.token is not False

    @property
    def _is_implied(self) -> bool:
        """Whether the user's own token is sent, if there is one."""
        constants = load_settings()
        if self.token is None:
            return not constants.HF_HUB_DISABLE_IMPLICIT_TOKEN
        return self.token is not False


def _check_endpoint(text: str, name: str) -> str:
    try:
        return normalise_endpoint(text)
    except AddressError as fault:
        remember_address(text)
        hint = "for instance https://huggingface.co"
        if "@" in text:
            hint = f"write it without a user name and password; a token goes into HF_TOKEN ({hint})"
        raise UsageError(
            f"{name} is {fault}, not the address of a Hub: {text[:200]!r}", hint=hint
        ) from fault


def _peek_token() -> str | None:
    """Return the user's own token as huggingface_hub finds it, without its HTTP client.

    That may ask a server for a new one; where it would, what it would ask with stands for it.
    """
    constants = load_settings()
    environment = os.environ
    if exchanged := environment.get("HF_OIDC_RESOURCE"):
        return f"oidc {exchanged}"
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        if token := _clean_token(environment.get(name, "")):
            return token
    try:
        with open(constants.HF_TOKEN_PATH, encoding="utf-8") as stream:
            token = _clean_token(stream.read(65536))
    except (OSError, ValueError):
        token = None
    if token is None and "google.colab" in sys.modules:
        from huggingface_hub import get_token

        token = get_token()
    remember(token)
    return token


def _clean_token(text: str) -> str | None:
    return text.replace("\r", "").replace("\n", "").strip() or None


OWN = HubAccess()
"""The access that huggingface_hub's settings give; nothing is remembered."""
