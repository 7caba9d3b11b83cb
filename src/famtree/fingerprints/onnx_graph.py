"""What an ONNX file says of its graph, with its weights stepped over.

Field numbers after onnx.proto (github.com/onnx/onnx, onnx/onnx.proto): ModelProto.producer_name 2,
producer_version 3, graph 7, opset_import 8 (domain 1, version 2); GraphProto.node 1, initializer 5,
input 11; TensorProto.dims 1, name 8; ValueInfoProto.name 1. The onnx package would load the weights
with the graph; here they are never read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from msgspec import Struct

MAX_READ = 16 << 20
MAX_FIELDS = 250_000
"""A second of walking. A node is one, and so is a weight with some more for its dims and name."""
MAX_TEXT = 200
MAX_DIMS = 64
_MAX_NUMEL = 1 << 62
_UINT64 = (1 << 64) - 1
_CHUNK = 64 << 10
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5

Read = Callable[[int, int], bytes]
"""Returns bytes [start, stop) of the file; fewer at its end."""


class OnnxGraph(Struct):
    """Producer, operators and weights of a graph."""

    producer: str = ""
    opset: int | None = None
    """Version of the standard operators."""
    nodes: int = 0
    weights: int = 0
    """Initialisers; those that are computed in the graph are nodes."""
    parameters: int = 0
    """Numbers in all initialisers, whatever their type."""
    inputs: list[str] = []


def read_onnx_graph(read: Read, size: int) -> OnnxGraph | None:
    """Return what the file of `size` bytes says; None for no model, or one too long to walk."""
    found = OnnxGraph()
    seen, producer = False, {2: "", 3: ""}
    try:
        window = _Window(read, size)
        for number, kind, start, stop in window.fields(0, size):
            if number in (2, 3) and kind == _BYTES:
                producer[number] = window.text(start, stop)
            elif number == 8 and kind == _BYTES:
                _read_opset(window, start, stop, found)
            elif number == 7 and kind == _BYTES:
                seen = True
                _read_graph(window, start, stop, found)
    except (ValueError, IndexError):
        return None
    found.producer = " ".join(producer.values()).strip()
    return found if seen else None


def describe_graph(graph: OnnxGraph) -> str:
    """Return one phrase: who wrote the graph, its operators, inputs and weights."""
    parts = [f"written by {graph.producer}" if graph.producer else "of an unnamed writer"]
    if graph.opset is not None:
        parts.append(f"opset {graph.opset}")
    parts.append(f"{graph.nodes:,} nodes")
    parts.append(f"{graph.weights:,} weights of {graph.parameters:,} numbers")
    if graph.inputs:
        parts.append(f"inputs {', '.join(graph.inputs[:6])}")
    return ", ".join(parts)


def _read_graph(window: _Window, start: int, stop: int, found: OnnxGraph) -> None:
    for number, kind, begin, end in window.fields(start, stop):
        if kind != _BYTES:
            continue
        if number == 1:
            found.nodes += 1
        elif number == 5:
            found.weights += 1
            found.parameters = min(_MAX_NUMEL, found.parameters + _count(window, begin, end))
        elif number == 11 and len(found.inputs) < 64:
            names = [
                window.text(a, b) for inner, how, a, b in window.fields(begin, end)
                if inner == 1 and how == _BYTES
            ]  # fmt: skip
            found.inputs += names[-1:]


def _read_opset(window: _Window, start: int, stop: int, found: OnnxGraph) -> None:
    domain, version = "", None
    for number, kind, begin, end in window.fields(start, stop):
        if number == 1 and kind == _BYTES:
            domain = window.text(begin, end)
        elif number == 2 and kind == _VARINT:
            version = begin
    if domain in ("", "ai.onnx"):
        found.opset = version


def _count(window: _Window, start: int, stop: int) -> int:
    """Return the product of a tensor's dims, which stand before its data."""
    numel, left = 1, MAX_DIMS
    for number, kind, begin, end in window.fields(start, stop):
        if number != 1:
            continue
        at = begin
        if kind == _VARINT:
            numel = min(_MAX_NUMEL, numel * begin)
        while kind == _BYTES and at < end:
            left -= 1
            if left < 0:
                raise ValueError("too many dimensions")
            value, at = window.varint(at)
            numel = min(_MAX_NUMEL, numel * value)
    return numel


class _Window:
    """Walks protobuf fields, reading chunks where it stands and never what it steps over."""

    def __init__(self, read: Read, size: int) -> None:
        self._read, self._size = read, size
        self._start, self._data = 0, b""
        self._left, self._fields = MAX_READ, MAX_FIELDS

    def fields(self, start: int, stop: int) -> Iterator[tuple[int, int, int, int]]:
        """Yield (number, wire type, begin, end) of each field; of a varint begin is its value.

        Raises ValueError for what is no protobuf message.
        """
        at = start
        while at < stop:
            self._fields -= 1
            if self._fields < 0:
                raise ValueError("too many fields")
            tag, at = self.varint(at)
            number, kind = tag >> 3, tag & 7
            if number == 0:
                raise ValueError("a field without a number")
            if kind == _VARINT:
                value, at = self.varint(at)
                yield number, kind, value, at
                continue
            if kind == _BYTES:
                length, at = self.varint(at)
            elif kind in (_FIXED64, _FIXED32):
                length = 8 if kind == _FIXED64 else 4
            else:
                raise ValueError("a field of unknown type")
            if at + length > stop:
                raise ValueError("a field runs past its message")
            yield number, kind, at, at + length
            at += length

    def varint(self, at: int) -> tuple[int, int]:
        value = 0
        for shift in range(0, 70, 7):
            place = self._reach(at)
            byte = self._data[place]
            at += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value & _UINT64, at
        raise ValueError("a number without an end")

    def text(self, start: int, stop: int) -> str:
        parts, stop = list[bytes](), min(stop, start + MAX_TEXT)
        while start < stop:
            place = self._reach(start)
            parts.append(self._data[place : place + stop - start])
            start += len(parts[-1])
        return b"".join(parts).decode("utf-8", "replace")

    def _reach(self, at: int) -> int:
        """Return where byte `at` of the file stands in what is held, and hold it first."""
        place = at - self._start
        if 0 <= place < len(self._data):
            return place
        length = min(_CHUNK if at == self._start + len(self._data) else 512, self._size - at)
        if length <= 0 or length > self._left:
            raise ValueError("the end of the file, or of what is read")
        self._left -= length
        self._start, self._data = at, self._read(at, at + length)
        return 0
