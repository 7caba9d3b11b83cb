"""Licences as a model card states them, in CycloneDX's terms."""

from __future__ import annotations

import re
from typing import Any

from cyclonedx.exception.model import InvalidUriException
from cyclonedx.model import XsUri
from cyclonedx.model.license import DisjunctiveLicense, LicenseAcknowledgement
from cyclonedx.spdx import fixup_id

from famtree.types.checkpoint import Listing

OTHER = "other"
"""The Hub's word for a licence that `license_name` and `license_link` name
(huggingface.co/docs/hub/repositories-licenses)."""
MAX_LICENSES = 16
LONGEST = 200

_LINK = re.compile(r"https?://[^\s<>\"{}|\\^`]{1,500}")
_TAG = "license:"


def make_licenses(listing: Listing) -> list[DisjunctiveLicense]:
    """Return the licences of the card, else of the host's tags; SPDX identifiers where they exist.

    They are what the publisher declares: nothing checks that the weights may be licensed so.
    """
    card = listing.card
    stated = _read_words(card.get("license"))
    if not stated:
        stated = _read_words([t.removeprefix(_TAG) for t in listing.tags if t.startswith(_TAG)])
    link = _read_link(card.get("license_link"))
    own = next(iter(_read_words(card.get("license_name"))), None)
    found = []
    for word in stated:
        spdx = fixup_id(word)
        name = own if own is not None and word.lower() == OTHER else word
        found.append(
            DisjunctiveLicense(
                id=spdx,
                name=None if spdx else name,
                url=link if len(stated) == 1 else None,
                acknowledgement=LicenseAcknowledgement.DECLARED,
            )
        )
    return found


def _read_words(value: Any) -> list[str]:
    """Return the texts of a field that holds one or several, each once."""
    items = value if isinstance(value, list) else [value]
    words = (" ".join(item.split())[:LONGEST] for item in items if isinstance(item, str))
    return list(dict.fromkeys(word for word in words if word))[:MAX_LICENSES]


def _read_link(value: Any) -> XsUri | None:
    if not isinstance(value, str) or not _LINK.fullmatch(value.strip()):
        return None
    try:
        return XsUri(value.strip())
    except InvalidUriException:
        return None
