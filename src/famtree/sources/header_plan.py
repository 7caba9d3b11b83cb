"""Which weight files' headers to read, and how much of each, before anything is known but names.

A safetensors header's length is in its first eight bytes, so asking exactly costs one more round
trip a file. The plan asks for a prefix that nearly always holds the whole header, so that all
headers come in the same wave as config.json; the rare short ones are completed in a second wave.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from msgspec import Struct
from msgspec.structs import replace

from famtree.sources.safetensors_header import header_length
from famtree.types.checkpoint import Listing, Missing

FEW_SHARDS = 4
"""Up to so many shards all headers are read, and the index tells nothing new."""
SAMPLED_SHARDS = 3
"""First, middle and last: embedding and dense layers, expert layers, output head."""
MAX_INDEX = 400_000
"""Longest index that is read over the network, bytes."""
FEW_INDEX = 64 * 1024
"""The same where every header is read anyhow."""
MAX_SECOND_READ = 2 << 20
"""Longest header of one shard among several that is read, bytes."""
MAX_HEADERS = 48 << 20
"""Bytes of all headers that are read to their end; of 163 shards of a released model, 20 MB."""
PREFIX_SUM = 64 * 1024
"""First bytes asked for in all where the index's size tells nothing; measured headers have
8-16 kB a shard for 8B models in four shards and 14-40 kB for unsharded models."""

_SHARD = re.compile(r"^(?P<stem>.*?)[-_.](?P<number>\d{1,6})[-_]of[-_](?P<count>\d{1,6})$")
_SUFFIX = ".safetensors"
_INDEX_SUFFIXES = (".safetensors.index.json", ".bin.index.json")
_USUAL = ("model", f"model{_SUFFIX}")
"""Stems of a model's own files."""
_NOT_WEIGHTS = ("optimizer", "scheduler", "rng_state", "training", "random_states", "tokenizer",
                "mm_projector", "non_lora", "value_head", "embeddings_")  # fmt: skip
_SIDE_FILES = ("adapter_model", *_NOT_WEIGHTS)
ADAPTERS = ("adapter_model.safetensors", "adapters.safetensors")
"""As peft and mlx-lm write them."""
_PICKLES = (".bin", ".pt", ".pth", ".ckpt")


class HeaderPlan(Struct, frozen=True):
    """What to read of the weight files in the first wave."""

    prefixes: dict[str, int] = {}
    """Weight file to number of first bytes."""
    index: str | None = None
    """Index to read whole, with the small files; None when not worth its bytes."""
    shards: tuple[str, ...] = ()
    """Weight files of the one model that is described, in order, read or not."""
    sizes: dict[str, int | None] = {}
    """Listed size of each shard, bytes."""
    missing_shards: int = 0
    """Shards that the file names promise (`-of-00004`) and the listing lacks."""


def has_shards(listing: Listing) -> bool:
    """Return whether the listing holds a safetensors file of a model, whichever is meant."""
    return any(_is_of_model(entry.name) for entry in listing.files)


def _is_of_model(name: str) -> bool:
    return name.endswith(_SUFFIX) and "/" not in name and not _is_side_file(name)


def choose_shards(listing: Listing) -> tuple[str, ...]:
    """Return the safetensors files of the one model that the listing holds, in order."""
    return _choose_shards([entry.name for entry in listing.files])[0]


def list_strays(listing: Listing, shards: tuple[str, ...]) -> list[str]:
    """Return the weight files at the root that some engine takes for a part of the model.

    They are called as `shards` are, or `model` with something behind it, and are not among them.
    Variants (`model.fp16.safetensors`) and Mistral's own layout (`consolidated`) are files that
    belong beside a model.
    """
    stems, described = {_stem(name) for name in shards}, frozenset(shards)
    return [
        entry.name
        for entry in listing.files
        if entry.name not in described
        and entry.name.endswith(_SUFFIX)
        and ((stem := _stem(entry.name)) in stems or _is_part(stem))
        and _is_of_model(entry.name)
    ]


