"""`CheckReport` as a baseline: what does not hold today, which later runs need not count."""

from __future__ import annotations

from typing import Any

from famtree.types.policy import BASELINE, OF_BASELINE, CheckReport


def build_baseline(report: CheckReport) -> dict[str, Any]:
    """Return what does not hold, for `--baseline` of later runs; waivers stay the policy's."""
    findings = [
        {"ref": row.ref, "condition": one.name}
        for row in report.checkpoints
        for one in row.conditions
        if not one.holds and one.waived in (None, OF_BASELINE)
    ]
    return {"schema": BASELINE, "findings": findings}
