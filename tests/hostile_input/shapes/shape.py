"""What a shape is, and the shapes of plain JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

MB = 1_000_000
MIB = 1 << 20
CONFIG = b'{"model_type": "unheard-of"}'


@dataclass(frozen=True)
class Shape:
    """One way to fill a file, up to the size that is still read."""

    parser: str
    name: str
    make: Callable[[int], dict[str, bytes]]
    """Returns the files of a checkpoint that has about so many bytes (or files, or names)."""
    largest: int
    """Size at the published bound, in the unit of `make`."""
    command: tuple[str, ...] = ("identify", "FOLDER", "--json")
    """What reads them; FOLDER is where they lie."""

    def give_arguments(self, folder: Path) -> list[str]:
        """Return the command's arguments for the files in `folder`."""
        return [word.replace("FOLDER", str(folder)) for word in self.command]


def fill(start: bytes, unit: bytes, end: bytes, size: int) -> bytes:
    """Return `unit` repeated between `start` and `end` until `size` bytes are full."""
    return start + unit * max(1, (size - len(start) - len(end)) // len(unit)) + end


def number(start: bytes, unit: bytes, end: bytes, size: int, most: int = 1 << 62) -> bytes:
    """Return `unit % 0`, `unit % 1`, ... with commas between, up to `size` bytes or `most`."""
    fields = unit.count(b"%")
    step = len(unit % ((1 << 20,) * fields)) + 1
    count = min(most, max(1, (size - len(start) - len(end)) // step))
    return start + b",".join(unit % ((at,) * fields) for at in range(count)) + end


def give_json(
    parser: str, file: str, largest: int, start: bytes = b"{", end: bytes = b"}"
) -> Iterable[Shape]:
    """Give every shape of plain JSON."""

    def of(name: str, make: Callable[[int], bytes]) -> Shape:
        extra = {} if file == "config.json" else {"config.json": CONFIG}
        return Shape(parser, name, lambda size: extra | {file: make(size)}, largest)

    yield of("one string", lambda size: fill(start + b'"x":"', b"a", b'"' + end, size))
    yield of(
        "wide characters",
        lambda size: fill(start + b'"x":"\xf0\x9f\x98\x80', b"a", b'"' + end, size),
    )
    yield of("one string of escapes", lambda size: fill(start + b'"x":"', b"\\u0041", b'"' + end,
                                                        size))  # fmt: skip
    yield of("surrogates", lambda size: fill(start + b'"x":"', b"\\ud83d\\ude00", b'"' + end, size))
    yield of("backslashes", lambda size: fill(start + b'"x":"', b"\\\\", b'"' + end, size))
    yield of("one key", lambda size: fill(start + b'"', b"k", b'":0' + end, size))
    yield of("empty lists", lambda size: fill(start + b'"x":[', b"[],", b"0]" + end, size))
    yield of("empty tables", lambda size: fill(start + b'"x":[', b"{},", b"0]" + end, size))
    yield of("small tables", lambda size: fill(start + b'"x":[', b'{"a":0},', b"0]" + end, size))
    yield of("keys", lambda size: number(start, b'"%x":0', end, size))
    yield of("keys that hold tables", lambda size: number(start, b'"%x":{}', end, size))
    yield of("one key again and again", lambda size: fill(start, b'"x":0,', b'"x":0' + end, size))
    yield of("numbers", lambda size: number(start + b'"x":[', b"1%d", b"]" + end, size))
    yield of("fractions", lambda size: number(start + b'"x":[', b"%d.5e3", b"]" + end, size))
    yield of("digits", lambda size: fill(start + b'"x":', b"7", end, size))
    yield of("a fraction's digits", lambda size: fill(start + b'"x":0.', b"7", end, size))
    yield of("blanks", lambda size: fill(start, b" \n\t", b'"x":0' + end, size))
    yield of("lists in lists", lambda size: start + b'"x":' + b"[" * (size // 2)
             + b"]" * (size // 2) + end)  # fmt: skip
    yield of("lists 60 deep", lambda size: fill(start + b'"x":[', b"[" * 60 + b"]" * 60 + b",",
                                                b"0]" + end, size))  # fmt: skip
    yield of("broken at its end", lambda size: fill(start + b'"x":[', b'{"a":0},', b"0", size))


def varint(value: int) -> bytes:
    found = bytearray()
    while value >= 0x80:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*found, value])
