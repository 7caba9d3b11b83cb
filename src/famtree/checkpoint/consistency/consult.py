"""All checks of one checkpoint, and those that what was not read kept from being made."""

from __future__ import annotations

from itertools import islice

from famtree.checkpoint.consistency.examined import Examined, Part
from famtree.checkpoint.consistency.table import CHECKS
from famtree.checkpoint.findings import Findings
from famtree.types.identification import Notice, Unchecked

MOST_TOLD = 8
"""Warnings of one code; a checkpoint with more is broken throughout."""


def check_consistency(findings: Findings) -> list[Notice]:
    """Return a warning for every pair of files that contradict each other; reads nothing.

    Each check takes time in proportion to tensors, shards or added tokens.
    """
    one, kind = Examined(findings), findings.kind
    return [
        Notice.model_construct(
            code=check.code, message=found.message, expected=found.expected, seen=found.seen
        )
        for check in CHECKS
        if kind in check.kinds
        for found in islice(check.find(one), MOST_TOLD)
    ]


def list_unchecked(findings: Findings) -> list[Unchecked]:
    """Return the parts that a folder would have been read for, with the codes they could give."""
    unread = _list_unread(findings)
    kind = findings.kind
    return [
        Unchecked.model_construct(
            part=part,
            reason=reason,
            codes=[one.code for one in CHECKS if part in one.needs and kind in one.kinds],
        )
        for part, reason in unread.items()
    ]


def _list_unread(findings: Findings) -> dict[Part, str]:
    found, unread = findings.found, dict[Part, str]()
    if found.form.source.kind != "hub":
        return unread
    if not found.form.is_whole(found):
        reason = "its header was read as far as it was needed"
        return {"headers": reason, "tokenizer": reason}
    shards, read = found.plan.shards, found.index.data_starts
    if len(read) < len(shards) and found.form.name == "safetensors":
        unread["headers"] = f"{len(read)} of {len(shards)} headers were read"
        if not found.index.indexed:
            unread["index"] = "the index was not read"
    tokenizer = findings.fingerprint.tokenizer
    partial = tokenizer is not None and tokenizer.status == "partial"
    if tokenizer is not None and partial and found.form.holds_vocabulary(found):
        unread["tokenizer"] = tokenizer.reason or "no vocabulary file was read"
    return unread
