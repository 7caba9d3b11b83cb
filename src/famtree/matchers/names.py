"""What a checkpoint's name claims: a hint for ordering and a lie to warn about, never a reason."""

from __future__ import annotations

import re
from functools import lru_cache

from famtree.matchers.classify import Classification
from famtree.registry.registry import Registry
from famtree.types.identification import Candidate, Notice

_SEPARATORS = re.compile(r"[^a-z0-9.]+")
_DISTILLED = "-distill-"
Key = tuple[str, str]


def find_claims(name: str, registry: Registry) -> list[Key]:
    """Return (family, generation) of every registry word in `name`, longest word first.

    A distilled model has the design of what stands behind the word `distill`, not of its teacher.
    """
    text = _spell(name)
    _, distilled, student = text.rpartition(_DISTILLED)
    hits = _find_words(text, registry, _DISTILLED) if distilled else []
    if not hits and distilled:
        hits = _find_words(f"-{student}", registry)
    hits = hits or _find_words(text, registry)
    # `llama-3` is a part of `llama-3.1`: of one family only the longest words count.
    best: dict[str, int] = {}
    for length, (family_key, _) in hits:
        best[family_key] = max(best.get(family_key, 0), length)
    kept = [(length, key) for length, key in hits if length == best[key[0]]]
    kept.sort(key=lambda hit: (-hit[0], hit[1]))
    return [key for _, key in kept]


def _find_words(text: str, registry: Registry, part: str = "") -> list[tuple[int, Key]]:
    """Return the length of the longest word of each generation that `text` has.

    `part` has to be in the word.
    """
    hits = []
    for key, words in _spell_all(registry):
        longest = 0
        for word, length in words:
            if length > longest and word in text and part in word:
                longest = length
        if longest:
            hits.append((longest, key))
    return hits


def order_by_claims(candidates: list[Candidate], claims: list[Key]) -> list[Candidate]:
    """Move candidates the name claims before others of nearly equal standing.

    Shares are not touched: among equals the claimed one is listed first.
    """
    claimed = set(claims)
    return sorted(
        candidates,
        key=lambda one: (
            -round(one.score, 1),
            (one.family, one.generation) not in claimed,
            -one.score,
        ),
    )


def is_disputed(claims: list[Key], result: Classification) -> bool:
    """True when the name claims another generation of the very family the evidence shows."""
    if result.family is None or result.generation is None:
        return False
    own = {generation for key, generation in claims if key == result.family.key}
    return bool(own) and result.generation.key not in own


def warn_of_claims(name: str, claims: list[Key], result: Classification) -> list[Notice]:
    """Return a warning when the name says one thing and the evidence another."""
    if result.family is None or not claims:
        return []
    family = result.family.key
    own = [generation for key, generation in claims if key == family]
    if not own:
        said = ", ".join(sorted({key for key, _ in claims}))
        return [
            Notice.model_construct(
                code="name-disagrees",
                message=f"the name {name!r} says {said}, the evidence says {family}",
            )
        ]
    left = {one.generation for one in result.candidates}
    if result.generation is not None:
        left = {result.generation.key}
    if left.isdisjoint(own):
        return [
            Notice.model_construct(
                code="name-disagrees",
                message=f"the name {name!r} says {', '.join(own)}, "
                f"the evidence says {', '.join(sorted(str(key) for key in left))}",
            )
        ]
    return []


@lru_cache(maxsize=2)
def _spell_all(registry: Registry) -> tuple[tuple[Key, tuple[tuple[str, int], ...]], ...]:
    """Return the spelled words of each generation, with their lengths as they are recorded."""
    return tuple(
        ((family.key, generation.key), tuple((_spell(one), len(one)) for one in generation.names))
        for family, generation in registry.walk_generations()
    )


def _spell(text: str) -> str:
    """Put every word between single dashes: `Llama_3.1 8B` -> `-llama-3.1-8b-`."""
    return f"-{_SEPARATORS.sub('-', text.lower()).strip('-')}-"
