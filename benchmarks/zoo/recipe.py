"""How one checkpoint of the zoo is made, and what is true of it. Needs no torch."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

from zoo.design import Shape

KINDS: dict[str, tuple[str | None, bool]] = {
    # kind: (relation to the parents in the words of `famtree lineage`, disguised)
    "root": (None, False),
    "distilled": (None, False),
    "finetune": ("finetune", False),
    "continued": ("continued-pretrain", False),
    "adapter": ("finetune", False),
    "vocabulary": ("finetune", False),
    "linear": ("merge", False),
    "slerp": ("merge", False),
    "ties": ("merge", False),
    "dare": ("merge", False),
    "cast": ("converted", False),
    "int8": ("quantized", False),
    "nf4": ("quantized", False),
    "gptq": ("quantized", False),
    "baked-int8": ("quantized", False),
    "baked-nf4": ("quantized", False),
    "q8_0": ("quantized", False),
    "q4_k": ("quantized", False),
    "fewer-layers": ("pruned", False),
    "narrower": ("pruned", False),
    "sparse": ("pruned", False),
    "more-layers": ("upscaled", False),
    "upcycled": ("upcycled", False),
    "neurons-permuted": ("converted", True),
    "heads-permuted": ("converted", True),
    "hidden-permuted": ("converted", True),
    "folded": ("converted", True),
    "rotated": ("converted", True),
    "scaled": ("converted", True),
    "stacked": ("finetune", True),
    "rotated-trained": ("continued-pretrain", True),
}
EXACT_MERGES = ("linear", "slerp")
SPARSE_MERGES = ("ties", "dare")
MERGES = EXACT_MERGES + SPARSE_MERGES

Step = tuple[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Recipe:
    """One checkpoint: its parents, and the steps that lead from them to it."""

    name: str
    kind: str
    tree: str
    """Every checkpoint that is drawn, trained or compared together; a twin root is in it too."""
    parents: tuple[str, ...] = ()
    weights: tuple[float, ...] = ()
    """Shares of the parents of an exact merge."""
    base: str | None = None
    """What the deltas of a sparse merge are taken from."""
    teacher: str | None = None
    steps: tuple[Step, ...] = ()
    origin: dict[str, Any] = field(default_factory=dict)
    """A root's design, shape, initialisation seed and tokenizer."""
    held_out: bool = False

    def needs(self) -> tuple[str, ...]:
        """Return the names that must exist before this one is made."""
        others = (self.base, self.teacher)
        return tuple(dict.fromkeys((*self.parents, *(one for one in others if one))))


def make_origin(design: str, shape: Shape, seed: int, tokenizer: str) -> dict[str, Any]:
    """Return the origin of a root."""
    return {
        "design": design,
        "shape": asdict(shape),
        "initialisation": seed,
        "tokenizer": tokenizer,
    }


def make_course(
    mix: Iterable[str], steps: int, rate: float, decay: float, seed: int, batch: int = 4
) -> dict[str, Any]:
    """Return the arguments of a training step."""
    return {
        "mix": list(mix),
        "steps": steps,
        "rate": rate,
        "decay": decay,
        "seed": seed,
        "batch": batch,
    }


def find_root(name: str, recipes: dict[str, Recipe]) -> str:
    """Return the from-scratch ancestor whose initialisation `name` carries."""
    while recipes[name].parents:
        name = recipes[name].parents[0]
    return name


class Derived(Protocol):
    """Anything with parents: a recipe, or a finished member."""

    @property
    def parents(self) -> tuple[str, ...]:
        """Return their names."""
        ...


def walk_ancestors(name: str, recipes: Mapping[str, Derived]) -> Iterator[str]:
    """Yield every ancestor by weights, parents first, each once."""
    seen: set[str] = set()
    waiting = list(recipes[name].parents)
    while waiting:
        one = waiting.pop(0)
        if one not in seen:
            seen.add(one)
            yield one
            waiting += recipes[one].parents


def make_keys(recipes: dict[str, Recipe], text_digest: str, version: int) -> dict[str, str]:
    """Return a digest per recipe of everything its weights depend on, parents included."""
    keys: dict[str, str] = {}

    def key(name: str) -> str:
        if name not in keys:
            needed = [key(other) for other in recipes[name].needs()]
            facts = json.dumps(
                [version, text_digest, needed, asdict(recipes[name])], sort_keys=True
            )
            keys[name] = hashlib.sha256(facts.encode()).hexdigest()[:16]
        return keys[name]

    for name in recipes:
        key(name)
    return keys


def describe_truth(name: str, recipes: dict[str, Recipe]) -> dict[str, Any]:
    """Return what truth.json says of a checkpoint, apart from what its making measured."""
    recipe = recipes[name]
    relation, disguised = KINDS[recipe.kind]
    root = find_root(name, recipes)
    return {
        "name": name,
        "kind": recipe.kind,
        "relation": relation,
        "disguised": disguised,
        "tree": recipe.tree,
        "held_out": recipe.held_out,
        "root": root,
        "origin": recipes[root].origin,
        "parents": list(recipe.parents),
        "weights": list(recipe.weights),
        "base": recipe.base,
        "teacher": recipe.teacher,
        "steps": [list(step) for step in recipe.steps],
    }
