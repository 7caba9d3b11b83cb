"""Is every design that transformers knows and the registry has named, and no other one as it?

    python benchmarks/class_defaults.py [--all]

Makes each config class of the installed transformers (extra `transformers`) without arguments and
identifies what it writes, with the class that belongs to it. A type is *named* when the answer's
family has that model_type in a rule, *open* when several such families are left to choose from,
*wrapped* when it has the nested language model's, and named *as another* when the family has none
of its names in any rule. Exits with 1 if a target is missed.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections import Counter
from collections.abc import Iterator
from functools import cache
from typing import Any

from famtree.fingerprints.build import CheckpointFacts, build_fingerprint
from famtree.fingerprints.config import normalise_config
from famtree.fingerprints.defaults import load_defaults, load_dialects
from famtree.matchers.classify import Classification, classify
from famtree.matchers.observation import CLASS_NAME, MODEL_TYPE, TEXT_MODEL_TYPE, WRAPPER, observe
from famtree.registry.conditions import options
from famtree.registry.load import load_registry

TARGETS = {"named": ("at least", 0.95), "as_another": ("at most", 0)}
_LABELS = (MODEL_TYPE, TEXT_MODEL_TYPE, WRAPPER, CLASS_NAME)


def make_configs() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (model_type, config as saved) of every class that can do without arguments."""
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING, AutoConfig

    logging.disable(logging.WARNING)
    for model_type in CONFIG_MAPPING:
        try:
            stated = AutoConfig.for_model(model_type).to_dict()
        except Exception:  # noqa: BLE001 - a class that needs arguments has no default
            continue
        config = json.loads(json.dumps(stated, default=str))
        classes = load_defaults().get(model_type, {}).get("classes", ())
        yield model_type, {**config, "architectures": list(classes[:1]) or None}


@cache
def list_labels() -> dict[str, frozenset[str]]:
    """Return family to every model_type and class that its rules have."""
    found: dict[str, set[str]] = {}
    for family, generation in load_registry().walk_generations():
        for rule in generation.rules:
            for name in _LABELS:
                stated = options(rule.when[name]) if name in rule.when else ()
                found.setdefault(family.key, set()).update(map(str, stated))
    return {key: frozenset(names) for key, names in found.items()}


def identify_config(config: dict[str, Any]) -> Classification:
    """Return the answer to a config.json alone."""
    registry = load_registry()
    return classify(observe(build_fingerprint(CheckpointFacts(config)), registry.generic), registry)


def judge(model_type: str, config: dict[str, Any]) -> tuple[str, str]:
    """Return (named, open, missed, as_another, wrapped or unknown; the answer in words)."""
    result = identify_config(config)
    labels = list_labels()
    owners = [key for key, names in labels.items() if model_type in names]
    family = result.family.key if result.family is not None else None
    told = f"{result.outcome} {family} {result.confidence}"
    if family is None:
        if result.candidates and {one.family for one in result.candidates} <= set(owners):
            return "open", told
        return ("missed" if owners else "unknown"), told
    classes = config["architectures"] or ()
    if family in owners or any(one in labels[family] for one in classes):
        return "named", told
    nested = normalise_config(config, load_dialects()).values["text_model_type"]
    if model_type in load_registry().generic.wrappers or nested in labels[family]:
        return "wrapped", told
    return "as_another", told


def main() -> int:
    """Print what is missed, and the figures."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--all", action="store_true", help="print every type")
    everything = arguments.parse_args().all
    tally: Counter[str] = Counter()
    for model_type, config in make_configs():
        verdict, told = judge(model_type, config)
        tally[verdict] += 1
        if everything or verdict in ("missed", "as_another"):
            print(f"{verdict:10} {model_type}: {told}")
    share = tally["named"] / max(1, tally["named"] + tally["missed"])
    print(dict(sorted(tally.items())), f"named {share:.3f} of those on record")
    return int(share < TARGETS["named"][1] or tally["as_another"] > TARGETS["as_another"][1])


if __name__ == "__main__":
    sys.exit(main())
