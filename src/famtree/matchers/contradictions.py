"""What speaks against the best answer beyond its own rule.

A rule judges the traits it states. A splice shows in what it does not state: special ids of
another vocabulary, a scale the design never has, or lacks, a rope base that no checkpoint of the
generation uses. Nothing here changes which family is best; each contradiction lowers the
confidence in it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from functools import lru_cache

from famtree.matchers.conditions import Fit
from famtree.matchers.observation import Observation
from famtree.matchers.rulebook import policy_of
from famtree.matchers.rules import Judgement, RuleMatch
from famtree.registry.conditions import describe, fits, options, show
from famtree.registry.registry import Registry
from famtree.types.family import Condition, Family, Generation, Scalar
from famtree.types.fingerprint import Architecture
from famtree.types.identification import Evidence
from famtree.types.traits import Trait

ROWS = "architecture.vocab_rows"
EPSILON = "recipe.norm_eps"
CONTEXT = "recipe.context"
POSITION = "recipe.position"
THETA = "recipe.rope_theta"
SCALING = "recipe.rope_type"
FACTOR = "recipe.rope_factor"
START = "recipe.bos_id"
STRETCHES = frozenset({"linear", "dynamic", "yarn"})
"""Scalings that are added without training."""
LEARNED = frozenset({"learned"})
SCALED_FROM = "recipe.rope_original_context"
NEAR = 256
"""Special tokens lie together: a chat model stops at a neighbour of the expected end token."""
TOP = 1024
"""Or at a token that was appended, so among the last rows (padding included)."""
UNLIKELY = -5.0
"""Log edit rate, summed over the worst of each group: 7 in 1000 derivatives show as many edits."""
HEADS_RATIOS = (0.25, 12.0)
"""Narrowest and widest query heads together against the model's width: released ones are 0.5 to
9.1 (latent attention)."""
WIDEST_HEAD = 640
"""Released heads are at most 512 wide, 576 where a shared rotary part is counted."""
FFN_RATIOS = (0.25, 16.0)
"""Narrowest and widest feed-forward block against the model's width: released ones are 0.5 to 10,
blocks of experts aside."""
DEEPEST = 256
"""Released models have up to 126 layers, stacked ones twice as many."""
SHUFFLED = ("layers", "hidden_size", "heads", "kv_heads", "ffn")
MOVED = 2
"""Two sizes of one generation may have layers and heads the other way round; no more than that."""
ASPECTS = (4.0, 1536.0)
"""Narrowest and widest model against its depth: released ones are 16 to 384."""


def find_contradictions(
    match: RuleMatch, observation: Observation, registry: Registry
) -> list[Evidence]:
    """Return one piece of evidence for each kind of contradiction; empty for a genuine member."""
    seen = {name: trait for name, trait in observation.traits.items() if trait.source != "default"}
    said = _values_of(registry, match.family.key).get(match.generation.key, {})
    found = [
        next(_check_ids(match, seen, said, registry), None),
        *_check_silent(match, seen, said, registry),
        *_check_missing(match, observation, registry),
        *_check_scaling(seen, said),
        next(_check_many(match, registry), None),
        next(_check_shape(observation.fingerprint.architecture), None)
        or next(_check_places(observation.fingerprint.architecture, match.generation), None),
    ]
    return [one for one in found if one is not None]


def has_foreign_recipe(match: RuleMatch, observation: Observation, registry: Registry) -> bool:
    """Return whether the context is one that only another recipe explains.

    Who makes a published model read longer texts adds a scaling by as much or changes the base;
    other kinds of scaling are trained in. Nor does anybody change context and start token at once.
    """
    traits = observation.traits
    seen = traits.get(CONTEXT)
    said = _values_of(registry, match.family.key).get(match.generation.key, {})
    known = [one for one in said.get(CONTEXT, ()) if isinstance(one, int)]
    if seen is None or seen.source == "default" or not isinstance(seen.value, int) or not known:
        return False
    if THETA not in said or seen.value in known:
        return False
    if any(one.name == START and one.fit is Fit.MISFITS for one in match.judgements):
        return True
    return seen.value > max(known) * _read_stretch(traits)


def _read_stretch(traits: Mapping[str, Trait]) -> float:
    """Return by how much a scaling that needs no training makes the context longer."""
    scaled, factor = traits.get(SCALING), traits.get(FACTOR)
    if scaled is None or scaled.value not in STRETCHES or factor is None:
        return 1.0
    return float(factor.value) if isinstance(factor.value, int | float) else 1.0


def _check_ids(
    match: RuleMatch,
    seen: Mapping[str, Trait],
    said: Mapping[str, frozenset[Scalar]],
    registry: Registry,
) -> Iterator[Evidence]:
    """Special ids belong to the vocabulary: both moved, far from the expected, or out of range."""
    rows = seen[ROWS].value if ROWS in seen else None
    moved: list[tuple[str, str, str]] = []
    for name, trait in seen.items():
        if not policy_of(registry, name).special_id:
            continue
        values = trait.value if isinstance(trait.value, tuple) else (trait.value,)
        ids = [one for one in values if isinstance(one, int)]
        if isinstance(rows, int) and ids and max(ids) >= rows:
            yield _against(name, trait, f"below {rows}")
        expected = _expected(match, name, said)
        wanted = [one for one in expected if isinstance(one, int)]
        if not wanted or not ids or set(ids) & set(wanted):
            continue
        described = " or ".join(show(one) for one in sorted(wanted)[:4])
        moved.append((name, described, show(trait.value)))
        top = rows - TOP if isinstance(rows, int) else None
        if not any(_is_near(one, wanted, top) for one in ids):
            yield _against(name, trait, f"{described}, or a token near it")
    if len(moved) > 1:
        name, described, _ = moved[0]
        yield _against(name, seen[name], described)


def _check_many(match: RuleMatch, registry: Registry) -> Iterator[Evidence]:
    """Edits that are ordinary one by one, and together rarer than what counts as a conflict."""
    worst: dict[str, Judgement] = {}
    for one in match.judgements:
        group = registry.generic.groups.get(one.group)
        stated = one.trait is not None and one.trait.source != "default"
        if one.fit is Fit.MISFITS and stated and group is not None and not one.conflict:
            known = worst.get(one.group)
            if known is None or one.weight < known.weight:
                worst[one.group] = one
    if sum(one.weight for one in worst.values()) <= UNLIKELY:
        last = min(worst.values(), key=lambda one: (one.weight, one.name))
        if last.trait is not None:
            yield _against(last.name, last.trait, describe(last.condition))


def _is_near(token: int, wanted: list[int], top: int | None) -> bool:
    return (top is not None and token >= top) or any(abs(token - one) <= NEAR for one in wanted)


def _check_silent(
    match: RuleMatch,
    seen: Mapping[str, Trait],
    said: Mapping[str, frozenset[Scalar]],
    registry: Registry,
) -> Iterator[Evidence]:
    """Where the rule is silent, the generation's other rules and checkpoints speak."""
    for name, trait in seen.items():
        policy = policy_of(registry, name)
        if not policy.implied or name in match.rule.when:
            continue
        known = said.get(name)
        if known:
            if not fits(Condition(one_of=tuple(known)), trait.value):
                ordered = sorted(known, key=str)[:4]
                yield _against(name, trait, " or ".join(show(one) for one in ordered))
        elif policy.idle is not None and not fits(Condition(equals=policy.idle), trait.value):
            yield _against(name, trait, "absent")


