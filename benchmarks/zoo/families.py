"""The families used while famtree's statistics were designed: every relation, by hand."""

from __future__ import annotations

from typing import Any

from zoo.design import Shape
from zoo.recipe import Recipe, Step, make_course, make_origin

ROOT_STEPS = 500
ROOT_RATE = 3e-3
ATTENTION = ("q", "v")
ALL_LINEAR = ("q", "k", "v", "o", "gate", "up", "down")
LIBRARY, DOCUMENTATION, PACKAGES = ("library",), ("documentation",), ("packages",)


def train(mix: tuple[str, ...], steps: int, rate: float, seed: int, decay: float = 0.0) -> Step:
    """Return a step that trains all weights."""
    return "train", make_course(mix, steps, rate, decay, seed)


def adapt(
    mix: tuple[str, ...], steps: int, seed: int, rank: int, targets: tuple[str, ...], rate: float
) -> Step:
    """Return a step that trains a low-rank adapter and merges it."""
    course = make_course(mix, steps, rate, 0.0, seed)
    return "adapt", {"course": course, "rank": rank, "targets": list(targets)}


def make_root(
    name: str,
    tree: str,
    design: str,
    shape: Shape,
    seed: int,
    *,
    tokenizer: str = "first",
    mix: tuple[str, ...] = LIBRARY,
    order: int = 10,
    decay: float = 0.1,
    steps: int = ROOT_STEPS,
    teacher: str | None = None,
    held_out: bool = False,
) -> Recipe:
    """Return a network trained from scratch; `seed` draws its weights, `order` its data."""
    course = make_course(mix, steps, ROOT_RATE, decay, order, batch=8)
    return Recipe(
        name,
        "distilled" if teacher else "root",
        tree,
        teacher=teacher,
        steps=(("distil" if teacher else "train", course),),
        origin=make_origin(design, shape, seed, tokenizer),
        held_out=held_out,
    )


