"""Weight files against each other, against their names and against the index."""

from __future__ import annotations

import re
from collections.abc import Iterator

from famtree.checkpoint.completeness import list_absent_shards
from famtree.checkpoint.consistency.examined import (
    Contradiction,
    Examined,
    join,
    load_loaders,
)
from famtree.fingerprints.tensor_names import is_buffer
from famtree.sources.header_plan import list_strays
from famtree.types.checkpoint import TensorInfo

_NUMBERED = r"(?P<stem>.+?)[-_.](?P<number>\d{1,6})[-_]of[-_](?P<count>\d{1,6})\.\w+"
_SINGLE = "model.safetensors"
_HEADER_ENTRY = 400
"""Most bytes that a header takes for one tensor beside its name, and for itself, so that sizes of
files tell their data where a header was not read."""


def find_missing_shards(one: Examined) -> Iterator[Contradiction]:
    """Weight files that the index names, or that file names count, and that are not there."""
    plan, absent = one.found.plan, list_absent_shards(one.found)
    if absent:
        yield Contradiction(
            f"{plan.index or 'the index'} names {join(absent, 1)}, absent from the checkpoint",
            join(absent),
            "absent",
        )
    elif plan.missing_shards:
        whole = len(plan.shards) + plan.missing_shards
        absent = _list_unnumbered(plan.shards)
        names = f", {join(absent)}" if absent else ""
        yield Contradiction(
            f"{plan.missing_shards} of the {whole} weight files that the file names count are "
            f"absent{names}"
            + (f": {load_loaders()['gguf']} refuses the others" if one.is_gguf else ""),
            f"{whole} files",
            f"{len(plan.shards)} files",
        )


def _list_unnumbered(shards: tuple[str, ...]) -> list[str]:
    """Return the names of the shards whose numbers are lacking."""
    parts = [found for name in shards if (found := re.fullmatch(_NUMBERED, name))]
    if not parts:
        return []
    numbers = {int(part["number"]) for part in parts}
    count, first, name = int(parts[0]["count"]), min(1, *numbers), parts[0].string
    span, width = parts[0].span("number"), len(parts[0]["number"])
    return [
        f"{name[: span[0]]}{number:0{width}}{name[span[1] :]}"
        for number in range(first, min(count, 10_000) + first)
        if number not in numbers
    ]


def find_wrong_numbers(one: Examined) -> Iterator[Contradiction]:
    """A shard whose number is beyond the count in its own name."""
    for name in one.found.plan.shards:
        part = re.fullmatch(_NUMBERED, name)
        if part and int(part["number"]) > int(part["count"]):
            yield Contradiction(
                f"{name} has a number beyond the {int(part['count'])} files that its name counts",
                f"at most {int(part['count'])}",
                str(int(part["number"])),
            )


def find_two_sets(one: Examined) -> Iterator[Contradiction]:
    """Shards that are counted in two ways: files of two sets lie in one place."""
    names = (entry.name for entry in one.found.listing.files)
    chosen = {
        (part["stem"], int(part["count"]))
        for name in one.found.plan.shards
        if (part := re.fullmatch(_NUMBERED, name))
    }
    counts: dict[int, str] = {}
    for name in names:
        part = re.fullmatch(_NUMBERED, name) if "-of-" in name else None
        if part and any(stem == part["stem"] for stem, _ in chosen) and not one.is_gguf:
            counts.setdefault(int(part["count"]), name)
    if len(counts) > 1:
        first, *others = sorted(counts.values(), key=lambda name: name not in one.index.files)
        loaded = "what the index names" if one.index.indexed else "all of them"
        by = load_loaders()
        yield Contradiction(
            f"the shards are of two sets: {first} counts other files than {join(others)}; "
            f"{by['by_index']} load {loaded}, {by['by_name']} every file called model*.safetensors",
            f"one count: {min(counts)}",
            ", ".join(map(str, sorted(counts))),
        )