def _check_missing(
    match: RuleMatch, observation: Observation, registry: Registry
) -> Iterator[Evidence]:
    """A scale that is no class default must stand in the config."""
    epsilon = observation.traits.get(EPSILON)
    if epsilon is None or epsilon.source == "default":
        return  # too little of the recipe was read to miss anything in it
    for name, condition in match.rule.when.items():
        policy = policy_of(registry, name)
        if not policy.required or condition.absent or name in observation.traits:
            continue
        if policy.idle is not None and fits(condition, policy.idle):
            continue
        yield Evidence.model_construct(
            signal=name,
            source="config",
            expected=" or ".join(show(one) for one in options(condition)),
            seen="absent",
            supports=False,
            weight=0.0,
        )


def _check_scaling(
    seen: Mapping[str, Trait], said: Mapping[str, frozenset[Scalar]]
) -> Iterator[Evidence]:
    """Scaling starts from the context of training; learned positions end there."""
    start, known = seen.get(SCALED_FROM), said.get(CONTEXT)
    if start is not None and known and start.value not in known | said.get(SCALED_FROM, known):
        yield _against(SCALED_FROM, start, " or ".join(show(one) for one in sorted(known)[:4]))
    context = seen.get(CONTEXT)
    if context is None or not known or THETA in said or said.get(POSITION, LEARNED) != LEARNED:
        return  # only a table of positions has as many rows as were trained
    longest = max((one for one in known if isinstance(one, int)), default=None)
    if longest is not None and isinstance(context.value, int) and context.value > longest:
        yield _against(CONTEXT, context, f"at most {longest}")


