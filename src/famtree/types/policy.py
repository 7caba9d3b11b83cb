"""What a repository demands of its checkpoints (`famtree.toml`), and how they met it."""

from __future__ import annotations

from datetime import date
from typing import Any, Literal

from pydantic import Field

from famtree.types.identification import Knowledge, LinkStatus, Notice, Outcome, Verification
from famtree.types.model import FrozenModel, dump
from famtree.types.shown import Shown

ConditionName = Literal[
    "expect",
    "min_confidence",
    "allow_families",
    "deny_families",
    "expect_parent",
    "max_status",
    "require_licence_compatible",
    "deny_renamed",
    "attested_by",
]


BASELINE = "famtree/baseline/1"
"""The document of `famtree check --write baseline=FILE`."""
OF_BASELINE = "in the baseline"


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
    attested_by: str | None = Field(None, min_length=1, max_length=4096)
    """File of a public key (PEM) that has signed a statement of `famtree attest` about these very
    files; beside the policy file, as `attestation` is."""
    attestation: str | None = Field(None, min_length=1, max_length=4096)
    """File of that signed statement: a DSSE envelope, or a Sigstore bundle with one."""


class CheckpointPolicy(Conditions):
    """One checkpoint and what is demanded of it."""

    ref: str = Field(min_length=1, max_length=4096)
    """As on the command line; a path that starts with `./` or `../` begins at the policy file. With
    `*`, `?` or `[` all that match: models of one account (`acme/*`), or paths."""
    revision: str | None = None


class Waiver(FrozenModel):
    """What need not hold of a checkpoint for a time, and why."""

    ref: str = Field(min_length=1, max_length=4096)
    """As in the list of checkpoints; `*` and `?` stand for any letters."""
    conditions: list[ConditionName] | None = Field(None, min_length=1)
    """Which of them; all where none are named."""
    reason: str = Field(min_length=1, max_length=1000)
    expires: date
    """The last day on which it counts."""


class Policy(FrozenModel):
    """The policy file."""

    schema_: Literal["famtree/policy/1"] = Field(alias="schema")
    registry: str | None = Field(None, pattern="^sha256:[0-9a-f]{64}$")
    """Digest of the only registry that answers may be given from, as documents state it."""
    defaults: Conditions = Field(default_factory=Conditions.model_construct)
    """Demanded of every checkpoint that does not say otherwise."""
    checkpoints: list[CheckpointPolicy] = Field(alias="checkpoint", min_length=1, max_length=10_000)
    waivers: list[Waiver] = Field(alias="waiver", default_factory=list, max_length=10_000)


class CheckedCondition(FrozenModel):
    """One condition and whether it holds."""

    name: ConditionName
    holds: bool
    message: str
    """What was asked and, where it does not hold, what was found instead."""
    waived: str | None = None
    """Why it counts as met although it does not hold: a waiver's reason, or the baseline."""


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

    def describe(self, *, confidence: bool = True) -> str:
        """Return the answer in a few words, "" where there is none."""
        if self.outcome is None:
            return ""
        name = "/".join(part for part in (self.family, self.generation) if part)
        words = [name] if name else []
        if self.outcome != "identified":
            words.append(self.outcome)
        if confidence and self.confidence is not None:
            words.append(f"{self.confidence:.2f}")
        return " ".join(words)


class AppliedWaiver(FrozenModel):
    """A waiver of the policy, and whether it counted."""

    ref: str
    conditions: list[ConditionName] | None = None
    reason: str
    expires: str
    """YYYY-MM-DD."""
    line: int
    state: Literal["used", "unused", "expired"]


class PolicyFault(FrozenModel):
    """Something that is wrong with the policy file itself."""

    line: int
    field: str
    message: str


class UsedBaseline(FrozenModel):
    """A record of what did not hold before, and what became of it."""

    file: str
    known: int
    """Conditions that do not hold, and did not then."""
    gone: list[str] = Field(default_factory=list)
    """`ref: condition` of those that hold by now, or are no longer asked for."""


class ChangedAnswer(FrozenModel):
    """A checkpoint that another registry answers otherwise, or judges otherwise."""

    ref: str
    line: int
    before: str
    """Key, outcome where it is not identified, confidence; empty where it could not be checked."""
    after: str
    result_before: Literal["passed", "failed", "error"]
    result_after: Literal["passed", "failed", "error"]


class Against(FrozenModel):
    """The same policy under another registry."""

    registry: Knowledge
    changes: list[ChangedAnswer] = Field(default_factory=list)


class CheckReport(Shown):
    """The answer of `famtree check`: document `famtree/check/1`."""

    kind_ = "check"

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
    against: Against | None = None
    """Only with `--against`: what would change."""
    waivers: list[AppliedWaiver] = Field(default_factory=list)
    """All of the policy."""
    baseline: UsedBaseline | None = None
    """Only with `--baseline`."""
    faults: list[PolicyFault] = Field(default_factory=list)
    """What is wrong with the policy, of which nothing was checked then."""

    @property
    def exit_code(self) -> int:
        """2 for a faulty policy, 1 where a condition does not hold, 3 where one was not checked.

        With `--against` under either registry; 0 for none of these.
        """
        later = [one.result_after for one in self.against.changes] if self.against else []
        if self.faults:
            return 2
        if self.failed or "failed" in later:
            return 1
        return 3 if self.errors or "error" in later else 0

    @property
    def holds(self) -> bool:
        """Whether every checkpoint was checked and met every condition."""
        return self.exit_code == 0

    @property
    def waived(self) -> int:
        """How many conditions that do not hold are waived."""
        return sum(one.waived is not None for row in self.checkpoints for one in row.conditions)

    def to_document(self) -> dict[str, Any]:
        """Return the JSON document as plain data."""
        document: dict[str, Any] = dump(self)
        return document

    def sum_up(self) -> str:
        """Return the answer in a few words."""
        counts = f"{self.passed} passed, {self.failed} failed, {self.errors} not checked"
        return f"{self.policy!r}: {counts}"
