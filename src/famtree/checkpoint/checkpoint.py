"""One checkpoint under examination: each part is fetched and parsed once, whoever asks for it.

Every command is a view of this: identify, lineage, compare, check, bom, scan and the atlas ask the
same object, so that none of them knows of a checkpoint what another does not.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from famtree.checkpoint.examine import examine_checkpoint
from famtree.checkpoint.node import describe_node
from famtree.checkpoint.records import join_record
from famtree.errors import UnreadableError, require_package
from famtree.types.once import once

if TYPE_CHECKING:
    from famtree.checkpoint.facts import NodeFacts
    from famtree.checkpoint.findings import Findings
    from famtree.checkpoint.gathered import Gathered
    from famtree.fingerprints.vocabulary import Vocabulary
    from famtree.registry.registry import Registry
    from famtree.types.identification import Notice
    from famtree.types.source import CheckpointSource
    from famtree.weights.open import Weights


class Checkpoint:
    """Where a checkpoint lies, what was read of it, and what follows; every part on first use.

    `briefly` reads the listing and small files alone, as far as an ancestor has to be known.
    `keep_vocabulary` keeps the tokens for who asks for `vocabulary`, so that none is read twice.
    `text` allows reading the card's running text where nothing else names a parent, which takes a
    request on a Hub. Any part raises FetchError kin (not reachable) and UnreadableError kin (not
    what it should be). Not safe to use from several threads at once.
    """

    def __init__(
        self,
        source: CheckpointSource,
        registry: Registry,
        *,
        briefly: bool = False,
        keep_vocabulary: bool = False,
        text: bool | None = None,
        on_progress: Callable[[str], None] | None = None,
    ) -> None:
        self.source = source
        self.registry = registry
        self._briefly = briefly
        self._keep_vocabulary = keep_vocabulary
        self._text = source.kind != "hub" if text is None else text
        self._on_progress = on_progress

    @once
    def findings(self) -> Findings:
        """What it is, by its own files."""
        return examine_checkpoint(
            self.source,
            self.registry,
            self._on_progress,
            briefly=self._briefly,
            keep_vocabulary=self._keep_vocabulary,
        )

    @property
    def found(self) -> Gathered:
        """What was read: listing, decoded small files, names and shapes of tensors."""
        return self.findings.found

    @once
    def contradictions(self) -> list[Notice]:
        """Warnings of its files that do not go together."""
        from famtree.checkpoint.consistency.consult import check_consistency

        return check_consistency(self.findings)

    @once
    def stated(self) -> NodeFacts:
        """The checkpoint as an end of links, by its own files and listing alone."""
        return describe_node(self.source, self.findings, text=self._text)

    @once
    def node(self) -> NodeFacts:
        """The same, with what the registry records of this very checkpoint."""
        return join_record(self.stated, self.registry)

    @property
    def ref(self) -> str:
        """Its name in graphs: the Hub id after renames, or the folder's own name."""
        return self.stated.ref

    @once
    def weights(self) -> Weights:
        """The weights, opened for sampling; no weight byte is read by opening."""
        require_package("numpy", "reading weights")
        if self._on_progress is not None:
            self._on_progress("opening the weights")
        return self.found.form.open_weights(self.found, self._on_progress)

    @once
    def refusals(self) -> list[Notice]:
        """Warnings of files on this machine that the `safetensors` package refuses to open."""
        from famtree.checkpoint.reference_reader import list_refusals

        return list_refusals(self.source)

    @once
    def vocabulary(self) -> Vocabulary | None:
        """Every token and merge; None where there are none. Raises TokenizerError too."""
        return self.found.vocabulary or self.found.form.list_tokens(self.found)

    @once
    def sketch(self) -> str | None:
        """Samples of the weights as text; None where there are none that can be read."""
        from famtree.weights.sketching import sketch_weights

        try:
            return sketch_weights(self.weights)
        except UnreadableError:
            return None