def _stem(name: str) -> str:
    name = name.removesuffix(_SUFFIX)
    shard = _SHARD.match(name)
    return shard["stem"] if shard else name


def _is_part(stem: str) -> bool:
    return stem in _USUAL or (stem.startswith("model") and not stem.startswith("model."))


def has_index(listing: Listing) -> bool:
    """Return whether an index of shards lies at the root."""
    return any(
        "/" not in entry.name and entry.name.endswith(_INDEX_SUFFIXES) for entry in listing.files
    )


def list_pickles(listing: Listing) -> list[str]:
    """Return the pickled weight files at the root."""
    return [
        entry.name
        for entry in listing.files
        if "/" not in entry.name and entry.name.endswith(_PICKLES) and not _is_side_file(entry.name)
    ]


def plan_headers(listing: Listing, *, everything: bool = False) -> HeaderPlan:
    """Plan the header reads of `listing`.

    With `everything` every shard's header and the index are planned whatever they cost, which is
    right for a local folder, where a read costs next to nothing.
    """
    sizes = {entry.name: entry.size for entry in listing.files}
    shards, missing = _choose_shards(list(sizes), sizes)
    shards = shards or tuple(name for name in ADAPTERS if name in sizes)[:1]
    index = _choose_index(list(sizes), shards)
    index_size = sizes.get(index) if index else None
    if everything or len(shards) <= FEW_SHARDS:
        chosen = shards
    else:
        step = (len(shards) - 1) / (SAMPLED_SHARDS - 1)
        chosen = tuple(shards[round(number * step)] for number in range(SAMPLED_SHARDS))
    complete = len(chosen) == len(shards) and bool(shards) and not missing
    # Of a whole set the index tells only whether it is right itself, unless it names more files.
    enough = FEW_INDEX if complete and not list_strays(listing, shards) else MAX_INDEX
    affordable = index_size is None or index_size <= enough
    read_index = index is not None and (everything or affordable)
    prefixes = {
        name: _cap(_guess_prefix(index_size, len(shards)), sizes.get(name)) for name in chosen
    }
    return HeaderPlan(
        prefixes=prefixes,
        index=index if read_index else None,
        shards=shards,
        sizes={name: sizes.get(name) for name in shards},
        missing_shards=missing,
    )


def add_shards(plan: HeaderPlan, named: Iterable[str], listing: Listing) -> HeaderPlan:
    """Return the plan with the listed weight files that an index names and their names do not tell.

    Of many only the first headers are read.
    """
    known = set(plan.shards)
    sizes = {entry.name: entry.size for entry in listing.files}
    listed = sizes.keys() & named  # an index may name far more files than there are
    further = sorted(name for name in listed - known if name.endswith(_SUFFIX))
    if not further or not plan.shards:
        return plan
    prefixes = {name: _cap(_guess_prefix(None, 1), sizes[name]) for name in further[:FEW_SHARDS]}
    return replace(
        plan,
        prefixes=plan.prefixes | prefixes,
        shards=(*plan.shards, *further),
        sizes=plan.sizes | {name: sizes[name] for name in further},
    )


def missing_ranges(
    plan: HeaderPlan, first_wave: Mapping[str, bytes | Missing]
) -> tuple[dict[str, tuple[int, int]], dict[str, Missing]]:
    """Return the byte ranges that complete short headers, and the headers not worth completing.

    Raises HeaderError when a prefix cannot be the beginning of a safetensors file.
    """
    ranges: dict[str, tuple[int, int]] = {}
    skipped: dict[str, Missing] = {}
    total = 0
    for name in plan.prefixes:
        data = first_wave.get(name)
        if not isinstance(data, bytes):
            continue
        stop = 8 + header_length(data, name)
        size = plan.sizes.get(name)
        if stop <= len(data) or (size is not None and stop > size):
            continue  # whole, or damaged: the parser says so
        if stop > MAX_SECOND_READ and len(plan.shards) > 1:
            skipped[name] = Missing(name, f"its header of {stop} bytes is too long to read")
        elif total + stop > MAX_HEADERS:
            skipped[name] = Missing(name, f"all headers take more than {MAX_HEADERS} bytes")
        else:
            total += stop
            ranges[name] = (len(data), stop)
    return ranges, skipped


