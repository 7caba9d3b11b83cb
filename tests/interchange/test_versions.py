from __future__ import annotations

import pytest

from famtree.interchange.versions import holds_for, read_version


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("0.33.0", (0, 33)),
        ("0.33", (0, 33)),
        ("v1.2.1", (1, 2, 1)),
        ("1.3.0rc25", (1, 3)),
        ("0", (0,)),
        ("4f8ad01", (4,)),
        ("documentation of 2026", None),
        ("", None),
    ],
)
def test_versions_are_read_by_value(text: str, numbers: tuple[int, ...] | None) -> None:
    assert read_version(text) == numbers


@pytest.mark.parametrize(
    ("version", "since", "until", "holds"),
    [
        ("1.2", "1.2", None, True),
        ("1.1.9", "1.2", None, False),
        ("1.10", "1.2", None, True),
        ("1.2", None, "1.2", False),
        ("1.1", None, "1.2", True),
        ("0.9", "0.8", "0.10", True),
        ("a build", None, None, True),
        ("a build", "1.0", None, True),
        ("a build", None, "1.0", False),
    ],
)
def test_gates_are_half_open(
    version: str, since: str | None, until: str | None, holds: bool
) -> None:
    assert holds_for(version, since, until) is holds
