"""Every question about a pair, for every engine asked about."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from famtree.errors import UsageError
from famtree.interchange.context import answer_context
from famtree.interchange.engine import GENERAL, Engine
from famtree.interchange.facts import FactReader
from famtree.interchange.memory import answer_memory
from famtree.interchange.pair import Pair
from famtree.interchange.quantization_support import answer_quantization
from famtree.interchange.rules import answer_rules
from famtree.interchange.side import Plan
from famtree.interchange.versions import read_version
from famtree.interchange.wholeness import limit_answers
from famtree.types.comparison import Answer, Question
from famtree.types.identification import Notice

QUESTIONS: tuple[Question, ...] = (
    "serve", "engine", "lora", "merge", "draft", "kv-cache", "chat", "context", "quantization",
    "memory",
)  # fmt: skip
"""In the order in which they are answered and shown."""


class ChosenEngine(Struct, frozen=True):
    """One engine in the version it is asked about."""

    engine: Engine
    version: str
    """As asked for, or the one its file was checked at."""


def choose_engines(
    asked: Iterable[str], engines: dict[str, Engine]
) -> tuple[list[ChosenEngine], list[Notice]]:
    """Return the engines named as `key` or `key@version`, with notices; of none named, all that
    are still developed.

    Raises UsageError, naming close matches, for an engine or version that does not exist.
    """
    chosen: list[ChosenEngine] = []
    notices: list[Notice] = []
    known = {key: engine for key, engine in engines.items() if key != GENERAL}
    for text in asked:
        key, mark, version = text.partition("@")
        engine = known.get(key.lower())
        if engine is None:
            from difflib import get_close_matches

            close = get_close_matches(key.lower(), known, n=3)
            told = f"did you mean {' or '.join(close)}?" if close else f"known: {', '.join(known)}"
            raise UsageError(f"no engine {key!r}", hint=told)
        if mark and read_version(version) is None:
            raise UsageError(
                f"{version!r} is no version of {key}", hint=f"for instance {key}@{engine.version}"
            )
        chosen.append(ChosenEngine(engine, version or engine.version))
        notices += _notice_version(engine, version)
    if not chosen:
        living = [engine for engine in known.values() if engine.ended is None]
        chosen = [ChosenEngine(engine, engine.version) for engine in living]
    return chosen, notices


def _notice_version(engine: Engine, version: str) -> list[Notice]:
    if not version or read_version(version) == read_version(engine.version):
        return []
    return [
        Notice.model_construct(
            code="engine-version",
            message=f"the rules of {engine.name} were checked at {engine.version}, not at "
            f"{version}; only rules known to begin or end between the two are exchanged",
        )
    ]


def as_asked(chosen: ChosenEngine) -> Engine:
    """Return the engine as of the version asked about."""
    if chosen.version == chosen.engine.version:
        return chosen.engine
    return replace(chosen.engine, version=chosen.version)


def answer_pair(
    pair: Pair, chosen: Sequence[ChosenEngine], engines: dict[str, Engine], plan: Plan
) -> list[Answer]:
    """Answer every question in order: for all engines first, then for each."""
    facts = FactReader(pair)
    found: list[Answer] = []
    general = engines.get(GENERAL)
    if general is not None:
        found += answer_rules(facts, general, general.version, QUESTIONS)
    for one in chosen:
        own = replace(pair, engine=one.engine, version=one.version)
        found += answer_rules(facts.for_engine(own), one.engine, one.version, QUESTIONS)
    for engine in (None, *(as_asked(one) for one in chosen)):
        for answer in (answer_context, answer_quantization, answer_memory):
            found += answer(pair.a, pair.b, engine, plan)
    found = list(limit_answers(found, pair.b))
    order = {question: at for at, question in enumerate(QUESTIONS)}
    return sorted(found, key=lambda one: (order[one.question], one.engine or "", one.rule))
