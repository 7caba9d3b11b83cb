"""Whether an engine runs a checkpoint at all, in its form, on this hardware: the worst answer.

The answers are those of `famtree compare`, by the same rules. What differs is where one starts:
nothing runs yet, so that there is nothing to swap in place and nothing to restart.
"""

from __future__ import annotations

import re

from msgspec import Struct
from msgspec.structs import replace

from famtree.deployment.gpus import Site
from famtree.deployment.parallel import find_obstacle, find_option
from famtree.interchange.context import answer_context
from famtree.interchange.engine import Engine
from famtree.interchange.facts import FactReader
from famtree.interchange.memory import answer_memory
from famtree.interchange.pair import Pair
from famtree.interchange.quantization_support import answer_quantization
from famtree.interchange.rules import answer_rules
from famtree.interchange.side import Plan, Side
from famtree.interchange.structure import compare_structure
from famtree.interchange.tokens import compare_tokens
from famtree.interchange.wholeness import WHOLE, find_lack
from famtree.types.comparison import Answer, LineageVerdict, Reply

_WORST: tuple[Reply, ...] = ("no", "unknown", "conditional", "yes")
_RESTART = re.compile(r"restart (?:\S+ )?with (?:-m and )?b(?:'s file)?(?P<rest>.*)")
_THEN_RESTART = re.compile(r", then restart$")


class Verdict(Struct, frozen=True):
    """One answer, in words about a checkpoint that nothing is compared with."""

    answer: Reply
    reason: str
    rule: str
    condition: str | None = None
    source: str | None = None
    help: str | None = None
    unchecked: bool = False
    """The rule's ground in the engine's source has moved since somebody looked."""


def judge(side: Side, engine: Engine, plan: Plan, place: Site | None, ranks: int | None) -> Verdict:
    """Return the worst of all answers; conditions of equal ones are joined.

    `ranks` is the tensor parallelism that was asked for.
    """
    found = [
        *_judge_whole(side, engine),
        *_judge_class(side, engine),
        *_judge_form(side, engine, plan, place),
        *_judge_place(engine, place),
        *_judge_plan(side, engine, plan, place),
        *_judge_cut(side, engine, ranks),
    ]
    worst = min(found, key=lambda one: _WORST.index(one.answer))
    worst = replace(worst, unchecked=any(one.unchecked for one in found))
    conditions = [one.condition for one in found if one.condition]
    converted = any(one.startswith("convert") for one in conditions[:1])
    if converted:  # whoever converts, converts to the engine's own form
        conditions = [one for one in conditions if not one.endswith("own form first")]
    if worst.answer != "conditional":
        return replace(worst, condition=None)
    return replace(worst, condition="; ".join(dict.fromkeys(conditions)))


def _judge_whole(side: Side, engine: Engine) -> list[Verdict]:
    lack = find_lack(side)
    if lack is None:
        return []
    key = f"{engine.key}/fit.not-whole"
    return [Verdict("conditional", f"it is not whole: {lack}", key, WHOLE)]


def _judge_class(side: Side, engine: Engine) -> list[Verdict]:
    if not any(rule.question == "serve" for rule in engine.rules):
        reason = f"which classes {engine.name} runs is not recorded"
        return [Verdict("unknown", reason, f"{engine.key}/fit.unseen")]
    same = compare_structure(side, side)
    structure = replace(same, same_graph=False, same_rows=False)
    lineage = LineageVerdict.model_construct(verdict="undetermined", status="unresolved")
    pair = Pair(
        side, side, structure, compare_tokens(side, side), lineage,
        engine=engine, version=engine.version,
    )  # fmt: skip
    answers = answer_rules(FactReader(pair), engine, engine.version, ("serve",))
    return [_start(_take(one)) for one in answers]


def _take(one: Answer, told: str | None = None) -> Verdict:
    return Verdict(one.answer, one.reason, one.rule, one.condition, one.source, told, one.unchecked)


def _start(found: Verdict) -> Verdict:
    """Return the answer for an engine that does not run yet: a restart is no condition."""
    reason, condition = _rename(found.reason), found.condition
    if condition is not None:
        condition = _THEN_RESTART.sub("", condition)
        restart = _RESTART.fullmatch(condition)
        if restart is not None:
            condition = restart["rest"].strip(" ,;")
            if condition.startswith("(") and condition.endswith(")"):
                condition = condition[1:-1]
    if found.answer == "conditional" and not condition:
        return replace(found, answer="yes", reason=reason, condition=None)
    return replace(found, reason=reason, condition=_rename(condition) if condition else None)


def _rename(text: str) -> str:
    """Say `it` of what is b in a comparison."""
    return re.sub(r"\bb\b(?!/)", "it", re.sub(r"\bb's\b", "its", text))


