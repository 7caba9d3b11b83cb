"""Units as people type them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from famtree.errors import UsageError
from famtree.types.units import (
    CACHE_TYPES,
    read_cache_type,
    read_capability,
    read_count,
    read_memory,
    read_tokens,
)


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("32768", 32768), ("32k", 32768), ("32K", 32768), ("1M", 1048576), ("1m", 1048576),
        ("128 k", 131072), ("32,768", 32768), ("1_000_000", 1000000), ("0.5k", 512), ("1", 1),
        ("1.5M", 1572864), ("4ki", 4096),
    ],
)  # fmt: skip
def test_tokens(text: str, tokens: int) -> None:
    assert read_tokens(text) == tokens


@pytest.mark.parametrize(
    ("text", "gigabytes"),
    [
        ("24", 24.0), ("24GB", 24.0), ("24 gb", 24.0), ("24G", 24.0), ("24GiB", 25.769803776),
        ("24Gi", 25.769803776), ("0.5TB", 500.0), ("81920MiB", 85.899345920), ("40000MB", 40.0),
        ("1,000", 1000.0),
    ],
)  # fmt: skip
def test_memory(text: str, gigabytes: float) -> None:
    assert read_memory(text) == pytest.approx(gigabytes)


@pytest.mark.parametrize(
    ("text", "capability"),
    [
        ("9.0", 90), ("9", 90), ("8.6", 86), ("12.0", 120), ("sm_90", 90), ("SM90", 90),
        ("sm_90a", 90), ("sm_120", 120), ("sm-75", 75), ("compute_89", 89), ("90", 90),
        ("120", 120), ("10.3", 103), ("7.5", 75),
    ],
)  # fmt: skip
def test_capability(text: str, capability: int) -> None:
    assert read_capability(text) == capability


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("fp16", "float16"), ("F16", "float16"), ("bf16", "bfloat16"),
        ("torch.bfloat16", "bfloat16"),
        ("fp8_e4m3", "fp8"), ("fp8_e5m2", "fp8"), ("Q8_0", "q8_0"), ("fp4", "nvfp4"),
        ("auto", None), ("float32", "float32"),
    ],
)  # fmt: skip
def test_types_of_keys_and_values(text: str, name: str | None) -> None:
    assert read_cache_type(text) == name
    assert name is None or name in CACHE_TYPES


@pytest.mark.parametrize(
    ("read", "texts"),
    [
        (read_tokens, ["", "0", "-1", "k", "32kk", "1e6", "nan", "inf", "32 tokens", "9" * 40]),
        (read_tokens, ["0.3", "²"]),
        (read_count, ["", "0", "-1", "1.5", "x", "9" * 40, "²"]),
        (read_memory, ["", "0", "-1", "GB", "24 GHz", "inf", "nan", "24iB", "9" * 40, "1e9"]),
        (read_capability, ["", "0", "sm", "sm_9", "x", "9.0.1", "99999", "-9", "nan", "²"]),
        (read_cache_type, ["", "fp7", "q9", "int"]),
    ],
)  # fmt: skip
def test_what_is_no_measure_is_an_error_of_usage(
    read: Callable[[str], Any], texts: list[str]
) -> None:
    for text in texts:
        with pytest.raises(UsageError) as error:
            read(text)
        assert error.value.hint, text
