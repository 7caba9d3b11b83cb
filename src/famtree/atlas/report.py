"""The figures of a report, each from one query."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from famtree.atlas.connect import open_atlas
from famtree.lineage.licenses import load_licenses
from famtree.sources.deadline import NEVER, Deadline
from famtree.types.atlas import AtlasReport, Contradicted, Counted, Loosened

MOST_BARS = 30
MOST_EXAMPLES = 100

_OUTCOMES = "SELECT outcome, count(*) FROM checkpoints GROUP BY outcome ORDER BY 2 DESC, 1"
_FAMILIES = """
    SELECT coalesce(family, 'none'), count(*), count(DISTINCT generation) || ' generation(s)'
    FROM checkpoints GROUP BY family ORDER BY 2 DESC, 1 LIMIT $most
"""
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
    SELECT child, parent, relation FROM edges WHERE status = 'contradicted'
    ORDER BY child, parent LIMIT $most
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
    "SELECT c.name, c.license, p.name, p.license, e.status"
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
    made = dict(ask("SELECT key, value FROM meta WHERE key = 'famtree' LIMIT 1"))
    return AtlasReport(
        famtree=str(made.get("famtree")),
        checkpoints=ask("SELECT count(*) FROM checkpoints")[0][0],
        outcomes=count(_OUTCOMES),
        families=count(_FAMILIES, MOST_BARS),
        statuses=count(_STATUSES),
        undeclared=ask(_UNDECLARED)[0][0],
        copies=count(_COPIES, MOST_BARS),
        contradicted=[Contradicted(*map(str, row)) for row in contradicted],
        contradictions=ask(_CONTRADICTIONS)[0][0],
        quantizations=count(_QUANTIZATIONS, MOST_BARS),
        licenses=count(_LICENSES, MOST_BARS),
        loosened=[Loosened(*map(str, row)) for row in loosened],
        loosenings=ask(_LOOSENINGS, **kinds)[0][0],
    )
