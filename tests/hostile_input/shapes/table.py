"""Files that are as large as famtree reads them, each of one nasty shape, for every parser.

`tests/hostile_input/test_bounds.py` runs each at its largest, `benchmarks/hostile.py` at two sizes.
"""

from __future__ import annotations

from hostile_input.shapes.configs import CONFIGS
from hostile_input.shapes.containers import ARCHIVES, GGUFS, ONNX
from hostile_input.shapes.folders import FOLDERS
from hostile_input.shapes.headers import HEADERS, INDEXES
from hostile_input.shapes.listings import LISTINGS
from hostile_input.shapes.rows import ROWS
from hostile_input.shapes.shape import Shape
from hostile_input.shapes.texts import TEXTS
from hostile_input.shapes.tokenizers import (
    SENTENCEPIECE,
    TEKKEN,
    TIKTOKEN,
    TOKENIZERS,
    VOCABULARIES,
)

SHAPES: list[Shape] = [
    *TOKENIZERS, *SENTENCEPIECE, *TIKTOKEN, *TEKKEN, *VOCABULARIES, *HEADERS, *INDEXES, *CONFIGS,
    *GGUFS, *ONNX, *ARCHIVES, *TEXTS, *FOLDERS,
    *ROWS, *LISTINGS,
]  # fmt: skip