class Family:
    """Recipes of one root, collected under names that begin with the root's."""

    def __init__(self, root: Recipe) -> None:
        self.root = root
        self.recipes = [root]

    def add(self, suffix: str, kind: str, parent: str, *steps: Step, **facts: Any) -> None:
        """Add a child of `parent` (a suffix, empty for the root)."""
        parents = tuple(self.name(one) for one in parent.split("+"))
        self.recipes.append(
            Recipe(
                self.name(suffix),
                kind,
                self.root.tree,
                parents=parents,
                steps=steps,
                held_out=self.root.held_out,
                **facts,
            )
        )

    def name(self, suffix: str) -> str:
        """Return the full name of a member."""
        return f"{self.root.name}-{suffix}" if suffix else self.root.name

    def add_common(self, *, rotatable: bool = True) -> None:
        """Add what every design goes through: chains, an adapter, a merge, quantized, disguised."""
        self.add("ft", "finetune", "", train(PACKAGES, 90, 3e-4, 21))
        self.add("ft-ft", "finetune", "ft", train(DOCUMENTATION, 90, 3e-4, 24))
        self.add("cpt", "continued", "", train(DOCUMENTATION, 200, 1.5e-3, 22, 0.1))
        self.add("cpt-ft", "finetune", "cpt", train(PACKAGES, 100, 2e-4, 25))
        self.add("lora", "adapter", "", adapt(PACKAGES, 80, 23, 8, ATTENTION, 2e-3))
        self.add("linear", "linear", "ft+cpt", ("linear", {"share": 0.5}), weights=(0.5, 0.5))
        self.add("nf4", "nf4", "", ("nf4", {}))
        if rotatable:
            self.add("rot", "rotated", "", ("rotate", {"seed": 44}))
        else:
            # Layer normalisation subtracts a mean, which a rotation does not leave alone.
            self.add("hidden", "hidden-permuted", "", ("permute-hidden", {"seed": 44}))

    def add_training(self) -> None:
        """Add weaker, stronger, longer and decaying training, and a third generation."""
        self.add("ft-weak", "finetune", "", train(PACKAGES, 60, 3e-5, 26))
        self.add("ft-strong", "finetune", "", train(PACKAGES, 150, 2e-3, 27))
        self.add("ft-decay", "finetune", "", train(DOCUMENTATION, 90, 5e-4, 28, 0.1))
        self.add("ft-ft-ft", "finetune", "ft-ft", train(LIBRARY, 90, 3e-4, 29))
        self.add("cpt-long", "continued", "", train(DOCUMENTATION, 800, 3e-3, 20, 0.1))
        self.add("lora-all", "adapter", "", adapt(DOCUMENTATION, 80, 30, 4, ALL_LINEAR, 2e-3))

    def add_merges(self) -> None:
        """Add merges of every kind."""
        self.add(
            "slerp", "slerp", "ft-strong+ft-decay", ("slerp", {"share": 0.5}), weights=(0.5, 0.5)
        )
        self.add("linear-30", "linear", "cpt+ft-ft", ("linear", {"share": 0.3}), weights=(0.3, 0.7))
        root = self.root.name
        self.add("ties", "ties", "ft+ft-decay", ("ties", {"density": 0.5}), base=root)
        self.add("dare", "dare", "ft-strong+cpt", ("dare", {"drop": 0.5, "seed": 9}), base=root)

    def add_formats(self) -> None:
        """Add every storage format."""
        self.add("fp16", "cast", "", ("cast", {}))
        self.add("int8", "int8", "", ("int8", {}))
        self.add("gptq", "gptq", "", ("gptq", {"mix": list(LIBRARY), "seed": 50}))
        self.add("ft-gptq", "gptq", "ft", ("gptq", {"mix": list(PACKAGES), "seed": 51}))
        self.add("baked-nf4", "baked-nf4", "cpt", ("baked-nf4", {}))
        self.add("baked-int8", "baked-int8", "ft", ("baked-int8", {}))
        self.add_files()

    def add_files(self) -> None:
        """Add GGUF files."""
        self.add("q8", "q8_0", "", ("q8_0", {}))
        self.add("q4", "q4_k", "", ("q4_k", {}))
        self.add("ft-q4", "q4_k", "ft", ("q4_k", {}))

    def add_shapes(self) -> None:
        """Add pruned, stacked, widened and upcycled networks, each trained on."""
        drop = ("drop-layers", {"layers": [2]})
        self.add("depth", "fewer-layers", "", drop)
        self.add("depth-heal", "finetune", "depth", train(LIBRARY, 90, 5e-4, 31))
        narrow = ("narrow", {"ffn": 192})
        self.add("width", "narrower", "", narrow, train(LIBRARY, 110, 1e-3, 32))
        self.add("sparse", "sparse", "", ("sparsify", {"share": 0.5}))
        stack = ("stack-layers", {"overlap": 2})
        self.add("stacked-layers", "more-layers", "", stack, train(LIBRARY, 90, 5e-4, 52))
        grow = ("grow-vocabulary", {"rows": 64, "seed": 5})
        self.add("vocab", "vocabulary", "", grow, train(PACKAGES, 90, 3e-4, 33))
        self.add(
            "moe",
            "upcycled",
            "",
            ("upcycle", {"experts": 4, "seed": 3}),
            train(DOCUMENTATION, 90, 1e-3, 34),
        )

    def add_attacks(self) -> None:
        """Add function-preserving disguises, alone, stacked, and trained on."""
        self.add("neurons", "neurons-permuted", "", ("permute-neurons", {"seed": 41}))
        self.add("heads", "heads-permuted", "", ("permute-heads", {"seed": 42}))
        self.add("hidden", "hidden-permuted", "", ("permute-hidden", {"seed": 43}))
        self.add("fold", "folded", "", ("fold", {}))
        self.add("scale", "scaled", "", ("scale", {"seed": 45}))
        self.add(
            "attack",
            "stacked",
            "cpt",
            *make_stacked_attack(46),
            train(PACKAGES, 90, 5e-4, 35),
        )
        self.add(
            "rot-cpt",
            "rotated-trained",
            "",
            ("rotate", {"seed": 47}),
            train(DOCUMENTATION, 150, 1e-3, 36, 0.1),
        )


