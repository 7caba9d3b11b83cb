"""What lies in one repository and is loaded in different ways."""

from __future__ import annotations

from collections.abc import Iterator

from famtree.checkpoint.consistency.examined import Contradiction, Examined, load_loaders
from famtree.sources.header_plan import ADAPTERS

_CONFIG = "adapter_config.json"
_WEIGHTS = (*ADAPTERS, "adapter_model.bin")


def find_model_and_adapter(one: Examined) -> Iterator[Contradiction]:
    """A whole model and an adapter in one place."""
    listing, weights = one.found.listing, one.found.plan.shards
    beside = [name for name in (_CONFIG, *_WEIGHTS) if listing.find(name)]
    if _CONFIG not in beside or not weights or weights[0] in _WEIGHTS or one.is_gguf:
        return
    base = one.side_file(_CONFIG).get("base_model_name_or_path")
    onto = f"onto {base[:120]}" if isinstance(base, str) and base else "onto its base"
    by = load_loaders()
    adapter = next((name for name in beside if name != _CONFIG), _CONFIG)
    yield Contradiction(
        f"a whole model ({weights[0]}) and an adapter ({adapter}) lie in one place: "
        f"{by['adapter_first']} reads {_CONFIG} first and loads the adapter {onto}; "
        f"{by['by_index']} load the whole model, which is described here",
        "a whole model or an adapter",
        f"{weights[0]} and {adapter}",
    )
