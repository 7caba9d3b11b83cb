"""The base model that a file names: which design it is, by the registry alone.

The name of a base is a declaration of the file that its trainer wrote, unlike a checkpoint's own
name, which anybody gives it. It tells more the better the name is known.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from famtree.checkpoint.facts import NodeFacts
from famtree.checkpoint.records import find_known, find_named
from famtree.checkpoint.references import base_name, read_reference, strip_form
from famtree.matchers.names import find_claims
from famtree.registry.registry import Registry


class Base(Struct, frozen=True):
    """What a name says: one family, and its generations that fit the words."""

    ref: str
    """Hub id, or the last part of a path."""
    family: str
    generations: tuple[str, ...]
    known_by: Literal["record", "repository", "words"]
    """record: the registry has this checkpoint, or what it is a copy of. repository: one of the
    family's own publishers has it. words: only the words of the name tell."""
    facts: NodeFacts | None = None
    """What the registry has recorded of it."""


def find_base(text: str, registry: Registry) -> Base | None:
    """Return what `text` names; None where it says nothing, or several families at once.

    All that tells how the base is stored (`-unsloth-bnb-4bit`, `-GGUF`) is left out: a quantized
    copy has the design of its original.
    """
    name = name_model(text)
    known = find_known(name, registry) or find_known(strip_form(name)[0], registry)
    if known is None:
        known = find_named(name, registry) or find_named(strip_form(name)[0], registry)
    if known is not None and known.family is not None and known.generation is not None:
        return Base(name, known.family, (known.generation,), "record", known)
    claims = find_claims(name, registry)
    if len({family for family, _ in claims}) != 1:
        return None
    family = claims[0][0]
    generations = tuple(generation for _, generation in claims)
    organisation = name.rpartition("/")[0].lower()
    own = organisation in map(str.lower, registry.by_key[family].publishers)
    return Base(name, family, generations, "repository" if own else "words")


def name_model(text: str) -> str:
    """Return the part of `text` that names a model: folders above it are somebody's habits."""
    read = read_reference(text)
    if read is not None and read[2]:
        return read[0]
    parts = [part for part in text.replace("\\", "/").split("/") if part]
    return base_name(parts[-1]) if parts else text
