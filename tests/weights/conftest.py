from __future__ import annotations

from pathlib import Path

import pytest

from tiny_families import Family
from tiny_models import make_model, tune


@pytest.fixture
def family(tmp_path: Path) -> Family:
    found = Family(tmp_path)
    found.add("root", make_model(1))
    found.add("a", tune(make_model(1), 2, 0.2))
    found.add("b", tune(make_model(1), 3, 0.2))
    found.add("aa", tune(found.arrays["a"], 4, 0.1))
    return found
