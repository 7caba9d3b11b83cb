from __future__ import annotations

from typing import Any

import pytest

from famtree.fingerprints.chat_template import (
    MAX_MARKERS,
    MAX_TEMPLATE,
    digest_template,
    find_markers,
    find_template,
)

STORED = {"tokenizer_config.json": {"chat_template": "stored"}}


@pytest.mark.parametrize(
    ("files", "template"),
    [
        ({}, None),
        ({"chat_template.jinja": "own", **STORED}, "own"),
        ({"chat_template.jinja": "", **STORED}, "stored"),
        ({**STORED, "chat_template.json": {"chat_template": "processor"}}, "stored"),
        ({"chat_template.json": {"chat_template": "processor"}}, "processor"),
        (
            {
                "tokenizer_config.json": {
                    "chat_template": [
                        {"name": "tool_use", "template": "tools"},
                        {"name": "default", "template": "plain"},
                    ]
                }
            },
            "plain",
        ),
        ({"tokenizer_config.json": {"chat_template": [{"name": "x", "template": "only"}]}}, "only"),
    ],
)
def test_precedence(files: dict[str, Any], template: str | None) -> None:
    assert find_template(files) == template


@pytest.mark.parametrize(
    "odd",
    [3, {}, [], [3], [{"name": ["x"], "template": 4}], [{"template": None}], [{"name": {}}]],
)
def test_odd_template_is_none(odd: Any) -> None:
    assert find_template({"tokenizer_config.json": {"chat_template": odd}}) is None
    assert find_template({"tokenizer_config.json": odd}) is None


def test_long_template_is_cut() -> None:
    found = find_template({"chat_template.jinja": "x" * (MAX_TEMPLATE + 5)})
    assert found is not None
    assert len(found) == MAX_TEMPLATE


def test_digest_ignores_layout_and_comments() -> None:
    assert digest_template("{{ a }}\n  {{ b }}{# why #}") == digest_template("{{ a }} {{ b }}\n")
    assert digest_template("{{ a }}") != digest_template("{{ b }}")


def test_markers() -> None:
    template = "<|im_start|>user <think>x</think>[INST] <<SYS>> <｜User｜> ### Response: <b>"
    assert find_markers(template) == sorted(
        ["<|im_start|>", "<think>", "</think>", "[INST]", "<<SYS>>", "<｜User｜>", "### Response:"]
    )


def test_markers_are_bounded() -> None:
    assert len(find_markers("".join(f"<|m{at}|>" for at in range(500)))) == MAX_MARKERS
    assert find_markers("<|" + "x" * 100_000) == []
