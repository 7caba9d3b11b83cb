"""Released weights out of package registries (`scripts/fetch_real_files.py`)."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from loading import load_module

ROOT = Path(__file__).parents[2]
# Read at import: the tests themselves do not see FAMTREE_ variables.
_FOLDER = Path(os.environ.get("FAMTREE_REAL_FILES") or Path.home() / ".cache/famtree/real-files")
_WHEELS = _FOLDER / "weights"


@pytest.mark.corpus
@pytest.mark.skipif(
    not _WHEELS.is_dir(), reason=f"{_WHEELS} is absent; scripts/fetch_real_files.py downloads it"
)
def test_released_weights_are_answered_right(capsys: pytest.CaptureFixture[str]) -> None:
    module = load_module(ROOT / "benchmarks" / "real_weights.py")
    assert module.main([str(_WHEELS)]) == 0
    printed = capsys.readouterr().out
    assert printed.count("same-weights") == 3
    assert "WRONG" not in printed
