"""Does an engine run the form in which b's weights are stored, and on which GPUs?"""

from __future__ import annotations

from famtree.interchange.engine import (
    Engine,
    Hardware,
    QuantizationMethod,
    QuantizationSupport,
)
from famtree.interchange.number_types import is_bfloat, needs_float32
from famtree.interchange.rules import join_words, tell_unchecked
from famtree.interchange.side import Plan, Side
from famtree.interchange.stored_form import FORM_FACTS, read_form
from famtree.interchange.stored_methods import find_methods
from famtree.types.comparison import Answer, Reply
from famtree.types.quantization import Quantization


def answer_quantization(a: Side, b: Side, engine: Engine | None, plan: Plan) -> list[Answer]:
    """Answer `quantization` for b; `a` only says whether anything changes."""
    if engine is None:
        return [_answer_generally(a, b)]
    support = engine.quantization
    held = engine.hardware
    capability = plan.capability
    if held is None or capability is None or b.identification.quantization is not None:
        # A stored form is answered by its own kernels, whatever else the engine ships.
        return _answer_form(engine, support, b, plan)
    if held.least is not None and capability < held.least:
        reason = f"needs compute capability {held.least / 10:g}, not {capability / 10:g}"
        figures: dict[str, int | float] = {"capability": held.least / 10}
        return [_reply(engine, held, "least", "no", reason, figures=figures)]
    found = _answer_form(engine, support, b, plan)
    if found or held.bf16 is None or capability >= held.bf16 or not is_bfloat(b):
        return found
    reason = f"bfloat16 needs compute capability {held.bf16 / 10:g}, not {capability / 10:g}"
    condition = held.half
    if needs_float32(b, engine, plan):
        reason += ", and float16 is refused for its model_type"
        condition = "--dtype float32, which takes twice the memory"
    return [_reply(engine, held, "bfloat16", "conditional", reason, condition)]


def _answer_form(
    engine: Engine, support: QuantizationSupport | None, b: Side, plan: Plan
) -> list[Answer]:
    found = b.identification.quantization
    if support is None:
        return []
    if found is None:
        if b.identification.checkpoint.format == "gguf" or support.plain:
            return []  # plain floats: the general answer holds
        condition = "convert b to the engine's own form first"
        return [_reply(engine, support, "plain", "conditional", "reads no plain floats", condition)]
    return [_answer_engine(engine, support, b, found, plan)]


def _answer_generally(a: Side, b: Side) -> Answer:
    ours, theirs = a.identification.quantization, b.identification.quantization
    if theirs is None:
        if a is not b and not b.index.complete and not b.config:
            return _reply(
                None, None, "unseen", "unknown", "how b's weights are stored was not seen"
            )
        return _reply(None, None, "plain", "yes", "b's weights are plain floats")
    told = describe_form(theirs)
    if ours is not None and (ours.method, ours.bits, ours.scheme) == (
        theirs.method, theirs.bits, theirs.scheme,
    ):  # fmt: skip
        return _reply(None, None, "same", "yes", f"both are stored as {told}")
    return _reply(
        None, None, "other", "conditional", f"b is stored as {told}",
        condition="the engine must run that form; see its own answer",
    )  # fmt: skip


def describe_form(found: Quantization) -> str:
    """Return the form in a few words: `gptq 4 bits, group 128`."""
    words = [found.method]
    if found.scheme and found.scheme.lower() != found.method:
        words.append(found.scheme)
    if found.bits is not None:
        words.append(f"{found.bits:g} bits")
    text = " ".join(words)
    return f"{text}, group {found.group_size}" if found.group_size else text


