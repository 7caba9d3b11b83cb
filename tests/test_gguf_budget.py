"""What the header of a GGUF file with the largest released vocabulary may cost."""

from __future__ import annotations

from typing import Any

import pytest

from conftest import ROOT, load_module

GGUF: Any = load_module(ROOT / "benchmarks" / "gguf_header.py")


def test_budgets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HF_HOME", "HF_ENDPOINT", "HF_HUB_DISABLE_TELEMETRY"):
        monkeypatch.setenv(name, "")  # what the benchmark sets is undone
    data = GGUF.make_model()
    assert len(data) > 15_000_000  # a small header would prove nothing
    measured = list(GGUF.measure(data, len(data) + (300 << 20)))
    assert [one.name for one in measured if not one.fits] == []
    local, briefly, whole, _ = measured
    assert briefly.value > 60_000
    assert whole.value > len(data)
    assert (local.most, briefly.most, whole.most) == (0.4, 1_000_000, 20_000_000)
