"""Making the zoo: each recipe's steps in turn, stored once under a key of all it depends on."""

from __future__ import annotations

import json
import multiprocessing
import shutil
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from zoo import disguise, merging, packing, surgery, training
from zoo.design import Shape, load_designs
from zoo.network import Network, draw_network
from zoo.recipe import Recipe, describe_truth, make_keys
from zoo.storage import describe_network, export_tensors, load_network, write_checkpoint
from zoo.text import Text, prepare_text

VERSION = 1
"""Raise when a change of this code changes weights."""

CHANGES = {
    "drop-layers": surgery.drop_layers,
    "stack-layers": surgery.stack_layers,
    "narrow": surgery.narrow,
    "sparsify": surgery.sparsify,
    "grow-vocabulary": surgery.grow_vocabulary,
    "upcycle": surgery.upcycle,
    "permute-neurons": disguise.permute_neurons,
    "permute-heads": disguise.permute_heads,
    "permute-hidden": disguise.permute_hidden,
    "fold": disguise.fold_norms,
    "rotate": disguise.rotate,
    "scale": disguise.scale,
}


class Maker:
    """Makes one checkpoint after the other in one process."""

    def __init__(self, models: Path, text: Text, recipes: dict[str, Recipe]) -> None:
        self.models = models
        self.text = text
        self.recipes = recipes

    def load(self, name: str) -> Network:
        """Read a finished checkpoint."""
        return load_network(self.models / name)

    def begin(self, recipe: Recipe) -> Network:
        """Return the network the first step works on."""
        if recipe.parents:
            return self.load(recipe.base or recipe.parents[0])
        origin = recipe.origin
        design = load_designs()[origin["design"]]
        return draw_network(design, Shape(**origin["shape"]), origin["initialisation"])

    def take(self, network: Network, recipe: Recipe, step: str, facts: dict[str, Any]) -> Network:
        """Return the network after one step that is not a way of storing."""
        tokenizer = describe_truth(recipe.name, self.recipes)["origin"]["tokenizer"]
        if step in ("train", "distil"):
            course = training.Course(tokenizer, **(facts | {"mix": tuple(facts["mix"])}))
            if step == "train":
                return training.train(network, self.text, course)
            assert recipe.teacher
            loss = training.make_teacher_loss(self.load(recipe.teacher))
            return training.train(network, self.text, course, loss)
        if step == "adapt":
            facts_of_course = facts["course"] | {"mix": tuple(facts["course"]["mix"])}
            course = training.Course(tokenizer, **facts_of_course)
            targets = tuple(facts["targets"])
            return training.train_adapter(network, self.text, course, facts["rank"], targets)
        if step in ("linear", "slerp"):
            merge = merging.merge_linear if step == "linear" else merging.merge_slerp
            return merge(network, self.load(recipe.parents[1]), **facts)
        if step in ("ties", "dare"):
            members = [self.load(parent) for parent in recipe.parents]
            merge_deltas = merging.merge_ties if step == "ties" else merging.merge_dare
            return merge_deltas(network, members, **facts)
        change: Any = CHANGES[step]
        changed: Network = change(network, **facts)
        return changed

    def make(self, name: str, key: str) -> str:
        """Make one checkpoint and return a line about it."""
        started = time.perf_counter()
        recipe = self.recipes[name]
        truth = describe_truth(name, self.recipes)
        tokenizer = truth["origin"]["tokenizer"]
        network = self.begin(recipe)
        *changes, last = recipe.steps
        packed = last[0] in packing.FORMATS
        for step, facts in changes if packed else recipe.steps:
            network = self.take(network, recipe, step, facts)
        folder = self.models / f".{name}.partial"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        if packed:
            packing.write_packed(folder, network, last[0], last[1], self.text, tokenizer, name)
            loss = None
        else:
            tensors = export_tensors(network)
            write_checkpoint(folder, network, tensors, tokenizer=self.text.tokenizer(tokenizer))
            rounded = {role: value.bfloat16().float() for role, value in network.weights.items()}
            loss = training.evaluate(replace(network, weights=rounded), self.text, tokenizer)
        seconds = round(time.perf_counter() - started, 1)
        truth |= {
            "key": key,
            "network": describe_network(network),
            "loss": loss,
            "seconds": seconds,
        }
        (folder / "truth.json").write_text(json.dumps(truth, indent=2, sort_keys=True))
        final = self.models / name
        shutil.rmtree(final, ignore_errors=True)
        folder.rename(final)
        return f"{name:24} {recipe.kind:18} {seconds:6.1f} s  loss {loss and round(loss, 3)}"


def read_key(models: Path, name: str) -> str | None:
    """Return the key a checkpoint was made under, if it is finished."""
    try:
        key: str = json.loads((models / name / "truth.json").read_text())["key"]
    except (OSError, ValueError, KeyError):
        return None
    return key


_maker: Maker | None = None


def _begin_process(models: Path, text: Text, recipes: dict[str, Recipe]) -> None:
    global _maker  # noqa: PLW0603
    torch.set_num_threads(1)
    _maker = Maker(models, text, recipes)


def _make(name: str, key: str) -> str:
    assert _maker is not None
    return _maker.make(name, key)


def build(cache: Path, chosen: Iterable[Recipe], processes: int) -> None:
    """Make every checkpoint that is not there yet, parents before children.

    The order is the recipes' own as far as parents allow it. Interrupting loses only what is being
    made; the next run goes on from there.
    """
    recipes = {recipe.name: recipe for recipe in chosen}
    text = prepare_text(cache / "text")
    models = cache / "models"
    keys = make_keys(recipes, text.digest, VERSION)
    waiting = [name for name in recipes if read_key(models, name) != keys[name]]
    done = set(recipes) - set(waiting)
    print(f"{len(done)} checkpoints are there, {len(waiting)} to make", flush=True)
    started = time.perf_counter()
    context = multiprocessing.get_context("spawn")
    running: dict[str, Any] = {}
    with context.Pool(processes, _begin_process, (models, text, recipes)) as pool:
        while waiting or running:
            for name in list(waiting):
                if len(running) < processes and done.issuperset(recipes[name].needs()):
                    running[name] = pool.apply_async(_make, (name, keys[name]))
                    waiting.remove(name)
            time.sleep(0.05)
            for name in [one for one, result in running.items() if result.ready()]:
                print(
                    f"[{time.perf_counter() - started:6.0f} s] {running.pop(name).get()}",
                    flush=True,
                )
                done.add(name)
