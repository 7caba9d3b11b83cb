"""Published checkpoints the registry remembers, as ends of links and with their own parents."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from msgspec import Struct
from msgspec.structs import replace

from famtree.checkpoint.facts import NodeFacts, make_traits
from famtree.checkpoint.references import base_name, spell_as_hub, split_words, strip_form
from famtree.fingerprints.from_traits import fingerprint_traits
from famtree.matchers.names import find_claims
from famtree.matchers.sizes import match_sizes
from famtree.registry.registry import Registry
from famtree.types.claim import Claim
from famtree.types.family import Exemplar, Family, KnownTokenizer, ParentLink

_TUNED = r"(?i)[-_](?:instruct|chat|it|sft|dpo|thinking)(?=[-_]|$)"
"""Words by which makers tell the tuned checkpoint from the pretrained one beside it."""
_SIZE = r"(?:\d+x)?\d+(?:p\d+)?[bmk]|a\d+b|v\d+"
_VARIANTS = frozenset(
    {"base", "pt", "hf", "instruct", "chat", "it", "sft", "dpo", "thinking", "mix", "vl", "coder"}
)
"""Words with which makers tell their variants apart."""
_BASE_ENDINGS = ("", "-base", "-pt", "-hf")


class _Records(Struct, frozen=True):
    """Exemplars by Hub id and by their names alone."""

    by_repo: dict[str, tuple[Family, Exemplar]]
    by_name: dict[str, tuple[Family, Exemplar]]
    """Where several organisations use one name, the family's maker's; else it is left out."""


def find_known(ref: str, registry: Registry) -> NodeFacts | None:
    """Return the recorded facts of the checkpoint `ref`, with what is known of its parents.

    `ref` is a Hub id, or a local folder's name in the form `org__name`.
    """
    entry = _records(registry).by_repo.get(spell_as_hub(ref).lower())
    return _describe(*entry, registry) if entry is not None else None


def find_named(text: str, registry: Registry) -> NodeFacts | None:
    """Return the recorded facts of the only checkpoint called like the last part of `text`."""
    name = base_name(text).lower()
    known = _records(registry).by_name
    spelled = (name, f"{name}-hf", strip_form(name)[0])
    entry = next((known[one] for one in spelled if one in known), None)
    return _describe(*entry, registry) if entry is not None else None


def find_released(text: str, registry: Registry) -> str | None:
    """Return the last part of the path `text` where it is the name of a released checkpoint.

    Such a name is a generation's, a size, and what makers call variants; one word more is the name
    that somebody gave to a folder of his own.
    """
    name = base_name(text)
    words = split_words(name)
    if not any(re.fullmatch(_SIZE, word) for word in words):
        return None
    for family, key in find_claims(name, registry):
        generation = registry.find_generation(family, key)
        makers = {one.lower().partition("-")[0] for one in registry.by_key[family].publishers}
        for known in generation.names if generation is not None else ():
            left = words - split_words(known) - _VARIANTS - makers
            if all(re.fullmatch(_SIZE, word) or word.isdigit() for word in left):
                return name
    return None


def list_bases(node: NodeFacts, registry: Registry) -> list[NodeFacts]:
    """Return the roots on record of the node's generation and official size."""
    family = registry.by_key.get(node.family or "")
    if family is None:
        return []
    known = [
        _describe(family, one, registry)
        for one in family.exemplars
        if one.relation == "base" and one.generation == node.generation
    ]
    return [
        one
        for one in known
        if one.root and one.size == node.size and one.ref.lower() != node.ref.lower()
    ]


def join_record(node: NodeFacts, registry: Registry) -> NodeFacts:
    """Add what the registry records of this very checkpoint to what it claims itself.

    Of a checkpoint that is not on record, but published by its family's maker, the record of its
    generation holds.
    """
    told = tuple(claim for claim in node.claims if claim.source != "name")
    known = find_known(node.ref, registry)
    if known is not None:
        new = tuple(claim for claim in known.claims if claim not in told)
        return replace(node, claims=told + new, root=known.root and not told)
    family = registry.by_key.get(node.family or "")
    organisation = spell_as_hub(node.ref).partition("/")[0].lower()
    if family is None or organisation not in {one.lower() for one in family.publishers}:
        return node
    if any(claim.resolvable for claim in told):
        return node
    claims = told + tuple(_maker_parents(family, node.ref, node.generation, node.size, registry))
    plain = not node.claims and node.size is not None and not _is_tuned(node.ref)
    return replace(node, claims=claims or node.claims, root=plain and not claims)


