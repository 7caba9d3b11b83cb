"""Does an engine run the form in which b's weights are stored, and on which GPUs?"""

from __future__ import annotations

from famtree.interchange.engine import Engine, QuantizationMethod, QuantizationSupport
from famtree.interchange.side import Plan, Side
from famtree.interchange.versions import holds_for
from famtree.types.comparison import Answer, Reply
from famtree.types.quantization import Quantization


def answer_quantization(a: Side, b: Side, engine: Engine | None, plan: Plan) -> list[Answer]:
    """Answer `quantization` for b; `a` only says whether anything changes."""
    found = b.identification.quantization
    if engine is None:
        return [_answer_generally(a, b)]
    support = engine.quantization
    if support is None:
        return []
    if found is None:
        if b.identification.checkpoint.format == "gguf" or support.plain:
            return []  # plain floats: the general answer holds
        condition = "convert b to the engine's own form first"
        return [_reply(engine, support, "plain", "conditional", "reads no plain floats", condition)]
    return [_answer_engine(engine, support, found, plan)]


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
    engine: Engine, support: QuantizationSupport, found: Quantization, plan: Plan
) -> Answer:
    told = describe_form(found)
    possible = find_methods(support, found, engine.version)
    if not possible:
        reason = f"has no kernels for {told}"
        reply: Reply = "no"
        listed = any(method.method == found.method for method in support.methods)
        if support.others == "unknown" and not listed:
            reply, reason = "unknown", f"nothing is recorded about {told}"
        return _reply(engine, support, "absent", reply, reason)
    method = max(possible, key=lambda one: one.capability or 0)
    figures: dict[str, int | float] = {}
    least, native = method.capability, method.native
    reason = f"runs {told}"
    if least is not None:
        figures["capability"] = least / 10
        reason += f" from compute capability {least / 10:g}"
    if native is not None:
        figures["native_capability"] = native / 10
        reason += f", computes in it from {native / 10:g} and widens weights below"
    if plan.capability is not None and least is not None and plan.capability < least:
        reason = f"{told} needs compute capability {least / 10:g}, not {plan.capability / 10:g}"
        return _reply(engine, support, "capability", "no", reason, figures=figures, method=method)
    if method.condition:
        return _reply(
            engine, support, method.method, "conditional", reason, method.condition, figures, method
        )
    return _reply(engine, support, method.method, "yes", reason, None, figures, method)


def find_methods(
    support: QuantizationSupport, found: Quantization, version: str
) -> list[QuantizationMethod]:
    """Return the entries that may be meant: up to the first that is certain to fit."""
    possible: list[QuantizationMethod] = []
    for method in support.methods:
        if method.method != found.method or not holds_for(version, method.since, method.until):
            continue
        fits = _fits(method, found)
        if fits is False:
            continue
        possible.append(method)
        if fits:
            break
    return possible


def _fits(method: QuantizationMethod, found: Quantization) -> bool | None:
    """None where the checkpoint does not show what the entry asks."""
    tests: list[bool | None] = []
    if method.schemes:
        scheme = (found.scheme or "").lower()
        fits = any(scheme.startswith(one.lower()) for one in method.schemes)
        tests.append(fits if scheme else None)
    if method.bits:
        tests.append(None if found.bits is None else found.bits in method.bits)
    if method.weight_type:
        stored = found.weight_type
        tests.append(None if stored is None else stored == method.weight_type)
    if method.activations is not None:
        rounded = found.activations is not None
        tests.append(None if not rounded and found.weight_type is None
                     else rounded == method.activations)  # fmt: skip
    if False in tests:
        return False
    return None if None in tests else True


def _reply(
    engine: Engine | None,
    support: QuantizationSupport | None,
    key: str,
    answer: Reply,
    reason: str,
    condition: str | None = None,
    figures: dict[str, int | float] | None = None,
    method: QuantizationMethod | None = None,
) -> Answer:
    source = "config.json and the tensor headers of b"
    if support is not None:
        source = (method.source if method is not None else None) or support.source
    return Answer.model_construct(
        question="quantization",
        engine=engine.key if engine is not None else None,
        answer=answer,
        reason=reason,
        rule=f"{engine.key if engine is not None else 'any'}/quantization.{key}",
        condition=condition,
        engine_version=engine.version if engine is not None else None,
        source=source,
        figures=figures or {},
    )
