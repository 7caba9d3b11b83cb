"""What need not hold: waivers of the policy for a time, and a baseline of what never did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from fnmatch import fnmatchcase
from pathlib import Path

import msgspec

from famtree.errors import UsageError
from famtree.types.policy import (
    BASELINE,
    OF_BASELINE,
    AppliedWaiver,
    CheckedCheckpoint,
    CheckedCondition,
    UsedBaseline,
    Waiver,
)

MAX_BYTES = 16 << 20


@dataclass(frozen=True, slots=True)
class PlacedWaiver:
    """A waiver and its line of the policy."""

    line: int
    waiver: Waiver


class _Finding(msgspec.Struct, frozen=True):
    ref: str
    condition: str


class _Baseline(msgspec.Struct):
    schema: str
    findings: list[_Finding]


@dataclass
class Excuses:
    """Says of each condition that does not hold whether it counts, and remembers what it said."""

    waivers: Sequence[PlacedWaiver] = ()
    today: date = field(default_factory=date.today)
    baseline: str | None = None
    _known: frozenset[_Finding] = frozenset()
    _met: set[_Finding] = field(default_factory=set)
    _used: set[int] = field(default_factory=set)

    def read_baseline(self, name: str) -> None:
        """Take the findings of a file that `--write baseline=FILE` made. Raises UsageError."""
        self.baseline, self._known = name, _read(name)

    def excuse(self, row: CheckedCheckpoint, target: str) -> CheckedCheckpoint:
        """Return the row with what is waived; it passes where nothing else fails.

        `target` is how the policy names the checkpoint.
        """
        judged = [self._judge(row.ref, target, one) for one in row.conditions]
        if row.result != "failed" or judged == row.conditions:
            return row
        failed = any(not one.holds and one.waived is None for one in judged)
        result = "failed" if failed else "passed"
        return row.model_copy(update={"conditions": judged, "result": result})

    def list_waivers(self) -> list[AppliedWaiver]:
        """Return all waivers, and whether they counted."""
        return [
            AppliedWaiver.model_construct(
                ref=one.waiver.ref,
                conditions=one.waiver.conditions,
                reason=one.waiver.reason,
                expires=one.waiver.expires.isoformat(),
                line=one.line,
                state="expired"
                if one.waiver.expires < self.today
                else "used"
                if one.line in self._used
                else "unused",
            )
            for one in self.waivers
        ]

    def describe_baseline(self) -> UsedBaseline | None:
        """Return what became of the baseline, if there is one."""
        if self.baseline is None:
            return None
        gone = sorted(f"{one.ref}: {one.condition}" for one in self._known - self._met)
        return UsedBaseline.model_construct(file=self.baseline, known=len(self._met), gone=gone)

    def _judge(self, ref: str, target: str, condition: CheckedCondition) -> CheckedCondition:
        if condition.holds:
            return condition
        for one in self.waivers:
            waiver = one.waiver
            named = waiver.conditions is None or condition.name in waiver.conditions
            if named and waiver.expires >= self.today and _matches(waiver.ref, ref, target):
                self._used.add(one.line)
                until = waiver.expires.isoformat()
                told = f"{waiver.reason} (until {until})"
                return condition.model_copy(update={"waived": told})
        finding = _Finding(ref, condition.name)
        if finding in self._known:
            self._met.add(finding)
            return condition.model_copy(update={"waived": OF_BASELINE})
        return condition


def _matches(pattern: str, *names: str) -> bool:
    return any(
        pattern.lower() == name.lower() or fnmatchcase(name.lower(), pattern.lower())
        for name in names
    )


def _read(name: str) -> frozenset[_Finding]:
    hint = "make it with `famtree check --write baseline=FILE`"
    try:
        with Path(name).open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except (OSError, ValueError) as fault:
        reason = getattr(fault, "strerror", None) or fault
        raise UsageError(f"{name} cannot be read: {reason}", hint=hint) from fault
    try:
        if len(data) > MAX_BYTES:
            raise ValueError(f"more than {MAX_BYTES} bytes")
        found = msgspec.json.decode(data, type=_Baseline)
        if found.schema != BASELINE:
            raise ValueError(f"schema is {found.schema[:80]!r}")
    except (msgspec.MsgspecError, ValueError) as fault:
        raise UsageError(f"{name} is no baseline: {fault}", hint=hint) from fault
    return frozenset(found.findings)