def _maker_parents(
    family: Family, ref: str, generation: str | None, size: str | None, registry: Registry
) -> Iterator[Claim]:
    """Yield where a maker's own checkpoint comes from.

    A pretrained one comes from where its generation and size do. A tuned one is named after the
    pretrained one beside it, which is a hint; what holds for the generation, holds for that one.
    """
    above = _from_generation(family, generation, size, ref, registry)
    if not _is_tuned(ref):
        yield from above
        return
    recorded = [one.repo for one in family.exemplars if _is_base_of(one, ref)]
    organisation, _, name = spell_as_hub(ref).partition("/")
    stem = f"{organisation}/{re.sub(_TUNED, '', name)}"
    for parent in recorded[:1] or (stem, f"{stem}-Base"):
        yield Claim(parent, "name", "finetune")
    for claim in above:
        yield replace(claim, of_parent=True)


def _is_tuned(ref: str) -> bool:
    return re.search(_TUNED, base_name(spell_as_hub(ref))) is not None


def _describe(family: Family, exemplar: Exemplar, registry: Registry) -> NodeFacts:
    fingerprint = fingerprint_traits(exemplar.traits)
    match = match_sizes(fingerprint.architecture, registry).get((family.key, exemplar.generation))
    size = match.size.name if match is not None and match.size is not None else None
    claims = tuple(_recorded_parents(family, exemplar, size, registry))
    return NodeFacts(
        ref=exemplar.repo,
        traits=make_traits(fingerprint),
        family=family.key,
        generation=exemplar.generation,
        size=size,
        tokenizer=_only_tokenizer(family, exemplar.generation),
        claims=claims,
        root=exemplar.relation == "base" and not claims,
    )


def _only_tokenizer(family: Family, generation: str) -> KnownTokenizer | None:
    """Return the vocabulary of `generation` where all its checkpoints have the same."""
    shipped = [one for one in family.tokenizers if generation in one.generations]
    return shipped[0] if len(shipped) == 1 and shipped[0].exhaustive else None


def _recorded_parents(
    family: Family, exemplar: Exemplar, size: str | None, registry: Registry
) -> Iterator[Claim]:
    if exemplar.parents:
        for parent in exemplar.parents:
            yield Claim(parent.repo, "registry", parent.relation)
        return
    base = _find_pretrained(family, exemplar)
    if base is not None:
        yield Claim(base.repo, "registry", "finetune")
    else:
        yield from _maker_parents(family, exemplar.repo, exemplar.generation, size, registry)


def _from_generation(
    family: Family, generation: str | None, size: str | None, ref: str, registry: Registry
) -> Iterator[Claim]:
    """Yield the concrete checkpoints that weights of this generation and size began as.

    A successor has weights of its own.
    """
    entry = registry.find_generation(family.key, generation or "")
    for link in entry.parents if entry is not None else ():
        if link.relation == "successor" or not _concerns(link, size, ref):
            continue
        if link.repo and link.repo.lower() != spell_as_hub(ref).lower():
            yield Claim(link.repo, "registry", link.relation)


def _concerns(link: ParentLink, size: str | None, ref: str) -> bool:
    """A link without a size holds for all; else the official size or the name must be its."""
    if link.size is None:
        return True
    if size is not None:
        return link.size.lower() == size.lower()
    return (
        re.search(rf"(?:^|[-_]){re.escape(link.size)}(?:[-_]|$)", base_name(ref), re.I) is not None
    )


def _find_pretrained(family: Family, exemplar: Exemplar) -> Exemplar | None:
    """Return the base checkpoint that a tuned one is named after, shapes agreeing."""
    if exemplar.relation == "base":
        return None
    fitting = (
        other
        for other in family.exemplars
        if other.generation == exemplar.generation
        and _is_base_of(other, exemplar.repo)
        and _share_shape(other, exemplar)
    )
    return next(fitting, None)


def _is_base_of(base: Exemplar, tuned: str) -> bool:
    if base.relation != "base" or base.repo.lower() == spell_as_hub(tuned).lower():
        return False
    stem = re.sub(_TUNED, "", base_name(spell_as_hub(tuned))).lower()
    return base_name(base.repo).lower() in {f"{stem}{ending}" for ending in _BASE_ENDINGS}


def _share_shape(left: Exemplar, right: Exemplar) -> bool:
    return all(
        left.traits.get(trait) in (None, right.traits.get(trait))
        for trait in ("architecture.layers", "architecture.hidden_size")
    )


@lru_cache(maxsize=2)
def _records(registry: Registry) -> _Records:
    by_repo = {
        one.repo.lower(): (family, one) for family in registry.families for one in family.exemplars
    }
    named: dict[str, list[tuple[Family, Exemplar]]] = {}
    for repo, entry in by_repo.items():
        named.setdefault(base_name(repo), []).append(entry)
    by_name = {}
    for name, found in named.items():
        own = [one for one in found if one[1].repo.partition("/")[0] in one[0].publishers]
        if len(found) == 1 or len(own) == 1:
            by_name[name] = own[0] if own else found[0]
    return _Records(by_repo, by_name)
