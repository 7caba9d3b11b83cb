"""Does anything that cannot exist get a confident answer?

    python benchmarks/nonsense.py [--count N] [--seeds N ...] [--write]

Checkpoints are made up (random configurations with matching headers) or put together from the
recorded traits of two or three families; docs/how-it-decides.md says what is drawn again. Each may
be answered with a guess; none may be identified with a confidence of 0.9 or more. Exits with 1 if
one is. `--write` puts the table into that page.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from famtree.fingerprints.build import CheckpointFacts, build_fingerprint
from famtree.fingerprints.from_traits import fingerprint_traits
from famtree.fingerprints.tensors import observe_tensors
from famtree.matchers.classify import classify
from famtree.matchers.observation import CLASS_NAME, MODEL_TYPE, TEXT_MODEL_TYPE, observe
from famtree.registry.conditions import fits, same
from famtree.registry.load import load_registry
from famtree.registry.registry import Registry
from famtree.types.checkpoint import TensorIndex, TensorInfo
from famtree.types.family import Condition, Exemplar, Family, KnownTokenizer, Rule, Size
from famtree.types.fingerprint import Fingerprint

COUNT = 200
SEED = 7
CONFIDENT = 0.9
Traits = dict[str, Any]
_ROWS = "architecture.vocab_rows"
_RECIPE = (
    "recipe.rope_theta", "recipe.rope_type", "recipe.norm_eps", "recipe.activation",
    "recipe.position", "recipe.bos_id", "recipe.eos_ids", "recipe.context",
)  # fmt: skip
_SHAPE = (
    "architecture.layers", "architecture.hidden_size", "architecture.heads",
    "architecture.kv_heads", "architecture.head_dim", "architecture.ffn",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Nonsense:
    """One checkpoint that cannot exist."""

    kind: str
    name: str
    fingerprint: Fingerprint


@dataclass(frozen=True, slots=True)
class Finding:
    """The answer to one of them."""

    case: Nonsense
    outcome: str
    answer: str | None
    confidence: float


class Workshop:
    """Makes nonsense from the traits a registry records."""

    def __init__(self, registry: Registry, seed: int) -> None:
        self._chance = random.Random(seed)
        self._pool = [
            (family, exemplar)
            for family in registry.families
            for exemplar in family.exemplars
            if _ROWS in exemplar.traits and TEXT_MODEL_TYPE in exemplar.traits
        ]
        self._classes = sorted(
            {
                (str(one.traits[MODEL_TYPE]), str(one.traits[CLASS_NAME]))
                for _, one in self._pool
                if {MODEL_TYPE, CLASS_NAME} <= one.traits.keys()
            }
        )
        self._tokenizers = [
            (family, known)
            for family in registry.families
            for known in family.tokenizers
            if known.vocabulary
        ]
        self._makers: tuple[Callable[[], Nonsense], ...] = (
            self.invent, self.borrow_class, self.splice_recipe, self.splice_body, self.rename,
            self.swap_tokenizer, self.shuffle,
        )  # fmt: skip

    def make(self, count: int) -> list[Nonsense]:
        """Return `count` cases, every kind in turn."""
        return [self._makers[at % len(self._makers)]() for at in range(count)]

    def invent(self) -> Nonsense:
        """A configuration of no known class, with the header that belongs to it."""
        config, index = self._invent_body()
        name = f"Acme{self._chance.randrange(10**6)}"
        config |= {"model_type": name.lower(), "architectures": [f"{name}ForCausalLM"]}
        return Nonsense("invented", name, _fingerprint(config, index))

    def borrow_class(self) -> Nonsense:
        """A random shape and vocabulary under a famous class name."""
        config, index = self._invent_body()
        model_type, class_name = self._chance.choice(self._classes)
        config |= {"model_type": model_type, "architectures": [class_name]}
        return Nonsense("borrowed class", class_name, _fingerprint(config, index))

    def splice_recipe(self) -> Nonsense:
        """A body with the training recipe of another family."""
        while True:
            (family, body), (lender, other) = self._choose_pair(_differ_in_recipe)
            lent = {name: one for name, one in other.traits.items() if name.startswith("recipe.")}
            traits = _without(body.traits, "recipe.") | lent
            released = self._is_released(traits) or _is_built_on(lender, body.traits)
            if not released and _count_foreign(family, other.traits) >= 3:
                break
        return Nonsense("foreign recipe", f"{body.repo} + {other.repo}", fingerprint_traits(traits))

    def splice_body(self) -> Nonsense:
        """The shape and recipe of one family, the class and vocabulary of two others."""
        (_, body), (_, other) = self._choose_pair(_differ_in_recipe)
        traits = dict(body.traits)
        for name in (MODEL_TYPE, TEXT_MODEL_TYPE, CLASS_NAME):
            _copy(other.traits, traits, name)
        rows = traits[_ROWS]
        (_, third) = self._chance.choice(
            [
                one
                for one in self._pool
                if _rows_differ(one[1].traits[_ROWS], rows)
                and _rows_differ(one[1].traits[_ROWS], other.traits[_ROWS])
            ]
        )
        traits[_ROWS] = third.traits[_ROWS]
        name = f"{body.repo} + {other.repo} + {third.repo}"
        return Nonsense("three families", name, fingerprint_traits(traits))

    def rename(self) -> Nonsense:
        """One family's checkpoint under another's model_type and class."""
        while True:
            (_, body), (namesake, other) = self._choose_pair(_differ_in_recipe)
            traits = _without(body.traits, "tokenizer.")
            for name in (MODEL_TYPE, TEXT_MODEL_TYPE, CLASS_NAME):
                traits.pop(name, None)
                _copy(other.traits, traits, name)
            # A wrapper around the body as it is renames nothing.
            renamed = body.traits[TEXT_MODEL_TYPE] != other.traits[TEXT_MODEL_TYPE]
            if renamed and not self._is_released(traits) and not _is_built_on(namesake, traits):
                break
        return Nonsense("renamed", f"{body.repo} as {other.repo}", fingerprint_traits(traits))

    def swap_tokenizer(self) -> Nonsense:
        """One family's checkpoint with the known vocabulary of another."""
        while True:
            family, body = self._chance.choice(self._pool)
            owner, known = self._chance.choice(self._tokenizers)
            if owner.key != family.key and _is_foreign(family, known):
                break
        traits = _without(body.traits, "tokenizer.")
        for name in (
            "kind", "entries", "base_entries", "vocabulary", "merges", "added", "added_count",
            "sketch",
        ):  # fmt: skip
            if (value := getattr(known, name)) is not None:
                traits[f"tokenizer.{name}"] = value
        name = f"{body.repo} with {known.name}"
        return Nonsense("foreign tokenizer", name, fingerprint_traits(traits))

    def shuffle(self) -> Nonsense:
        """The numbers of one checkpoint, each under another's name."""
        while True:
            _, body = self._chance.choice(self._pool)
            names = [name for name in (*_SHAPE, _ROWS) if name in body.traits]
            values = [body.traits[name] for name in names]
            mixed = self._chance.sample(values, len(values))
            if sum(one != other for one, other in zip(values, mixed, strict=True)) >= 4:
                break
        traits = dict(body.traits) | dict(zip(names, mixed, strict=True))
        return Nonsense("shuffled", body.repo, fingerprint_traits(traits))

    def _choose_pair(
        self, differ: Callable[[Traits, Traits], bool]
    ) -> tuple[tuple[Family, Exemplar], tuple[Family, Exemplar]]:
        """Two checkpoints of two families, and of two designs."""
        while True:
            one, other = self._chance.sample(self._pool, 2)
            traits = one[1].traits, other[1].traits
            if one[0].key != other[0].key and differ(*traits) and not _share_design(*traits):
                return one, other

    def _is_released(self, traits: Traits) -> bool:
        """True when a published checkpoint shows every one of these traits: that is no nonsense."""
        return any(traits.items() <= one.traits.items() for _, one in self._pool)

    def _invent_body(self) -> tuple[dict[str, Any], TensorIndex]:
        chance = self._chance
        head = chance.choice((48, 56, 72, 80, 88, 104))
        groups = chance.choice((1, 2, 3))
        heads = groups * chance.randint(3, 11)
        figures = {
            "num_hidden_layers": chance.choice((5, 7, 9, 11, 13, 17)),
            "hidden_size": heads * head,
            "num_attention_heads": heads,
            "num_key_value_heads": groups,
            "head_dim": head,
            "intermediate_size": chance.randrange(700, 9000, 20) + 4,
            "vocab_size": chance.randrange(3001, 300000, 14),
            "max_position_embeddings": chance.randrange(600, 50000, 100),
            "rms_norm_eps": chance.choice((1e-4, 3e-6, 2e-5)),
            "rope_theta": float(chance.randrange(11000, 900000, 1300)),
            "hidden_act": chance.choice(("relu", "tanh", "mish")),
            "bos_token_id": chance.randrange(20, 2000),
            "eos_token_id": chance.randrange(20, 2000),
        }
        return dict(figures), _make_header(figures)


