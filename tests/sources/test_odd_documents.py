"""Model documents with odd fields (missing, null, of a wrong type, huge): an answer or words."""

from __future__ import annotations

import json
from typing import Any

import pytest

import famtree
from famtree.errors import FamtreeError
from hub.repository import Repository
from hub.server import HubServer

CONFIG = b'{"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 4096}'
ABSENT = object()
FIELDS = ("id", "sha", "siblings", "cardData", "tags", "createdAt", "gated", "config", "private")
WRONG: tuple[Any, ...] = (ABSENT, None, 7, -1.5, True, "", "text", [], [None], {}, {"a": [{}]})
DEEP: Any = json.loads("[" * 400 + "]" * 400)
HUGE: dict[str, Any] = {
    "id": "x" * 5000, "sha": "f" * 5000, "createdAt": "9" * 5000, "gated": ["x" * 5000],
    "tags": ["base_model:" + "x" * 3000] * 300, "cardData": {"base_model": ["a/b" * 900] * 90},
    "config": {"architectures": ["x" * 3000] * 90}, "siblings": [{"rfilename": "x" * 4000}] * 90,
    "private": DEEP,
}  # fmt: skip
SIBLINGS: tuple[Any, ...] = (
    {"rfilename": None}, {"rfilename": 5}, {}, None, "config.json", [],
    {"rfilename": "config.json", "size": "80"}, {"rfilename": "config.json", "size": -1},
    {"rfilename": "config.json", "size": 1e300}, {"rfilename": "config.json", "size": 2**70},
    {"rfilename": "config.json", "blobId": 5}, {"rfilename": "config.json", "blobId": "zz"},
    {"rfilename": "config.json", "lfs": "x"}, {"rfilename": "config.json", "lfs": {"size": "x"}},
    {"rfilename": "config.json", "lfs": {"sha256": 5, "oid": ["x"]}},
    {"rfilename": "../config.json"}, {"rfilename": "a" * 5000}, {"rfilename": "\ud83d"},
    {"rfilename": "config.json", "size": 0}, {"rfilename": "config.json", "size": 10**12},
)  # fmt: skip
CARDS: tuple[Any, ...] = (
    {"base_model": 5}, {"base_model": {"a": "b"}}, {"base_model": [None, 5, [], "a/b"]},
    {"base_model": "../../etc"}, {"base_model": "a/b" * 500}, {"base_model_relation": ["x"]},
    {"license": {"x": 1}}, {"base_model": DEEP}, {"merged": "\x00"}, {"tags": 5},
)  # fmt: skip
ODD = [
    *({field: value} for field in FIELDS for value in WRONG),
    *({field: HUGE[field]} for field in FIELDS),
    *({"siblings": [one]} for one in SIBLINGS),
    *({"siblings": [one, {"rfilename": "config.json"}]} for one in SIBLINGS),
    *({"cardData": one} for one in CARDS),
]


@pytest.mark.parametrize("number", range(len(ODD)))
def test_no_document_is_a_fault_of_famtree(
    hub: HubServer, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    hub.add("org/name", {"config.json": CONFIG, "README.md": b"---\nbase_model: a/b\n---\n"})
    document = Repository.document

    def odd(self: Repository, *arguments: Any, **options: Any) -> dict[str, Any]:
        changed = document(self, *arguments, **options) | ODD[number]
        return {name: value for name, value in changed.items() if value is not ABSENT}

    monkeypatch.setattr(Repository, "document", odd)
    for ask in (famtree.identify, famtree.lineage):
        try:
            found = ask("org/name")
        except FamtreeError as fault:
            told = fault
        else:
            assert found.warnings is not None
            continue
        assert told.exit_code in (3, 4), ODD[number]
        assert told.hint


def test_there_are_enough_documents() -> None:
    assert len(ODD) >= 35
