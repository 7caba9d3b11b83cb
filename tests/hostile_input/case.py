"""One hostile checkpoint: what lies in its folder, and what famtree has to say of it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from conftest import ROOT, load_module

Content = bytes | Callable[[Path], bytes | None] | None
"""A file's bytes, a function that returns them or makes the file itself, or None: no such file."""
SOUND = "gpt2"
"""The fixture most cases lay their files over."""


@dataclass(frozen=True)
class Case:
    """A folder and the answer it must get."""

    name: str
    expects: str
    """The outcome (`identified`, `ambiguous`, `unknown`), or the code of the error."""
    files: Mapping[str, Content] = field(default_factory=dict)
    sound: bool = True
    """The files lie over a sound checkpoint; False: they are all there is."""
    target: str = ""
    """The file that is named in place of the folder."""
    warns: str = ""
    """Code of a warning the answer must carry."""
    says: str = ""
    """Text the error's message must hold."""

    def build(self, folder: Path) -> Path:
        """Make the checkpoint and return the path to name."""
        inner = folder / "checkpoint"
        inner.mkdir()
        if self.sound:
            for name, (data, size) in sound_files().items():
                if self.files.get(name, b"") is not None:
                    (inner / name).write_bytes(data)
                    os.truncate(inner / name, size)
        for name, content in self.files.items():
            path = inner / name
            if content is None:
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.exists():
                path.unlink()
            made = content if isinstance(content, bytes) else content(path)
            if made is not None:
                path.write_bytes(made)
        return inner / self.target if self.target else inner


@cache
def sound_files() -> dict[str, tuple[bytes, int]]:
    """Return name -> (first bytes, size) of the sound checkpoint; the rest is zeros."""
    import tempfile

    with tempfile.TemporaryDirectory() as place:
        folder = load_module(ROOT / "fixtures" / "make_fixtures.py").build_fixture(SOUND, place)
        found = {}
        for path in folder.iterdir():
            with path.open("rb") as stream:
                found[path.name] = (stream.read(1 << 16), path.stat().st_size)
        return found


@cache
def sound_config() -> dict[str, Any]:
    """Return config.json of the sound checkpoint."""
    found: dict[str, Any] = json.loads(sound_files()["config.json"][0])
    return found


def config(**changes: Any) -> bytes:
    """Return the sound config.json with some values replaced."""
    return json.dumps(sound_config() | changes).encode()


def dump(value: Any) -> bytes:
    """Return `value` as JSON."""
    return json.dumps(value).encode()


def header(text: bytes | Mapping[str, Any], data: int = 0, *, length: int | None = None) -> bytes:
    """Return a safetensors file with `data` zeros; `length` is the header length it states."""
    if not isinstance(text, bytes):
        text = dump(text)
    stated = len(text) if length is None else length
    return stated.to_bytes(8, "little") + text + bytes(data)


def entry(shape: Any = (2,), begin: Any = 0, end: Any = 4, dtype: Any = "BF16") -> dict[str, Any]:
    """Return one tensor's description."""
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


def sparse(start: bytes, size: int) -> Callable[[Path], None]:
    """Return what makes a file of `size` bytes that is zeros after `start`."""

    def make(path: Path) -> None:
        path.write_bytes(start)
        os.truncate(path, size)

    return make