def _make_header(figures: Mapping[str, Any]) -> TensorIndex:
    """Return the tensors such a configuration would have, under the usual names."""
    hidden, ffn = figures["hidden_size"], figures["intermediate_size"]
    key_values = figures["num_key_value_heads"] * figures["head_dim"]
    shapes: dict[str, tuple[int, ...]] = {
        "model.embed_tokens.weight": (figures["vocab_size"], hidden),
        "model.norm.weight": (hidden,),
        "lm_head.weight": (figures["vocab_size"], hidden),
    }
    for layer in range(figures["num_hidden_layers"]):
        here = f"model.layers.{layer}"
        shapes |= {
            f"{here}.self_attn.q_proj.weight": (hidden, hidden),
            f"{here}.self_attn.k_proj.weight": (key_values, hidden),
            f"{here}.self_attn.v_proj.weight": (key_values, hidden),
            f"{here}.self_attn.o_proj.weight": (hidden, hidden),
            f"{here}.mlp.gate_proj.weight": (ffn, hidden),
            f"{here}.mlp.up_proj.weight": (ffn, hidden),
            f"{here}.mlp.down_proj.weight": (hidden, ffn),
            f"{here}.input_layernorm.weight": (hidden,),
            f"{here}.post_attention_layernorm.weight": (hidden,),
        }
    file = "model.safetensors"
    tensors = {name: TensorInfo(name, "BF16", shape, 0, 2, file) for name, shape in shapes.items()}
    return TensorIndex(tensors, frozenset(tensors), True, (file,))


