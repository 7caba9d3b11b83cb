"""How a server that stands for the Hub differs from it, as its answers have shown.

Mirrors, proxies of repositories and storage with the Hub's interface know a part of it. What one
refuses is learnt once, by an answer of the other form that was good, and remembered for as long as
its `HubAccess` lives: a `Session`, or a command.
"""

from __future__ import annotations

from msgspec import Struct

from famtree.errors import FamtreeError


class Dialect(Struct):
    """What one endpoint was found to want; threads may share it, as each fact is set once."""

    bare: bool = False
    """It refuses the question for sizes and hashes (`?blobs=true`)."""
    by_revision: bool = False
    """It describes a repository at a named revision only (`/revision/main`)."""
    prefixed: bool = False
    """What it redirects to from its root lies below the endpoint's path."""
    fault: FamtreeError | None = None
    """Why it could not be reached, when last asked."""
    down_until: float = 0.0
    """By the monotonic clock: until then, what is cached answers without asking again."""
