"""An adapter: what it adds to which base model."""

from typing import Literal

from pydantic import Field

from famtree.types.model import FrozenModel

BaseCheck = Literal["consistent", "contradicted", "unchecked"]


class Adapter(FrozenModel):
    """Method, ranks and targets of a parameter-efficient fine-tune, and its base."""

    method: str | None = None
    """lora, dora, loha, lokr, ia3, ...; what the tensors show, else what its config says."""
    base: str | None = None
    """The base model as the checkpoint names it."""
    base_source: str | None = None
    """The file that names it."""
    base_check: BaseCheck = "unchecked"
    """Whether the adapter's shapes fit the model that `base` names."""
    base_conflicts: list[str] = Field(default_factory=list)
    """Every shape that does not: what the adapter has, and what the base has."""
    rank: int | None = None
    """Rank of most modules."""
    ranks: dict[str, list[int]] = Field(default_factory=dict)
    """Target to its ranks over the blocks, where they are not all `rank`."""
    alpha: float | None = None
    targets: list[str] = Field(default_factory=list)
    """Own names of the adapted modules, sorted."""
    layers: int | None = None
    """Blocks that have an adapted module."""
    saved_modules: list[str] = Field(default_factory=list)
    """Modules stored whole beside the adapter (`modules_to_save`), sorted."""
    vocab_rows: int | None = None
    """Rows of an embedding or output head stored whole."""
    added_rows: int | None = None
    """Rows more than the base has, where both are known."""
    trained_tokens: int | None = None
    """Rows of the embedding that are trained alone."""
    parameters: int | None = None
    """Weights of the adapter, modules stored whole included."""
    source: Literal["header", "config"] = "config"
    """`header`: ranks and targets were seen in tensors; `config`: they are declared."""