def _is_foreign(family: Family, known: KnownTokenizer) -> bool:
    """True when no generation of the family ships this vocabulary, under any name."""
    return not any(
        known.vocabulary == one.vocabulary or (known.merges and known.merges == one.merges)
        for one in family.tokenizers
    )


def _fingerprint(config: dict[str, Any], index: TensorIndex) -> Fingerprint:
    facts = CheckpointFacts(config=config, observed=observe_tensors(index))
    return build_fingerprint(facts)


def _rows_differ(one: Any, other: Any) -> bool:
    return abs(int(one) - int(other)) > max(600, 0.03 * max(int(one), int(other)))


def _share_design(one: Traits, other: Traits) -> bool:
    """True for two families built on one decoder: each with the other's recipe is that decoder.

    Vocabularies that are not on record are told by their rows.
    """
    if one[TEXT_MODEL_TYPE] != other[TEXT_MODEL_TYPE]:
        return False
    for name in ("tokenizer.vocabulary", "tokenizer.merges"):
        if one.get(name) and other.get(name):
            return bool(one[name] == other[name])
    return not _rows_differ(one[_ROWS], other[_ROWS])


def _is_built_on(family: Family, body: Traits) -> bool:
    """True when the family ships this very decoder: one of its sizes, with one of its recipes."""
    return any(
        _is_of_size(size, body) and _has_rows(size, rule, body) and _fits_recipe(rule.when, body)
        for generation in family.generations
        for size in generation.sizes
        for rule in generation.rules
    )


