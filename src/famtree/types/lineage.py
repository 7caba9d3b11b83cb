"""The answer of `famtree lineage`: document `famtree/lineage/1`."""

from typing import Any, Literal

from pydantic import Field

from famtree.types.checkpoint import CheckpointFormat, SourceKind
from famtree.types.identification import (
    CostReport,
    Evidence,
    Knowledge,
    LinkRelation,
    LinkStatus,
    Notice,
    Relative,
    Verification,
    WeightProof,
)
from famtree.types.model import FrozenModel, dump
from famtree.types.proof import FoundMerge
from famtree.types.shown import Shown


class LineageNode(FrozenModel):
    """One checkpoint of the graph."""

    ref: str
    family: str | None = None
    generation: str | None = None
    format: CheckpointFormat | None = None
    source: SourceKind | None = None
    """Where it was read; None of what is only on record or known by name."""
    publisher: str | None = None
    """Hub organisation that published it, which need not be the family's maker."""
    resolved: bool = True
    """False when it is only known by name: absent, gated, local or not asked for."""
    recipe: FoundMerge | None = None
    """Only with `--verify`, of a merge: what its weights say when held against its parents'."""


class LineageEdge(FrozenModel):
    """One link, child to parent."""

    child: str
    parent: str
    relation: LinkRelation
    status: LinkStatus
    weight: float | None = None
    """Share of the parent in a merge, where stated."""
    layers: list[tuple[int, int]] = Field(default_factory=list)
    """Layer spans [start, stop) taken from this parent, where a merge states them."""
    layers_to: list[int] = Field(default_factory=list)
    """First layer of the child that each span of `layers` becomes, where the recipe tells."""
    confidence: float
    role: str | None = None
    """The part of a composition that the parent became: `language model`, `vision tower`, ..."""
    claimed_by: list[str] = Field(default_factory=list)
    evidence: list[Evidence] = Field(default_factory=list)


class ChildGroup(FrozenModel):
    """Known descendants of the asked-for checkpoint by one relation."""

    relation: LinkRelation
    count: int
    examples: list[str] = Field(default_factory=list)
    complete: bool = True
    """False when the Hub listed more than was read."""


class Lineage(Shown):
    """The ancestry graph of one checkpoint: a DAG, since a merge has several parents."""

    kind_ = "lineage"

    schema_: Literal["famtree/lineage/1"] = Field(default="famtree/lineage/1", alias="schema")
    famtree: str
    ref: str
    nodes: list[LineageNode] = Field(default_factory=list)
    edges: list[LineageEdge] = Field(default_factory=list)
    roots: list[str] = Field(default_factory=list)
    children: list[ChildGroup] = Field(default_factory=list)
    relatives: list[Relative] = Field(default_factory=list)
    """Only with `--atlas`: what the atlas holds that is like the asked-for checkpoint."""
    candidates: list[Relative] = Field(default_factory=list)
    """Only with `--candidate`: what the weights say of each, in the order they were named."""
    complete: bool = False
    """True when every branch ends at a root, none at a gap or the depth limit."""
    proofs: list[WeightProof] = Field(default_factory=list)
    """Only with `--verify`: one for each link whose weights were compared."""
    verification: Verification | None = None
    """Only with `--verify`."""
    warnings: list[Notice] = Field(default_factory=list)
    registry: Knowledge | None = None
    """None in documents of older versions."""
    cost: CostReport = Field(default_factory=CostReport)

    def to_document(self) -> dict[str, Any]:
        """Return the JSON document of the contract as plain data."""
        document: dict[str, Any] = dump(self)
        return document

    def sum_up(self) -> str:
        """Return the answer in a few words."""
        roots = f", from {', '.join(self.roots[:3])}" if self.edges and self.roots else ""
        return f"{self.ref!r}: {len(self.nodes)} nodes, {len(self.edges)} links{roots}"

    def to_mermaid(self) -> str:
        """Return a Mermaid flowchart."""
        return self._write("mermaid")

    def to_dot(self) -> str:
        """Return a Graphviz graph."""
        return self._write("dot")

    def to_svg(self) -> str:
        """Return a picture, light and dark. Raises UsageError without the extra `html`."""
        return self._write("svg")

    def to_html(self) -> str:
        """Return one self-contained page. Raises UsageError without the extra `html`."""
        return self._write("html")
