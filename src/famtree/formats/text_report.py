"""`Identification` -> the report people read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from famtree.formats.lineage_words import describe_verification
from famtree.formats.parts import BLANK, Facts, Heading, Part, Table, Text
from famtree.types.links import find_refutation

if TYPE_CHECKING:
    from famtree.formats.table import Options
    from famtree.types.adapter import Adapter
    from famtree.types.identification import (
        Candidate,
        Completeness,
        Component,
        Identification,
    )
    from famtree.types.quantization import Quantization

_STYLES = {"identified": "bold green", "ambiguous": "bold yellow", "unknown": "bold red"}
_MOST_CANDIDATES = 5
_MOST_PARENTS = 10
_MOST_TARGETS = 8
_SHOWN_COST = 0.005
"""Less would not show in two decimals."""
_TABLE_WIDTH = 70
_MOST_RELATIVES = 4


def report_identification(result: Identification, options: Options) -> list[Part]:
    """Return the report of one answer; nothing is left out but on a screen.

    `options.verbose` adds every piece of evidence, every trait two files disagree on, the digests
    and the cost.
    """
    everything = options.width is None
    parts: list[Part] = [_list_facts(result, everything=everything)]
    if result.outcome != "identified" and result.candidates:
        shown = result.candidates if everything else result.candidates[:_MOST_CANDIDATES]
        parts += [BLANK, Heading("Candidates"), _list_candidates(shown)]
    if options.verbose:
        parts += _list_details(result, options.width)
    return parts


def describe_quantization(quantization: Quantization) -> str:
    """Return one phrase: method, width, group size, scheme."""
    parts = [quantization.method]
    if quantization.bits is not None:
        parts.append(f"{quantization.bits:g} bit")
    if quantization.group_size is not None:
        parts.append(f"groups of {quantization.group_size}")
    if quantization.scheme:
        parts.append(quantization.scheme)
    if quantization.effective_bits_per_weight is not None:
        parts.append(f"{quantization.effective_bits_per_weight:.2f} bits a weight")
    return ", ".join(parts)


def describe_kind(result: Identification) -> str:
    """Return the kind, and what a draft head or an adapter is made for."""
    target = result.for_
    if target is None:
        return result.kind
    parts = [result.kind if target.layout is None else f"{result.kind} ({target.layout})"]
    if target.family is not None:
        parts.append("for " + "/".join(filter(None, (target.family, target.generation))))
    if target.hidden_size is not None:
        parts.append(f"hidden size {target.hidden_size:,}")
    if target.vocab_rows is not None:
        parts.append(f"vocabulary {target.vocab_rows:,}")
    return ", ".join(parts)


def describe_adapter(adapter: Adapter) -> str:
    """Return one phrase: method, rank, targets, and how its base stands to it."""
    parts = [adapter.method or "of an unknown method"]
    if adapter.rank is not None:
        parts.append(f"rank {adapter.rank}{' and others' if adapter.ranks else ''}")
    if adapter.targets:
        parts.append(f"on {', '.join(adapter.targets[:_MOST_TARGETS])}")
    if adapter.saved_modules:
        parts.append(f"with whole {', '.join(adapter.saved_modules[:_MOST_TARGETS])}")
    if adapter.base is not None:
        parts.append(f"base {adapter.base} ({adapter.base_check})")
    return ", ".join(parts)


def describe_completeness(completeness: Completeness) -> str:
    """Return what is absent, and what the confidence would be at most with it."""
    told = "; ".join(one.message for one in completeness.missing)
    if not completeness.confidence_cost or completeness.confidence_cost < _SHOWN_COST:
        return told
    return f"{told} (with it the confidence could be {completeness.confidence_if_complete:.2f})"


def _list_facts(result: Identification, *, everything: bool) -> Facts:
    facts = Facts(Text(result.checkpoint.ref, "bold"))
    add = facts.add
    style = _STYLES[result.outcome]
    if result.family is None:
        own = "none of its own" if result.kind == "draft-head" else result.outcome
        add("family", Text(own, style))
    else:
        name = Text(result.family.name, style)
        add("family", name.append(" (").append(result.family.maker).append(")"))
        add("generation", result.generation.name if result.generation else "not settled")
    add("kind", describe_kind(result) if result.kind != "model" else None)
    add("size", result.size)
    add("parameters", None if result.parameters is None else f"{result.parameters:,}")
    add("variant", result.variant)
    add("wrapper", result.wrapper)
    if result.quantization is not None:
        add("quantization", describe_quantization(result.quantization))
    add("components", *(_describe_component(one) for one in result.components))
    add("format", result.checkpoint.format)
    add("decided by", result.decided_by)
    add("because", result.reason)
    add("confidence", f"{result.confidence:.2f}")
    if result.adapter is not None:
        add("adapter", describe_adapter(result.adapter))
    if result.completeness is not None:
        add("missing", describe_completeness(result.completeness))
    parents = result.lineage.parents if everything else result.lineage.parents[:_MOST_PARENTS]
    add("parent", *(_describe_parent(result, parent) for parent in parents))
    for ruled_out in _describe_refuted(result):
        add("parent", ruled_out)
    if result.lineage.verification is not None:
        told = describe_verification(result.lineage.verification)
        add("verify", *(Text(line, style) for style, line in told))
    relatives = result.lineage.relatives[:_MOST_RELATIVES]
    add("in the atlas", *(f"{relative.ref}: {relative.reason}" for relative in relatives))
    for notice in result.warnings:
        add("warning", Text(f"{notice.message} [{notice.code}]", "yellow"))
    unread = dict.fromkeys(one.reason for one in result.unchecked)
    add("unchecked", Text("; ".join(unread), "dim") if unread else None)
    return facts


def _describe_component(component: Component) -> str:
    if component.name:
        return f"{component.role} of {component.name}"
    named = "/".join(filter(None, (component.family, component.generation)))
    return f"{component.role}: {named or 'unknown'}"


def _describe_parent(result: Identification, parent: str) -> str:
    steps = [step for step in result.lineage.chain if step.parent == parent]
    if not steps:
        return parent
    role = f" as {steps[0].role}" if steps[0].role else ""
    return f"{parent} ({steps[0].relation}{role}, {steps[0].status})"


def _describe_refuted(result: Identification) -> Iterator[Text]:
    """Yield a line for each claimed direct parent that is ruled out, and the fact that does so."""
    chain = result.lineage.chain
    own = [step for step in chain if step.child == chain[0].child]
    for step in own:
        if step.status != "contradicted":
            continue
        against = find_refutation(step.evidence)
        told = f"✘ {step.parent}: claimed, and ruled out"
        if against is not None:
            told += f" ({against.signal}: expected {against.expected}, seen {against.seen})"
        yield Text(told, "red")


def _list_candidates(candidates: list[Candidate]) -> Table:
    table = Table("family", "generation", "score", "decided by", right=("score",))
    for one in candidates:
        table.add(one.family, one.generation or "-", f"{one.score:.3f}", one.decided_by)
    return table


def _list_details(result: Identification, width: int | None) -> Iterator[Part]:
    if result.evidence:
        table = Table("signal", "seen in", "expected", "seen", "weight", right=("weight",))
        for item in result.evidence:
            weight = Text(f"{item.weight:+.2f}", "green" if item.supports else "red")
            table.add(item.signal, item.source, item.expected, item.seen, weight)
        yield from (BLANK, Heading("Evidence (nats for and against)"), _fit(table, width))
    disagreements = result.fingerprint.architecture.disagreements
    if disagreements:
        table = Table("trait", "believed", "from", "other", "from")
        for clash in disagreements:
            table.add(
                clash.trait, clash.believed, clash.believed_from, clash.other, clash.other_from
            )
        yield from (BLANK, Heading("Disagreements between files"), _fit(table, width))
    yield from (BLANK, _list_digests(result))


def _fit(table: Table, width: int | None) -> Table | Facts:
    """Return `table`, or, where five columns would be cut into shreds, one block a row."""
    if width is None or width >= _TABLE_WIDTH:
        return table
    facts = Facts()
    for row in table.rows:
        for number, (heading, cell) in enumerate(zip(table.headings, row, strict=True)):
            facts.add(f"  {heading}" if number else heading, *cell)
    return facts


def _list_digests(result: Identification) -> Facts:
    facts = Facts()
    fingerprint = result.fingerprint
    facts.add("architecture", fingerprint.architecture.digest)
    if fingerprint.tokenizer is not None:
        facts.add("tokenizer", fingerprint.tokenizer.digest)
    facts.add("recipe", fingerprint.recipe.digest)
    facts.add("revision", result.checkpoint.revision or None)
    cost = result.cost
    facts.add("cost", f"{cost.requests} requests, {cost.bytes:,} bytes, {cost.seconds:.2f} s")
    return facts
