"""`Lineage` -> one page that needs no network, and is whole without its script."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import TYPE_CHECKING

from famtree.formats.escape import clip_text
from famtree.formats.lineage_svg import MOST_NODES, draw_sign, draw_svg
from famtree.formats.lineage_words import (
    MEANINGS,
    Graph,
    Publishers,
    build_graph,
    describe_candidates,
    describe_completeness,
    describe_layers,
    describe_recipes,
    describe_relation,
    describe_verification,
    find_other_publisher,
)
from famtree.formats.page import fill_page, find_page, lead_out
from famtree.types.links import STATUSES

if TYPE_CHECKING:
    from famtree.formats.table import Options
    from famtree.types.identification import Evidence
    from famtree.types.lineage import ChildGroup, Lineage, LineageEdge, LineageNode

_MOST_EVIDENCE = 60


def render_html(lineage: Lineage, options: Options) -> str:
    """Return the page: drawing, legend, then every link and checkpoint with its evidence.

    `options.publishers` lets checkpoints published by somebody else than the family's maker say
    so. Equal documents give equal pages, whatever they cost to find out.
    """
    graph = build_graph(lineage, most=MOST_NODES)
    publishers = options.publishers
    return fill_page(
        "lineage",
        styles=("graph", "lineage"),
        scripts=("lineage",),
        title=_clean(lineage.ref),
        summary=_write_summary(lineage, graph),
        legend=_write_legend(),
        filters=_write_filters(graph),
        drawing=draw_svg(graph, publishers=publishers, roots=set(lineage.roots)),
        links=_write_links(graph),
        checkpoints=_write_nodes(graph, publishers, set(lineage.roots), options.hub),
        children=_write_children(lineage.children),
        version=_clean(lineage.famtree),
    )


def _write_summary(lineage: Lineage, graph: Graph) -> str:
    counts = f"{_count(len(graph.nodes), 'checkpoint')}, {_count(len(graph.edges), 'link')}"
    told = [f"<p>{counts}; {describe_completeness(lineage)}.</p>"]
    doubtful = sum(edge.status == "contradicted" for edge in graph.edges)
    if doubtful:
        told.append(
            f'<p class="s-contradicted">{draw_sign("contradicted")} '
            f"{_count(doubtful, 'claim')} ruled out by the evidence.</p>"
        )
    if lineage.verification is not None:
        told += [
            f"<p>verify: {_clean(line)}</p>"
            for _, line in describe_verification(lineage.verification)
        ]
    told += [f"<p>{_clean(line)}</p>" for line in describe_candidates(lineage)]
    told += [f"<p>{_clean(line)}</p>" for _, line in describe_recipes(lineage)]
    if lineage.roots:
        roots = ", ".join(f"<code>{_clean(root)}</code>" for root in lineage.roots[:20])
        told.append(f"<p>Roots: {roots}</p>")
    if graph.left_out:
        told.append(f"<p>{_count(graph.left_out, 'checkpoint')} farther away not drawn.</p>")
    warnings = "".join(
        f"<li>{_clean(notice.message)} <code>{_clean(notice.code)}</code></li>"
        for notice in lineage.warnings
    )
    if warnings:
        told.append(f'<ul class="warnings" aria-label="Warnings">{warnings}</ul>')
    return "\n".join(told)


def _write_legend() -> str:
    return "\n".join(
        f'<li>{draw_sign(status)} <b class="s-{status}">{status}</b> {MEANINGS[status]}</li>'
        for status in STATUSES
    )


def _write_filters(graph: Graph) -> str:
    """Return a box to tick for every status and every relation that is drawn."""
    statuses = {edge.status for edge in graph.edges}
    shown = [(one, f"{draw_sign(one)} {one}") for one in STATUSES if one in statuses]
    relations = sorted({str(edge.relation) for edge in graph.edges})
    return _write_choice("status", "Status", shown) + _write_choice(
        "relation", "Relation", [(one, _clean(one)) for one in relations]
    )


def _write_choice(name: str, legend: str, choices: Iterable[tuple[str, str]]) -> str:
    ticks = "".join(
        f'<label><input type="checkbox" name="{name}" value="{value}" checked> {label}</label> '
        for value, label in choices
    )
    return f"<fieldset><legend>{legend}</legend>{ticks}</fieldset>\n" if ticks else ""


def _write_links(graph: Graph) -> str:
    numbers = {ref: number for number, ref in enumerate(graph.nodes)}
    parts = [
        f"<details><summary>{draw_sign(edge.status)} "
        f'<b class="s-{edge.status}">{edge.status} {edge.confidence:.2f}</b> '
        f'<span class="name">{_clean(edge.child)}</span> '
        f'<i>from</i> <span class="name">{_clean(edge.parent)}</span> '
        f"<i>{_clean(describe_relation(edge))}</i></summary>\n"
        # The anchor is inside: browsers then open the details that a link leads into.
        f'<div class="inside" id="e{number}" tabindex="-1">{_write_link(edge)}'
        f'<p class="row"><a href="#n{numbers[edge.child]}">About the child</a> '
        f'<a href="#n{numbers[edge.parent]}">About the parent</a> '
        f'<a href="#l{number}">Show in the drawing</a></p></div></details>'
        for number, edge in enumerate(graph.edges)
    ]
    return "\n".join(parts) or "<p>No parent is known.</p>"


def _write_link(edge: LineageEdge) -> str:
    told = [f"<p>{edge.status}: {MEANINGS[edge.status]}.</p>"]
    if edge.claimed_by:
        told.append(f"<p>Claimed by: {_clean(', '.join(edge.claimed_by))}</p>")
    layers = describe_layers(edge)
    if layers:
        told.append(f"<p>Takes {_clean(layers)} of the parent.</p>")
    if not edge.evidence:
        return "".join([*told, "<p>No evidence was found for or against.</p>"])
    rows = "\n".join(_write_evidence(item) for item in edge.evidence[:_MOST_EVIDENCE])
    told.append(
        '<div class="scroll" role="region" tabindex="0" aria-label="Evidence"><table><thead><tr>'
        '<th scope="col">speaks</th><th scope="col">signal</th><th scope="col">seen in</th>'
        '<th scope="col">expected</th><th scope="col">seen</th>'
        '<th scope="col" class="number">weight (nats)</th></tr></thead>'
        f"<tbody>\n{rows}</tbody></table></div>"
    )
    left_out = len(edge.evidence) - _MOST_EVIDENCE
    if left_out > 0:
        told.append(f"<p>{left_out} more in the JSON document.</p>")
    return "".join(told)


def _write_evidence(item: Evidence) -> str:
    speaks, status = ("for", "verified") if item.supports else ("against", "contradicted")
    cells = "".join(
        f"<td>{_clean(text)}</td>" for text in (item.signal, item.source, item.expected, item.seen)
    )
    word = f'<td class="s-{status}">{speaks}</td>'
    return f'<tr>{word}{cells}<td class="number">{item.weight:+.2f}</td></tr>'


def _write_nodes(graph: Graph, publishers: Publishers, roots: set[str], hub: str) -> str:
    above: dict[str, list[tuple[int, str]]] = {}
    below: dict[str, list[tuple[int, str]]] = {}
    for number, edge in enumerate(graph.edges):
        above.setdefault(edge.child, []).append((number, edge.parent))
        below.setdefault(edge.parent, []).append((number, edge.child))
    parts = []
    for number, node in enumerate(graph.nodes.values()):
        facts = "".join(
            f"<dt>{label}</dt><dd>{_clean(value)}</dd>"
            for label, value in _list_facts(node, publishers, roots)
        )
        links = _write_jumps("Comes from", above.get(node.ref, []))
        links += _write_jumps("Gave rise to", below.get(node.ref, []))
        address = find_page(node, graph.ref, hub)
        page = f" {lead_out(address, 'On the Hub')}" if address else ""
        parts.append(
            f'<details><summary><span class="name">{_clean(node.ref)}</span></summary>\n'
            f'<div class="inside" id="n{number}" tabindex="-1"><dl>{facts}</dl>{links}'
            f'<p class="row"><a href="#b{number}">Show in the drawing</a>{page}</p>'
            "</div></details>"
        )
    return "\n".join(parts)


def _list_facts(
    node: LineageNode, publishers: Publishers, roots: set[str]
) -> list[tuple[str, str]]:
    publisher = node.publisher
    if publisher and find_other_publisher(node, publishers):
        publisher += " (not the family's maker)"
    facts = [
        ("family", node.family),
        ("generation", node.generation),
        ("format", node.format),
        ("publisher", publisher),
        ("place", "root of its branch" if node.ref in roots else None),
        ("read", None if node.resolved else "no: known by name only"),
    ]
    return [(label, value) for label, value in facts if value]


def _write_jumps(label: str, links: list[tuple[int, str]]) -> str:
    if not links:
        return ""
    shown = ", ".join(
        f'<a href="#e{number}" class="name">{_clean(name)}</a>' for number, name in links[:50]
    )
    more = f" and {len(links) - 50} more" if len(links) > 50 else ""
    return f"<p>{label}: {shown}{more}</p>"


def _write_children(groups: list[ChildGroup]) -> str:
    if not groups:
        return ""
    parts = ["<section><h2>Children</h2>"]
    for group in groups:
        count = _count(group.count, "checkpoint") + ("" if group.complete else " or more")
        names = "".join(f"<li><code>{_clean(name)}</code></li>" for name in group.examples)
        body = f"<ul>{names}</ul>" if names else "<p>No example was listed.</p>"
        parts.append(
            f"<details><summary><b>{group.relation}</b> {count}</summary>"
            f'<div class="inside">{body}</div></details>'
        )
    return "\n".join([*parts, "</section>"])


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}" + ("" if number == 1 else "s")


def _clean(text: str) -> str:
    return escape(clip_text(text))
