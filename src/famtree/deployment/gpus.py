"""Accelerators by name: their memory and capability (`data/gpus.toml`)."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path

import msgspec
from msgspec import Struct

from famtree.errors import UsageError

DATA = Path(__file__).parent / "data"
UNNAMED = "an accelerator"
"""Name of a place of which only memory or capability were told."""
MOST = 4096
"""Accelerators that may be asked for at once."""
_COUNT = re.compile(r"(.*?)\s*[:x*]\s*(\d{1,5})")
_COUNT_FIRST = re.compile(r"(\d{1,5})\s*[x*]\s*(.+)")
_MAKERS = ("nvidia", "amd", "intel", "apple", "geforce", "instinct", "tesla")
_FORM = re.compile(
    r"(?i)[\s_-]*\b(?:sxm\d?|pcie|hbm\d?e?|oam|generation|(?:server|workstation) edition)\b"
)
"""Words of a driver's names for boards: `NVIDIA A100-SXM4-80GB`, `NVIDIA H100 80GB HBM3`."""


class Gpu(Struct, frozen=True, forbid_unknown_fields=True):
    """One kind of accelerator, as its maker states it."""

    name: str
    vendor: str
    memory: tuple[float, ...] = ()
    """Sizes it is sold with, GB (10**9 bytes); empty where the machine decides."""
    capability: int | None = None
    """CUDA compute capability times ten."""
    formats: tuple[str, ...] = ()
    """Number formats that the hardware multiplies."""
    aliases: tuple[str, ...] = ()
    shared: tuple[str, ...] = ()
    """Names of an older board too, which is meant unless the memory that is told is nearer."""
    source: str = ""


class Site(Struct, frozen=True):
    """Where a model is to run: accelerators of one kind."""

    name: str
    count: int
    memory: float | None
    """GB (10**9 bytes) of each."""
    capability: int | None
    vendor: str
    formats: tuple[str, ...] = ()


@cache
def load_gpus() -> tuple[Gpu, ...]:
    """Return `data/gpus.toml`."""
    table = tomllib.loads((DATA / "gpus.toml").read_text(encoding="utf-8"))
    return tuple(msgspec.convert(row, Gpu) for row in table["gpu"])


def find_place(
    asked: str | None, memory: float | None = None, capability: int | None = None
) -> Site | None:
    """Return the place that `NAME[:COUNT]`, GB and capability describe; None where none is told.

    Raises UsageError for a name that is not known, or has several sizes where none was told.
    """
    if asked is None:
        if memory is None and capability is None:
            return None
        return Site(UNNAMED, 1, memory, capability, "nvidia")
    name, count = _read_count(asked)
    found, size = _look_up(name)
    if size is not None and memory is None:
        memory = size
    gpu, memory = _settle(name, found, memory)
    return Site(
        gpu.name, count, memory, gpu.capability if capability is None else capability,
        gpu.vendor, gpu.formats,
    )  # fmt: skip


def _read_count(asked: str) -> tuple[str, int]:
    text = asked.strip()
    if not _find(text):
        text = _FORM.sub("", text)
    name, count = text, 1
    first, last = _COUNT_FIRST.fullmatch(text), _COUNT.fullmatch(text)
    if first is not None:
        name, count = first[2], int(first[1])
    elif last is not None and not _find(text):
        name, count = last[1], int(last[2])
    elif ":" in text:
        raise UsageError(f"{asked!r} is no accelerator", hint="NAME or NAME:COUNT, as in H100:8")
    if not 1 <= count <= MOST:
        raise UsageError(f"{count} accelerators cannot be asked for", hint=f"1 to {MOST}")
    return name, count


def _normalise(name: str) -> str:
    plain = re.sub(r"[^a-z0-9]+", " ", name.lower()).split()
    return "".join(word for word in plain if word not in _MAKERS)


def _find(name: str) -> list[Gpu]:
    wanted = _normalise(name)
    return [
        gpu for gpu in load_gpus()
        if wanted and wanted in map(_normalise, (gpu.name, *gpu.aliases, *gpu.shared))
    ]  # fmt: skip


def _look_up(name: str) -> tuple[list[Gpu], float | None]:
    """Return the entries of a name, and the size that it ends with (`A100-80GB`)."""
    found = _find(name)
    if found:
        return found, None
    sized = re.fullmatch(r"(.+?)[\s_-]*?[\s_-](\d{2,3})\s*(?:gb)?", name.strip(), re.IGNORECASE)
    if sized is not None:
        found, size = _find(sized[1]), float(sized[2])
        sold = [one for gpu in found for one in gpu.memory]
        if found and sold and size not in sold:
            told = ", ".join(f"{one:g}" for one in sold)
            raise UsageError(
                f"{sized[1].strip()} is sold with {told} GB, not {size:g}",
                hint=f"of a part of one say so: --gpu {found[0].name!r} --gpu-memory {size:g}",
            )
        if found:
            return found, size
    from difflib import get_close_matches

    known = [gpu.name for gpu in load_gpus()]
    by_plain = {_normalise(one): one for one in known}
    close = get_close_matches(_normalise(name), by_plain, n=3)
    told = " or ".join(by_plain[one] for one in close)
    raise UsageError(
        f"no accelerator {name!r} is on record",
        hint=f"did you mean {told}? Others: --gpu-memory and --gpu-capability"
        if close
        else "say what it has: --gpu-memory and --gpu-capability",
    )


def _settle(name: str, found: list[Gpu], memory: float | None) -> tuple[Gpu, float]:
    """Return the one entry that is meant, and its memory."""
    if memory is None:
        found = [
            gpu for gpu in found if not any(_find(one) == found for one in gpu.shared)
        ] or found
    sizes = [(gpu, size) for gpu in found for size in gpu.memory]
    if memory is None:
        if len(sizes) == 1:
            return sizes[0]
        if not sizes:
            raise UsageError(
                f"{name} has the memory of its machine", hint="say how much: --gpu-memory 64"
            )
        several = len(found) > 1
        told = ", ".join(
            f"{size:g} GB ({gpu.name})" if several else f"{size:g}" for gpu, size in sizes
        )
        unit = "" if several else " GB"
        raise UsageError(
            f"{name} is sold with {told}{unit}", hint=f"say which: --gpu-memory {sizes[0][1]:g}"
        )
    if len(found) == 1:
        return found[0], memory
    nearest = min(sizes, key=lambda one: abs(one[1] - memory))
    return nearest[0], memory
