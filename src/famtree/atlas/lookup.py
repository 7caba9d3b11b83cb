"""Look checkpoints up in an open atlas: by name, by hashes of weight files, by signature."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any, cast, get_args

from pydantic import ValidationError

from famtree.checkpoint.facts import NodeFacts, make_traits
from famtree.types.checkpoint import CheckpointFormat
from famtree.types.claim import Claim, ClaimSource
from famtree.types.fingerprint import Fingerprint
from famtree.types.identification import LinkRelation
from famtree.types.quantization import Quantization

if TYPE_CHECKING:
    from famtree.atlas.connect import OpenAtlas

MOST_CANDIDATES = 256
"""Checkpoints of one signature that are looked at, those most often named as parents first."""
MOST_COPIES = 64
MAX_DOCUMENT = 1 << 20
"""Characters of a stored document; plain JSON takes up to thirty times its length in memory."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One checkpoint of an atlas, as far as a look-up needs it."""

    id: int
    ref: str
    """As it was scanned, by which it can be opened."""
    name: str
    key: str
    family: str | None
    generation: str | None
    created_at: str | None
    format: str | None
    quantization: str | None
    children: int
    same_vocabulary: bool = False
    same_architecture: bool = False

    @property
    def is_leaf(self) -> bool:
        """Whether nobody trains on it: quantized checkpoints have hardly any descendants."""
        return self.quantization is not None or self.format == "gguf"


# Of a stranger's atlas any value may be absent; without these a checkpoint cannot be named.
_ENTRIES = """
    WITH entries AS (
        SELECT id, ref, name, key, family, generation, created_at, format, quantization, children
        FROM checkpoints
        WHERE id IS NOT NULL AND ref IS NOT NULL AND name IS NOT NULL AND key IS NOT NULL
            AND children IS NOT NULL
    )
"""
_COPIES = (
    _ENTRIES  # noqa: S608 - our own text
    + """
    SELECT e.* FROM hashes AS h JOIN entries AS e USING (id)
    WHERE h.id IN (SELECT id FROM hashes WHERE sha256 = $first) AND e.key <> $key
    GROUP BY ALL HAVING list_sort(list(h.sha256 || ' ' || h.files)) = list_sort($own)
    ORDER BY e.created_at NULLS LAST, e.key LIMIT $most
"""
)
_ALIKE = (
    _ENTRIES  # noqa: S608 - our own text
    + """
    , found AS (
        (SELECT * FROM signatures WHERE signature = $vocabulary
         ORDER BY children DESC, id LIMIT $most)
        UNION ALL
        (SELECT * FROM signatures WHERE signature = $architecture
         ORDER BY children DESC, id LIMIT $most)
    )
    SELECT e.*, bool_or(signature = $vocabulary), bool_or(signature = $architecture)
    FROM found JOIN entries AS e USING (id) WHERE e.key <> $key GROUP BY ALL
    ORDER BY count(*) DESC, e.children DESC, e.created_at NULLS LAST, e.key LIMIT $most
"""
)
_SKETCHES = """
    SELECT id, any_value(sketch) FROM sketches
    WHERE id IN (SELECT unnest($ids::INTEGER[])) GROUP BY id HAVING any_value(sketch) IS NOT NULL
"""
_PARENTS = """
    SELECT child, list(parent) FROM edges
    WHERE status <> 'contradicted' AND parent IS NOT NULL
        AND child IN (SELECT unnest($keys::VARCHAR[])) GROUP BY child
"""
_CHECKPOINT = """
    SELECT c.id, c.name, c.family, c.generation, c.size, c.format, c.created_at, c.license,
           c.quantization_document, f.document
    FROM checkpoints AS c JOIN fingerprints AS f USING (id)
    WHERE c.key = $key AND c.name IS NOT NULL LIMIT 1
"""
_HASHES = "SELECT sha256, files FROM hashes WHERE id = $id AND sha256 IS NOT NULL AND files > 0"
_CLAIMS = """
    SELECT parent, source, relation, revision, weight FROM claims
    WHERE id = $id AND parent IS NOT NULL
"""


