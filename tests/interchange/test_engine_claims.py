"""What engines' sources say, claim by claim; engine_claims.toml says how each is asked."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Callable
from functools import cache
from hashlib import sha256
from operator import attrgetter
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from famtree.interchange.answer import answer_pair, choose_engines
from famtree.interchange.load import DATA, load_engines, read_facts
from famtree.interchange.quantization_support import answer_quantization
from famtree.interchange.side import Plan, Side
from famtree.types.comparison import Answer
from interchange.sides import (
    CHAT,
    CHILD,
    SAME,
    UNDETERMINED,
    make_config_side,
    make_index,
    make_pair,
    make_side,
    make_words,
)
from interchange.test_engine_truths import TRUTHS, WORDS, adapt, store
from interchange.test_kv_cache import BY_REPO

HERE = Path(__file__).parent
CLAIMS: dict[str, dict[str, Any]] = tomllib.loads(
    (HERE / "engine_claims.toml").read_text(encoding="utf-8")
)
SIDES = CLAIMS.pop("side")
ENGINES = load_engines()
FACTS = read_facts(DATA / "facts")
LINEAGES = {"same": SAME, "child": CHILD, "": UNDETERMINED}
Ask = dict[str, Any]


@cache
def recall(name: str) -> Side:
    return build(SIDES[name]) if name in SIDES else store(TRUTHS["form"][name])


def build(spec: str | dict[str, Any]) -> Side:
    """Return a named side, or one of its own keys (see `[side]`) and config.json's."""
    if isinstance(spec, str):
        return recall(spec)
    config = dict(spec)
    tensors, added = config.pop("tensors", None), config.pop("added", None)
    if "cache" in config:
        return make_config_side({**BY_REPO[config.pop("cache")]["config"], **config})
    if "stored" in config:
        return store(TRUTHS["form"][config.pop("stored")], **config)
    if "adapter" in config:
        side = adapt(**config["adapter"])
        shapes = {name: one.shape for name, one in side.index.tensors.items()}
        wider = {name: tuple(shape) for name, shape in (tensors or {}).items()}
        files = {"added_tokens.json": added} if added else {}
        return replace(side, index=make_index(shapes | wider), side_files=side.side_files | files)
    if tensors is not None or not config.pop("seen", True):
        shapes = {name: tuple(shape) for name, shape in (tensors or {}).items()}
        config["index"] = make_index(shapes, complete=tensors is not None)
    words, files = config.pop("words", None), {}
    if config.pop("chat", False):
        files = CHAT
    elif "template" in config:
        files = {"tokenizer_config.json": {"chat_template": config.pop("template")}}
    elif "begins" in config:
        files = {"tokenizer_config.json": dict.fromkeys(("add_bos_token", "add_eos_token"),
                                                        config.pop("begins"))}  # fmt: skip
    if words is not None:
        vocabulary = make_words(*words)
        vocabulary.kind = config.pop("kind", vocabulary.kind)
        config["vocabulary"] = vocabulary
    if "quantization_config" in config:
        stored = store(config["quantization_config"])
        config["quantization"] = stored.identification.quantization
    return make_side(side_files=files, **config)


def answer_pairwise(engine: str, ask: Ask) -> Answer:
    plan = Plan(
        context=ask.get("context"), gpu_memory=ask.get("memory"), capability=ask.get("gpu"),
        cache_type=ask.get("kept_as"),
    )  # fmt: skip
    named = f"{engine}@{ask['version']}" if "version" in ask else engine
    chosen, _ = choose_engines([named], ENGINES)
    a, b = (build(ask.get(key, "plain")) for key in "ab")
    answers = answer_pair(make_pair(a, b, LINEAGES[ask.get("link", "")]), chosen, ENGINES, plan)
    (found,) = (one for one in answers if one.engine and one.question == ask["q"])
    return found


def check_answer(engine: str, ask: Ask) -> None:
    found = answer_pairwise(engine, ask)
    assert found.answer == ask.get("is", found.answer), found.reason
    assert ask.get("says", "") in f"{found.reason} {found.condition}"
    assert ask.get("cites", "") in str(found.source)
    asked = ask.get("figures", {})
    assert asked == {name: (found.figures or {}).get(name) for name in asked}


def check_form(engine: str, ask: Ask) -> None:
    side, words = store(TRUTHS["form"][ask["form"]]), ask["gpus"].split()
    for gpu, letter in zip(words[::2], words[1::2], strict=True):
        plan = Plan(capability=None if gpu == "-" else round(float(gpu) * 10))
        (found,) = answer_quantization(side, side, ENGINES[engine], plan)
        assert found.answer == WORDS[letter], f"{ask['form']} on {gpu}: {found.reason}"


def check_value(engine: str, ask: Ask) -> None:
    value = fact = FACTS[engine][ask["fact"]]["value"] if "fact" in ask else None
    if "holds" in ask:
        value = attrgetter(ask["holds"])(ENGINES[engine])
        assert fact is None or (value == fact if isinstance(fact, dict) else {*value} == {*fact})
    assert value is not None
    assert value == ask.get("is", value)
    assert len(value) == ask["count"] if "count" in ask else True
    assert [one for one in ask.get("has", ()) if one not in value] == []
    assert [one for one in ask.get("lacks", ()) if one in value] == []


@cache
def list_tests(name: str) -> frozenset[str]:
    body = ast.parse((HERE / name).read_text(encoding="utf-8")).body
    return frozenset(one.name for one in body if isinstance(one, ast.FunctionDef))


def check_test(engine: str, ask: Ask) -> None:
    name, _, test = ask["test"].partition("::")
    assert test in list_tests(name)


CHECKS: dict[str, tuple[Callable[[str, Ask], None], str, str]] = {
    "form": (check_form, "gpus", ""),
    "q": (check_answer, "is figures", "a b link version gpu memory context kept_as says cites"),
    "holds": (check_value, "is has lacks count fact", ""),
    "fact": (check_value, "is has lacks", ""),
    "test": (check_test, "", ""),
}
"""Key of an ask -> what checks it, the keys of which one has to be there, others that may be; the
first of these that an ask has counts."""


def list_claims() -> list[Any]:
    return [
        pytest.param(engine, asks, id=f"{engine}-{row}")
        for engine, table in CLAIMS.items()
        for row, asks in table.items()
    ]


@pytest.mark.parametrize(("engine", "asks"), list_claims())
def test_a_claim_is_answered_as_the_source_says(engine: str, asks: list[Ask]) -> None:
    for ask in asks:
        kind = next(key for key in CHECKS if key in ask)
        check, needed, others = CHECKS[kind]
        assert not needed or ask.keys() & {*needed.split()}
        assert ask.keys() <= {kind, "otherwise", *needed.split(), *others.split()}
        check(engine, ask)
    assert any("test" not in ask for ask in asks)


@pytest.mark.corpus
def test_every_row_is_asked_and_nothing_else(shared: Path) -> None:
    """A row that is another than the one looked at has another digest, and is not asked."""
    text = (shared / "knowledge" / "engine_claims.tsv").read_text(encoding="utf-8")
    rows: list[str] = []
    for line in text.splitlines()[1:]:
        engine, rule, *_ = line.split("\t")
        rows.append(f"{engine} {rule} {sha256(line.encode()).hexdigest()[:8]}")
    asked = [f"{engine} {row}" for engine, table in CLAIMS.items() for row in table]
    assert sorted(rows) == sorted(asked)
    assert len(rows) == 191
