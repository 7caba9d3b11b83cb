"""Whether an engine runs a checkpoint at all, in its form, on this hardware: the worst answer.

The answers are those of `famtree compare`, by the same rules. What differs is where one starts:
nothing runs yet, so that there is nothing to swap in place and nothing to restart.
"""

from __future__ import annotations

import re

from msgspec import Struct
from msgspec.structs import replace

from famtree.deployment.gpus import Site, load_platforms
from famtree.deployment.parallel import find_obstacle
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
from famtree.types.comparison import LineageVerdict, Reply

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


def judge(side: Side, engine: Engine, plan: Plan, place: Site | None, ranks: int | None) -> Verdict:
    """Return the worst of all answers; conditions of equal ones are joined.

    `ranks` is the tensor parallelism that was asked for.
    """
    found = [
        *_judge_class(side, engine),
        *_judge_form(side, engine, plan, place),
        *_judge_place(side, engine, place),
        *_judge_plan(side, engine, plan),
        *_judge_cut(side, engine, ranks),
    ]
    worst = min(found, key=lambda one: _WORST.index(one.answer))
    conditions = [one.condition for one in found if one.condition]
    converted = any(one.startswith("convert") for one in conditions[:1])
    if converted:  # whoever converts, converts to the engine's own form
        conditions = [one for one in conditions if not one.endswith("own form first")]
    if worst.answer != "conditional":
        return replace(worst, condition=None)
    return replace(worst, condition="; ".join(dict.fromkeys(conditions)))


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
    return [_start(Verdict(one.answer, one.reason, one.rule, one.condition, one.source))
            for one in answers]  # fmt: skip


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
    if place is not None and place.vendor != "nvidia" and found is not None:
        listed = load_platforms().get(engine.key, {}).get("methods", {}).get(place.vendor)
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
        condition = _rename(one.condition) if one.condition else None
        verdicts.append(
            Verdict(one.answer, _rename(one.reason), one.rule, condition, one.source, told)
        )
    return verdicts


def _judge_place(side: Side, engine: Engine, place: Site | None) -> list[Verdict]:
    known = load_platforms().get(engine.key)
    if place is None or (known is None and place.vendor == "nvidia"):
        return []
    key = f"{engine.key}/fit.platform"
    if known is None:
        return [Verdict("unknown", f"whether it runs on {place.name} is not recorded", key)]
    source = known["source"]
    if place.vendor not in known:
        told = f"one of: {', '.join(_name_vendors(known))}"
        return [Verdict("no", f"does not run on {place.name}", key, source=source, help=told)]
    least, capability = known.get("least"), place.capability
    if place.vendor == "nvidia" and capability is not None:
        if least is not None and capability < least:
            reason = f"needs compute capability {least / 10:g}, not {capability / 10:g}"
            told = f"a GPU of compute capability {least / 10:g} or more"
            return [Verdict("no", reason, f"{key}-least", source=source, help=told)]
        half = known.get("bf16")
        if half is not None and capability < half and _is_bfloat(side):
            reason = f"bfloat16 needs compute capability {half / 10:g}, not {capability / 10:g}"
            return [Verdict("conditional", reason, f"{key}-bf16", known["half"], source)]
    condition = known[place.vendor]
    if condition:
        reason = f"runs on {place.name}"
        return [Verdict("conditional", reason, key, condition, source)]
    return []


def _is_bfloat(side: Side) -> bool:
    stated = (side.recipe.dtype or "").removeprefix("torch.")
    return stated in ("bfloat16", "bf16")


def _name_vendors(known: dict[str, object]) -> list[str]:
    words = {"nvidia": "NVIDIA", "amd": "AMD", "apple": "Apple", "cpu": "a CPU", "gaudi": "Gaudi"}
    return [word for vendor, word in words.items() if vendor in known]


def _judge_plan(side: Side, engine: Engine, plan: Plan) -> list[Verdict]:
    found = []
    if plan.context is not None:
        for one in (*answer_context(side, side, None, plan),
                    *answer_context(side, side, engine, plan)):  # fmt: skip
            if one.answer in ("no", "conditional"):
                condition = _rename(one.condition) if one.condition else None
                told = "fewer tokens" if one.answer == "no" else None
                found.append(
                    Verdict(one.answer, _rename(one.reason), one.rule, condition, one.source, told)
                )
    if plan.cache_type is not None:
        for one in answer_memory(side, side, engine, replace(plan, gpu_memory=None)):
            if one.rule.endswith("memory.cache-type"):
                told = "another --kv-cache-type"
                found.append(Verdict("no", one.reason, one.rule, source=one.source, help=told))
    return found


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
    return [Verdict("no", obstacle, key, source=source, help="another --tensor-parallel")]
