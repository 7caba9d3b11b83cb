"""Every official size has the parameters that its shape makes; what is wrong is found."""

from __future__ import annotations

from pathlib import Path

import pytest

from check_sizes import list_faults, load_exceptions
from famtree.registry.load import build_registry, load_registry, read_families
from famtree.registry.registry import Registry


def test_every_size_has_the_parameters_of_its_shape() -> None:
    assert list_faults(load_registry()) == []
    assert all(load_exceptions().values())


@pytest.mark.parametrize(
    ("file", "right", "wrong", "name"),
    [
        ("lfm", "ffn = 8192", "ffn = 12288", "lfm/lfm-2/1.2B"),
        ("lfm", "ffn = 4608", "ffn = 4600", "lfm/lfm-2/350M"),
        (
            "ministral",
            '{name = "8B", parameters = 8019808256, layers = 36',
            '{name = "8B", parameters = 8019808256, layers = 32',
            "ministral/ministral-8b/8B",
        ),
    ],
    ids=["another width", "a width of no multiple", "another depth"],
)
def test_a_wrong_shape_is_found(file: str, right: str, wrong: str, name: str) -> None:
    found = list_faults(changed_registry(file, right, wrong), [file])
    assert [one.partition(": ")[0] for one in found] == [name]


def test_an_excuse_that_nothing_needs_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    more = {**load_exceptions(), "yi": "no reason at all"}
    monkeypatch.setattr("check_sizes.load_exceptions", lambda: more)
    assert list_faults(load_registry()) == ["yi: nothing to excuse"]


def changed_registry(file: str, right: str, wrong: str) -> Registry:
    sources = dict(read_families(Path(load_registry.__code__.co_filename).parent / "data"))
    text = sources[f"{file}.toml"].decode()
    assert text.count(right) == 1
    sources[f"{file}.toml"] = text.replace(right, wrong).encode()
    return build_registry(sources)
