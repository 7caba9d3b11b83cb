from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from pydantic import ValidationError

from famtree.fingerprints.build import CheckpointFacts, build_fingerprint
from famtree.types.identification import Identification
from famtree.types.model import dump
from fingerprints.json_strategies import OBJECTS
from fingerprints.vocabularies import UNHURRIED
from results import make_ambiguous, make_full_result, make_unknown

Maker = Callable[[], Identification]


@pytest.mark.parametrize("make", [make_full_result, make_ambiguous, make_unknown])
def test_document_survives_a_round_trip(make: Maker) -> None:
    result = make()
    document = result.to_document()
    assert document["schema"] == "famtree/identification/1"
    assert Identification.model_validate(document) == result


def test_results_are_frozen_and_closed() -> None:
    result = make_unknown()
    with pytest.raises(ValidationError):
        setattr(result, "confidence", 1.0)  # noqa: B010 - mypy knows that it is frozen
    with pytest.raises(ValidationError):
        Identification.model_validate({**result.to_document(), "surprise": 1})


@pytest.mark.parametrize("make", [make_full_result, make_ambiguous, make_unknown])
def test_dump_is_pydantic_s_own(make: Maker) -> None:
    result = make()
    assert dump(result) == result.model_dump(mode="json")


@pytest.mark.property
@UNHURRIED
@given(OBJECTS)
def test_dump_of_any_fingerprint_is_pydantic_s_own(config: dict[str, object]) -> None:
    fingerprint = build_fingerprint(CheckpointFacts(config))
    if "\ud800" not in repr(config) and "\\ud" not in repr(config):
        assert dump(fingerprint) == fingerprint.model_dump(mode="json")