def _check_shape(architecture: Architecture) -> Iterator[Evidence]:
    """Widths that cannot belong to one model, whatever its design."""
    hidden, heads, groups = architecture.hidden_size, architecture.heads, architecture.kv_heads
    if heads and groups and (groups > heads or heads % groups):
        yield _unbuildable(architecture, "kv_heads", f"a divisor of {heads}")
    if architecture.head_dim and architecture.head_dim > WIDEST_HEAD:
        yield _unbuildable(architecture, "head_dim", f"at most {WIDEST_HEAD}")
    if hidden and heads and architecture.head_dim:
        low, high = HEADS_RATIOS
        if not low <= heads * architecture.head_dim / hidden <= high:
            expected = f"heads as wide as the model ({hidden})"
            yield _unbuildable(architecture, "head_dim", expected)
    if hidden and architecture.ffn and not architecture.experts:
        low, high = FFN_RATIOS
        if not low <= architecture.ffn / hidden <= high:
            expected = f"{low * hidden:g} to {high * hidden:g}"
            yield _unbuildable(architecture, "ffn", expected)
    if architecture.layers and architecture.layers > DEEPEST:
        yield _unbuildable(architecture, "layers", f"at most {DEEPEST}")
    if hidden and architecture.layers:
        low, high = ASPECTS
        if not low <= hidden / architecture.layers <= high:
            expected = f"{low * architecture.layers:g} to {high * architecture.layers:g}"
            yield _unbuildable(architecture, "hidden_size", expected)
    for name in ("layers", "hidden_size", "vocab_rows"):
        if getattr(architecture, name) == 0:
            yield _unbuildable(architecture, name, "at least 1")


def _check_places(architecture: Architecture, generation: Generation) -> Iterator[Evidence]:
    """The numbers of an official size, each under the name of another."""
    shown = {name: getattr(architecture, name) for name in SHUFFLED}
    for size in generation.sizes:
        official = {name: getattr(size, name) for name in SHUFFLED}
        known = {name: one for name, one in official.items() if None not in (one, shown[name])}
        seen = {name: shown[name] for name in known}
        moved = [name for name, value in known.items() if seen[name] != value]
        if len(moved) > MOVED and Counter(seen.values()) == Counter(known.values()):
            yield _unbuildable(architecture, moved[0], str(known[moved[0]]))


def _against(name: str, trait: Trait, expected: str) -> Evidence:
    return Evidence.model_construct(
        signal=name,
        source=trait.source,
        expected=expected,
        seen=show(trait.value),
        supports=False,
        weight=0.0,
    )


def _unbuildable(architecture: Architecture, name: str, expected: str) -> Evidence:
    source = architecture.seen_in.get(name, ["config"])[0]
    return _against(f"architecture.{name}", Trait(getattr(architecture, name), source), expected)


def _expected(
    match: RuleMatch, name: str, said: Mapping[str, frozenset[Scalar]]
) -> frozenset[Scalar]:
    condition = match.rule.when.get(name)
    if condition is None:
        return said.get(name, frozenset())
    return frozenset(options(condition))


@lru_cache(maxsize=64)
def _values_of(registry: Registry, key: str) -> dict[str, dict[str, frozenset[Scalar]]]:
    """Return what rules and checkpoints of each generation of a family say: trait to values."""
    return {
        generation.key: _collect(registry.by_key[key], generation.key, registry)
        for generation in registry.by_key[key].generations
    }


def _collect(family: Family, generation: str, registry: Registry) -> dict[str, frozenset[Scalar]]:
    said: dict[str, set[Scalar]] = {}
    for entry in family.generations:
        if entry.key == generation:
            for rule in entry.rules:
                for name, condition in rule.when.items():
                    said.setdefault(name, set()).update(options(condition))
    for exemplar in family.exemplars:
        if exemplar.generation == generation or generation in exemplar.ambiguous_with:
            for name, value in exemplar.traits.items():
                said.setdefault(name, set()).update(value if isinstance(value, list) else (value,))
    return {
        name: frozenset(values)
        for name, values in said.items()
        if name in (CONTEXT, SCALED_FROM, POSITION)
        or policy_of(registry, name).implied
        or policy_of(registry, name).special_id
    }
