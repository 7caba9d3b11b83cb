"""What ggml's own quantizers made of a few values (`fixtures/record_ggml_blocks.py`)."""

from __future__ import annotations

import tomllib
from base64 import b64decode
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_RECORD: dict[str, Any] = tomllib.loads(
    (Path(__file__).parents[1] / "fixtures" / "ggml_blocks.toml").read_text(encoding="utf-8")
)
TYPES: list[str] = list(_RECORD["types"])
VALUES = np.frombuffer(b64decode(_RECORD["values"]), np.float32).reshape(-1, 256)
"""Rows of 256."""


def load_blocks(kind: str, size: int) -> NDArray[np.uint8]:
    """Return the blocks of `size` bytes that ggml made of `VALUES`."""
    return np.frombuffer(b64decode(_RECORD["types"][kind]["blocks"]), np.uint8).reshape(-1, size)


def load_hash(kind: str) -> str:
    """Return the sha256 of the float32 values that ggml reads of these blocks, no zero negative."""
    return str(_RECORD["types"][kind]["read"])
