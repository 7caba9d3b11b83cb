from __future__ import annotations

import pytest

from famtree.sources import hub_client, hub_pauses


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Make pauses between tries instant, on a clock of their own, and record them."""
    taken: list[float] = []
    monkeypatch.setattr(hub_pauses, "_sleep", taken.append)
    monkeypatch.setattr(hub_pauses, "_now", lambda: sum(taken))
    monkeypatch.setattr(hub_pauses, "_spread", lambda: 1.0)
    monkeypatch.setattr(hub_client, "_gate", hub_pauses.Gate())
    return taken