def _is_of_size(size: Size, body: Traits) -> bool:
    field = "architecture."
    return all(getattr(size, one[len(field) :], None) in (None, body.get(one)) for one in _SHAPE)


def _has_rows(size: Size, rule: Rule, body: Traits) -> bool:
    if size.vocab_rows is not None:
        return not _rows_differ(size.vocab_rows, body[_ROWS])
    return _ROWS in rule.when and fits(rule.when[_ROWS], body[_ROWS])


def _fits_recipe(when: Mapping[str, Condition], body: Traits) -> bool:
    stated = {name: _freeze(body[name]) for name in _RECIPE if name in when and name in body}
    return len(stated) > 2 and all(fits(when[name], value) for name, value in stated.items())


def _count_foreign(family: Family, recipe: Traits) -> int:
    """Count the values of a recipe that no checkpoint and no rule of the family has."""
    conditions = [rule.when for generation in family.generations for rule in generation.rules]
    members = [one.traits for one in family.exemplars]
    return sum(
        not any(name in one and not _unequal(recipe[name], one[name]) for one in members)
        and not any(name in when and fits(when[name], _freeze(recipe[name])) for when in conditions)
        for name in _RECIPE
        if name in recipe
    )


def _freeze(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _differ_in_recipe(one: Traits, other: Traits) -> bool:
    """True when three or more of what both recipes state differ: with fewer, nothing is spliced."""
    return sum(_unequal(one.get(name), other.get(name)) for name in _RECIPE) >= 3


def _unequal(one: Any, other: Any) -> bool:
    if one is None or other is None or isinstance(one, list) or isinstance(other, list):
        return one is not None and other is not None and one != other
    return not same(one, other)


def _without(traits: Traits, prefix: str) -> Traits:
    return {name: value for name, value in traits.items() if not name.startswith(prefix)}


def _copy(source: Traits, target: Traits, name: str) -> None:
    if name in source:
        target[name] = source[name]


def ask(registry: Registry, count: int = COUNT, seed: int = SEED) -> list[Finding]:
    """Make `count` cases and return the answer to each."""
    found = []
    for case in Workshop(registry, seed).make(count):
        result = classify(observe(case.fingerprint, registry.generic), registry)
        answer = None
        if result.family is not None:
            generation = result.generation.key if result.generation else "?"
            answer = f"{result.family.key}/{generation}"
        found.append(Finding(case, result.outcome, answer, result.confidence))
    return found


def list_confident(findings: list[Finding]) -> list[Finding]:
    """Return the answers that name a family with a confidence of 0.9 or more."""
    return [one for one in findings if one.answer is not None and one.confidence >= CONFIDENT]


def render_table(findings: list[Finding]) -> str:
    """Return answers by kind, as Markdown."""
    lines = [
        "| kind | cases | named | highest confidence | 0.9 or more |",
        "|---|---:|---:|---:|---:|",
    ]
    for kind in dict.fromkeys(one.case.kind for one in findings):
        own = [one for one in findings if one.case.kind == kind]
        named = [one.confidence for one in own if one.answer is not None]
        lines.append(
            f"| {kind} | {len(own)} | {len(named)} | {max(named, default=0.0):.2f} "
            f"| {len(list_confident(own))} |"
        )
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--count", type=int, default=COUNT, help="cases for each seed")
    parser.add_argument("--seeds", type=int, nargs="+", default=[SEED])
    parser.add_argument("--write", action="store_true", help="replace the table of the page")
    asked = parser.parse_args()
    registry = load_registry()
    findings = [one for seed in asked.seeds for one in ask(registry, asked.count, seed)]
    confident = list_confident(findings)
    for one in sorted(confident, key=lambda one: -one.confidence):
        print(f"{one.confidence:.2f} {one.answer}: {one.case.kind}: {one.case.name}")
    print(table := render_table(findings))
    if asked.write:
        from page import write_block

        write_block("nonsense", table)
    told = {"cases": len(findings), "confident": len(confident)}
    print(json.dumps(told | dict(sorted(Counter(one.outcome for one in findings).items()))))
    return int(bool(confident))


if __name__ == "__main__":
    sys.exit(main())