def _answer_engine(
    engine: Engine, support: QuantizationSupport, b: Side, found: Quantization, plan: Plan
) -> Answer:
    told = describe_form(found)
    possible, whole = find_methods(support, found, engine.version, b)
    if not possible:
        listed = any(method.method == found.method for method in support.methods)
        if support.others == "unknown" and not listed:
            reason = f"nothing is recorded about {told}"
            return _reply(engine, support, "absent", "unknown", reason)
        return _reply(engine, support, "absent", "no", f"has no kernels for {told}")
    judged = [(one, *_judge(one, told, plan.capability)) for one in possible]
    replies = {reply for _, reply, _ in judged} | (set() if whole else {"no"})
    if "no" in replies and len(replies) > 1:
        return _reply(
            engine, support, possible[0].method, "unknown", _tell_unseen(judged, found, b)
        )
    # What was not seen may only add demands: the entry that demands most speaks.
    method, reply, reason = max(judged, key=lambda one: _demand(one[0]))
    if reply == "no":
        key = "refused" if method.refused else "capability"
        return _reply(
            engine, support, key, "no", reason, figures=_list_figures(method), method=method
        )
    condition = "; ".join(filter(None, (_name_gpus(method, plan.capability), method.condition)))
    return _reply(
        engine, support, method.method, "conditional" if condition else "yes", reason,
        condition or None, _list_figures(method), method,
    )  # fmt: skip


def _judge(method: QuantizationMethod, told: str, capability: int | None) -> tuple[Reply, str]:
    """Return what one entry answers, on a GPU or without one."""
    if method.refused:
        return "no", f"{told}: {method.refused}"
    if capability is not None and not _has_kernels(method, capability):
        needed = _name_range(method)
        return "no", f"{told} needs compute capability {needed}, not {capability / 10:g}"
    reason = f"runs {told}"
    if method.capability is not None or method.only:
        reason += f" {'on' if method.only else 'from'} compute capability {_name_range(method)}"
    if method.native is not None:
        reason += f", computes in it from {method.native / 10:g} and widens weights below"
    return "yes", f"{reason}; {method.note}" if method.note else reason


def _has_kernels(method: QuantizationMethod, capability: int) -> bool:
    if method.only:
        return capability in method.only
    return (method.capability or 0) <= capability <= (method.highest or capability)


def _name_range(method: QuantizationMethod) -> str:
    if method.only:
        return " or ".join(f"{one / 10:g}" for one in method.only)
    least = f"{(method.capability or 0) / 10:g}"
    return f"{least} to {method.highest / 10:g}" if method.highest else least


def _name_gpus(method: QuantizationMethod, capability: int | None) -> str | None:
    """What few GPUs run is no plain yes as long as the GPU is not known."""
    if capability is not None or not (method.only or method.highest):
        return None
    return f"a GPU of compute capability {_name_range(method)}"


def _demand(method: QuantizationMethod) -> tuple[bool, int, bool]:
    least = min(method.only, default=method.capability or 0)
    return method.refused is not None, least, method.condition is not None


def _list_figures(method: QuantizationMethod) -> dict[str, int | float]:
    least = min(method.only, default=method.capability)
    most = max(method.only, default=method.highest)
    named = {"capability": least, "highest_capability": most, "native_capability": method.native}
    return {name: value / 10 for name, value in named.items() if value is not None}


def _tell_unseen(
    judged: list[tuple[QuantizationMethod, Reply, str]], found: Quantization, b: Side
) -> str:
    """Name what the checkpoint does not show and one of the entries asks."""
    known = read_form(found, b)
    names = [name for method, _, _ in judged for name in method.when if known[name] is None]
    words = [FORM_FACTS[name].words for name in dict.fromkeys(names)]
    if any(method.schemes for method, _, _ in judged) and not found.scheme:
        words.append("the scheme")
    return f"cannot be told without knowing {join_words(words)}"


def _reply(
    engine: Engine | None,
    support: QuantizationSupport | Hardware | None,
    key: str,
    answer: Reply,
    reason: str,
    condition: str | None = None,
    figures: dict[str, int | float] | None = None,
    method: QuantizationMethod | None = None,
) -> Answer:
    source = "config.json and the tensor headers of b"
    unchecked = method.unchecked if method is not None else []
    if support is not None:
        source = (method.source if method is not None else None) or support.source
    return Answer.model_construct(
        question="quantization",
        engine=engine.key if engine is not None else None,
        answer=answer,
        reason=reason + tell_unchecked(unchecked),
        rule=f"{engine.key if engine is not None else 'any'}/quantization.{key}",
        condition=condition,
        engine_version=engine.version if engine is not None else None,
        source=source,
        unchecked=bool(unchecked),
        figures=figures or {},
    )
