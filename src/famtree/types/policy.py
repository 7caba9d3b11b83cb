"""What a repository demands of its checkpoints (`famtree.toml`), and how they met it."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from famtree.types.identification import Knowledge, LinkStatus, Notice, Outcome, Verification
from famtree.types.model import FrozenModel, dump

ConditionName = Literal[
    "expect",
    "min_confidence",
    "allow_families",
    "deny_families",
    "expect_parent",
    "max_status",
    "require_licence_compatible",
    "deny_renamed",
]


class Conditions(FrozenModel):
    """What is demanded of one checkpoint; what is not given is not looked at."""

    expect: str | None = Field(None, max_length=200)
    """FAMILY or FAMILY/GENERATION, by the registry's keys."""
    min_confidence: float | None = Field(None, ge=0, le=1)
    allow_families: list[str] | None = None
    """Keys of the only families it may be of."""
    deny_families: list[str] | None = None
    """Keys of families it must not be of."""
    expect_parent: str | None = Field(None, max_length=200)
    """Hub id of a direct parent that the evidence does not rule out."""
    max_status: LinkStatus | None = None
    """Worst status that any link of its ancestry may have."""
    require_licence_compatible: bool | None = None
    """No checkpoint of its ancestry may state a looser licence than its parent's."""
    deny_renamed: bool | None = None
    """Neither it nor a parent that is looked at may be asked for by an older name: whoever takes
    that name over could put another checkpoint in its place."""


class CheckpointPolicy(Conditions):
    """One checkpoint and what is demanded of it."""

    ref: str = Field(min_length=1, max_length=4096)
    """As on the command line; a path that starts with `./` or `../` begins at the policy file."""
    revision: str | None = None


class Policy(FrozenModel):
    """The policy file."""

    schema_: Literal["famtree/policy/1"] = Field(alias="schema")
    registry: str | None = Field(None, pattern="^sha256:[0-9a-f]{64}$")
    """Digest of the only registry that answers may be given from, as documents state it."""
    defaults: Conditions = Field(default_factory=Conditions.model_construct)
    """Demanded of every checkpoint that does not say otherwise."""
    checkpoints: list[CheckpointPolicy] = Field(alias="checkpoint", min_length=1, max_length=10_000)


class CheckedCondition(FrozenModel):
    """One condition and whether it holds."""

    name: ConditionName
    holds: bool
    message: str
    """What was asked and, where it does not hold, what was found instead."""


class CheckError(FrozenModel):
    """Why a checkpoint could not be checked."""

    code: str
    message: str
    hint: str
    exit_code: int


class CheckedCheckpoint(FrozenModel):
    """One checkpoint of the policy."""

    ref: str
    line: int
    """Of the policy file, from 1."""
    result: Literal["passed", "failed", "error"]
    outcome: Outcome | None = None
    family: str | None = None
    generation: str | None = None
    confidence: float | None = None
    conditions: list[CheckedCondition] = Field(default_factory=list)
    contradicted: list[str] = Field(default_factory=list)
    """One sentence for each claimed parent that the evidence rules out, whatever was asked for."""
    verification: Verification | None = None
    """Only with `--verify`."""
    error: CheckError | None = None
    warnings: list[Notice] = Field(default_factory=list)
    """What the reference reader of its files refuses, whatever the conditions."""


class CheckReport(FrozenModel):
    """The answer of `famtree check`: document `famtree/check/1`."""

    schema_: Literal["famtree/check/1"] = Field(default="famtree/check/1", alias="schema")
    famtree: str
    policy: str
    """The policy file as it was asked for."""
    passed: int
    failed: int
    errors: int
    checkpoints: list[CheckedCheckpoint] = Field(default_factory=list)
    registry: Knowledge | None = None
    """None in documents of older versions."""

    @property
    def holds(self) -> bool:
        """Whether every checkpoint was checked and met every condition."""
        return not self.failed and not self.errors

    def to_document(self) -> dict[str, Any]:
        """Return the JSON document as plain data."""
        document: dict[str, Any] = dump(self)
        return document
