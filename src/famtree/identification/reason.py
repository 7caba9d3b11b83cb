"""Why the answer is what it is, in one sentence of words that need no list of signals."""

from __future__ import annotations

from typing import TYPE_CHECKING

from famtree.fingerprints.defaults import known_model_type

if TYPE_CHECKING:
    from collections.abc import Iterable

    from famtree.checkpoint.findings import Findings
    from famtree.matchers.classify import Classification
    from famtree.registry.registry import Registry
    from famtree.types.fingerprint import Fingerprint
    from famtree.types.identification import Evidence

MOST_GROUNDS = 3
_WORDS = {
    "design": "declared class",
    "vocabulary": "vocabulary",
    "shape": "shape",
    "structure": "kind of blocks",
    "rope": "rope scaling",
    "training": "training constants",
    "ids": "special tokens",
    "chat": "chat template",
    "window": "context",
}
"""Group of traits, as `_generic.toml` has them, -> what people call it."""
_GROUPS = {"architecture.shape": "shape", "tokenizer.vocabulary": "vocabulary"}
"""Signals that are no trait of the policies, or may not be."""
_DIGESTS = "digests"


def explain(findings: Findings, told: str | None, size: str | None, registry: Registry) -> str:
    """Return what the checkpoint is where it is no model by itself, else what decided, or why
    nothing could. `told` is what a declaration tells, `size` the name of the answer's size.
    """
    what, best = findings.found.explanation, findings.result.best
    if told is not None or (what is not None and best is None):
        return told or what or ""
    decided = _explain_answer(findings, size, registry)
    return f"{what}; {decided}" if what is not None and findings.kind == "pipeline" else decided


def name_signal(signal: str) -> str:
    """Return the name of a trait in words: `vocab rows`."""
    return signal.rpartition(".")[2].replace("_", " ")


def _explain_answer(findings: Findings, size: str | None, registry: Registry) -> str:
    result = findings.result
    best = result.best
    if best is None:
        return _explain_unknown(findings, registry)
    grounds, same = list_grounds(result.evidence, findings.fingerprint, registry)
    if result.generation is not None:
        whose = _name_whole(result.generation.name, size)
        told = _tell_grounds(grounds, whose)
        exact = best.exact
        # A sibling that released the same configuration is no ground for this generation.
        own = exact is not None and exact.exemplar.generation == result.generation.key
        return f"its configuration is that of {same}; {told}" if same and own else told
    names = join_names(
        dict.fromkeys(one.name or str(one.generation) for one in result.candidates), "and"
    )
    settle = _tell_what_would_settle(findings, registry)
    return f"{_tell_grounds(grounds, best.family.name)}; {names} show the same{settle}"


def list_grounds(
    evidence: Iterable[Evidence], fingerprint: Fingerprint, registry: Registry
) -> tuple[list[str], str | None]:
    """Return what speaks most for the answer, and whose configuration is equal, if anybody's."""
    weights: dict[str, float] = {}
    same = None
    for one in evidence:
        if not one.supports or one.weight <= 0:
            continue
        if one.signal == _DIGESTS:
            same = one.expected
            continue
        policy = registry.generic.traits.get(one.signal)
        group = policy.group if policy is not None else _GROUPS.get(one.signal)
        if group is not None:
            weights[group] = weights.get(group, 0.0) + one.weight
    strongest = sorted(weights, key=lambda group: (-weights[group], group))[:MOST_GROUNDS]
    return [_describe(group, fingerprint) for group in strongest], same


def _tell_grounds(grounds: list[str], whose: str) -> str:
    if not grounds:
        return f"nothing fits but {whose}"
    verb = "is that" if len(grounds) == 1 else "are those"
    return f"its {join_names(grounds, 'and')} {verb} of {whose}"


def join_names(names: Iterable[str], word: str) -> str:
    """Return `a, b and c`; nothing of none."""
    *first, last = list(names) or [""]
    return f"{', '.join(first)} {word} {last}" if first else last


def _describe(group: str, fingerprint: Fingerprint) -> str:
    shown, recipe, tokens = fingerprint.architecture, fingerprint.recipe, fingerprint.tokenizer
    words = _WORDS.get(group, group)
    if group == "vocabulary":
        count = (tokens.base_entries or tokens.entries) if tokens is not None else None
        told = f"{count:,} tokens" if count else ""
        if not told and shown.vocab_rows:
            told = f"{shown.vocab_rows:,} rows"
    elif group == "shape" and shown.layers and shown.hidden_size:
        told = f"{shown.layers} x {shown.hidden_size:,}"
    elif group == "rope" and recipe.rope_theta and recipe.rope_type in (None, "default"):
        words, told = "rope base", f"{recipe.rope_theta:,.10g}"
    else:
        told = ""
    return f"{words} ({told})" if told else words


def _name_whole(generation: str, size: str | None) -> str:
    return generation if not size or size.lower() in generation.lower() else f"{generation} {size}"


def _tell_what_would_settle(findings: Findings, registry: Registry) -> str:
    """Return that a tokenizer file would tell the candidates apart, where the registry says so."""
    tokens = findings.fingerprint.tokenizer
    if tokens is not None and tokens.vocabulary is not None:
        return ""
    shipped: list[set[str]] = []
    for one in findings.result.candidates:
        family = registry.by_key[one.family]
        known = [known for known in family.tokenizers if one.generation in known.generations]
        shipped.append({f"{known.vocabulary} {known.added}" for known in known})
    apart = sum(map(len, shipped)) == len(set().union(*shipped)) and all(shipped)
    return "; tokenizer files would tell them apart, and none was read" if apart else ""


def _explain_unknown(findings: Findings, registry: Registry) -> str:
    result, architecture = findings.result, findings.fingerprint.architecture
    alike = result.contradicted
    if alike is not None:
        told = join_names(dict.fromkeys(map(name_signal, alike.conflicts)), "and")
        return f"it looks like {alike.generation.name}, but its {told} are none of its members'"
    if result.nested is not None:
        return (
            f"model_type {architecture.wrapper!r} is known neither by itself nor as a chat model "
            f"over a decoder: what it nests, {result.nested.family.name}, is a part of it"
        )
    model_type = architecture.text_model_type or architecture.model_type
    if result.outcome == "ambiguous":
        names = join_names(dict.fromkeys(_name_families(result, registry)), "and")
        return f"several families fit about equally: {names}"
    if model_type is None:
        silent = "its header names no architecture that is known"
        if findings.found.form.name != "gguf":
            silent = "config.json names no model_type"
        return f"{silent}, and no known design fits what it does say"
    mentioned = sorted(
        {
            family.name
            for family, generation in registry.walk_generations()
            for rule in generation.rules
            if any(
                condition.equals == model_type or model_type in (condition.one_of or ())
                for trait, condition in rule.when.items()
                if trait.endswith("model_type")
            )
        }
    )
    if mentioned:
        return (
            f"model_type {model_type!r} is used by known families "
            f"({', '.join(mentioned[:6])}), but too little else fits any of them"
        )
    known = known_model_type(model_type, architecture.class_name)
    if known is not None:
        return f"transformers knows model_type {known!r}; the registry has no such family yet"
    return f"model_type {model_type!r} is known neither to transformers nor to the registry"


def _name_families(result: Classification, registry: Registry) -> list[str]:
    return [registry.by_key[one.family].name for one in result.candidates]
