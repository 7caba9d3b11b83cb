"""Which checkpoints lie below a folder: by names of files, of Ollama's by what they begin with."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from famtree.files import open_regular
from famtree.sources.gguf_files import SUFFIX, is_beside, is_gguf, name_base
from famtree.sources.weight_files import MARKERS, WEIGHT_SUFFIXES

_DESIGNS = ("config.json", "adapter_config.json", "model_index.json")
_TELLING = (".safetensors", SUFFIX, ".index.json")
"""Endings that nothing else than checkpoints uses."""
_BLOB = "sha256-"
"""What the names of Ollama's files begin with."""
MAX_FOLDERS = 100_000
"""Folders looked into below one; a full Hub cache has some thousands."""
_UNSEEN = frozenset({".git", ".no_exist", ".locks", "__pycache__", "node_modules", "site-packages"})
_OTHER_KINDS = ("datasets--", "spaces--")
_DESIGN_BYTES = 1 << 16
_DESIGN_WORDS = (b'"model_type"', b'"architectures"', b'"_class_name"', b'"peft_type"')


def list_nested(names: Iterable[str]) -> list[str]:
    """Return the folders and files below a folder that are each a checkpoint of their own.

    Nothing where the folder is itself one: it has config.json, weights or a tokenizer, or what
    lies below it are conversions of one model. One alone counts where its own design lies there.
    """
    folders: dict[str, list[str]] = {}
    for name in names:
        folder, _, base = name.rpartition("/")
        if base in MARKERS or base.endswith(_TELLING if folder else (*WEIGHT_SUFFIXES, *_TELLING)):
            folders.setdefault(folder, []).append(base)
    found: list[str] = []
    for folder in sorted(folders, key=lambda one: one.split("/") if one else []):
        if not any(not one or f"{folder}/".startswith(f"{one}/") for one in found):
            parts = _split_files(folders[folder])
            found += [f"{folder}/{part}".strip("/") if part else folder for part in parts]
    if len(found) == 1:
        return found if found[0] and not set(_DESIGNS).isdisjoint(folders[found[0]]) else []
    models = {name_base(base) for one in found for base in folders.get(one, [one])}
    if len(models) == 1 and not any(name_base(f"{one}.x") for one in found):
        return []  # folders called by the conversions of one model
    return found


def walk_checkpoints(folder: str) -> Iterator[str]:
    """Yield the path of every checkpoint that `folder` is or has below it, by name.

    Links to folders are not followed. Of a Hub cache these are its snapshots, of Ollama's store
    the blobs that begin as a GGUF does. Raises OSError where `folder` cannot be read.
    """
    os.scandir(folder).close()
    for seen, (place, inner, files) in enumerate(os.walk(folder)):
        if seen > MAX_FOLDERS:
            return
        inner[:] = sorted(
            one for one in inner if one not in _UNSEEN and not one.startswith(_OTHER_KINDS)
        )
        own = [one for one in files if one in MARKERS or one.endswith(_TELLING)]
        if own and (own != ["config.json"] or _tells_design(os.path.join(place, own[0]))):
            parts = _split_files(own)
            yield from (os.path.join(place, one) if one else place for one in parts)
            if any(not one.endswith(SUFFIX) for one in own):
                inner.clear()  # what lies below is part of it
        blobs = (os.path.join(place, one) for one in sorted(files) if one.startswith(_BLOB))
        yield from (one for one in blobs if is_gguf(one))


def _split_files(bases: list[str]) -> list[str]:
    """Return what the files of one folder are: it (""), or the first file of each of its models."""
    models: dict[str, str] = {}
    for one in sorted(bases):
        if one.endswith(SUFFIX) and not is_beside(one):
            models.setdefault(name_base(one), one)
    alone = all(one.endswith(SUFFIX) for one in bases)
    return list(models.values()) if alone and len(models) > 1 else [""]


def _tells_design(path: str) -> bool:
    """Return whether a config.json is one of a model: many programs have a file of that name."""
    try:
        with open_regular(Path(path)) as stream:
            start: bytes = stream.read(_DESIGN_BYTES)
    except OSError:
        return False
    return any(word in start for word in _DESIGN_WORDS)
