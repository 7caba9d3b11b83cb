"""Which GGUF files a listing holds, and which one stands for the model."""

from __future__ import annotations

import re
from collections.abc import Iterable

from msgspec import Struct

from famtree.types.checkpoint import FileEntry

SUFFIX = ".gguf"
_PART = re.compile(r"(?P<stem>.+)-(?P<number>\d{5})-of-(?P<count>\d{5})\.gguf", re.IGNORECASE)
_BESIDE = re.compile(r"mmproj|imatrix|(?:^|[-_.])lora(?:[-_.]|$)|mtp|draft|vocab", re.IGNORECASE)
"""Files beside a model: vision projectors, importance matrices, adapters, drafters."""
_USUAL = ("q4_k_m", "q4_k_s", "q5_k_m", "q6_k", "q8_0", "q4_0", "q5_k_s", "q3_k_m", "bf16", "f16")
"""The conversions most repositories have, in the order in which one is taken."""


class GgufSet(Struct, frozen=True):
    """One model in one conversion: a file, or the parts it is split into, in order."""

    files: tuple[FileEntry, ...]
    missing: int = 0
    """Parts that the names promise and the listing lacks."""

    @property
    def name(self) -> str:
        """Name of the first file, which holds the metadata."""
        return self.files[0].name

    @property
    def size(self) -> int:
        """Listed bytes of all parts."""
        return sum(entry.size or 0 for entry in self.files)


def group_files(entries: Iterable[FileEntry]) -> list[GgufSet]:
    """Return the GGUF files of a listing, split ones together, by name."""
    groups: dict[tuple[str, int], dict[int, FileEntry]] = {}
    for entry in entries:
        if not entry.name.lower().endswith(SUFFIX):
            continue
        part = _PART.fullmatch(entry.name)
        key = (part["stem"], int(part["count"])) if part else (entry.name, 0)
        groups.setdefault(key, {})[int(part["number"]) if part else 1] = entry
    return [
        GgufSet(
            tuple(members[number] for number in sorted(members)),
            missing=max(0, count - len(members)) if count else 0,
        )
        for (_, count), members in sorted(groups.items())
    ]


def choose_main(sets: list[GgufSet], asked: str | None = None) -> GgufSet | None:
    """Return the set that stands for the model: the one with file `asked`, else the usual one.

    Without a usual conversion the largest is taken. Projectors, adapters and importance matrices
    are taken only where there is nothing else.
    """
    if asked is not None:
        return next((one for one in sets if any(entry.name == asked for entry in one.files)), None)
    models = [one for one in sets if not _BESIDE.search(one.name.rpartition("/")[2])] or sets
    return min(models, key=_rank, default=None)


def _rank(one: GgufSet) -> tuple[bool, int, int, str]:
    text = one.name.lower().replace("-", "_")
    order = next((at for at, word in enumerate(_USUAL) if word in text), len(_USUAL))
    return one.missing > 0, order, -one.size, one.name
