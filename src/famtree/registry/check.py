"""What must hold for every registry file, whatever the classifier does with it.

Recognition (does each family know itself and leave its neighbours alone?) needs the matchers and
is checked in `famtree.matchers.recognition`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from famtree.errors import RegistryError
from famtree.registry.load import DATA, GENERIC, build_registry, read_sources
from famtree.registry.locate import describe_fault
from famtree.registry.registry import Registry
from famtree.types.family import Family
from famtree.types.traits import trait_names

_SHAPE = frozenset({"architecture.layers", "architecture.hidden_size"})
MIN_EXEMPLAR_TRAITS = 3
"""Fewer facts do not make a test case; authors' own formats state as few as depth, width, rows."""


def check_registry(folder: Path | None = None) -> list[str]:
    """Return every fault of every file as `file:line: field: reason`; empty when all is well."""
    sources = read_sources(folder or DATA)
    try:
        registry = build_registry(sources)
    except RegistryError as error:
        return error.faults
    faults: list[str] = []
    files = [name for name in sources if name != GENERIC]
    for file, family in zip(files, registry.families, strict=True):
        text = sources[file].decode()
        faults += [
            describe_fault(file, text, path, reason)
            for path, reason in _check_family(family, registry, file)
        ]
    faults += _check_uniqueness(registry)
    faults += _find_cycles(registry)
    return sorted(faults)


Fault = tuple[tuple[str | int, ...], str]


def _check_family(family: Family, registry: Registry, file: str) -> Iterator[Fault]:
    names = trait_names()
    own = {generation.key for generation in family.generations}
    if file.removesuffix(".toml") != family.key:
        yield ("key",), f"{family.key!r} is not the name of the file"
    if not all(source.strip() for source in family.sources):
        yield ("sources",), "a source is empty: say where the facts come from"
    if not family.name.strip() or not family.maker.strip():
        yield ("name",), "name and maker must be given"
    for key in family.hard_to_tell_from:
        if key not in registry.by_key:
            yield ("hard_to_tell_from",), f"no family {key!r}"
    for at, generation in enumerate(family.generations):
        where = ("generation", at)
        for key in generation.hard_to_tell_from:
            if not _exists(key, registry):
                yield (*where, "hard_to_tell_from"), f"no generation {key!r}"
        for number, parent in enumerate(generation.parents):
            wanted = f"{parent.family}/{parent.generation or ''}"
            if not _exists(wanted, registry):
                yield (*where, "parents", number), f"no generation {wanted!r}"
        for number, rule in enumerate(generation.rules):
            for trait in rule.when:
                if trait not in names:
                    yield (*where, "rule", number, "when", trait), "no such trait"
            if not rule.when.keys() - _SHAPE:
                yield (*where, "rule", number), "a rule of dimensions alone captures strangers"
        for number, size in enumerate(generation.sizes):
            if size.layers is None or size.hidden_size is None:
                yield (*where, "size", number), "a size needs layers and hidden_size"
    for at, known in enumerate(family.tokenizers):
        for key in known.generations:
            if key not in own:
                yield ("tokenizer", at, "generations"), f"no generation {key!r}"
    for at, exemplar in enumerate(family.exemplars):
        for answer in exemplar.answers(family.key):
            wanted = "/".join(answer)
            if not _exists(wanted, registry):
                yield ("exemplar", at, "generation"), f"no generation {wanted!r}"
        for trait in exemplar.traits:
            if trait not in names:
                yield ("exemplar", at, "traits", trait), "no such trait"
        if len(exemplar.traits) < MIN_EXEMPLAR_TRAITS:
            yield ("exemplar", at), f"fewer than {MIN_EXEMPLAR_TRAITS} facts"
        if not exemplar.source.strip():
            yield ("exemplar", at, "source"), "empty: say where the facts come from"


def _exists(key: str, registry: Registry) -> bool:
    family, _, generation = key.partition("/")
    if family not in registry.by_key:
        return False
    return not generation or registry.find_generation(family, generation) is not None


def _check_uniqueness(registry: Registry) -> Iterator[str]:
    seen: set[str] = set()
    for family in registry.families:
        if family.key in seen:
            yield f"{family.key}.toml: key: another file has it too"
        seen.add(family.key)
        keys: set[str] = set()
        for generation in family.generations:
            if generation.key in keys:
                yield f"{family.key}.toml: generation: {generation.key!r} stands twice"
            keys.add(generation.key)


def _find_cycles(registry: Registry) -> Iterator[str]:
    """A generation cannot be its own ancestor."""
    parents = {
        (family.key, generation.key): [
            (link.family, link.generation)
            for link in generation.parents
            # One size of a generation may be cut from another size of it.
            if link.generation and not (link.size and link.generation == generation.key)
        ]
        for family, generation in registry.walk_generations()
    }
    done: set[tuple[str, str]] = set()

    def walk(node: tuple[str, str], trail: tuple[tuple[str, str], ...]) -> Iterator[str]:
        if node in trail:
            loop = " -> ".join("/".join(step) for step in (*trail[trail.index(node) :], node))
            yield f"{node[0]}.toml: parents: a cycle: {loop}"
            return
        if node in done:
            return
        for parent in parents.get(node, ()):
            yield from walk(parent, (*trail, node))
        done.add(node)

    for node in parents:
        yield from walk(node, ())
