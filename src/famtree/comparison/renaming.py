"""Tensors under other names: one design where each name has exactly one counterpart."""

from __future__ import annotations

import re

from famtree.interchange.side import Side

_NUMBER = re.compile(r"(?<=\.)\d+(?=\.)")

Renaming = dict[str, str]
"""Name of a tensor of a, block numbers as `*`, to its name in b."""


def find_renaming(a: Side, b: Side) -> Renaming | None:
    """Return which tensors have another name; None where names and shapes tell two designs.

    The names of both have to be seen, all of them, and for every name the shape at least once.
    What both have must be equal, and of what is left each name must have one counterpart of equal
    shape that occurs in as many blocks.
    """
    if (a.identification.checkpoint.format == "gguf") != (
        b.identification.checkpoint.format == "gguf"
    ):
        return None  # a converter's names are no author's
    left, right = _list_templates(a), _list_templates(b)
    if left is None or right is None:
        return None
    if any(left[name] != right[name] for name in left.keys() & right.keys()):
        return None
    # In order: names of equal shape stand for each other as they follow in a block.
    ours = sorted(left.keys() - right.keys(), key=lambda name: (left[name], name))
    theirs = sorted(right.keys() - left.keys(), key=lambda name: (right[name], name))
    if [left[name] for name in ours] != [right[name] for name in theirs]:
        return None
    return dict(zip(ours, theirs, strict=True))


def _list_templates(side: Side) -> dict[str, tuple[int, tuple[int, ...]]] | None:
    """Return each name without its block number: how many blocks have it, and its shape."""
    names = side.index.names
    if not names or side.missing_files:
        return None
    counts: dict[str, int] = {}
    shapes: dict[str, tuple[int, ...]] = {}
    for name in names:
        template = _NUMBER.sub("*", name)
        counts[template] = counts.get(template, 0) + 1
    for name, tensor in side.index.tensors.items():
        template = _NUMBER.sub("*", name)
        if shapes.setdefault(template, tensor.shape) != tensor.shape:
            return None
    if shapes.keys() != counts.keys():
        return None
    return {name: (count, shapes[name]) for name, count in counts.items()}
