"""Walk from one checkpoint to its roots, one generation at a time.

The walk does not know where facts come from: it asks an opener for all parents of a generation at
once, so that one that fetches pays one latency a generation. What is opened is bounded, circles
are cut, and a parent that cannot be opened ends its branch without ending the walk.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import Struct

from famtree.checkpoint.facts import NodeFacts
from famtree.checkpoint.records import find_known
from famtree.checkpoint.references import is_local_path, is_stored_model
from famtree.lineage.licenses import describe_loosening
from famtree.lineage.links import Link, group_claims, inherit_claims, raise_claims
from famtree.lineage.rivals import list_rivals, settle_rivals
from famtree.lineage.shortcuts import fold_shortcuts
from famtree.lineage.steps import JudgedLink, judge_links
from famtree.lineage.support import find_supported
from famtree.registry.registry import Registry
from famtree.types.identification import Notice

MAX_NODES = 256
"""Checkpoints that are opened for one answer; merges of merges can name thousands."""


class Found(Struct, frozen=True):
    """What an opener has to say of one parent."""

    ref: str
    """Its name in the graph: the host's own spelling, after renames."""
    facts: NodeFacts | None = None
    """None where nothing is known but the name."""
    notice: Notice | None = None
    """Why it could not be read, or that it has another name now."""


Asked = tuple[str, str | None]
"""A parent as claimed, and the revision that is claimed, if any."""
OpenParents = Callable[[Sequence[Asked], int], Sequence[Found]]
"""Returns one Found for each parent asked for, in order; the number is that of their generation,
1 for direct parents. Never raises FamtreeError kin."""
Settle = Callable[[JudgedLink], None]
"""Settles a step by weight bytes, or leaves it as it is."""


class Walk(Struct):
    """The graph as far as it was walked."""

    start: str
    nodes: dict[str, NodeFacts | None] = {}
    """Node name to what is known of it, in order of discovery."""
    steps: dict[str, list[JudgedLink]] = {}
    """Child to its steps; a checkpoint without an entry was not asked for its parents."""
    notices: list[Notice] = []
    folders: list[JudgedLink] = []
    """Claims of folders on somebody's machine: no links, unless such a folder is at hand."""
    cut: bool = False
    """True where a limit or a circle kept a branch from being followed."""

    @property
    def chain(self) -> list[JudgedLink]:
        """All steps, those of nearer children first."""
        return [step for steps in self.steps.values() for step in steps]

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

    def find_ends(self) -> tuple[list[str], list[str]]:
        """Return (roots, other ends) that standing steps lead to from the start.

        A root is recorded as trained from scratch. A parent that is claimed aside of a better
        claimed one opens no end of its own.
        """
        roots: list[str] = []
        others: list[str] = []
        seen, waiting = {self.start}, [self.start]
        while waiting:
            ref = waiting.pop(0)
            onward = [step for step in self.steps.get(ref, ()) if step.stands]
            main = [step for step in onward if not step.aside] or onward
            above = list(dict.fromkeys(step.parent for step in main))
            waiting += [one for one in above if one not in seen]
            seen.update(above)
            if not above:
                facts = self.nodes[ref]
                (roots if facts is not None and facts.root else others).append(ref)
        return roots, others

    @property
    def complete(self) -> bool:
        """True when every branch ends at a root."""
        roots, others = self.find_ends()
        return bool(roots) and not others and not self.cut


def walk_lineage(
    start: NodeFacts,
    open_parents: OpenParents,
    registry: Registry,
    *,
    depth: int,
    settle: Settle | None = None,
    report: Callable[[int], None] = lambda _: None,
) -> Walk:
    """Return every ancestor of `start` up to `depth` generations, with a verdict on each link.

    `report` gets the number of each generation before its parents are opened.
    """
    walker = _Walker(Walk(start.ref, {start.ref: start}), open_parents, registry, settle)
    walker.known[start.ref.lower()] = Found(start.ref, start)
    walk, generation = walker.walk, [start.ref]
    for number in range(depth):
        links = {ref: walker.links_of(ref) for ref in generation}
        if not any(links.values()):
            break
        walker.generation = number + 1
        report(number + 1)
        walker.open([link for found in links.values() for link in found])
        generation = list(
            dict.fromkeys(above for ref in generation for above in walker.take(ref, links[ref]))
        )
    left = next((ref for ref in generation if walker.links_of(ref)), None)
    if left is not None:
        walk.cut = True
        walk.add_notice("depth-limit", f"stopped after {depth} generation(s): {left} has parents")
    walk.notices += [told for one in walk.nodes.values() if one for told in one.notices]
    fold_shortcuts(walk.steps)
    for ref, steps in walk.steps.items():
        facts = walk.nodes[ref]
        if facts is not None:
            walk.notices += settle_rivals(facts, steps, walk.nodes, registry)
    return walk


