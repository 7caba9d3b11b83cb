"""What bitsandbytes and torch stored is computed again (`fixtures/record_bitsandbytes.py`)."""

from __future__ import annotations

import tomllib
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from famtree.packings.derivations import find_derivation
from famtree.packings.stored import Form, Stored
from famtree.packings.values_plain import Plain
from famtree.packings.values_rows import BitsAndBytes4

RECORD = tomllib.loads(
    (Path(__file__).parents[2] / "fixtures" / "bitsandbytes.toml").read_text(encoding="utf-8")
)
VALUES = np.frombuffer(bytes.fromhex(RECORD["values"]), "<f2").reshape(4, 128).astype(np.float32)


def find(part: str, dtype: str, *shape: int) -> Stored:
    return Stored(part, part, 0, dtype, shape, len(RECORD[part]) // 2)


def make_forms() -> dict[str, Form]:
    leaves = {
        "weight": find("nf4", "U8", 256, 1),
        "weight.absmax": find("absmax", "F32", 8),
        "weight.quant_map": find("table", "F32", 16),
        "weight.quant_state.bitsandbytes__nf4": find("table", "U8", 64),
    }
    scale, maxima = find("scale", "F32", 4, 1), find("maxima", "F32", 4)
    return {
        "NF4": BitsAndBytes4(leaves["weight"], leaves, 4, 128),
        "I8 of row maxima": Plain(find("int8", "I8", 4, 128), 4, 128, scale=maxima, divisor=127.0),
        "F8_E4M3 of stated scales": Plain(find("fp8", "F8_E4M3", 4, 128), 4, 128, scale=scale),
    }


def check(form: Form, row: int, values: NDArray[np.float32]) -> NDArray[np.bool_]:
    found = find_derivation(form)
    assert found is not None
    steps = found.check(row, (0, 128), [values])
    spans = next(steps)
    with pytest.raises(StopIteration) as done:
        steps.send([bytes.fromhex(RECORD[one.file])[one.start : one.stop] for one in spans])
    equal: NDArray[np.bool_] = done.value.value
    return equal


@pytest.mark.parametrize("kind", list(make_forms()))
def test_every_block_is_computed_again(kind: str) -> None:
    form = make_forms()[kind]
    derivation = find_derivation(form)
    assert derivation is not None
    assert derivation.kind == kind
    for row in range(4):
        assert check(form, row, VALUES[row]).all()


@pytest.mark.parametrize("kind", list(make_forms()))
def test_an_altered_block_is_told(kind: str) -> None:
    values = VALUES[1].copy()
    values[5] += np.float32(0.02)
    assert not check(make_forms()[kind], 1, values)[0]
