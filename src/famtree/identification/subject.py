"""What a checkpoint is and where it comes from: one examination, and the documents that show it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from famtree.checkpoint.references import read_reference
from famtree.identification.report import report_identification
from famtree.lineage.opener import Opener
from famtree.lineage.trace import Trace, trace_ancestry
from famtree.types.checkpoint import CheckpointRef, Cost
from famtree.types.depth import DEPTH
from famtree.types.identification import Identification, Notice
from famtree.types.once import once

if TYPE_CHECKING:
    from famtree.checkpoint.checkpoint import Checkpoint
    from famtree.types.lineage import Lineage


class Subject:
    """One checkpoint, its ancestry, and all that was opened to tell; documents are views of it."""

    def __init__(
        self, checkpoint: Checkpoint, trace: Trace, opener: Opener, *, seconds: float
    ) -> None:
        self.checkpoint = checkpoint
        self.trace = trace
        self.opener = opener
        self.seconds = seconds

    @once
    def identification(self) -> Identification:
        """The document of `famtree identify`."""
        cost = self.opener.sum_costs(self.seconds)
        return report_identification(self.checkpoint, self.trace, cost)

    def find_name(self, reference: str) -> str:
        """Return the name in graphs of the Hub repository that `reference` names.

        It is another where the repository was renamed, which takes a request to learn, and
        `reference` itself where it leads nowhere.
        """
        read = read_reference(reference)
        if read is None or not read[2] or "/" not in read[0]:
            return reference
        [found] = self.opener.open_parents([(read[0], None)], 1)
        return found.ref

    def publish_lineage(
        self,
        *,
        children: bool = False,
        recipes: bool = False,
        on_progress: Callable[[str], None] | None = None,
    ) -> Lineage:
        """Return the document of `famtree lineage`; `children` asks the Hub for known ones.

        `recipes` reads weights of merges and of their parents to tell what was merged.
        """
        from famtree.lineage.document import publish_lineage
        from famtree.lineage.recipes import Recipes, find_recipes
        from famtree.types.lineage import ChildGroup

        groups, extra, merges = list[ChildGroup](), list[Cost](), Recipes()
        notices: list[Notice] = []
        started = time.perf_counter()
        if children:
            from famtree.lineage.children import list_children

            opener = self.opener
            groups, extra = list_children(
                self.checkpoint.ref, notices, offline=opener.offline, access=opener.access
            )
        if recipes:
            opened = {**self.opener.opened, self.trace.walk.start: self.checkpoint}
            known, start = self.trace.advice.merge, self.trace.walk.start
            merges = find_recipes(
                self.trace.walk.steps, opened, on_progress, {} if known is None else {start: known}
            )
        seconds = self.seconds + time.perf_counter() - started
        cost = self.opener.sum_costs(seconds, extra)
        registry = self.checkpoint.registry
        return publish_lineage(self.trace, registry, groups, cost, merges, notices)


def examine_subject(
    ref: CheckpointRef,
    opener: Opener,
    *,
    depth: int = DEPTH,
    verify: bool = False,
    on_progress: Callable[[str], None] | None = None,
) -> Subject:
    """Return what is known of `ref`; `verify` settles its ancestry by weight bytes.

    How far ancestors are fetched is up to `opener.reach`; the base of an adapter on a Hub is looked
    at where nothing else tells its family. Raises FetchError and UnreadableError kin for `ref`
    itself.
    """
    text = None if opener.reach == 0 else True
    started = time.perf_counter()
    checkpoint = opener.open_start(ref, on_progress, text=text)
    if opener.reach == 0 and checkpoint.source.kind == "hub" and checkpoint.findings.needs_base:
        opener.reach = 1
    return examine_opened(
        checkpoint, opener, depth=depth, verify=verify, on_progress=on_progress, started=started
    )


def examine_opened(
    checkpoint: Checkpoint,
    opener: Opener,
    *,
    depth: int = DEPTH,
    verify: bool = False,
    on_progress: Callable[[str], None] | None = None,
    started: float | None = None,
) -> Subject:
    """Like `examine_subject`, for a checkpoint that `opener` opened already.

    `started` is when that began, by `time.perf_counter`.
    """
    started = time.perf_counter() if started is None else started
    trace = trace_ancestry(checkpoint, opener, depth=depth, verify=verify, on_progress=on_progress)
    return Subject(checkpoint, trace, opener, seconds=time.perf_counter() - started)
