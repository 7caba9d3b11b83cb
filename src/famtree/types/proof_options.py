"""What a user may ask of a comparison of weights besides its answer."""

from __future__ import annotations

from msgspec import Struct


class ProofOptions(Struct, frozen=True):
    """How far weights are looked at, and where."""

    thorough: bool = False
    """Look for which came first and what was done, and by rows where columns settle it already."""
    nonce: str | None = None
    """Draws other places, or repeats those of a random draw."""


USUAL = ProofOptions()
