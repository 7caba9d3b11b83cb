from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from famtree.deployment.running import judge
from famtree.errors import RegistryError
from famtree.interchange.answer import ChosenEngine, answer_pair
from famtree.interchange.engine import GENERAL
from famtree.interchange.facts import FACTS
from famtree.interchange.load import DATA, build_engines, load_engines, read_facts
from famtree.interchange.load import FACTS as FOLDER
from famtree.interchange.side import Plan
from famtree.interchange.stored_form import FORM_FACTS
from famtree.registry.load import read_sources
from famtree.types.quantization import Quantization
from interchange.sides import make_pair, make_side

ROOT = Path(__file__).parents[2]
HEAD = """schema = "famtree/engine/1"
key = "x"
name = "X"
version = "1.0"
checked = 2026-01-01
url = "https://example.org"
kind = "server"
"""
RULE = """
[[rule]]
key = "rest"
question = "draft"
answer = "unknown"
reason = "r"
source = "s"
"""


def test_shipped_files_are_sound_and_remembered_as_read() -> None:
    first = build_engines(read_sources(DATA), read_facts(DATA / FOLDER))
    assert load_engines() == first  # written
    assert load_engines() == first  # read back
    assert {GENERAL, "vllm", "sglang", "llama.cpp", "transformers", "tensorrt-llm"} <= first.keys()


def test_every_rule_says_where_it_comes_from_and_when_it_was_checked() -> None:
    for engine in load_engines().values():
        assert engine.checked.year >= 2026
        for rule in engine.rules:
            assert len(rule.source) > 8, rule.key


def test_a_new_engine_is_one_file(tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_text(HEAD + RULE)
    assert load_engines(tmp_path)["x"].rules[0].answer == "unknown"


@pytest.mark.parametrize(
    ("rule", "fault"),
    [
        ('question = "nothing"', "question"),
        ('answer = "maybe"', "answer"),
        ("surprise = 1", "surprise"),
        ("when = {rows.equal = true}", "no such fact"),
        ("when = {rows.same = {near = 3}}", "rows.same.near: no such fact"),
        ("when = {rows.same = {absent = true}}", "drop `absent`"),
        ('reason = "{rows.c}"', "names no fact"),
        ('condition = "c"', "a conditional answer says"),
        ('answer = "conditional"', "a conditional answer says"),
        ('since = "soon"', "is no version"),
        ('source = " "', "reason and source must be given"),
        ('key = "No"', "key"),
    ],
)
def test_faults_are_told_with_their_place(tmp_path: Path, rule: str, fault: str) -> None:
    replaced = rule.partition(" = ")[0]
    lines = [line for line in RULE.splitlines() if not line.startswith(f"{replaced} = ")]
    text = HEAD + "\n".join([*lines, rule]) + "\n" + RULE.replace("rest", "last")
    (tmp_path / "x.toml").write_text(text)
    with pytest.raises(RegistryError) as caught:
        load_engines(tmp_path)
    assert any(one.startswith("x.toml:") and fault in one for one in caught.value.faults)
    assert "engine files" in caught.value.message


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (HEAD.replace('"x"', '"y"') + RULE, "is not the name of the file"),
        (HEAD + RULE + RULE, "two rules called"),
        (HEAD + RULE.replace("reason", "when = {rows.same = true}\nreason"), "must hold always"),
        (HEAD + RULE + '[support]\nsource = "s"\narchitectures = ["A"]\nremoved = {A = "1"}\n',
         "cannot be removed and supported"),
        (HEAD.replace('kind = "server"', ""), "kind"),
        ("not = [toml", "x.toml"),
    ],
)  # fmt: skip
def test_faults_of_a_whole_file(tmp_path: Path, text: str, fault: str) -> None:
    (tmp_path / "x.toml").write_text(text)
    with pytest.raises(RegistryError) as caught:
        load_engines(tmp_path)
    assert any(fault in one for one in caught.value.faults)


def test_a_damaged_memory_is_read_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    first = load_engines()
    (path,) = (tmp_path / "famtree").glob("engines-*.json")
    path.write_bytes(path.read_bytes()[:200])
    assert load_engines() == first


def test_the_guide_lists_every_fact_and_its_example_loads(tmp_path: Path) -> None:
    guide = (ROOT / "docs" / "add-an-engine.md").read_text(encoding="utf-8")
    named = [*FACTS, *FORM_FACTS]
    assert [name for name in named if f"`{name}`" not in guide] == []
    example = guide.split("```toml\n")[1].split("```")[0]
    key = tomllib.loads(example)["key"]
    (tmp_path / f"{key}.toml").write_text(example)
    assert load_engines(tmp_path)[key].rules


CITING = """
[[rule]]
key = "moved"
question = "draft"
when = {rows.difference = {between = [0, 9]}}
answer = "yes"
reason = "r"
source = "s"
facts = ["moved.check", "still.check"]

[[rule]]
key = "rest"
question = "draft"
answer = "unknown"
reason = "r"
source = "s"
facts = ["still.check"]

[quantization]
source = "s"

[[quantization.method]]
method = "awq"
when = {bits = {one_of = {fact = "moved.check"}}}
"""


def test_a_rule_whose_ground_has_moved_is_unchecked_in_every_answer() -> None:
    place = {"file": "f.py", "line": 1, "in": "A", "value": [4]}
    facts = {"moved.check": {**place, "hash": "2", "looked_at": "1"},
             "still.check": {**place, "hash": "1", "looked_at": "1"}}  # fmt: skip
    engine = build_engines({"x.toml": (HEAD + CITING).encode()}, {"x": facts})["x"]
    assert [rule.unchecked for rule in engine.rules] == [["moved.check"], []]
    known: dict[str, Any] = {
        "vocab_size": 8,
        "quantization": Quantization.model_construct(method="awq", bits=4.0),
    }
    chosen = [ChosenEngine(engine, engine.version)]
    side = make_side(**known)
    answers = {
        one.question: one
        for one in answer_pair(make_pair(side, side), chosen, {"x": engine}, Plan())
        if one.engine == "x"
    }
    for question in ("draft", "quantization"):
        assert answers[question].unchecked, question
        assert "unchecked: moved.check changed" in answers[question].reason
    found = judge(side, engine, Plan(), None, None)
    assert found.unchecked
    looked = {name: {**fact, "looked_at": fact["hash"]} for name, fact in facts.items()}
    engine = build_engines({"x.toml": (HEAD + CITING).encode()}, {"x": looked})["x"]
    chosen = [ChosenEngine(engine, engine.version)]
    told = answer_pair(make_pair(side, side), chosen, {"x": engine}, Plan())
    assert not any(one.unchecked or "unchecked" in one.reason for one in told)
