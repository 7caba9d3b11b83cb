"""What `--expect` and `--min-confidence` ask for, and whether an answer meets it."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

from msgspec.structs import replace

from famtree.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from famtree.registry.registry import Registry
    from famtree.types.family import Family
    from famtree.types.identification import Identification


@dataclass(frozen=True, slots=True)
class Expectation:
    """A family and, where given, one of its generations, by the registry's keys."""

    family: str
    generation: str | None = None

    def __str__(self) -> str:
        return self.family if self.generation is None else f"{self.family}/{self.generation}"


def parse_expectation(text: str, families: Iterable[Family]) -> Expectation:
    """Return `FAMILY[/GENERATION]` as an Expectation.

    Case does not count. Raises UsageError, naming close matches, for keys that the registry does
    not have: a typing error must not look like a checkpoint that failed its check.
    """
    text = text.lower()
    known = {family.key: [item.key for item in family.generations] for family in families}
    family, slash, generation = text.partition("/")
    if family not in known:
        raise UsageError(f"no family {family!r}", hint=_suggest(family, known))
    if not slash:
        return Expectation(family)
    if generation not in known[family]:
        raise UsageError(
            f"family {family!r} has no generation {generation!r}",
            hint=f"it has {', '.join(known[family])}",
        )
    return Expectation(family, generation)


def find_asked(text: str, registry: Registry) -> Family:
    """Return the family, or of `FAMILY/GENERATION` the family with that generation alone.

    Raises UsageError for keys that the registry does not have.
    """
    asked = parse_expectation(text, registry.families)
    family = registry.by_key[asked.family]
    if asked.generation is None:
        return family
    own = [one for one in family.generations if one.key == asked.generation]
    return replace(family, generations=own)


def suggest_family(key: str, families: Iterable[Family]) -> str:
    """Return a hint naming families and generations whose keys look like `key`."""
    return _suggest(key, {item.key: [one.key for one in item.generations] for item in families})


def check_confidence_bound(bound: float | None) -> None:
    """Raise UsageError unless `bound` is None or a number from 0 to 1."""
    if bound is not None and not 0 <= bound <= 1:
        raise UsageError(
            f"--min-confidence must lie between 0 and 1, not {bound:g}", hint="for instance 0.9"
        )


def find_failure(
    result: Identification, expected: Expectation | None, min_confidence: float | None
) -> str | None:
    """Return one line saying which asked-for condition `result` fails, or None."""
    if expected is not None and not _meets(result, expected):
        return f"expected {expected}, got {_describe(result)}"
    if min_confidence is None:
        return None
    if result.outcome != "identified":
        return f"asked for confidence {min_confidence:g}, but the answer is {result.outcome}"
    if result.confidence < min_confidence:
        return f"confidence {result.confidence:.4g} is below the asked-for {min_confidence:g}"
    return None


def _meets(result: Identification, expected: Expectation) -> bool:
    family = result.family.key if result.family else None
    if result.outcome == "unknown" or family != expected.family:
        return False
    if expected.generation is None:
        # Ambiguous between generations of one family still settles the family.
        return True
    generation = result.generation.key if result.generation else None
    return result.outcome == "identified" and generation == expected.generation


def _describe(result: Identification) -> str:
    if result.outcome == "identified" and result.family is not None:
        generation = f"/{result.generation.key}" if result.generation else ""
        return f"{result.family.key}{generation}"
    if result.outcome == "ambiguous":
        pairs = [
            f"{one.family}/{one.generation}" if one.generation else one.family
            for one in result.candidates[:3]
        ]
        return f"an ambiguous answer ({' or '.join(pairs)})" if pairs else "an ambiguous answer"
    return "an unknown one"


def _suggest(key: str, known: dict[str, list[str]]) -> str:
    wanted = key.lower()
    full = {name: f"{family}/{name}" for family, names in known.items() for name in names}
    close = get_close_matches(wanted, known, n=3, cutoff=0.6)
    close += [full[name] for name in get_close_matches(wanted, full, n=3, cutoff=0.6)]
    # A key of which the word is a part (`llama3` of `llama-3.1`) is close whatever its length.
    close += [name for name in known if wanted and (name in wanted or wanted in name)]
    if not close:
        return "`famtree families list` shows every key"
    return f"did you mean {', '.join(dict.fromkeys(close))}?"
