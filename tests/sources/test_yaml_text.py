"""YAML that is made to explode."""

from __future__ import annotations

import time

import pytest

from famtree.sources.yaml_text import MAX_NODES, load_documents


def test_plain_data() -> None:
    text = "a: [1, 2.5, null, yes, x]\nb: 2024-01-01\n3: &t {c: d}\ne: *t\n---\nsecond"
    first = {"a": [1, 2.5, None, True, "x"], "b": "2024-01-01", "3": {"c": "d"}, "e": {"c": "d"}}
    assert load_documents(text) == [first, "second"]


@pytest.mark.parametrize(
    "text",
    [
        "a: !!python/object/apply:os.system [id]",
        "a: &a [*a]",
        "a: [" * 40 + "]" * 40,
        "- a\n" * (MAX_NODES + 1),
        "- a\n" * 1_000_000,
        "a: 1" + ":59" * 60_000,
        "a: 0x" + "f" * 1000,
        "a0: &a0 [1]\n" + "\n".join(f"a{n}: &a{n} [{f'*a{n - 1},' * 9}]" for n in range(1, 9)),
    ],
)
def test_out_of_bounds_is_empty_and_quick(text: str) -> None:
    started = time.process_time()
    assert load_documents(text) == []
    assert time.process_time() - started < 3


def test_a_key_tagged_as_merge_is_malformed() -> None:
    assert load_documents("x: &x {a: 1}\n!!merge <<: *x\n") == []


def test_an_equals_sign_is_text() -> None:
    assert load_documents("=: a\nb: =\nc: [=]\n") == [{"=": "a", "b": "=", "c": ["="]}]


def test_merge_keys_stay_keys() -> None:
    lines = ["x0: &x0 {a: b}"]
    lines += [f"x{n}: &x{n} {{<<: [{', '.join([f'*x{n - 1}'] * 3)}]}}" for n in range(1, 4)]
    found = load_documents("\n".join(lines))
    assert found[0]["x1"] == {"<<": [{"a": "b"}] * 3}
