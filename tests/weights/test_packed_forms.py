"""Forms are packed here as their writers pack them, and read back through the whole reader."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from famtree.weights.read import Window, read_windows
from tiny_models import HIDDEN, make_model, open_model

NAME = "model.layers.0.self_attn.q_proj"
ROWS = (3, 4, 40)
COLUMNS = (24, 104)
E2M1 = np.array([0, 0.5, 1, 1.5, 2, 3, 4, 6, 0, -0.5, -1, -1.5, -2, -3, -4, -6])
DRAW = np.random.default_rng(5)
CODES = DRAW.integers(0, 16, (HIDDEN, HIDDEN))
"""Outputs x inputs."""


def check(
    tmp_path: Path, parts: dict[str, NDArray[Any]], expected: NDArray[Any], **config: Any
) -> None:
    arrays: dict[str, Any] = dict(make_model(1))
    del arrays[f"{NAME}.weight"]
    arrays |= {f"{NAME}.{leaf}": values for leaf, values in parts.items()}
    weights = open_model(tmp_path, arrays, "F32", **config)
    window = Window("q", 0, ROWS, COLUMNS)
    found = read_windows(weights, [window])
    assert weights.reading.unread == []
    wanted = expected[list(ROWS), slice(*COLUMNS)]
    np.testing.assert_allclose(found[window], wanted, rtol=1e-6)


def pack_rows(codes: NDArray[Any], order: tuple[int, ...] = tuple(range(8))) -> NDArray[np.int32]:
    """Pack eight codes along the last axis into each word, code k of a word at `order[k]`."""
    grouped = codes.reshape(*codes.shape[:-1], -1, 8).astype(np.uint32)
    words = sum(grouped[..., k] << np.uint32(4 * order[k]) for k in range(8))
    return np.asarray(words, np.uint32).view(np.int32)


def scales_of(shape: tuple[int, int]) -> NDArray[np.float16]:
    return DRAW.uniform(0.5, 1.5, shape).astype(np.float16)


@pytest.mark.parametrize("shuffled", [False, True])
def test_gptq(tmp_path: Path, shuffled: bool) -> None:
    groups = np.arange(HIDDEN) // 32
    if shuffled:
        groups = np.random.default_rng(1).permutation(groups)
    scales, zeros = scales_of((4, HIDDEN)), DRAW.integers(1, 16, (4, HIDDEN))
    parts: dict[str, NDArray[Any]] = {
        "qweight": pack_rows(CODES).T.copy(),
        "qzeros": pack_rows(zeros - 1),
        "scales": scales,
        "g_idx": groups.astype(np.int32),
    }
    expected = (CODES - zeros[groups].T) * scales[groups].T.astype(np.float32)
    check(
        tmp_path, parts, expected,
        quantization_config={"quant_method": "gptq", "bits": 4, "desc_act": shuffled},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("stated", "less"),
    [
        ({"checkpoint_format": "gptq_v2"}, 0),
        ({"checkpoint_format": "gptq"}, 1),
        ({"quant_method": "fp8", "checkpoint_format": "gptq_v2"}, 1),
    ],
)
def test_gptq_stores_zeros_less_one_but_for_its_second_format(
    tmp_path: Path, stated: dict[str, Any], less: int
) -> None:
    groups = np.arange(HIDDEN) // 32
    scales, zeros = scales_of((4, HIDDEN)), DRAW.integers(1, 16, (4, HIDDEN))
    parts: dict[str, NDArray[Any]] = {
        "qweight": pack_rows(CODES).T.copy(),
        "qzeros": pack_rows(zeros - less),
        "scales": scales,
    }
    expected = (CODES - zeros[groups].T) * scales[groups].T.astype(np.float32)
    check(tmp_path, parts, expected, quantization_config={"quant_method": "gptq"} | stated)


def explain(tmp_path: Path, parts: dict[str, NDArray[Any]], **config: Any) -> str:
    """Return why a matrix stored as `parts` is not read."""
    arrays: dict[str, Any] = dict(make_model(1))
    del arrays[f"{NAME}.weight"]
    arrays |= {f"{NAME}.{leaf}": values for leaf, values in parts.items()}
    weights = open_model(tmp_path, arrays, "F32", **config)
    assert read_windows(weights, [Window("q", 0, ROWS, COLUMNS)]) == {}
    return weights.reading.unread[0].reason


def test_a_declaration_of_another_layout_is_not_used(tmp_path: Path) -> None:
    parts: dict[str, NDArray[Any]] = {
        "qweight": pack_rows(CODES).T.copy(),
        "qzeros": pack_rows(DRAW.integers(0, 16, (3, HIDDEN))),
        "scales": scales_of((3, HIDDEN)),
    }
    stated = {"quant_method": "mlx", "bits": 4, "group_size": 48}
    assert "size of its groups" in explain(tmp_path, parts, quantization_config=stated)


def test_zeros_that_fit_no_scales_are_not_read(tmp_path: Path) -> None:
    parts: dict[str, NDArray[Any]] = {
        "qweight": pack_rows(CODES).T.copy(),
        "qzeros": scales_of((4, HIDDEN)),
        "scales": scales_of((4, HIDDEN)),
        "g_idx": (np.arange(HIDDEN) // 32).astype(np.int32),
    }
    assert "zeros and scales do not fit" in explain(tmp_path, parts)


@pytest.mark.parametrize(
    ("parts", "word"),
    [
        ({"weight": np.ones((HIDDEN, HIDDEN), np.int8), "weight_scales": np.ones(HIDDEN, "f2")},
         "kernel's order"),
        ({"weight": np.ones((HIDDEN, HIDDEN // 2), np.int8),
          "weight_scale_inv": np.ones((HIDDEN, 1), np.float32)}, "two weights"),
        ({"weight": np.ones((HIDDEN, HIDDEN // 4), np.int32),
          "scales": np.ones((HIDDEN, 4), np.uint8)}, "packed for MLX"),
        ({"trellis": np.ones((8, 8, 48), np.int32)}, "trellis"),
    ],
)  # fmt: skip
def test_layouts_that_nothing_reads_say_why(
    tmp_path: Path, parts: dict[str, NDArray[Any]], word: str
) -> None:
    assert word in explain(tmp_path, parts)


@pytest.mark.parametrize("stated", [48, None])
def test_gptq_whose_last_group_is_partial(tmp_path: Path, stated: int | None) -> None:
    groups = np.arange(HIDDEN) // 48
    scales, zeros = scales_of((3, HIDDEN)), DRAW.integers(1, 16, (3, HIDDEN))
    parts: dict[str, NDArray[Any]] = {
        "qweight": pack_rows(CODES).T.copy(),
        "qzeros": pack_rows(zeros - 1),
        "scales": scales,
        "g_idx": groups.astype(np.int32),
    }
    expected = (CODES - zeros[groups].T) * scales[groups].T.astype(np.float32)
    facts: dict[str, Any] = {"quant_method": "gptq", "bits": 4, "desc_act": False}
    if stated:
        # Then the order is taken from the config, and `g_idx` is not read.
        facts["group_size"] = stated
        parts["g_idx"] = np.zeros_like(parts["g_idx"])
    check(tmp_path, parts, expected, quantization_config=facts)


def test_groups_of_unknown_size_are_not_guessed(tmp_path: Path) -> None:
    arrays: dict[str, Any] = dict(make_model(1))
    del arrays[f"{NAME}.weight"]
    arrays |= {
        f"{NAME}.qweight": pack_rows(CODES).T.copy(),
        f"{NAME}.qzeros": pack_rows(DRAW.integers(0, 16, (3, HIDDEN))),
        f"{NAME}.scales": scales_of((3, HIDDEN)),
    }
    weights = open_model(tmp_path, arrays, "F32")
    assert read_windows(weights, [Window("q", 0, ROWS, COLUMNS)]) == {}
    assert "size of its groups" in weights.reading.unread[0].reason


def test_awq(tmp_path: Path) -> None:
    # Output 2j goes to nibble j, output 2j + 1 to nibble 4 + j.
    order = (0, 4, 1, 5, 2, 6, 3, 7)
    scales, zeros = scales_of((4, HIDDEN)), DRAW.integers(0, 16, (4, HIDDEN))
    parts: dict[str, NDArray[Any]] = {
        "qweight": pack_rows(CODES.T.copy(), order),
        "qzeros": pack_rows(zeros, order),
        "scales": scales,
    }
    groups = np.arange(HIDDEN) // 32
    expected = (CODES - zeros[groups].T) * scales[groups].T.astype(np.float32)
    check(tmp_path, parts, expected, quantization_config={"quant_method": "awq", "bits": 4})


@pytest.mark.parametrize(
    ("nested", "held"), [(False, np.uint8), (True, np.uint8), (False, np.float16)]
)
def test_nf4(tmp_path: Path, nested: bool, held: type[np.generic]) -> None:
    table = np.linspace(-1, 1, 16).astype(np.float32)
    flat = CODES.ravel().astype(np.uint8)
    blocks = flat.size // 64
    state: dict[str, Any] = {"blocksize": 64, "shape": [HIDDEN, HIDDEN], "quant_type": "nf4"}
    parts: dict[str, NDArray[Any]] = {
        "weight": (flat[::2] << 4 | flat[1::2]).view(held).reshape(-1, 1),
        "weight.quant_map": table,
    }
    if nested:
        codes = DRAW.integers(0, 256, blocks).astype(np.uint8)
        inner = np.linspace(-1, 1, 256).astype(np.float32)
        outer = DRAW.uniform(1, 2, -(-blocks // 256)).astype(np.float32)
        absmax = inner[codes] * outer[np.arange(blocks) // 256] + 0.25
        parts |= {"weight.absmax": codes, "weight.nested_absmax": outer,
                  "weight.nested_quant_map": inner}  # fmt: skip
        state |= {"nested_blocksize": 256, "nested_offset": 0.25}
    else:
        absmax = DRAW.uniform(0.5, 1, blocks).astype(np.float32)
        parts["weight.absmax"] = absmax
    parts["weight.quant_state.bitsandbytes__nf4"] = np.frombuffer(
        json.dumps(state).encode(), np.uint8
    )
    expected = (table[flat] * np.repeat(absmax, 64)).reshape(HIDDEN, HIDDEN)
    check(tmp_path, parts, expected)


def test_int8_with_row_maxima(tmp_path: Path) -> None:
    values = DRAW.integers(-127, 128, (HIDDEN, HIDDEN)).astype(np.int8)
    maxima = DRAW.uniform(0.5, 1, HIDDEN).astype(np.float32)
    check(tmp_path, {"weight": values, "SCB": maxima}, values * (maxima / 127)[:, None])


def test_packed_int4(tmp_path: Path) -> None:
    scales = DRAW.uniform(0.5, 1, (HIDDEN, 4)).astype(np.float32)
    parts = {"weight_packed": pack_rows(CODES), "weight_scale": scales}
    check(tmp_path, parts, (CODES - 8) * np.repeat(scales, 32, axis=1))


def test_packed_int4_with_zero_points(tmp_path: Path) -> None:
    # compressed-tensors: zero points in words of eight outputs, offset as the codes are.
    scales = DRAW.uniform(0.5, 1, (HIDDEN, 4)).astype(np.float32)
    zeros = DRAW.integers(0, 16, (HIDDEN, 4))
    parts = {
        "weight_packed": pack_rows(CODES),
        "weight_scale": scales,
        "weight_zero_point": np.ascontiguousarray(pack_rows(zeros.T).T),
    }
    check(tmp_path, parts, (CODES - np.repeat(zeros, 32, axis=1)) * np.repeat(scales, 32, axis=1))


def test_packed_in_another_order_of_groups_is_not_guessed(tmp_path: Path) -> None:
    arrays: dict[str, Any] = dict(make_model(1))
    del arrays[f"{NAME}.weight"]
    arrays[f"{NAME}.weight_packed"] = pack_rows(CODES)
    arrays[f"{NAME}.weight_scale"] = np.ones((HIDDEN, 4), np.float32)
    arrays[f"{NAME}.weight_g_idx"] = np.zeros(HIDDEN, np.int32)
    weights = open_model(tmp_path, arrays)
    assert read_windows(weights, [Window("q", 0, (0,), (0, 8))]) == {}
    assert "not read" in weights.reading.unread[0].reason


@pytest.mark.parametrize("bits", [2, 3, 4, 5, 6, 8])
def test_mlx(tmp_path: Path, bits: int) -> None:
    # mlx.core.quantize: w = scale * code + bias, codes of a row in one little-endian stream.
    codes = DRAW.integers(0, 1 << bits, (HIDDEN, HIDDEN))
    stream = (codes[..., None] >> np.arange(bits)) & 1
    words = np.packbits(stream.reshape(HIDDEN, -1), axis=1, bitorder="little").view(np.int32)
    scales, biases = (DRAW.uniform(0.5, 1, (HIDDEN, 4)).astype(np.float32) for _ in range(2))
    expected = codes * np.repeat(scales, 32, axis=1) + np.repeat(biases, 32, axis=1)
    config = {"quantization": {"bits": bits, "group_size": 32}}
    check(tmp_path, {"weight": words, "scales": scales, "biases": biases}, expected, **config)


def test_mlx_mxfp4(tmp_path: Path) -> None:
    scales = DRAW.integers(120, 130, (HIDDEN, 4)).astype(np.uint8)
    expected = E2M1[CODES] * np.repeat(2.0 ** (scales.astype(np.float64) - 127), 32, axis=1)
    config = {"quantization": {"bits": 4, "group_size": 32, "mode": "mxfp4"}}
    check(tmp_path, {"weight": pack_rows(CODES), "scales": scales}, expected, **config)


@pytest.mark.parametrize("bits", [2, 4, 8])
def test_hqq(tmp_path: Path, bits: int) -> None:
    # hqq BitPack: of the flat matrix' runs the first part has the high bits of a byte.
    codes = DRAW.integers(0, 1 << bits, (HIDDEN * 2, 64))
    scales, zeros = (DRAW.uniform(0.5, 1, (HIDDEN * 2, 1)).astype(np.float32) for _ in range(2))
    pieces = codes.reshape(8 // bits, -1, 64)
    packed = sum(piece << (8 - bits * (1 + at)) for at, piece in enumerate(pieces))
    parts: dict[str, Any] = {
        "W_q": np.asarray(packed, np.uint8), "scale": scales, "zero": zeros
    }  # fmt: skip
    quantized: Any = {"quant_config": {"weight_quant_params": {"axis": 1, "group_size": 64,
                                                          "nbits": bits}},
                 "quant_method": "hqq"}  # fmt: skip
    expected = ((codes - zeros) * scales).reshape(HIDDEN, HIDDEN)
    check(tmp_path, parts, expected, quantization_config=quantized)


def test_block_that_contradicts_its_state_is_unread(tmp_path: Path) -> None:
    arrays: dict[str, Any] = dict(make_model(1))
    del arrays[f"{NAME}.weight"]
    arrays |= {
        f"{NAME}.weight": np.zeros((HIDDEN * HIDDEN // 2, 1), np.uint8),
        f"{NAME}.weight.quant_map": np.ones(16, np.float32),
        f"{NAME}.weight.absmax": np.ones(3, np.float32),
        f"{NAME}.weight.quant_state.bitsandbytes__nf4": np.frombuffer(b'{"blocksize": "x"}', "u1"),
    }
    weights = open_model(tmp_path, arrays)
    assert read_windows(weights, [Window("q", 0, (0,), (0, 8))]) == {}
    assert "block size" in weights.reading.unread[0].reason
