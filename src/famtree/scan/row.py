"""One checkpoint's result as a flat row: the columns people query, and the whole document.

A failure is a row too, with the error's code; nothing asked for is left out of the output.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Literal

from famtree.errors import FamtreeError
from famtree.types.identification import Identification

if TYPE_CHECKING:
    from famtree.checkpoint.facts import NodeFacts

SCHEMA = "famtree/scan/1"
ColumnType = Literal["string", "float", "integer", "boolean", "strings"]

COLUMNS: dict[str, ColumnType] = {
    "schema": "string",
    "ref": "string",
    "revision": "string",
    "source": "string",
    "format": "string",
    "kind": "string",
    "outcome": "string",
    "family": "string",
    "generation": "string",
    "size": "string",
    "variant": "string",
    "wrapper": "string",
    "parameters": "integer",
    "confidence": "float",
    "decided_by": "string",
    "candidates": "strings",
    "quantization": "string",
    "bits": "float",
    "architecture_digest": "string",
    "tokenizer_digest": "string",
    "recipe_digest": "string",
    "parents": "strings",
    "contradicted": "strings",
    "relation": "string",
    "status": "string",
    "root": "string",
    "lineage_complete": "boolean",
    "warnings": "strings",
    "requests": "integer",
    "bytes": "integer",
    "seconds": "float",
    "error_code": "string",
    "error_message": "string",
    "exit_code": "integer",
    "name": "string",
    "license": "string",
    "created_at": "string",
    "weight_files": "strings",
    "claims": "string",
    "sketch": "string",
    "document": "string",
}
"""Name and type of every column, in the order of the output. `relation` and `status` are those of
the link to the nearest parent; `contradicted` are the parents it claims that the evidence rules
out; `name` is what ends of links are called; `weight_files` are sha256
of all weight files, none where one is unknown; `claims` are the parents that the checkpoint itself
names, as JSON; `document` is the identification as JSON."""

Row = dict[str, Any]

_MAX_INTEGER = 2**63 - 1
_MAX_MESSAGE = 500
_MAX_FILES = 1024
"""Weight files whose hashes are kept; of more, none, since a part of them proves no copy."""
_CLAIM_FIELDS = ("parent", "source", "relation", "revision", "weight")


def make_row(
    ref: str, result: Identification, document: str, node: NodeFacts, sketch: str | None = None
) -> Row:
    """Return the row of an answer; `document` is its JSON, `node` the checkpoint as it is linked.

    `sketch` is its weight sketch as text, where one was asked for and could be made.
    """
    nearest = result.lineage.chain[0] if result.lineage.chain else None
    fingerprint = result.fingerprint
    return _complete(
        ref=ref,
        revision=result.checkpoint.revision,
        source=result.checkpoint.source,
        format=result.checkpoint.format,
        kind=result.kind,
        outcome=result.outcome,
        family=result.family.key if result.family else None,
        generation=result.generation.key if result.generation else None,
        size=result.size,
        variant=result.variant,
        wrapper=result.wrapper,
        parameters=_fit(result.parameters),
        confidence=result.confidence,
        decided_by=result.decided_by,
        candidates=[
            f"{one.family}/{one.generation}" if one.generation else one.family
            for one in result.candidates
        ],
        quantization=result.quantization.method if result.quantization else None,
        bits=result.quantization.bits if result.quantization else None,
        architecture_digest=fingerprint.architecture.digest,
        tokenizer_digest=fingerprint.tokenizer.digest if fingerprint.tokenizer else None,
        recipe_digest=fingerprint.recipe.digest,
        parents=list(result.lineage.parents),
        contradicted=_list_contradicted(result),
        relation=nearest.relation if nearest else None,
        status=nearest.status if nearest else None,
        root=result.lineage.root,
        lineage_complete=result.lineage.complete,
        warnings=sorted({one.code for one in result.warnings}),
        requests=result.cost.requests,
        bytes=result.cost.bytes,
        seconds=result.cost.seconds,
        exit_code=0,
        name=node.ref,
        license=node.license,
        created_at=node.created_at,
        weight_files=_list_hashes(node),
        claims=_write_claims(node),
        sketch=sketch,
        document=document,
    )


def make_failure(ref: str, error: FamtreeError) -> Row:
    """Return the row of a checkpoint that could not be answered for."""
    return _complete(
        ref=ref,
        error_code=error.code,
        error_message=error.message[:_MAX_MESSAGE],
        exit_code=error.exit_code,
    )


def _complete(**values: Any) -> Row:
    return {"schema": SCHEMA, **dict.fromkeys(list(COLUMNS)[1:]), **values}


def _list_contradicted(result: Identification) -> list[str]:
    chain = result.lineage.chain
    return [
        step.parent
        for step in chain
        if step.status == "contradicted" and step.child == chain[0].child
    ]


def _list_hashes(node: NodeFacts) -> list[str]:
    found = [sha256 for sha256, times in sorted(node.weight_hashes) for _ in range(times)]
    return found if len(found) <= _MAX_FILES else []


def _write_claims(node: NodeFacts) -> str:
    told = [{name: getattr(claim, name) for name in _CLAIM_FIELDS} for claim in node.claims]
    return json.dumps(told, ensure_ascii=False, separators=(",", ":"))


def _fit(number: int | None) -> int | None:
    """Return a count that fits the column; a hostile shape can multiply to any size."""
    return number if number is None or number <= _MAX_INTEGER else None
