import time

import pytest

from famtree.sources.card import parse_card


def test_front_matter_as_data() -> None:
    text = (
        "\ufeff---\nbase_model:\n- a/b\n- c/d\nbase_model_relation: merge\n"
        "license: mit\ndate: 2024-01-02\nmodel-index:\n- name: x\n  results: [1, 2]\n"
        "tags: [x, 1, 1.5, true]\n---\n# Title\n---\n"
    )
    assert parse_card(text.encode()) == {
        "base_model": ["a/b", "c/d"],
        "base_model_relation": "merge",
        "license": "mit",
        "date": "2024-01-02",
        "tags": ["x", 1, 1.5, True],
    }


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"# Title",
        b"---\nno end",
        b"---\n: : :\n\t- x\n---\n",
        b"---\n- a list\n---\n",
        b"---\n!!python/object/apply:os.system ['true']\n---\n",
        b"---\na: " + b"[" * 5000 + b"\n---\n",
        b"---\na: " + b"- " * 5000 + b"\n---\n",
        b"---\na: \xff\xfe\x00\n---\n",
        b"---\na: " + b"9" * 10_000 + b"\n---\n",
        # Aliases that would expand to 10^9 items.
        b"---\na: &a [x,x,x,x,x,x,x,x,x,x]\n"
        + b"".join(
            b"%c: &%c [%s]\n" % (n, n, b",".join([b"*%c" % (n - 1)] * 10)) for n in range(98, 107)
        )
        + b"---\n",
    ],
)
def test_malformed_or_hostile_is_empty(data: bytes) -> None:
    assert parse_card(data) == {}


def test_bulky_results_cost_little() -> None:
    results = b"".join(b"  - value: %d\n    type: x\n" % n for n in range(9000))
    started = time.process_time()
    found = parse_card(b"---\nbase_model: a/b\nmodel-index:\n- results:\n" + results + b"---\n")
    assert found == {"base_model": "a/b"}
    assert time.process_time() - started < 1
