"""The answer of `famtree fit`: document `famtree/fit/1`."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from famtree.types.comparison import ComparedCheckpoint, Reply
from famtree.types.identification import CostReport, Knowledge, Notice
from famtree.types.model import FrozenModel, dump
from famtree.types.shown import Shown

Fits = Literal["yes", "no", "unknown"]


class FitPlace(FrozenModel):
    """The accelerators it is to run on."""

    name: str
    count: int
    memory_bytes: int | None = None
    """Of each; None where it was not told."""
    capability: float | None = None
    """CUDA compute capability; None where that is not what it has."""
    vendor: str
    formats: list[str] = Field(default_factory=list)
    """Number formats that the hardware multiplies."""


class FitPlan(FrozenModel):
    """What is to be run; None where not said."""

    context: int | None = None
    """Tokens of a sequence."""
    batch: int = 1
    """Sequences at once."""
    kv_cache_type: str | None = None
    tensor_parallel: int | None = None


class FitMemory(FrozenModel):
    """What the checkpoint takes whatever the engine; None where it cannot be told."""

    weights_bytes: int | None = None
    weights_source: Literal["files", "headers", "estimate"] | None = None
    kv_bytes_per_token: int | None = None
    """Of one more token once all windows are full."""
    kv_fixed_bytes: int | None = None
    """Of full windows, an image, an encoder's output: a sequence."""
    state_bytes_per_sequence: int | None = None
    missing: str | None = None
    """What would have to be known to tell the rest."""


class FitEngine(FrozenModel):
    """One engine: whether it runs the checkpoint there, and what fits."""

    engine: str
    version: str
    answer: Reply
    """Whether it runs it, memory aside."""
    reason: str
    condition: str | None = None
    """What a `conditional` answer depends on."""
    rule: str
    source: str | None = None
    unchecked: bool = False
    """The rule leans on a definition of the engine's source that has changed since a person read
    it."""
    tensor_parallel: list[int] | None = None
    """Among how many accelerators it can be cut; None where the engine does not cut matrices, or
    heads are not known."""
    ranks: int = 1
    """Accelerators that share one copy here."""
    weights_bytes: int | None = None
    """All weights, as this engine holds them."""
    kv_cache_type: str | None = None
    kv_bytes_per_token: int | None = None
    kv_fixed_bytes: int | None = None
    state_bytes_per_sequence: int | None = None
    needed_bytes: int | None = None
    """On each rank, weights and caches of all sequences as planned."""
    usable_bytes: int | None = None
    """Of each rank's memory, what is left for them."""
    fits: Fits
    max_context: int | None = None
    """Most tokens of each of the planned sequences, never above the model's own; None where nothing
    limits them, or it cannot be told."""
    max_batch: int | None = None
    """Most sequences of the planned length; None where no length was planned."""
    help: str | None = None
    """What to change where it does not run or does not fit."""


class FitReport(Shown):
    """Whether one checkpoint can be served there, by which engine, in how much memory."""

    kind_ = "fit"

    schema_: Literal["famtree/fit/1"] = Field(default="famtree/fit/1", alias="schema")
    famtree: str
    checkpoint: ComparedCheckpoint
    plan: FitPlan
    memory: FitMemory
    context: int | None = None
    """The checkpoint's own, tokens."""
    gpu: FitPlace | None = None
    engines: list[FitEngine] = Field(default_factory=list)
    """Best first."""
    suggestions: list[str] = Field(default_factory=list)
    """What would help, most telling first."""
    warnings: list[Notice] = Field(default_factory=list)
    cost: CostReport = Field(default_factory=CostReport)
    registry: Knowledge | None = None
    """Which knowledge recognised the checkpoint."""

    def to_document(self) -> dict[str, Any]:
        """Return the JSON document of the contract as plain data."""
        document: dict[str, Any] = dump(self)
        return document

    def sum_up(self) -> str:
        """Return the answer in a few words."""
        good = [one.engine for one in self.engines if one.answer in ("yes", "conditional")]
        return f"{self.checkpoint.ref!r}: {', '.join(good) or 'no engine'}"