class Atlas:
    """Look-ups in an atlas that `open_atlas` returned; all raise as its `ask`."""

    def __init__(self, opened: OpenAtlas) -> None:
        self._ask = opened.ask

    def find_copies(self, hashes: Collection[tuple[str, int]], key: str) -> list[Entry]:
        """Return checkpoints with exactly these weight files ((sha256, count)), `key` left out.

        Those published first come first.
        """
        if not hashes:
            return []
        rows = self._ask(
            _COPIES,
            first=min(hashes)[0],
            key=key,
            own=[f"{digest} {files}" for digest, files in hashes],
            most=MOST_COPIES,
        )
        return [Entry(*row) for row in rows]

    def find_alike(self, fingerprint: Fingerprint, key: str) -> list[Entry]:
        """Return checkpoints of one design or of one vocabulary and width, `key` left out.

        Equal in both first, then by how many name them as parent; at most `MOST_CANDIDATES`.
        """
        design, tokenizer = fingerprint.architecture, fingerprint.tokenizer
        sketch = tokenizer.sketch if tokenizer is not None else ""
        # As `data/build.sql` makes it.
        vocabulary = f"vocabulary {design.hidden_size} {sketch[:256]}"
        rows = self._ask(
            _ALIKE,
            architecture=design.digest,
            vocabulary=sha256(vocabulary.encode()).hexdigest(),
            key=key,
            most=MOST_CANDIDATES,
        )
        return [Entry(*row) for row in rows]

    def list_sketches(self, entries: Iterable[Entry]) -> dict[str, str]:
        """Return the weight sketches of those that have one, by key."""
        keys = {entry.id: entry.key for entry in entries}
        rows = self._ask(_SKETCHES, ids=list(keys))
        return {keys[number]: sketch for number, sketch in rows}

    def list_parents(self, entries: Iterable[Entry]) -> dict[str, list[str]]:
        """Return the keys of the parents that each of `entries` is known to have, by key."""
        keys = [entry.key for entry in entries]
        return dict(self._ask(_PARENTS, keys=keys)) if keys else {}

    def describe(self, name: str) -> NodeFacts | None:
        """Return what the atlas knows of the checkpoint called `name`, as an end of links."""
        rows = self._ask(_CHECKPOINT, key=name.lower())
        if not rows:
            return None
        number, own, family, generation, size, form, created_at, terms, packed, document = rows[0]
        fingerprint = _read(Fingerprint, document)
        hashes = self._ask(_HASHES, id=number)
        return NodeFacts(
            ref=own,
            traits=make_traits(fingerprint) if fingerprint is not None else {},
            family=family,
            generation=generation,
            size=size,
            format=form if form in get_args(CheckpointFormat) else None,
            quantization=_read(Quantization, packed),
            tokenizer=fingerprint.tokenizer if fingerprint is not None else None,
            # An atlas is a file that somebody wrote.
            stated_hashes=frozenset((digest, files) for digest, files in hashes),
            created_at=created_at,
            license=terms,
            claims=tuple(self._list_claims(number)),
        )

    def _list_claims(self, number: int) -> Iterable[Claim]:
        rows = self._ask(_CLAIMS, id=number)
        for parent, source, relation, revision, weight in rows:
            if source in get_args(ClaimSource):
                told = relation if relation in get_args(LinkRelation) else None
                resolvable = source != "name" and "/" in parent and not parent.startswith("/")
                yield Claim(
                    parent, cast(ClaimSource, source), told, revision, weight, resolvable=resolvable
                )


def _read(model: Any, document: str | None) -> Any:
    """Return the model of a stored document; None where a stranger's atlas holds another thing."""
    if document is None or len(document) > MAX_DOCUMENT:
        return None
    try:
        return model.model_validate(json.loads(document))
    except (ValueError, ValidationError, RecursionError):
        return None
