from __future__ import annotations

from pathlib import Path

from famtree.registry.load import load_registry
from registry.files import write_folder


def test_look_ups(tmp_path: Path) -> None:
    registry = load_registry(write_folder(tmp_path))
    assert list(registry.by_key) == ["oak"]
    assert [generation.key for _, generation in registry.walk_generations()] == ["oak-1", "oak-2"]
    found = registry.find_generation("oak", "oak-2")
    assert found is not None
    assert found.name == "Oak 2"
    assert registry.find_generation("oak", "oak-3") is None
    assert registry.find_generation("elm", "oak-1") is None
    family, known = registry.tokenizers_by_file["ab"]
    assert (family.key, known.name) == ("oak", "oak 50k")
