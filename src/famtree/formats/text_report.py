"""`Identification` -> the report people read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from famtree.formats.identity_words import describe_identity, list_refuted, tell_status
from famtree.formats.lineage_words import SIGNS, STATUS_STYLES, describe_verification
from famtree.formats.parts import BLANK, Facts, Heading, Part, Table, Text

if TYPE_CHECKING:
    from famtree.formats.table import Options
    from famtree.types.adapter import Adapter
    from famtree.types.identification import (
        Candidate,
        ChainStep,
        Completeness,
        Component,
        Identification,
    )
    from famtree.types.quantization import Quantization

_MOST_CANDIDATES = 5
_MOST_PARENTS = 10
_MOST_TARGETS = 8
_SHOWN_COST = 0.005
"""Less would not show in two decimals."""
_TABLE_WIDTH = 70
_MOST_RELATIVES = 4
_MOST_ABOVE = 3
"""Links above the direct parent; `famtree lineage` shows all."""


def report_identification(result: Identification, options: Options) -> list[Part]:
    """Return the report of one answer; nothing is left out but on a screen.

    `options.verbose` adds every piece of evidence, every trait two files disagree on, the digests
    and the cost.
    """
    everything = options.width is None
    parts: list[Part] = [_list_facts(result, everything=everything, verbose=options.verbose)]
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
        keys = "/".join(filter(None, (target.family, target.generation)))
        parts.append(f"for {target.name or keys}")
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


def _list_facts(result: Identification, *, everything: bool, verbose: bool) -> Facts:
    facts = Facts(Text(result.checkpoint.ref, "bold"), list(describe_identity(result)))
    add = facts.add
    if result.family is not None:
        add("family", f"{result.family.name} ({result.family.maker})")
    elif result.kind == "draft-head":
        add("family", "none of its own")
    add("expect", _name_keys(result))
    add("confidence", _tell_confidence(result))
    add("kind", describe_kind(result) if result.kind != "model" else None)
    add("size", *_describe_size(result, verbose=verbose))
    add("context", _describe_context(result))
    add("stored", _describe_files(result))
    if result.quantization is not None:
        add("quantization", describe_quantization(result.quantization))
    add("licence", result.license)
    add("wrapper", result.wrapper)
    add("parts", *(_describe_component(one) for one in result.components))
    if result.adapter is not None:
        add("adapter", describe_adapter(result.adapter))
    add("lineage", *_describe_lineage(result, everything=everything))
    if result.lineage.verification is not None:
        told = describe_verification(result.lineage.verification)
        add("verify", *(Text(line, style) for style, line in told))
    relatives = result.lineage.relatives[:_MOST_RELATIVES]
    add("in the atlas", *(f"{relative.ref}: {relative.reason}" for relative in relatives))
    add("why", result.reason)
    if result.completeness is not None:
        add("missing", describe_completeness(result.completeness))
    told_above = {step.child for step in list_refuted(result)}
    for notice in result.warnings:
        if notice.code != "parent-contradicted" or not told_above or everything:
            add("warning", Text(f"{notice.message} [{notice.code}]", "yellow"))
    unread = dict.fromkeys(one.reason for one in result.unchecked)
    add("unchecked", Text("; ".join(unread), "dim") if unread else None)
    return facts


def _name_keys(result: Identification) -> str | None:
    """Return what `--expect` takes; it is met by every generation where that is open."""
    if result.family is None:
        return None
    if result.generation is None:
        return result.family.key
    return f"{result.family.key}/{result.generation.key}"


def _tell_confidence(result: Identification) -> str | None:
    """Return the figure, and of what it is one; None where it is one of nothing.

    A draft head has no family, and what cannot be judged is not known to be of none.
    """
    if result.kind == "draft-head" and result.family is None:
        return None
    if result.outcome == "unknown" and result.unknown_because == "not-judged":
        return None
    if result.outcome == "unknown":
        of = " that it is of no family on record"
    elif result.family is None:
        of = " in the likeliest of them"
    else:
        of = "" if result.generation is not None else " in the family, its generation is open"
    return f"{result.confidence:.2f}{of}"


def _describe_size(result: Identification, *, verbose: bool) -> Iterator[str]:
    shown, count = result.fingerprint.architecture, result.parameters
    told = []
    if count is not None:
        exact = f" ({count:,})" if verbose else ""
        active = result.active_parameters
        used = f", {show_count(active)} of them active" if active is not None else ""
        told.append(f"{show_count(count)} parameters{exact}{used}")
    if shown.layers and shown.hidden_size:
        plural = "s" * (shown.layers != 1)
        told.append(f"{shown.layers} layer{plural} x {shown.hidden_size:,}")
    if shown.experts and shown.experts_per_token:
        told.append(f"{shown.experts_per_token} of {shown.experts} experts")
    if shown.heads:
        grouped = shown.kv_heads and shown.kv_heads != shown.heads
        kind = f"grouped attention {shown.heads}/{shown.kv_heads}"
        told.append(kind if grouped else f"{shown.heads} heads")
    if told:
        yield ", ".join(told)


def show_count(count: int) -> str:
    """Return a number of parameters in three digits: `8.03 B`, `135 M`."""
    for unit, word in ((10**12, "T"), (10**9, "B"), (10**6, "M"), (10**3, "k")):
        if count >= unit:
            return f"{count / unit:.3g} {word}"
    return str(count)


def _describe_context(result: Identification) -> str | None:
    recipe = result.fingerprint.recipe
    if not recipe.context:
        return None
    told = [f"{recipe.context:,} tokens"]
    if recipe.rope_theta:
        scaled = recipe.rope_type not in (None, "default")
        told.append(f"rope base {recipe.rope_theta:,.10g}{f', {recipe.rope_type}' * scaled}")
    if recipe.sliding_window:
        told.append(f"window {recipe.sliding_window:,}")
    return ", ".join(told)


def _describe_files(result: Identification) -> str:
    one = result.checkpoint
    told: list[str] = [one.format]
    if one.files is not None:
        size = "" if one.bytes is None else f"{show_bytes(one.bytes)} in "
        told = [f"{size}{one.files} {one.format} file{'s' * (one.files != 1)}"]
    dtype = (result.fingerprint.recipe.dtype or "").removeprefix("torch.")
    if dtype and result.quantization is None:
        told.append(dtype.replace("float", "f"))
    return ", ".join(told)


def show_bytes(count: int) -> str:
    """Return a number of bytes in three digits: `16.1 GB`."""
    for unit, word in ((10**12, "TB"), (10**9, "GB"), (10**6, "MB"), (10**3, "kB")):
        if count >= unit:
            return f"{count / unit:.3g} {word}"
    return f"{count} bytes"


def _describe_component(component: Component) -> str:
    if component.name:
        return f"{component.role} of {component.name}"
    named = "/".join(filter(None, (component.family, component.generation)))
    return f"{component.role}: {named or 'unknown'}"


def _describe_lineage(result: Identification, *, everything: bool) -> Iterator[Text]:
    """Yield a line a parent, and below the only one its own parent, and so on."""
    chain = result.lineage.chain
    own = [step for step in chain if step.child == chain[0].child]
    shown = own if everything else own[:_MOST_PARENTS]
    for step in shown:
        yield _describe_link(result, step)
    if len(own) > len(shown):
        yield Text(f"{len(own) - len(shown)} more (famtree lineage)", "dim")
    depth, known, above = 0, {one.child for one in own}, own
    while len(above) == 1 and above[0].parent not in known and depth < _MOST_ABOVE:
        known.add(above[0].parent)
        above = [step for step in chain if step.child == above[0].parent]
        for step in above[:_MOST_PARENTS]:
            yield _describe_link(result, step, "  " * (depth + 1))
        depth += 1


def _describe_link(result: Identification, step: ChainStep, indent: str = "") -> Text:
    role = f" as {step.role}" if step.role else ""
    root = ", root" if step.parent == result.lineage.root else ""
    relation = "derived" if step.relation == "unknown" else step.relation
    style = STATUS_STYLES[step.status]
    told = Text(f"{indent}{SIGNS[step.status]} ", style)
    status = tell_status(step, result.lineage.unopened)
    return told.append(f"{step.parent} ").append(f"({relation}{role}, {status}{root})")


def _list_candidates(candidates: list[Candidate]) -> Table:
    table = Table("candidate", "key", "belief", right=("belief",))
    for one in candidates:
        key = "/".join(filter(None, (one.family, one.generation)))
        table.add(one.name or one.generation or one.family, key, f"{one.score:.3f}")
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
    facts.add("decided by", result.decided_by)
    facts.add("variant", result.variant)
    facts.add("architecture", fingerprint.architecture.digest)
    if fingerprint.tokenizer is not None:
        facts.add("tokenizer", fingerprint.tokenizer.digest)
    facts.add("recipe", fingerprint.recipe.digest)
    facts.add("revision", result.checkpoint.revision or None)
    cost = result.cost
    facts.add("cost", f"{cost.requests} requests, {cost.bytes:,} bytes, {cost.seconds:.2f} s")
    return facts
