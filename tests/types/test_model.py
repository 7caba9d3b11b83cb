from __future__ import annotations

from pydantic import Field

from famtree.types.model import FrozenModel, dump


class Leaf(FrozenModel):
    name: str
    weight: float = 1.0
    notes: list[str] = Field(default_factory=list)
    schema_: str = Field(default="leaf/1", alias="schema")


def test_constructed_model_equals_a_validated_one() -> None:
    made, checked = Leaf.model_construct(name="a", weight=2.0), Leaf(name="a", weight=2.0)
    assert made == checked
    assert made.model_fields_set == checked.model_fields_set
    assert dump(made) == checked.model_dump(mode="json")
    assert made.model_copy(update={"name": "b"}) == Leaf(name="b", weight=2.0)


def test_constructed_models_share_no_lists() -> None:
    first, second = Leaf.model_construct(name="a"), Leaf.model_construct(name="b")
    first.notes.append("x")
    assert second.notes == []
