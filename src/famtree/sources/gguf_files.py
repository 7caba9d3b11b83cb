"""Which GGUF files a listing holds, and which one stands for the model."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from msgspec import Struct

from famtree.files import open_regular
from famtree.types.checkpoint import FileEntry

SUFFIX = ".gguf"
MAGIC = b"GGUF"
"""First bytes of a GGUF file, whatever it is called."""
QUANT = re.compile(
    r"(?:UD[-_])?(?:I?Q[1-8](?:_[A-Z0-9]{1,3}){0,3}|TQ[12]_0|B?F16|FP?(?:16|32)|MXFP4(?:_MOE)?|NVFP4)",
    re.IGNORECASE,
)
"""What conversions are called: file types of llama.cpp (`llama_model_ftype_name`), and those of
publishers who mix them by tensor (`UD-`)."""
_PART = re.compile(r"(?P<stem>.+)-(?P<number>\d{5})-of-(?P<count>\d{5})\.gguf", re.IGNORECASE)
_BESIDE = re.compile(r"mmproj|imatrix|(?:^|[-_.])lora(?:[-_.]|$)|mtp|draft|vocab", re.IGNORECASE)
"""Files beside a model: vision projectors, importance matrices, adapters, drafters."""
_NUMBERED = re.compile(r"-\d{5}-of-\d{5}$")
_WORDS = re.compile(
    rf"(?:^|[-_.])(?:(?:i1|imat)[-_.])?(?:{QUANT.pattern})(?=$|[-_.])", re.IGNORECASE
)
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


def is_gguf(path: str) -> bool:
    """Return whether the file at `path` begins as a GGUF does."""
    try:
        with open_regular(Path(path)) as stream:
            return bool(stream.read(len(MAGIC)) == MAGIC)
    except OSError:
        return False


def choose_quant(entries: Iterable[FileEntry], quant: str) -> GgufSet | None:
    """Return the set of the conversion called `quant`, of which case and marks do not count."""
    wanted = _spell(quant)
    found = [one for one in group_files(entries) if not is_beside(one.name)]
    exact = [one for one in found if wanted in _list_quants(one.name)]
    if not exact and not QUANT.fullmatch(quant):
        exact = [one for one in found if wanted in _spell(one.name)]
    return min(exact, key=_rank, default=None)


def name_base(name: str) -> str:
    """Return the name of a weight file without its conversion, part and marks: the model's own."""
    stem = _NUMBERED.sub("", name.rpartition("/")[2].rpartition(".")[0])
    return _spell(_WORDS.sub("", stem))


def _list_quants(name: str) -> set[str]:
    return {_spell(found[0].strip("-_.")) for found in _WORDS.finditer(name)}


def _spell(text: str) -> str:
    return re.sub(r"[\W_]", "", text).lower()


def is_beside(name: str) -> bool:
    """Return whether a file of that name lies beside a model and is none."""
    return _BESIDE.search(name.rpartition("/")[2]) is not None


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
    models = [one for one in sets if not is_beside(one.name)] or sets
    return min(models, key=_rank, default=None)


def _rank(one: GgufSet) -> tuple[bool, int, int, str]:
    text = one.name.lower().replace("-", "_")
    order = next((at for at, word in enumerate(_USUAL) if word in text), len(_USUAL))
    return one.missing > 0, order, -one.size, one.name
