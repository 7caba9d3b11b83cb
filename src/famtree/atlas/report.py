"""The figures of a report, each from one query."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from famtree.atlas.connect import open_atlas
from famtree.lineage.licenses import load_licenses
from famtree.sources.deadline import NEVER, Deadline
from famtree.types.atlas import (
    AtlasReport,
    Contradicted,
    Counted,
    FamilyCount,
    Loosened,
    NamedCheckpoint,
    Unidentified,
)

MOST_BARS = 30
MOST_EXAMPLES = 1000

_OUTCOMES = "SELECT outcome, count(*) FROM checkpoints GROUP BY outcome ORDER BY 2 DESC, 1"
_FAMILIES = """
    SELECT family, count(*), count(DISTINCT generation), count(*) - count(generation)
    FROM checkpoints WHERE family IS NOT NULL GROUP BY family ORDER BY 2 DESC, 1 LIMIT $most
"""
_UNKNOWN = """
    SELECT name, source = 'hub', coalesce(unknown_because, 'not-judged'),
           concat_ws(', ', model_type, layers || ' layers', hidden_size || ' wide')
    FROM checkpoints LEFT JOIN fingerprints USING (id) WHERE outcome = 'unknown'
    ORDER BY key LIMIT $most
"""
_UNKNOWNS = "SELECT count(*) FROM checkpoints WHERE outcome = 'unknown'"
_STATUSES = "SELECT status, count(*) FROM edges GROUP BY status ORDER BY 2 DESC, 1"
_UNDECLARED = """
    SELECT count(*) FROM checkpoints AS c
    WHERE NOT lineage_complete AND NOT EXISTS (FROM edges WHERE child = c.key)
"""
_COPIES = """
    WITH weights AS (
        SELECT id, list_sort(list(sha256 || ' ' || files)) AS files FROM hashes GROUP BY id
    )
    SELECT arg_min(name, (coalesce(created_at, '~'), key)), count(*),
           'first published ' || coalesce(min(created_at)[:10], 'at an unknown time')
    FROM weights JOIN checkpoints USING (id) GROUP BY files HAVING count(*) > 1
    ORDER BY 2 DESC, 1 LIMIT $most
"""
_CONTRADICTED = """
    WITH links AS (
        FROM edges WHERE status = 'contradicted' ORDER BY child, parent LIMIT $most
    ), claimed AS (
        SELECT child, parent_key, min(parent) AS name FROM claims
        WHERE child IN (SELECT child FROM links) GROUP BY ALL
    )
    SELECT coalesce(c.name, links.child), coalesce(c.source = 'hub', true),
           coalesce(p.name, claimed.name, links.parent), coalesce(p.source = 'hub', true), relation
    FROM links
    LEFT JOIN checkpoints AS c ON c.key = links.child
    LEFT JOIN checkpoints AS p ON p.key = links.parent
    LEFT JOIN claimed ON claimed.child = links.child AND claimed.parent_key = links.parent
    ORDER BY links.child, links.parent
"""
_CONTRADICTIONS = "SELECT count(*) FROM edges WHERE status = 'contradicted'"
_QUANTIZATIONS = """
    SELECT quantization || coalesce(' ' || round(bits, 2)::VARCHAR || ' bits', ''), count(*)
    FROM checkpoints WHERE quantization IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT $most
"""
_LICENSES = """
    SELECT coalesce(license, 'none stated'), count(*) FROM checkpoints GROUP BY 1
    ORDER BY 2 DESC, 1 LIMIT $most
"""
_LOOSENED = """
    FROM edges AS e
    JOIN checkpoints AS c ON c.key = e.child JOIN checkpoints AS p ON p.key = e.parent
    WHERE e.status <> 'contradicted' AND list_contains($permissive, c.license)
        AND list_contains($restricted, p.license)
"""
_LOOSENED_LINKS = (
    "SELECT c.name, c.source = 'hub', p.name, p.source = 'hub', c.license, p.license, e.status"
    + _LOOSENED
    + "ORDER BY e.child, e.parent LIMIT $most"
)
_LOOSENINGS = "SELECT count(*)" + _LOOSENED


def report_atlas(path: Path, deadline: Deadline = NEVER) -> AtlasReport:
    """Return the figures of the atlas at `path`. Raises as `open_atlas`."""
    with open_atlas(path, deadline) as atlas:
        return _report(atlas.ask)


def _report(ask: Callable[..., list[Any]]) -> AtlasReport:
    def count(statement: str, most: int | None = None) -> list[Counted]:
        rows = ask(statement, most=most) if most is not None else ask(statement)
        return [Counted(str(row[0]), int(row[1]), *map(str, row[2:])) for row in rows]

    licenses = load_licenses()
    kinds = {kind: sorted(licenses[kind]) for kind in ("permissive", "restricted")}
    loosened = ask(_LOOSENED_LINKS, most=MOST_EXAMPLES, **kinds)
    contradicted = ask(_CONTRADICTED, most=MOST_EXAMPLES)
    unknown = ask(_UNKNOWN, most=MOST_EXAMPLES)
    made = dict(ask("SELECT key, value FROM meta WHERE key IN ('famtree', 'built') LIMIT 2"))
    return AtlasReport(
        famtree=str(made.get("famtree")),
        built=str(made.get("built") or ""),
        checkpoints=ask("SELECT count(*) FROM checkpoints")[0][0],
        outcomes=count(_OUTCOMES),
        families=[FamilyCount(*row) for row in ask(_FAMILIES, most=MOST_EXAMPLES)],
        unknown=[Unidentified(_name(*row[:2]), *map(str, row[2:])) for row in unknown],
        unknowns=ask(_UNKNOWNS)[0][0],
        statuses=count(_STATUSES),
        undeclared=ask(_UNDECLARED)[0][0],
        copies=count(_COPIES, MOST_BARS),
        contradicted=[
            Contradicted(_name(*row[:2]), _name(*row[2:4]), str(row[4])) for row in contradicted
        ],
        contradictions=ask(_CONTRADICTIONS)[0][0],
        quantizations=count(_QUANTIZATIONS, MOST_BARS),
        licenses=count(_LICENSES, MOST_BARS),
        loosened=[
            Loosened(
                child=_name(*row[:2]),
                child_license=str(row[4]),
                parent=_name(*row[2:4]),
                parent_license=str(row[5]),
                status=str(row[6]),
            )
            for row in loosened
        ],
        loosenings=ask(_LOOSENINGS, **kinds)[0][0],
    )


def _name(name: object, listed: object) -> NamedCheckpoint:
    return NamedCheckpoint(str(name), bool(listed))
