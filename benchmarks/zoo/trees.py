"""Held-out families: random trees, drawn by seed, that no rule or threshold was chosen on.

One tree for each design. A tree is grown by training and reshaping, then given stored forms,
disguises and merges as leaves. A twin, trained on the same data in the same order from another
seed, gives the hardest negatives.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from typing import Any

from zoo.design import Shape, load_designs
from zoo.families import (
    ALL_LINEAR,
    ATTENTION,
    adapt,
    make_root,
    make_stacked_attack,
    train,
)
from zoo.recipe import MERGES, Recipe, Step, walk_ancestors

SEEDS = {401: "gated-untied", 402: "gated-tied", 403: "parallel", 404: "experts"}
SEEN_SEEDS = {
    hundred + place: design
    for hundred in (100, 200, 300)
    for place, design in enumerate(("gated-untied", "gated-tied", "parallel", "experts"), 1)
}
"""Held out once; their misses were looked into, so they count as design families now."""
NULL_TREE, NULL_SEED = "null-8000", 8000
SEEN_NULLS = {"null": 5000, "null-6000": 6000, "null-7000": 7000}
NULL_TREES = (NULL_TREE, *SEEN_NULLS)
NULL_ROOTS, NULL_STEPS = 16, 100
GROWN, STORED, DISGUISED, MERGED = 10, 4, 3, 6
MIXES = (("library",), ("documentation",), ("packages",), ("library", "documentation"))
GROWTH = {
    "finetune": 4, "continued": 2, "adapter": 2, "vocabulary": 1, "fewer-layers": 1,
    "narrower": 1, "more-layers": 1, "upcycled": 1,
}  # fmt: skip
FORMS = ("cast", "int8", "nf4", "gptq", "baked-int8", "baked-nf4", "sparse")
FILES = ("q8_0", "q4_k")
PLAIN_DISGUISES = ("neurons-permuted", "heads-permuted", "hidden-permuted", "scaled", "stacked")
FOLDING_DISGUISES = ("folded", "rotated", "rotated-trained")
DISGUISE_STEPS = {
    "neurons-permuted": "permute-neurons",
    "heads-permuted": "permute-heads",
    "hidden-permuted": "permute-hidden",
    "scaled": "scale",
    "rotated": "rotate",
}


@dataclass(frozen=True, slots=True)
class Member:
    """A trained member that others can be derived from, and what it looks like."""

    name: str
    design: str
    shape: Shape


class Tree:
    """One random tree in the making."""

    def __init__(self, seed: int, design: str) -> None:
        self.rng = random.Random(seed)
        self.name = f"t{seed}"
        self.seed = seed
        shape = self.draw_shape(design)
        self.root_facts: dict[str, Any] = {
            "tokenizer": self.rng.choice(["first", "second"]),
            "mix": self.rng.choice(MIXES),
            "order": seed,
            "held_out": True,
        }
        self.design, self.shape = design, shape
        root = make_root(self.name, self.name, design, shape, seed, **self.root_facts)
        self.recipes = {root.name: root}
        self.trained = [Member(root.name, design, shape)]
        self.count = 0

    def draw_shape(self, design: str) -> Shape:
        """Draw the sizes of the root."""
        facts = load_designs()[design]
        hidden = self.rng.choice([128, 160])
        heads = hidden // 32
        kv_heads = (2 if heads % 2 == 0 else 1) if facts.multi_query else heads
        layers = 3 if facts.experts else self.rng.choice([4, 5])
        ffn = 128 if facts.experts else self.rng.choice([256, 320]) * (1 if facts.gated else 2)
        return Shape(
            hidden, layers, heads, kv_heads, ffn, vocab=2048,
            experts=facts.experts, experts_per_token=facts.experts_per_token,
        )  # fmt: skip

    def add(self, kind: str, parents: list[str], steps: list[Step], **facts: Any) -> str:
        """Add a checkpoint under the next number."""
        self.count += 1
        name = f"{self.name}-{self.count:02d}"
        self.recipes[name] = Recipe(
            name, kind, self.name, tuple(parents), steps=tuple(steps), held_out=True, **facts
        )
        return name

    def draw_seed(self) -> int:
        """Draw a seed for data or noise."""
        return self.rng.randrange(10**6)

    def draw_training(self, kind: str) -> Step:
        """Draw how a checkpoint of this kind is trained."""
        rng = self.rng
        mix = rng.choice(MIXES)
        if kind == "continued":
            rate = rng.choice([1e-3, 1.5e-3, 2e-3])
            return train(mix, rng.choice([150, 200]), rate, self.draw_seed(), 0.1)
        if kind == "adapter":
            targets = rng.choice([ATTENTION, ALL_LINEAR])
            rate = rng.choice([1e-3, 2e-3])
            return adapt(
                mix, rng.choice([60, 80]), self.draw_seed(), rng.choice([4, 8, 16]), targets, rate
            )
        rate = rng.choice([1e-4, 3e-4, 1e-3])
        decay = rng.choice([0.0, 0.01, 0.1])
        return train(mix, rng.choice([60, 90, 140]), rate, self.draw_seed(), decay)

    def reshape(self, kind: str, parent: Member) -> tuple[list[Step], Member]:
        """Draw the change of shape that `kind` needs, and what results."""
        shape, design = parent.shape, parent.design
        step: Step
        if kind == "vocabulary":
            rows = self.rng.choice([16, 64])
            step = ("grow-vocabulary", {"rows": rows, "seed": self.draw_seed()})
            shape = replace(shape, vocab=shape.vocab + rows)
        elif kind == "fewer-layers":
            step = ("drop-layers", {"layers": [self.rng.randrange(1, shape.layers - 1)]})
            shape = replace(shape, layers=shape.layers - 1)
        elif kind == "narrower":
            kept = shape.ffn * 3 // 4
            step = ("narrow", {"ffn": kept})
            shape = replace(shape, ffn=kept)
        elif kind == "more-layers":
            step = ("stack-layers", {"overlap": 2})
            # Two copies of the overlap, one of everything else.
            shape = replace(shape, layers=shape.layers + 2)
        elif kind == "upcycled":
            step = ("upcycle", {"experts": 4, "seed": self.draw_seed()})
            shape = replace(shape, experts=4, experts_per_token=2)
            design = load_designs()[design].upcycled or design
        else:
            return [], parent
        return [step], replace(parent, design=design, shape=shape)

    def grow(self, parent: Member, kind: str) -> Member:
        """Derive one trained member."""
        steps, changed = self.reshape(kind, parent)
        steps.append(self.draw_training(kind))
        member = replace(changed, name=self.add(kind, [parent.name], steps))
        self.trained.append(member)
        return member

    def grow_all(self) -> None:
        """Grow a chain of three and a sibling, then at random."""
        same = ["finetune", "continued"]
        child = self.grow(self.trained[0], self.rng.choice(same))
        self.grow(self.trained[0], self.rng.choice(same))
        grandchild = self.grow(child, "finetune")
        self.grow(grandchild, "finetune")
        kinds, chances = list(GROWTH), list(GROWTH.values())
        while len(self.trained) <= GROWN:
            parent = self.rng.choice(self.trained)
            kind = self.rng.choices(kinds, chances)[0]
            if kind == "upcycled" and not load_designs()[parent.design].upcycled:
                continue
            if kind == "fewer-layers" and parent.shape.layers < 3:
                continue
            self.grow(parent, kind)

    def store_some(self) -> None:
        """Add stored forms of random members."""
        forms = list(FORMS) + [form for form in FILES if load_designs()[self.design].gguf]
        for form in self.rng.sample(forms, STORED):
            able = [
                one for one in self.trained
                if form not in FILES or load_designs()[one.design].gguf
            ]  # fmt: skip
            self.add(form, [self.rng.choice(able).name], [self.draw_form(form)])

    def draw_form(self, form: str) -> Step:
        """Return the step that stores a checkpoint in `form`."""
        if form == "sparse":
            return "sparsify", {"share": 0.5}
        if form == "gptq":
            return form, {"mix": list(self.rng.choice(MIXES)), "seed": self.draw_seed()}
        return form, {}

    def disguise_some(self) -> None:
        """Add disguised copies of random members."""
        kinds = list(PLAIN_DISGUISES)
        if load_designs()[self.design].norm == "rms":
            kinds += FOLDING_DISGUISES
        for kind in self.rng.sample(kinds, DISGUISED):
            seed = self.draw_seed()
            steps: list[Step]
            if kind == "stacked":
                steps = [*make_stacked_attack(seed), self.draw_training("finetune")]
            elif kind == "folded":
                steps = [("fold", {})]
            elif kind == "rotated-trained":
                steps = [("rotate", {"seed": seed}), self.draw_training("continued")]
            else:
                steps = [(DISGUISE_STEPS[kind], {"seed": seed})]
            self.add(kind, [self.rng.choice(self.trained).name], steps)

    def find_base(self, first: Member, second: Member) -> Member | None:
        """Return the nearest common ancestor, if the two are of its shape and neither is it."""
        if (first.design, first.shape) != (second.design, second.shape):
            return None
        above = list(walk_ancestors(first.name, self.recipes))
        others = set(walk_ancestors(second.name, self.recipes))
        if first.name in others or second.name in above:
            return None
        base = next(one for one in above if one in others)
        member = next(one for one in self.trained if one.name == base)
        return member if member.shape == first.shape else None

    def merge_some(self) -> None:
        """Add merges of random pairs, each kind at least once."""
        pairs = [
            (first, second, base)
            for place, first in enumerate(self.trained)
            for second in self.trained[place + 1 :]
            if (base := self.find_base(first, second))
        ]
        kinds = [*MERGES, *self.rng.choices(MERGES, k=MERGED - len(MERGES))]
        for kind in kinds:
            first, second, base = self.rng.choice(pairs)
            names = [first.name, second.name]
            if kind in ("linear", "slerp"):
                share = self.rng.choice([0.3, 0.4, 0.5, 0.6, 0.7])
                weights = (share, round(1 - share, 1))
                self.add(kind, names, [(kind, {"share": share})], weights=weights)
            else:
                share = self.rng.choice([0.3, 0.5, 0.7])
                facts: dict[str, Any] = (
                    {"density": share}
                    if kind == "ties"
                    else {"drop": share, "seed": self.draw_seed()}
                )
                self.add(kind, names, [(kind, facts)], base=base.name)

    def add_twin(self) -> None:
        """Add a root that differs by its initialisation alone, and derivatives of it."""
        twin = f"{self.name}-twin"
        self.recipes[twin] = make_root(
            twin, self.name, self.design, self.shape, self.seed + 1000, **self.root_facts
        )
        for kind in ("finetune", "continued", "adapter"):
            self.add(kind, [twin], [self.draw_training(kind)])
        for form in ("cast", "nf4", "gptq"):
            self.add(form, [twin], [self.draw_form(form)])

    def add_shared(self) -> None:
        """Add a root with the same initialisation that is trained on other data."""
        shared = f"{self.name}-shared"
        others = [mix for mix in MIXES if not set(mix) & set(self.root_facts["mix"])]
        facts = self.root_facts | {"mix": self.rng.choice(others), "order": self.seed + 2000}
        self.recipes[shared] = make_root(
            shared, self.name, self.design, self.shape, self.seed, **facts
        )


def draw_tree(seed: int, design: str) -> list[Recipe]:
    """Return the recipes of one held-out tree: the same for the same seed."""
    tree = Tree(seed, design)
    tree.grow_all()
    tree.store_some()
    tree.disguise_some()
    tree.merge_some()
    tree.add_twin()
    if seed % 2:
        tree.add_shared()
    return list(tree.recipes.values())


def list_null_recipes(tree: str = NULL_TREE, seed: int = NULL_SEED) -> list[Recipe]:
    """Return roots that differ by nothing but their seed, trained briefly.

    Pairs within two trees share two roots and so one draw of chance; these roots give as many
    draws as they have pairs, for the distribution of a statistic under independence.
    """
    shape = Shape(hidden=128, layers=4, heads=4, kv_heads=2, ffn=256, vocab=2048)
    facts: dict[str, Any] = {"order": seed, "steps": NULL_STEPS, "held_out": True}
    return [
        make_root(f"{tree}-{place:02d}", tree, "gated-tied", shape, seed + place, **facts)
        for place in range(NULL_ROOTS)
    ]


def list_seen_recipes() -> list[Recipe]:
    """Return the recipes of the trees and null roots that were held out before."""
    trees = [recipe for seed, design in SEEN_SEEDS.items() for recipe in draw_tree(seed, design)]
    nulls = [
        recipe for tree, seed in SEEN_NULLS.items() for recipe in list_null_recipes(tree, seed)
    ]
    return trees + nulls


def list_held_out_recipes() -> list[Recipe]:
    """Return the recipes of every held-out tree and of the null roots."""
    trees = [recipe for seed, design in SEEDS.items() for recipe in draw_tree(seed, design)]
    return trees + list_null_recipes()


def is_held_out(tree: str) -> bool:
    """Return whether no threshold was chosen with sight of this tree's members."""
    return tree == NULL_TREE or tree in {f"t{seed}" for seed in SEEDS}