def _judge_form(side: Side, engine: Engine, plan: Plan, place: Site | None) -> list[Verdict]:
    found = side.identification.quantization
    foreign = place is not None and place.vendor != "nvidia" and found is not None
    listed = None
    if foreign and place is not None and engine.hardware is not None and found is not None:
        listed = engine.hardware.methods.get(place.vendor)
        if listed is not None and found.method not in listed:
            reason = f"has no kernels for {found.method} on {place.name}"
            key = f"{engine.key}/fit.platform-form"
            return [Verdict("no", reason, key, help="another quantized copy, or none")]
    verdicts = []
    for one in answer_quantization(side, side, engine, plan):
        need = one.figures.get("capability")
        told = None
        if one.answer == "no":
            told = "a copy in another form"
            if need and plan.capability is not None and plan.capability < round(need * 10):
                told = f"a GPU of compute capability {need:g} or more"
        found_there = _rename_answer(one, told)
        # What was read of a form are its CUDA kernels: elsewhere they say nothing.
        if foreign and need and one.answer != "no" and (listed is None or one.condition):
            reason = f"which stored forms it has on {place.name if place else ''} is not recorded"
            found_there = replace(found_there, answer="unknown", reason=reason, condition=None)
        verdicts.append(found_there)
    return verdicts


def _rename_answer(one: Answer, told: str | None = None) -> Verdict:
    condition = _rename(one.condition) if one.condition else None
    return replace(_take(one, told), reason=_rename(one.reason), condition=condition)


def _judge_place(engine: Engine, place: Site | None) -> list[Verdict]:
    known = engine.hardware
    if place is None or (known is None and place.vendor == "nvidia"):
        return []
    key = f"{engine.key}/fit.platform"
    if known is None:
        return [Verdict("unknown", f"whether it runs on {place.name} is not recorded", key)]
    source = known.source
    if place.vendor not in known.vendors:
        told = f"one of: {', '.join(_name_vendors(known.vendors))}"
        return [Verdict("no", f"does not run on {place.name}", key, source=source, help=told)]
    capability = place.capability
    if known.least is not None and capability is not None and capability < known.least:
        reason = f"needs compute capability {known.least / 10:g}, not {capability / 10:g}"
        told = f"a GPU of compute capability {known.least / 10:g} or more"
        return [Verdict("no", reason, f"{key}-least", source=source, help=told)]
    condition = known.vendors[place.vendor]
    if condition:
        reason = f"runs on {place.name}"
        return [Verdict("conditional", reason, key, condition, source)]
    return []


def _name_vendors(known: dict[str, str]) -> list[str]:
    words = {"nvidia": "NVIDIA", "amd": "AMD", "apple": "Apple", "cpu": "a CPU", "gaudi": "Gaudi"}
    return [word for vendor, word in words.items() if vendor in known]


def _judge_plan(side: Side, engine: Engine, plan: Plan, place: Site | None) -> list[Verdict]:
    found: list[Verdict] = []
    if plan.context is not None:
        answers = (*answer_context(side, side, None, plan),
                   *answer_context(side, side, engine, plan))  # fmt: skip
        found += [
            _rename_answer(one, "fewer tokens" if one.answer == "no" else None)
            for one in answers
            if one.answer in ("no", "conditional")
        ]
    if plan.cache_type is not None:
        found += [
            _rename_answer(one, "another --kv-cache-type")
            for one in answer_memory(side, side, engine, replace(plan, gpu_memory=None))
            if one.rule.endswith("memory.cache-type")
        ]
        found += _judge_cache_elsewhere(engine, plan.cache_type, place)
    return found


def _judge_cache_elsewhere(engine: Engine, kind: str, place: Site | None) -> list[Verdict]:
    """Types of caches that take kernels were read of CUDA; elsewhere a list has to say so."""
    held = engine.cache
    if place is None or place.vendor == "nvidia" or held is None or kind not in held.least:
        return []
    key, told = f"{engine.key}/fit.platform-cache", "another --kv-cache-type"
    listed = held.elsewhere.get(place.vendor)
    if listed is None:
        reason = f"whether it has a {kind} cache on {place.name} is not recorded"
        return [Verdict("unknown", reason, key, source=held.source, help=told)]
    if kind in listed:
        return []
    reason = f"has no {kind} cache on {place.name}"
    return [Verdict("no", reason, key, source=held.source, help=told)]


def _judge_cut(side: Side, engine: Engine, ranks: int | None) -> list[Verdict]:
    if ranks is None or ranks == 1 or engine.holding is None:
        return []
    key = f"{engine.key}/fit.tensor-parallel"
    source = engine.holding.source
    if engine.holding.sharding != "tensor":
        told = "leave --tensor-parallel out"
        reason = "does not cut matrices among accelerators"
        if engine.holding.sharding == "layers":
            reason += ", but deals layers out"
        return [Verdict("no", reason, key, source=source, help=told)]
    obstacle = find_obstacle(side, engine, ranks)
    if obstacle is None:
        return []
    option = find_option(side, engine, ranks)
    if option is not None and engine.holding.towers is not None:
        return [Verdict("conditional", obstacle, key, option, engine.holding.towers.source)]
    return [Verdict("no", obstacle, key, source=source, help="another --tensor-parallel")]
