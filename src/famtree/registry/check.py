"""What must hold for every registry file, whatever the classifier does with it.

Recognition (does each family know itself and leave its neighbours alone?) needs the matchers and
is checked in `famtree.matchers.recognition`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

from famtree.registry.load import DATA, read_families
from famtree.registry.locate import describe_fault
from famtree.registry.parse import parse_sources
from famtree.registry.records import FieldPath, is_records
from famtree.registry.registry import Registry
from famtree.types.family import OPERATORS, Family
from famtree.types.traits import trait_names

_SHAPE = frozenset({"architecture.layers", "architecture.hidden_size"})
MIN_EXEMPLAR_TRAITS = 3
"""Fewer facts do not make a test case; authors' own formats state as few as depth, width, rows."""


def check_registry(folder: Path | None = None) -> list[str]:
    """Return every fault of every file as `file:line: field: reason`; empty when all is well."""
    sources = read_families(folder or DATA)
    families, generic, faults = parse_sources(sources)
    if generic is None:
        return faults
    registry = Registry(families=tuple(families.values()), generic=generic)
    return sorted(faults + check_families(sources, families, registry))


def check_families(
    sources: Mapping[str, bytes], families: Mapping[str, Family], registry: Registry
) -> list[str]:
    """Return the faults of `families`, by file name, as parts of a registry that may hold more."""
    # What a file that could not be read defines is not missed in the others.
    unread = frozenset(
        name.removesuffix(".toml")
        for name in sources
        if name not in families and not is_records(name)
    )
    cycles = _find_cycles(registry)
    keys = Counter(family.key for family in families.values())
    faults = []
    for file, family in families.items():
        text = sources[file].decode()
        faults += [
            describe_fault(file, text, path, reason)
            for path, reason in (
                *_check_family(family, registry, file, unread),
                *_check_uniqueness(family, keys[family.key]),
                *cycles.get(family.key, ()),
            )
        ]
    return faults


Fault = tuple[FieldPath, str]


def _check_family(
    family: Family, registry: Registry, file: str, unread: frozenset[str]
) -> Iterator[Fault]:
    names = trait_names()
    own = {generation.key for generation in family.generations}
    if file.removesuffix(".toml") != family.key:
        yield ("key",), f"{family.key!r} is not the name of the file"
    if not all(source.strip() for source in family.sources):
        yield ("sources",), "a source is empty: say where the facts come from"
    if not family.name.strip() or not family.maker.strip():
        yield ("name",), "name and maker must be given"
    for key in family.hard_to_tell_from:
        if key not in registry.by_key and key not in unread:
            yield ("hard_to_tell_from",), f"no family {key!r}"
    for at, generation in enumerate(family.generations):
        where = ("generation", at)
        for key in generation.hard_to_tell_from:
            if not _exists(key, registry, unread):
                yield (*where, "hard_to_tell_from"), f"no generation {key!r}"
        for number, parent in enumerate(generation.parents):
            wanted = f"{parent.family}/{parent.generation or ''}"
            if not _exists(wanted, registry, unread):
                yield (*where, "parents", number), f"no generation {wanted!r}"
        for trait in generation.common.keys() - names:
            yield (*where, "common", trait), _tell_unknown(trait, names)
        for number, rule in enumerate(generation.rules):
            for trait in rule.when.keys() - generation.common.keys():
                if trait not in names:
                    yield (*where, "rule", number, "when", trait), _tell_unknown(trait, names)
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
            if not _exists(wanted, registry, unread):
                yield ("exemplar", at, "generation"), f"no generation {wanted!r}"
        for trait in exemplar.traits:
            if trait not in names:
                yield ("exemplar", at, "traits", trait), "no such trait"
        if len(exemplar.traits) < MIN_EXEMPLAR_TRAITS:
            yield ("exemplar", at), f"fewer than {MIN_EXEMPLAR_TRAITS} facts"
        if not exemplar.source.strip():
            yield ("exemplar", at, "source"), "empty: say where the facts come from"


def _exists(key: str, registry: Registry, unread: frozenset[str]) -> bool:
    family, _, generation = key.partition("/")
    if family not in registry.by_key:
        return family in unread
    return not generation or registry.find_generation(family, generation) is not None


def _tell_unknown(trait: str, names: frozenset[str]) -> str:
    if trait.rpartition(".")[0] in names:
        return f"no such operator; there are {', '.join(OPERATORS)}"
    return "no such trait"


def _check_uniqueness(family: Family, files: int) -> Iterator[Fault]:
    if files > 1:
        yield ("key",), "another file has it too"
    keys: set[str] = set()
    for at, generation in enumerate(family.generations):
        if generation.key in keys:
            yield ("generation", at, "key"), f"{generation.key!r} stands twice"
        keys.add(generation.key)


def _find_cycles(registry: Registry) -> dict[str, list[Fault]]:
    """A generation cannot be its own ancestor; return the cycles by the family they start in."""
    parents = {
        (family.key, generation.key): [
            (link.family, link.generation)
            for link in generation.parents
            # One size of a generation may be cut from another size of it.
            if link.generation and not (link.size and link.generation == generation.key)
        ]
        for family, generation in registry.walk_generations()
    }
    found: dict[str, list[Fault]] = {}
    done: set[tuple[str, str]] = set()

    def walk(node: tuple[str, str], trail: tuple[tuple[str, str], ...]) -> None:
        if node in trail:
            loop = " -> ".join("/".join(step) for step in (*trail[trail.index(node) :], node))
            keys = [generation.key for generation in registry.by_key[node[0]].generations]
            path = ("generation", keys.index(node[1]), "parents")
            found.setdefault(node[0], []).append((path, f"a cycle: {loop}"))
        elif node not in done:
            for parent in parents.get(node, ()):
                walk(parent, (*trail, node))
            done.add(node)

    for node in parents:
        walk(node, ())
    return found
