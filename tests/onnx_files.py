"""Writes small ONNX models, by the fields of onnx.proto."""

from __future__ import annotations


def varint(value: int) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def part(number: int, content: bytes | int) -> bytes:
    if isinstance(content, int):
        return varint(number << 3) + varint(content)
    return varint(number << 3 | 2) + varint(len(content)) + content


def tensor(dims: list[int], data: bytes, *, packed: bool = False) -> bytes:
    sides = (
        part(1, b"".join(varint(one) for one in dims))
        if packed
        else b"".join(part(1, one) for one in dims)
    )
    return sides + part(2, 1) + part(8, b"w") + part(9, data)


def model(*tensors: bytes) -> bytes:
    graph = b"".join(part(5, one) for one in tensors)
    graph += part(1, part(4, b"MatMul")) * 3 + part(2, b"main")
    graph += part(11, part(1, b"input_ids")) + part(11, part(1, b"attention_mask"))
    head = part(1, 8) + part(2, b"pytorch") + part(3, b"2.1.0")
    opsets = part(8, part(1, b"com.acme") + part(2, 1)) + part(8, part(1, b"") + part(2, 17))
    return head + part(7, graph) + opsets
