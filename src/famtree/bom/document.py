"""One checkpoint as a CycloneDX 1.6 document (ECMA-424): an ML-BOM."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.tool import ToolRepository
from cyclonedx.output.json import JsonV1Dot6

from famtree import __version__
from famtree.bom.component import make_component
from famtree.bom.model_card import make_model_card
from famtree.bom.pedigree import make_pedigree
from famtree.bom.properties import make_properties
from famtree.checkpoint.reference_reader import CODE as REFUSED
from famtree.formats.lineage_words import describe_verification
from famtree.identification.subject import Subject
from famtree.types.identification import Identification
from famtree.types.lineage import Lineage


def build_bom(subject: Subject, *, children: bool = False, stamp: bool = False) -> dict[str, Any]:
    """Return the document as plain data.

    `children` lists known ones, which asks the Hub. Without `stamp` it has neither time nor serial
    number, so that the same input gives the same bytes; CycloneDX requires neither.
    """
    own, lineage = subject.checkpoint, subject.publish_lineage(children=children)
    component = make_component(
        lineage.ref,
        own,
        properties=make_properties(_list_findings(subject.identification, lineage)),
        pedigree=make_pedigree(lineage, {**subject.opener.opened, own.ref: own}),
        main=True,
    )
    famtree = Component(type=ComponentType.APPLICATION, name="famtree", version=__version__)
    now = datetime.now(UTC).replace(microsecond=0)
    bom = Bom(
        components=[component],
        metadata=BomMetaData(tools=ToolRepository(components=[famtree]), timestamp=now),
        serial_number=uuid4(),
    )
    document: dict[str, Any] = json.loads(JsonV1Dot6(bom).output_as_string())
    if not stamp:
        del document["serialNumber"], document["metadata"]["timestamp"]
    document["components"][0]["modelCard"] = make_model_card(
        subject.identification, own.source.list_files()
    )
    return document


def _list_findings(result: Identification, lineage: Lineage) -> dict[str, object]:
    return {
        "outcome": result.outcome,
        "confidence": result.confidence,
        "registry": result.registry.digest if result.registry else None,
        "family": result.family.key if result.family else None,
        "generation": result.generation.key if result.generation else None,
        "size": result.size,
        "variant": result.variant,
        "format": result.checkpoint.format,
        "safetensors:refused": [one.message for one in result.warnings if one.code == REFUSED],
        "lineage:complete": lineage.complete,
        "lineage:root": lineage.roots,
        "lineage:contradicted": [
            edge.parent
            for edge in lineage.edges
            if edge.child == lineage.ref and edge.status == "contradicted"
        ],
        "lineage:verification": None
        if lineage.verification is None
        else [line for _, line in describe_verification(lineage.verification)],
    }
