"""Documents of 0.1.0 and of today: what was there is there, with the same types and values."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from documentation.world import fill_hub
from hub.server import HubServer
from recorded_documents import CASES, RECORDED, ROOT, ask, fill, name_file

OTHER_VALUES: dict[str, str] = {
    r"famtree": "the version",
    r"cost(\..+)?": "what an answer costs is not promised, only that it is told",
    r"identify .*\.reason": "named signals: it is a sentence today, and `evidence` has the signals",
    r"compare .*\.relation\.lineage\.common_ancestor": "was a name; has both distances now",
    r"compare acme/support-7b acme/tools-7b\.relation\.lineage\.status": (
        "was declared: links whose files agree are consistent, as `famtree lineage` says"
    ),
    r"compare acme/desk-7b-AWQ mistralai/.+\.(relation\.lineage|interchange\[\d+\])\..+": (
        "was undetermined: descent is seen over any number of links, and answers follow from it"
    ),
    r"compare .*\.interchange\[\d+\]\.engine_version": "transformers was read at a newer version",
    r"compare .*\.interchange\[14\]\.source": (
        "said the release notes of 1.2 name a removal, which came after 1.2.1"
    ),
    r"compare .*\.interchange\[27\]\.(answer|condition|reason|source)": (
        "was no: nothing in TensorRT-LLM refuses a draft with another vocabulary"
    ),
    r"compare .*\.interchange\[(19|23)\]\.source": (
        "a quoted line of mergekit and lines of PEFT were not where they were said to be"
    ),
    r"compare .*\.interchange\[19\]\.(rule|reason)": (
        "said PEFT raises for a missing module: it raises for another size, and leaves out the rest"
    ),
    r"compare llama-3\.1-8b llama-3\.1-8b-awq\.interchange\[(6|7|9|39)\]\..+": (
        "was yes: AWQ is no form that ExLlamaV3, the converter of llama.cpp or MLX LM takes whole"
    ),
    r"compare acme/(support|desk)-7b .*\.interchange\[\d+\]\.(reason|condition)": (
        "asked for tokens alone: texts may be split otherwise before they are looked up"
    ),
    r"identify hard-disguised-config\.warnings": (
        "said what header and config disagree on: the checks of files against each other do today"
    ),
    r"identify hard-llava-wrapper\.lineage\.(chain|parents|root|complete)": (
        "was empty: what a part was loaded from is a parent with a role"
    ),
    r"(identify|compare qwen2\.5-7b) r1-distill-qwen-7b\.warnings": (
        "read Qwen 1 in a name that says Qwen alone"
    ),
    r".* --verify\.(.*\.)?(evidence|proofs\[0\]|bytes_read|z|p_value|reason)(\..*)?": (
        "what is read is drawn by the hashes of both files today"
    ),
    r"compare llama-3\.1-8b llama-3\.1-70b\.interchange\[22\]\..+": (
        "was unknown: no method of merging joins different widths, whatever the descent"
    ),
    r"compare gpt2 t5-base\.interchange\[(2|4)\]\.(condition|source)": (
        "names the versions of transformers that the engine requires"
    ),
    r"identify acme/tiny-chat --verify\.lineage\.proofs\[0\]\.parent": (
        "was hf://acme/tiny: a parent has one name in all of a document"
    ),
}
"""Pattern of `field` or `case.field` -> why another value, or another type, is right today."""
ADDED_TO = ("warnings", "evidence")
"""Lists that may have more entries today, in any place; so may `interchange`, which has one entry a
question and engine."""


MEASURED = re.compile(r".*(score|confidence|confidence_cost|confidence_if_complete|weight)")
"""Figures that are measured on what is on record of all designs: they move by little when that is
corrected."""
MOVES = 0.1


def _is_there(one: Any, today: list[Any]) -> bool:
    """Return whether an entry stands in a list of today, with more fields or another weight."""
    if not isinstance(one, dict):
        return one in today
    fields = [(name, value) for name, value in one.items() if name != "weight"]
    return any(all(other.get(name) == value for name, value in fields) for other in today)


def _skip(case: str, path: str) -> bool:
    return any(
        re.fullmatch(pattern, path) or re.fullmatch(pattern, f"{case}.{path}")
        for pattern in OTHER_VALUES
    )


def list_changes(case: str, old: Any, new: Any, path: str = "") -> Iterator[str]:
    """Yield every field of the recorded document that is not the same today; more may be there."""
    if _skip(case, path):
        return
    if isinstance(old, dict) and isinstance(new, dict):
        for name, value in old.items():
            inner = f"{path}.{name}" if path else name
            if name not in new:
                yield f"{inner} is gone"
            else:
                yield from list_changes(case, value, new[name], inner)
    elif path == "interchange":
        today = {(one["question"], one["engine"]): one for one in new}
        for number, one in enumerate(old):
            asked = (one["question"], one["engine"])
            if asked in today:
                yield from list_changes(case, one, today[asked], f"{path}[{number}]")
            else:
                yield f"{path}[{number}] {asked} is gone"
    elif path == "candidates" and isinstance(new, list):
        # What is hardly probable may be ruled out today; what comes first stays.
        for number, (left, right) in enumerate(zip(old[:1], new, strict=False)):
            yield from list_changes(case, left, right, f"{path}[{number}]")
        if old and not new:
            yield f"{path} are gone"
    elif path.rpartition(".")[2] in ADDED_TO and isinstance(new, list):
        for one in old:
            if not _is_there(one, new):
                yield f"{path}: {one} is gone"
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for number, (left, right) in enumerate(zip(old, new, strict=True)):
            yield from list_changes(case, left, right, f"{path}[{number}]")
    elif type(old) is not type(new):
        yield f"{path} was {old!r}, is {new!r}"
    elif isinstance(old, float):
        if abs(old - new) > (MOVES if MEASURED.fullmatch(path) else 1e-9 * max(abs(old), abs(new))):
            yield f"{path} was {old!r}, is {new!r}"
    elif old != new:
        yield f"{path} was {old!r}, is {new!r}"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("work")
    fill(place)
    return place


@pytest.fixture
def filled_hub(hub: HubServer) -> HubServer:
    fill_hub(hub)
    return hub


@pytest.mark.parametrize("case", CASES)
def test_documents_of_0_1_differ_by_added_fields_alone(
    case: str, folder: Path, filled_hub: HubServer
) -> None:
    recorded = json.loads((RECORDED / name_file(case)).read_text(encoding="utf-8"))
    assert list(list_changes(case, recorded, ask(case, folder, ROOT / "src"))) == []


def test_a_document_is_recorded_for_every_case() -> None:
    assert {path.name for path in RECORDED.iterdir()} == {name_file(case) for case in CASES}


@pytest.mark.parametrize(
    ("new", "told"),
    [
        ({"a": 1, "b": [{"c": "x"}], "d": 2}, 0),
        ({"a": 1, "b": [{"c": "x", "e": None}], "cost": 3}, 0),
        ({"b": [{"c": "x"}]}, 1),
        ({"a": "1", "b": [{"c": "x"}]}, 1),
        ({"a": True, "b": [{"c": "x"}]}, 1),
        ({"a": 1, "b": [{"c": "y"}]}, 1),
        ({"a": 1, "b": []}, 1),
        ({"a": 1, "b": [{"c": "x"}, {"c": "y"}]}, 1),
    ],
)
def test_changes_are_seen(new: dict[str, Any], told: int) -> None:
    assert len(list(list_changes("case", {"a": 1, "b": [{"c": "x"}]}, new))) == told


def test_lists_that_are_added_to_keep_what_they_had() -> None:
    old = {"lineage": {"evidence": [{"seen": 1}]}, "warnings": [{"code": "x"}]}
    more = {"lineage": {"evidence": [{"seen": 2}, {"seen": 1}]}, "warnings": [{"code": "x"}, {}]}
    assert list(list_changes("case", old, more)) == []
    less = {"lineage": {"evidence": [{"seen": 2}]}, "warnings": []}
    assert len(list(list_changes("case", old, less))) == 2


def test_every_exception_is_needed() -> None:
    """One that no recorded document meets is stale."""
    documents = {
        case: json.loads((RECORDED / name_file(case)).read_text(encoding="utf-8")) for case in CASES
    }
    met = {f"{case}.{path}" for case, one in documents.items() for path in _list_paths(one)}
    met |= {path for one in documents.values() for path in _list_paths(one)}
    for pattern in OTHER_VALUES:
        assert any(re.fullmatch(pattern, path) for path in met), pattern


def _list_paths(value: Any, path: str = "") -> Iterator[str]:
    if path:
        yield path
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _list_paths(inner, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _list_paths(inner, f"{path}[{number}]")
