"""The facts that engine rules may ask for, by name; each is read once for a pair."""

from __future__ import annotations

from msgspec import Struct

from famtree.interchange.facts_chat import CHAT_FACTS
from famtree.interchange.facts_design import DESIGN_FACTS
from famtree.interchange.facts_engine import ENGINE_FACTS
from famtree.interchange.facts_lineage import LINEAGE_FACTS
from famtree.interchange.facts_lora import LORA_FACTS
from famtree.interchange.facts_tokens import TOKEN_FACTS
from famtree.interchange.pair import Fact, Pair
from famtree.types.traits import Value

FACTS: dict[str, Fact] = {
    **DESIGN_FACTS,
    **TOKEN_FACTS,
    **CHAT_FACTS,
    **LINEAGE_FACTS,
    **LORA_FACTS,
    **ENGINE_FACTS,
}


class FactReader(Struct):
    """The facts of one pair."""

    pair: Pair
    known: dict[str, Value | None] = {}

    def __getitem__(self, name: str) -> Value | None:
        """Return the fact's value, None where it cannot be seen. Raises KeyError for no fact."""
        if name not in self.known:
            self.known[name] = FACTS[name].read(self.pair)
        return self.known[name]

    def for_engine(self, pair: Pair) -> FactReader:
        """Return a reader of `pair`, the same two with another engine: the rest stays known."""
        kept = {name: value for name, value in self.known.items() if name not in ENGINE_FACTS}
        return FactReader(pair, kept)
