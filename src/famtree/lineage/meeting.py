"""Paths between two checkpoints through what they and the registry say of their parents."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping

from msgspec import Struct

from famtree.checkpoint.references import spell_as_hub
from famtree.types.identification import ChainStep, LinkRelation, LinkStatus
from famtree.types.links import worst_of

_LIGHT: frozenset[LinkRelation] = frozenset(
    {"copy", "finetune", "adapter", "quantized", "converted", "merge"}
)
"""Relations after which a small change of the parent still means the same on the child."""
MAX_STEPS = 512


class Path(Struct, frozen=True):
    """Links from one checkpoint up to an ancestor, nearest first."""

    steps: tuple[ChainStep, ...] = ()

    @property
    def status(self) -> LinkStatus:
        """The status of the weakest link."""
        return worst_of(*(step.status for step in self.steps))

    @property
    def light(self) -> bool:
        """Whether no link retrains, cuts or grows the model."""
        return all(step.relation in _LIGHT for step in self.steps)


class Meeting(Struct, frozen=True):
    """The nearest checkpoint both come from (which may be one of them), and the two ways up."""

    ancestor: str
    from_a: Path
    from_b: Path
    mutual: bool = False
    """True where each of the two is said to come from the other."""

    @property
    def steps(self) -> tuple[ChainStep, ...]:
        """The links between the two, those above a first."""
        return (*self.from_a.steps, *self.from_b.steps)

    @property
    def distance(self) -> int:
        """Links between the two."""
        return len(self.steps)

    @property
    def light(self) -> bool:
        """Whether no link between the two retrains, cuts or grows the model."""
        return self.from_a.light and self.from_b.light


def name_key(ref: str) -> str:
    """Return the form under which references are compared; the Hub ignores case."""
    return spell_as_hub(ref.strip().rstrip("/")).lower()


def find_meeting(
    a: str, b: str, steps_a: Iterable[ChainStep], steps_b: Iterable[ChainStep]
) -> Meeting | None:
    """Return the nearest common ancestor along links that nothing contradicts, or None."""
    above_a, above_b = _climb(a, steps_a), _climb(b, steps_b)
    shared = [key for key in above_a if key in above_b]
    if not shared:
        return None
    best = min(shared, key=lambda key: (_length(above_a, above_b, key), key))
    (name, from_a), (_, from_b) = above_a[best], above_b[best]
    mutual = name_key(a) != name_key(b) and name_key(b) in above_a and name_key(a) in above_b
    return Meeting(name, from_a, from_b, mutual)


def _length(a: Mapping[str, tuple[str, Path]], b: Mapping[str, tuple[str, Path]], key: str) -> int:
    return len(a[key][1].steps) + len(b[key][1].steps)


def _climb(start: str, steps: Iterable[ChainStep]) -> dict[str, tuple[str, Path]]:
    """Return every reachable ancestor, `start` included, by key, with the shortest way to it."""
    parents: dict[str, list[ChainStep]] = {}
    for step in list(steps)[:MAX_STEPS]:
        if step.status != "contradicted":
            parents.setdefault(name_key(step.child), []).append(step)
    found = {name_key(start): (start, Path())}
    queue = deque([name_key(start)])
    while queue:
        child = queue.popleft()
        for step in parents.get(child, ()):
            key = name_key(step.parent)
            if key not in found:
                found[key] = (step.parent, Path((*found[child][1].steps, step)))
                queue.append(key)
    return found