class _Walker(Struct):
    walk: Walk
    open_parents: OpenParents
    registry: Registry
    settle: Settle | None
    generation: int = 0
    known: dict[str, Found] = {}
    """Every name asked for, in lower case, to what was found; two names may share one."""

    def links_of(self, ref: str) -> list[Link]:
        facts = self.walk.nodes[ref]
        return (
            group_claims(facts.claims) if facts is not None and ref not in self.walk.steps else []
        )

    def open(self, links: list[Link]) -> None:
        """Ask for every parent that was not asked for before."""
        wanted: dict[str, Asked] = {}
        for link in links:
            key = link.parent.lower()
            if link.resolvable and key not in self.known:
                revision = next((one.revision for one in link.claims if one.revision), None)
                wanted.setdefault(key, (link.parent, revision))
        room = max(0, MAX_NODES - len(self.known))
        if len(wanted) > room:
            self.walk.cut = True
            self.walk.add_notice(
                "too-many-parents", f"{len(wanted) - room} parents were not opened"
            )
        asked = list(wanted.values())[:room]
        guessed = {link.parent for link in links if link.is_hint}
        for (name, _), found in zip(
            asked, self.open_parents(asked, self.generation) if asked else (), strict=True
        ):
            self.known[name.lower()] = self.known.setdefault(found.ref.lower(), found)
            if found.notice is not None and (found.facts is not None or name not in guessed):
                self.walk.notices.append(found.notice)

    def take(self, child: str, links: list[Link]) -> list[str]:
        """Add the steps from `child` to the walk and return the parents that stand."""
        facts = self.walk.nodes[child]
        if facts is None or child in self.walk.steps:
            return []
        self.walk.steps[child] = []
        steps = judge_links(facts, links, self.registry, self._find)
        if all(step.status == "unresolved" for step in steps):
            # The parent is not to be had, but its own parents may be known.
            links = group_claims(raise_claims(facts.claims))
            self.open(links)
            steps += judge_links(facts, links, self.registry, self._find)
        steps = [step for step in steps if not self._is_folder(step)]
        stands = any(step.stands for step in steps)
        rivals = list_rivals(facts, steps, self.registry) if steps else ()
        # A title that is ruled out is still somebody's word; what a name was cut to is nobody's.
        steps += [one for one in rivals if one.stands or not (stands or one.link.stated)]
        above = [self._add(facts, step) for step in steps]
        if steps and not any(step.stands for step in steps):
            instead = find_supported(facts, self.registry)
            if instead is not None:
                above.append(self._add(facts, instead))
        return [parent for parent in above if parent is not None]

    def _is_folder(self, step: JudgedLink) -> bool:
        """True for a folder on somebody's machine, which is said and is no parent.

        As a part of a merge it stays: without it the others would be the whole recipe. So does
        one where models are kept: it names what it was made from, if not whose that is.
        """
        folder = step.status == "unresolved" and is_local_path(step.parent)
        if not folder or is_stored_model(step.parent) or "mergekit" in step.link.sources:
            return False
        who = " and ".join(step.link.sources)
        told = f"{step.child} names {step.parent} ({who}), a folder on its maker's machine"
        self.walk.add_notice("local-parent", told)
        self.walk.folders.append(step)
        return True

    def _find(self, link: Link) -> Found:
        return self.known.get(link.parent.lower()) or Found(link.parent)

    def _add(self, child: NodeFacts, step: JudgedLink) -> str | None:
        """Add one step; return its parent unless the branch ends there or would close a circle."""
        if self.walk.descends(step.parent, child.ref):
            self.walk.cut = True
            told = "itself" if step.parent == child.ref else f"{step.parent}, which comes from it"
            self.walk.add_notice("cycle", f"{child.ref} names {told} as parent; not followed")
            return None
        if self.settle is not None:
            self.settle(step)
        self.walk.steps[child.ref].append(step)
        if not step.stands:
            self.walk.add_notice("parent-contradicted", step.tell_against())
        elif step.misstated is not None:
            told = f"the relation of {child.ref} to {step.parent} is said to be {step.misstated}"
            self.walk.add_notice("relation-contradicted", told)
        found = self.known.get(step.parent.lower())
        parent = found.facts if found is not None else find_known(step.parent, self.registry)
        if parent is not None and step.stands:
            parent = inherit_claims(child, parent)
            looser = describe_loosening(child, parent)
            if looser is not None:
                self.walk.add_notice("license-looser", looser)
        self.walk.nodes.setdefault(step.parent, parent)
        return step.parent if step.stands else None
