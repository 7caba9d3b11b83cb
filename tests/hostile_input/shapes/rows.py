"""Shapes of rows of scans: for `scan --resume`, and for `atlas build`."""

from __future__ import annotations

import json
from collections.abc import Callable

from famtree.scan.jsonl import MAX_LINE
from hostile_input.shapes.shape import MB, Shape, fill, number

_RESUME = ("scan", "FOLDER/absent", "--out", "FOLDER/rows.jsonl", "--resume")
_BUILD = ("atlas", "build", "FOLDER/rows.jsonl", "--out", "FOLDER/built.duckdb")
_START = b'{"schema":"famtree/scan/1","error_code":null,"ref":"'
_LONGEST = MAX_LINE - 1


def _row(column: bytes, value: bytes) -> bytes:
    """Return a row that differs from others in its reference, which is `%d`."""
    rest = b"" if column == b"document" else b',"document":"{}"'
    value = value.replace(b"%", b"%%")
    return _START + b'o/%d","name":"o/%d"' + rest + b',"' + column + b'":' + value + b"}\n"


def _repeat(size: int, row: bytes) -> bytes:
    step = len(row % (1 << 20, 1 << 20))
    return b"".join(row % (at, at) for at in range(max(1, size // step)))


def _long(column: bytes, make: Callable[[int], bytes]) -> Callable[[int], bytes]:
    """Return what fills rows that are as long as they may be with a value of this column."""

    def fill_rows(size: int) -> bytes:
        length = min(size, _LONGEST) - 120
        return _repeat(size, _row(column, make(length)))

    return fill_rows


def _text(text: str) -> bytes:
    return json.dumps(text).encode()


_LINES: dict[str, Callable[[int], bytes]] = {
    "short rows": lambda size: _repeat(size, _row(b"family", b"null")),
    "rows with claims": lambda size: _repeat(
        size, _row(b"claims", _text('[{"parent":"a/b"},{"parent":"a/c"}]'))
    ),
    "rows with 1,024 claims": lambda size: _repeat(
        size, _row(b"claims", _text("[" + '{"parent":"a/b"},' * 1023 + "{}]"))
    ),
    "rows with 1,024 links": lambda size: _repeat(
        size,
        _row(
            b"document",
            _text('{"lineage":{"chain":[' + '{"child":"a","parent":"b"},' * 1023 + "{}]}}"),
        ),
    ),
    "empty lines": lambda size: fill(b"", b"\n", b"", size),
    "empty tables": lambda size: fill(b"", b"{}\n", b"", size),
    "lines of no JSON": lambda size: fill(b"", b"x\n", b"", size),
    "rows between other lines": lambda size: fill(
        b"", b"\n" * 900 + _row(b"document", b'"{}"') % (1, 1), b"", size
    ),
    "one line": lambda size: fill(_START, b"a", b'"}\n', size),
    "a line without end": lambda size: fill(_START, b"a", b"", size),
    "lists in lists": lambda size: fill(b"", b"[" * 4000 + b"\n", b"", size),
    "unknown fields": _long(b"x", lambda size: fill(b"[", b"[],", b"0]", size)),
    "keys": _long(b"x", lambda size: number(b"{", b'"%x":0', b"}", size)),
    "nested": _long(b"x", lambda size: b"[" * (size // 2) + b"]" * (size // 2)),
    "escapes": _long(b"outcome", lambda size: fill(b'"', b"\\u0041", b'"', size)),
    "halves of pairs": _long(b"outcome", lambda size: fill(b'"', b"\\ud800", b'"', size)),
    "wide characters": _long(b"outcome", lambda size: fill(b'"\xf0\x9f\x98\x80', b"a", b'"', size)),
    "weight files": _long(b"weight_files", lambda size: fill(b"[", b'"",', b'""]', size)),
    "parents": _long(b"parents", lambda size: fill(b"[", b'"a",', b'"a"]', size)),
    "claims": _long(b"claims", lambda size: fill(b'"[', b'{\\"parent\\":\\"a\\"},', b'{}]"', size)),
    "claims of nothing": _long(b"claims", lambda size: fill(b'"[', b"{},", b'{}]"', size)),
    "links": _long(
        b"document",
        lambda size: fill(
            b'"{\\"lineage\\":{\\"chain\\":[',
            b'{\\"child\\":\\"a\\",\\"parent\\":\\"b\\"},',
            b'{}]}}"',
            size,
        ),
    ),
    "documents of lists": _long(
        b"document", lambda size: fill(b'"{\\"x\\":[', b"[],", b'0]}"', size)
    ),
    "documents of brackets": _long(b"document", lambda size: fill(b'"', b"[", b'"', size)),
    "fingerprints": _long(
        b"document", lambda size: fill(b'"{\\"fingerprint\\":[', b"{},", b'0]}"', size)
    ),
}

ROWS = [
    Shape(
        parser,
        name,
        lambda size, make=make: {"rows.jsonl": make(size)},  # type: ignore[misc]
        16 * MB,
        command,
    )
    for parser, command in (("scan rows", _RESUME), ("atlas input", _BUILD))
    for name, make in _LINES.items()
]