def find_strays(one: Examined) -> Iterator[Contradiction]:
    """A weight file beside a set that does not belong to it."""
    shards = one.found.plan.shards
    if one.is_gguf or not shards:
        return
    numbered = re.fullmatch(_NUMBERED, shards[0]) is not None
    described = f"the set of {len(shards)} shards" if numbered else shards[0]
    beside = list_strays(one.found.listing, shards)
    strays = [name for name in beside if (re.fullmatch(_NUMBERED, name) is None) is numbered]
    if not strays:
        return
    by = load_loaders()
    first = f"{by['single_file_first']} takes model.safetensors, " if _SINGLE in strays else ""
    loaded = "the shards that the index names" if one.index.indexed else "all of them"
    yield Contradiction(
        f"{join(strays)} lies beside {described}, which is described here: {first}"
        f"{by['by_index']} {loaded}, {by['by_name']} every file called model*.safetensors",
        f"{described} alone",
        join(strays),
    )


def find_lost_entries(one: Examined) -> Iterator[Contradiction]:
    """A tensor that the index places in a file whose header does not have it."""
    index = one.index
    if not index.data_starts or not index.file_of:
        return
    tensors, headers = index.tensors, index.data_starts
    lost = [
        name
        for name, file in index.file_of.items()
        if (name not in tensors or tensors[name].file != file) and file in headers
    ]
    if not lost:
        return
    held = {copy.name: copy.file for copy in index.copies}
    held |= {name: tensors[name].file for name in lost if name in tensors}
    name = min(lost)
    seen = f"it is in {held[name]}" if name in held else "no header that was read has it"
    more = f" ({len(lost)} such entries)" if len(lost) > 1 else ""
    yield Contradiction(
        f"the index places {name[:120]} in {index.file_of[name][:120]}, but {seen}{more}",
        index.file_of[name][:120],
        held.get(name, "absent"),
    )


def find_copies(one: Examined) -> Iterator[Contradiction]:
    """A tensor that two weight files hold."""
    copies = [copy for copy in one.index.copies if not is_buffer(copy.name, copy)]
    if not copies:
        return
    copy = min(copies, key=lambda copy: (_describe(copy) == _describe(_main(one, copy)), copy.name))
    main = _main(one, copy)
    more = f" ({len(copies)} tensors are there twice)" if len(copies) > 1 else ""
    yield Contradiction(
        f"{copy.name[:120]} is in {main.file} ({_describe(main)}) and in {copy.file} "
        f"({_describe(copy)}){more}: engines that load every tensor of every file, "
        f"{load_loaders()['every_tensor']} among them, take the last one",
        f"{main.file}: {_describe(main)}",
        f"{copy.file}: {_describe(copy)}",
    )


def _main(one: Examined, copy: TensorInfo) -> TensorInfo:
    return one.index.tensors[copy.name]


def _describe(tensor: TensorInfo) -> str:
    return f"{tensor.dtype} {'x'.join(map(str, tensor.shape)) or 'scalar'}"


def find_wrong_total(one: Examined) -> Iterator[Contradiction]:
    """An index whose total_size is not the bytes of the tensors.

    Where not every header was read the sizes of the files bound what they hold.
    """
    stated, index = one.index.total_size, one.index
    if stated is None or index.indexed - set(index.files) or not index.names:
        return
    counted = [file for file in index.files if file in index.indexed]
    if all(file in index.data_starts for file in counted):
        held = sum(tensor.nbytes for tensor in index.tensors.values())
        held += sum(copy.nbytes for copy in index.copies)
        if held != stated:
            yield _tell_total(one, stated, str(held))
        return
    sizes = [one.found.plan.sizes.get(file) for file in counted]
    if any(size is None for size in sizes):
        return
    most = sum(size or 0 for size in sizes)
    least = most - sum(map(len, index.names)) - _HEADER_ENTRY * (len(index.names) + len(counted))
    if not least <= stated <= most:
        yield _tell_total(one, stated, f"about {most}")


def _tell_total(one: Examined, stated: int, seen: str) -> Contradiction:
    return Contradiction(
        f"{one.found.plan.index or 'the index'} states a total_size of {stated} bytes, but the "
        f"tensors take {seen}: the index is wrong, the headers are believed",
        str(stated),
        seen,
    )
