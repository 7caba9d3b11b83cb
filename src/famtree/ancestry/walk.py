"""Walk from one checkpoint to its roots, one generation at a time.

All parents of a generation are opened at once, so a chain costs one latency a generation and not
one a checkpoint. What is opened is bounded, cycles are cut, and a parent that cannot be opened
ends its branch without ending the walk.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from famtree.ancestry.checkpoints import Open, Opened
from famtree.lineage.links import Link, group_claims
from famtree.lineage.steps import Step, judge_link
from famtree.lineage.summary import inherit_claims
from famtree.types.identification import Notice

MAX_NODES = 256
"""Checkpoints that are opened for one answer; merges of merges can name thousands."""
MAX_AT_ONCE = 8

Verify = Callable[[Step, Opened, Opened], Step]
"""Turns a step into one whose status rests on weight bytes: (step, child, parent) -> step."""


@dataclass(slots=True)
class Walk:
    """The graph as far as it was walked."""

    start: str
    nodes: dict[str, Opened] = field(default_factory=dict)
    """Node name to what is known of it; insertion order is the order of discovery."""
    steps: dict[str, list[Step]] = field(default_factory=dict)
    """Child to its steps; a checkpoint without an entry was not asked for its parents."""
    notices: list[Notice] = field(default_factory=list)
    cut: bool = False
    """True where a limit or a cycle kept a branch from being followed."""

    def add_notice(self, code: str, message: str) -> None:
        """Remember what the reader should know."""
        self.notices.append(Notice.model_construct(code=code, message=message))

    def descends(self, ref: str, ancestor: str) -> bool:
        """Return whether steps already taken lead from `ref` up to `ancestor`."""
        seen, waiting = set[str](), [ref]
        while waiting:
            one = waiting.pop()
            if one == ancestor:
                return True
            if one not in seen:
                seen.add(one)
                waiting += [step.parent for step in self.steps.get(one, ())]
        return False


def walk_ancestry(
    start: Opened,
    open_parent: Open,
    *,
    depth: int,
    verify: Verify | None = None,
    on_progress: Callable[[str], None] | None = None,
) -> Walk:
    """Return every ancestor of `start` up to `depth` generations, with a verdict on each link.

    `verify`, where given, sees each standing step whose two ends could both be opened.
    """
    report = on_progress or (lambda _: None)
    walk = Walk(start.ref, {start.ref: start})
    known: dict[str, Opened] = {start.ref.lower(): start}
    generation = [start.ref]
    for number in range(depth):
        if not generation:
            break
        links = {ref: _links_of(walk.nodes[ref]) for ref in generation}
        report(f"opening parents, generation {number + 1}")
        _open_all([link for found in links.values() for link in found], known, open_parent, walk)
        above: list[str] = []
        for ref in generation:
            walk.steps[ref] = []
            for link in links[ref]:
                step = _take(walk, ref, link, links[ref], known, verify)
                if step is not None and step.stands and step.parent not in walk.steps:
                    above.append(step.parent)
        generation = list(dict.fromkeys(above))
    left = [ref for ref in generation if _links_of(walk.nodes[ref])]
    if left:
        walk.cut = True
        walk.add_notice(
            "depth-limit", f"stopped after {depth} generation(s): {left[0]} has parents, too"
        )
    for ref in generation:
        if ref not in left:
            walk.steps.setdefault(ref, [])
    return walk


def _links_of(opened: Opened) -> list[Link]:
    return group_claims(opened.facts.claims) if opened.facts is not None else []


def _open_all(links: list[Link], known: dict[str, Opened], open_parent: Open, walk: Walk) -> None:
    """Open every parent that was not opened before, all at once."""
    wanted: dict[str, str | None] = {}
    for link in links:
        key = link.parent.lower()
        if link.resolvable and key not in known and key not in wanted:
            wanted[key] = next((one.revision for one in link.claims if one.revision), None)
    names = {link.parent.lower(): link.parent for link in reversed(links)}
    room = MAX_NODES - len(known)
    if len(wanted) > room:
        walk.cut = True
        walk.add_notice("too-many-parents", f"{len(wanted) - room} parents were not opened")
    tasks = [(names[key], revision) for key, revision in list(wanted.items())[: max(0, room)]]
    if not tasks:
        return
    if len(tasks) == 1:
        results = [open_parent(*tasks[0])]
    else:
        with ThreadPoolExecutor(min(MAX_AT_ONCE, len(tasks))) as pool:
            results = list(pool.map(lambda task: open_parent(*task), tasks))
    for (name, _), opened in zip(tasks, results, strict=True):
        # Two names of one repository are one node.
        known[name.lower()] = known.setdefault(opened.ref.lower(), opened)
        if opened.notice is not None:
            walk.notices.append(opened.notice)


def _take(
    walk: Walk,
    child: str,
    link: Link,
    links: list[Link],
    known: dict[str, Opened],
    verify: Verify | None,
) -> Step | None:
    """Add the step along `link` to the walk; None for one that would close a circle."""
    opened = known.get(link.parent.lower()) or Opened(link.parent)
    facts = walk.nodes[child].facts
    assert facts is not None
    if walk.descends(opened.ref, child):
        walk.cut = True
        told = "itself" if opened.ref == child else f"{opened.ref}, which comes from it"
        walk.add_notice("cycle", f"{child} names {told} as parent; not followed")
        return None
    step = judge_link(facts, link, links, opened.facts)
    step.parent = opened.ref
    if verify is not None and step.stands and opened.findings is not None:
        step = verify(step, walk.nodes[child], opened)
    walk.steps[child].append(step)
    if opened.ref not in walk.nodes:
        if opened.facts is not None and step.stands:
            opened_facts = inherit_claims(facts, opened.facts)
            from dataclasses import replace

            opened = replace(opened, facts=opened_facts)
        walk.nodes[opened.ref] = opened
    return step