def make_stacked_attack(seed: int) -> tuple[Step, ...]:
    """Return every permutation and scaling in turn."""
    names = ("permute-neurons", "permute-heads", "permute-hidden", "scale")
    return tuple((name, {"seed": seed + turn}) for turn, name in enumerate(names))


def list_design_recipes() -> list[Recipe]:
    """Return the recipes of every design family."""
    small = Shape(hidden=128, layers=4, heads=4, kv_heads=2, ffn=256, vocab=2048)
    dense = Shape(hidden=128, layers=4, heads=4, kv_heads=4, ffn=512, vocab=2048)
    mixed = Shape(
        hidden=128,
        layers=3,
        heads=4,
        kv_heads=2,
        ffn=128,
        vocab=2048,
        experts=4,
        experts_per_token=2,
    )
    wide = Shape(hidden=256, layers=3, heads=4, kv_heads=2, ffn=512, vocab=2048, head_dim=64)
    untied, tied, parallel, experts = "gated-untied", "gated-tied", "parallel", "experts"
    a = Family(make_root("a", "a", untied, small, 1))
    a.add_common()
    a.add_training()
    a.add_merges()
    a.add_formats()
    a.add_shapes()
    a.add_attacks()
    b = Family(make_root("b", "b", tied, small, 3, order=11))
    b.add_common()
    b.add(
        "rot-cpt",
        "rotated-trained",
        "",
        ("rotate", {"seed": 48}),
        train(DOCUMENTATION, 150, 1e-3, 37, 0.1),
    )
    c = Family(
        make_root(
            "c",
            "c",
            parallel,
            dense,
            5,
            tokenizer="second",
            mix=("packages", "documentation"),
            order=12,
        )
    )
    c.add_common(rotatable=False)
    d = Family(make_root("d", "d", experts, mixed, 7, order=14))
    d.add_common()
    # At its weight-decay equilibrium a network's norm no longer says which way training went.
    e = Family(make_root("e", "e", untied, small, 6, order=15, decay=2.0))
    e.add("ft", "finetune", "", train(PACKAGES, 90, 3e-4, 21))
    e.add("ft-decay", "finetune", "", train(DOCUMENTATION, 90, 5e-4, 28, 2.0))
    e.add("cpt", "continued", "", train(DOCUMENTATION, 200, 1.5e-3, 22, 2.0))
    # Wide enough for blocks of 256 weights.
    f = Family(make_root("f", "f", untied, wide, 8, order=16))
    f.add("ft", "finetune", "", train(PACKAGES, 90, 3e-4, 21))
    f.add_files()
    others = [
        make_root("a-twin", "a", untied, small, 2),
        make_root("a-shared", "a", untied, small, 1, mix=DOCUMENTATION, order=13),
        make_root("a-distilled", "a", untied, small, 77, order=17, teacher="a"),
        make_root("b-twin", "b", tied, small, 4, order=11),
        make_root(
            "c-twin",
            "c",
            parallel,
            dense,
            9,
            tokenizer="second",
            mix=("packages", "documentation"),
            order=12,
        ),
        make_root("d-twin", "d", experts, mixed, 11, order=14),
    ]
    twin = Family(others[0])
    twin.add("ft", "finetune", "", train(PACKAGES, 90, 3e-4, 21))
    twin.add("cpt", "continued", "", train(DOCUMENTATION, 200, 1.5e-3, 22, 0.1))
    families = (a, twin, b, c, d, e, f)
    return [one for family in families for one in family.recipes] + others[1:]