def _guess_prefix(index_size: int | None, shards: int) -> int:
    """Return the bytes that hold one shard's header.

    An index line and a header entry both hold the tensor's name; the header's is about 1.25 times
    as long for usual names. Shards differ, so half as much again is asked for, and of two shards
    nearly the whole, since one may hold almost every tensor.
    """
    if index_size is None or shards < 2:
        return max(16 * 1024, PREFIX_SUM // max(shards, 1))
    expected = index_size * 1.25 / shards * (1.9 if shards == 2 else 1.5) + 512
    return min(256 * 1024, max(4096, int(-(-expected // 4096)) * 4096))


def _cap(prefix: int, size: int | None) -> int:
    return prefix if size is None else max(8, min(prefix, size))


def _choose_shards(
    names: list[str], sizes: Mapping[str, int | None] | None = None
) -> tuple[tuple[str, ...], int]:
    """Return the files of the one model meant, and how many of them the listing lacks."""
    groups: dict[tuple[str, int], dict[int, str]] = {}
    for name in names:
        if not _is_of_model(name):
            continue
        stem = name.removesuffix(_SUFFIX)
        found = _SHARD.match(stem)
        if found:
            key = (found["stem"], int(found["count"]))
            groups.setdefault(key, {})[int(found["number"])] = name
        else:
            groups.setdefault((stem, 0), {})[0] = name
    if not groups:
        return (), 0
    loose = [key for key in groups if key[1] == 0]
    if len(loose) == len(groups) > 1 and "model" not in {stem for stem, _ in loose}:
        ours = [groups[key][0] for key in loose if not key[0].startswith("consolidated")]
        if ours and any(name.endswith(".safetensors.index.json") for name in names):
            return tuple(sorted(ours, key=_natural)), 0  # shards named in a way of their own
    numbered = any(key[0] in _USUAL and key[1] for key in groups)
    if numbered and f"model{_SUFFIX}.index.json" in names:
        groups.pop(("model", 0), None)  # the index decides
    best = min(groups, key=lambda key: _rank(key, groups[key], sizes or {}))
    members = groups[best]
    count = best[1] or 1
    return tuple(members[number] for number in sorted(members)), max(0, count - len(members))


def _rank(
    key: tuple[str, int], members: dict[int, str], sizes: Mapping[str, int | None]
) -> tuple[int, bool, int, str]:
    """Order file groups: the usual name, then variants, others, Mistral's own layout last."""
    stem, count = key
    if stem in _USUAL:
        order = 0
    elif stem.startswith("model."):
        order = 1
    elif stem.startswith(("consolidated", "original")):
        order = 4
    elif stem == "pytorch_model":
        order = 2
    else:
        order = 3
    total = sum([sizes.get(name) or 0 for name in members.values()]) if sizes else 0
    return order, len(members) < count, -total, stem


def _choose_index(names: list[str], shards: tuple[str, ...]) -> str | None:
    """Return the index that belongs to the chosen files."""
    found = [name for name in names if "/" not in name and name.endswith(_INDEX_SUFFIXES)]
    if not found or any(name in ADAPTERS for name in shards):
        return None
    stem = ""
    if shards:
        matched = _SHARD.match(shards[0].removesuffix(_SUFFIX))
        stem = matched["stem"] if matched else ""
    wanted = f"{stem.removesuffix(_SUFFIX)}.safetensors.index.json"
    if wanted in found:
        return wanted
    kind = [name for name in found if name.endswith(".safetensors.index.json")]
    if shards:
        plain = [name for name in kind if not name.startswith("consolidated")]
        return min(plain, default=None) if len(shards) > 1 else None
    return min(kind or found)


def _is_side_file(name: str) -> bool:
    return name.startswith(_SIDE_FILES) or name in ADAPTERS


def _natural(name: str) -> list[tuple[int, str]]:
    return [
        (int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", name)
    ]
