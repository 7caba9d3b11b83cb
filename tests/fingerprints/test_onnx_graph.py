"""ONNX graphs are described without reading their weights."""

from __future__ import annotations

import pytest

from famtree.fingerprints.onnx_graph import OnnxGraph, describe_graph, read_onnx_graph
from onnx_files import model, part, tensor


def look(data: bytes) -> tuple[OnnxGraph | None, int]:
    seen = []

    def read(start: int, stop: int) -> bytes:
        seen.append(stop - start)
        return data[start:stop]

    return read_onnx_graph(read, len(data)), sum(seen)


def test_a_graph() -> None:
    data = model(tensor([512, 1000], bytes(2_048_000)), tensor([512], bytes(2048), packed=True))
    found, read = look(data)
    assert found == OnnxGraph("pytorch 2.1.0", 17, 3, 2, 512_512, ["input_ids", "attention_mask"])
    assert read < len(data) / 10
    assert describe_graph(found) == (
        "written by pytorch 2.1.0, opset 17, 3 nodes, 2 weights of 512,512 numbers, "
        "inputs input_ids, attention_mask"
    )


def test_what_the_onnx_package_writes() -> None:
    onnx = pytest.importorskip("onnx")
    from onnx import TensorProto, helper

    weight = helper.make_tensor("w", TensorProto.FLOAT, [4, 3], bytes(48), raw=True)
    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 4])
    out = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 3])
    node = helper.make_node("MatMul", ["x", "w"], ["y"])
    graph = helper.make_graph([node], "g", [value], [out], [weight])
    written = helper.make_model(graph, producer_name="acme")
    found, _ = look(written.SerializeToString())
    assert onnx is not None
    assert found is not None
    assert (found.producer, found.nodes, found.weights) == ("acme", 1, 1)
    assert (found.parameters, found.inputs) == (12, ["x"])
    assert found.opset == written.opset_import[0].version


def test_damage_says_nothing() -> None:
    whole = model(tensor([8, 8], bytes(256)))
    for cut in range(len(whole)):
        look(whole[:cut])
        look(whole[:cut] + b"\xff" * 12 + whole[cut + 12 :])
    assert look(b"")[0] is None
    assert look(b"\xff" * 1000)[0] is None
    assert look(b"x")[0] is None


def test_huge_dims_are_bounded() -> None:
    found, _ = look(model(tensor([2**62, 2**62, 2**62], b"")))
    assert found is not None
    assert found.parameters <= 1 << 62


def test_fields_in_any_order_and_twice() -> None:
    named = part(11, part(1, b"old") + part(1, b"x"))
    long = b"\xff" * 9 + b"\x01"  # -1, as ten bytes
    data = part(3, b"2") + part(2, b"a") + part(3, b"3") + part(7, named)
    found, _ = look(data + part(8, b"\x10" + long + b"\x10\x15") + b"\x08" + long)
    assert found is not None
    assert (found.producer, found.inputs, found.opset) == ("a 3", ["x"], 21)


def test_numbers_have_64_bits() -> None:
    big = part(5, b"\x08\x83" + b"\x80" * 8 + b"\x7e")
    found, _ = look(part(7, big))
    assert found is not None
    assert found.parameters == 3
