"""Published checkpoints the registry remembers, as ends of links and with their own parents."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from famtree.fingerprints.from_traits import fingerprint_traits
from famtree.lineage.facts import NodeFacts, make_traits
from famtree.lineage.references import base_name, spell_as_hub
from famtree.registry.registry import Registry
from famtree.types.claim import Claim
from famtree.types.family import Exemplar, Family

_TUNED_ENDINGS = ("-instruct", "-chat", "-it", "-chat-hf", "-instruct-hf")
_BASE_ENDINGS = ("", "-base", "-pt", "-hf")
"""How makers name the pretrained checkpoint beside its tuned one."""


def find_known(ref: str, registry: Registry) -> NodeFacts | None:
    """Return the recorded facts of the checkpoint `ref`, with what is known of its parents.

    `ref` is a Hub id, or a local folder's name in the form `org__name`.
    """
    entry = _by_repo(registry).get(spell_as_hub(ref).lower())
    if entry is None:
        return None
    family, exemplar = entry
    claims = tuple(_recorded_parents(family, exemplar, registry))
    return NodeFacts(
        ref=exemplar.repo,
        traits=make_traits(fingerprint_traits(exemplar.traits)),
        family=family.key,
        generation=exemplar.generation,
        claims=claims,
        root=exemplar.relation == "base" and not claims,
    )


def _recorded_parents(family: Family, exemplar: Exemplar, registry: Registry) -> Iterator[Claim]:
    if exemplar.parents:
        for parent in exemplar.parents:
            yield Claim(parent.repo, "registry", parent.relation)
        return
    base = _find_pretrained(family, exemplar)
    if base is not None:
        yield Claim(base.repo, "registry", "finetune")
        return
    generation = registry.find_generation(family.key, exemplar.generation)
    name = base_name(exemplar.repo).lower()
    for link in generation.parents if generation is not None else ():
        if link.repo and link.relation != "successor" and link.size and link.size.lower() in name:
            yield Claim(link.repo, "registry", link.relation)


def _find_pretrained(family: Family, exemplar: Exemplar) -> Exemplar | None:
    """Return the base checkpoint that a tuned one is named after, shapes agreeing."""
    if exemplar.relation == "base":
        return None
    name = base_name(exemplar.repo).lower()
    stem = next((name.removesuffix(end) for end in _TUNED_ENDINGS if name.endswith(end)), None)
    if stem is None:
        return None
    for other in family.exemplars:
        if other.relation == "base" and other.generation == exemplar.generation:
            if base_name(other.repo).lower() not in {f"{stem}{end}" for end in _BASE_ENDINGS}:
                continue
            if all(
                other.traits.get(trait) in (None, exemplar.traits.get(trait))
                for trait in ("architecture.layers", "architecture.hidden_size")
            ):
                return other
    return None


@lru_cache(maxsize=2)
def _by_repo(registry: Registry) -> dict[str, tuple[Family, Exemplar]]:
    return {
        exemplar.repo.lower(): (family, exemplar)
        for family in registry.families
        for exemplar in family.exemplars
    }
