"""What an adapter is made of: its config, and what its tensors show besides.

Names of tensors are those PEFT writes (peft/utils/save_and_load.py, peft/tuners/lora).
"""

from __future__ import annotations

import re
from typing import Any, Literal

from msgspec import Struct

from famtree.fingerprints.tensor_names import NAMES_KEPT, count_names, in_tower, load_roles
from famtree.interchange.side import Side
from famtree.types.checkpoint import TensorIndex, TensorInfo
from famtree.types.recent import remember

CONFIG = "adapter_config.json"
ADDED = "added_tokens.json"
_CLASSIFIERS = frozenset({"classifier", "score"})
"""Modules that servers take saved whole (vllm/lora/peft_helper.py)."""
_PART = re.compile(
    r"(?P<path>.+?)\.(?P<part>lora_(?:embedding_)?[AB]|lora_magnitude_vector|lora_bias)"
    r"(?:\.(?!weight|bias)[^.]+)?(?:\.(?P<leaf>weight|bias))?"
)
_TOKENS = ("token_adapter", "trainable_tokens")
_STACKED = (".experts", ".experts.base_layer")
"""Paths of `target_parameters`: whole stacks of experts."""
_SHOWN = {
    "lora_magnitude_vector": "use_dora", "lora_bias": "lora_bias",
}  # fmt: skip
Experts = Literal["none", "apart", "stacked"]


WRAPPER = "base_model.model."
"""What PEFT puts in front of names (peft/utils/save_and_load.py)."""


class MatrixPair(Struct, frozen=True):
    """The two matrices of one module."""

    path: str
    low: TensorInfo | None
    high: TensorInfo | None
    embedding: bool = False


class AdapterTensors(Struct, frozen=True):
    """Every tensor of an adapter, in its place."""

    pairs: tuple[MatrixPair, ...] = ()
    saved: tuple[TensorInfo, ...] = ()
    """Whole weights, a classifier's left out."""
    shown: frozenset[str] = frozenset()
    """Fields of LoraConfig that the tensors show to be in use."""

    @property
    def towers(self) -> bool:
        """Whether it changes anything beside the language tower: images, sound, what joins them."""
        return any(is_in_tower(pair.path.removeprefix(WRAPPER)) for pair in self.pairs)

    @property
    def experts(self) -> Experts:
        """How it names experts: one by one, or whole stacks."""
        if any(pair.path.endswith(_STACKED) for pair in self.pairs):
            return "stacked"
        return "apart" if any(".experts." in pair.path for pair in self.pairs) else "none"


def is_adapter(side: Side) -> bool:
    """Return whether the checkpoint is an adapter and no model by itself."""
    return side.identification.checkpoint.format == "adapter"


def read_adapter(side: Side) -> dict[str, Any]:
    """Return adapter_config.json of an adapter, empty where there is none."""
    table = side.side_files.get(CONFIG)
    return table if isinstance(table, dict) else {}


def highest_rank(side: Side) -> int | None:
    """Return the largest rank any module has: `r`, or a value of `rank_pattern`."""
    adapter = read_adapter(side)
    pattern = adapter.get("rank_pattern")
    ranks = [adapter.get("r"), *(pattern.values() if isinstance(pattern, dict) else ())]
    known = [rank for rank in ranks if type(rank) is int and rank > 0]
    return max(known, default=None)


def is_in_tower(path: str) -> bool:
    """Return whether a module belongs to a tower beside the language tower."""
    return in_tower(path, load_roles()["other_towers"])


def sort_tensors(side: Side) -> AdapterTensors | None:
    """Return the tensors of an adapter; None where they were not seen."""
    if not side.index.complete or not side.index.tensors:
        return None
    return _sort(side.index)


@remember(NAMES_KEPT, count_names)
def _sort(index: TensorIndex) -> AdapterTensors:
    parts: dict[str, dict[str, TensorInfo]] = {}
    saved: list[TensorInfo] = []
    shown: set[str] = set()
    for name, tensor in index.tensors.items():
        found = _PART.fullmatch(name)
        if found is None:
            if any(word in name for word in _TOKENS):
                shown.add("trainable_token_indices")
            elif not name.endswith(".base_layer.weight") and not _is_classifier(name):
                saved.append(tensor)
        elif found["part"] in _SHOWN or found["leaf"] == "bias":
            shown.add(_SHOWN.get(found["part"], "lora_bias"))
        else:
            parts.setdefault(found["path"], {})[found["part"]] = tensor
    pairs = tuple(_join(path, held) for path, held in parts.items())
    if any(pair.path.endswith(_STACKED) for pair in pairs):
        shown.add("target_parameters")
    return AdapterTensors(pairs, tuple(saved), frozenset(shown))


def _join(path: str, held: dict[str, TensorInfo]) -> MatrixPair:
    embedding = any(part.startswith("lora_embedding") for part in held)
    low, high = ("lora_embedding_A", "lora_embedding_B") if embedding else ("lora_A", "lora_B")
    return MatrixPair(path, held.get(low), held.get(high), embedding)


def _is_classifier(name: str) -> bool:
    return any(part in _CLASSIFIERS for part in name.split(".")[-3:])


def list_features(side: Side) -> tuple[str, ...] | None:
    """Return the fields of its config that are set, and those its tensors show; None if unseen."""
    adapter = read_adapter(side)
    if not adapter:
        return None
    tensors = sort_tensors(side)
    stated = {name for name, value in adapter.items() if value}
    return tuple(sorted(stated | (tensors.shown if tensors else set())))


def saves_whole_modules(side: Side) -> bool | None:
    """Return whether it holds whole modules besides a classifier's; None where neither is seen.

    PEFT saves a resized embedding whole without naming it in `modules_to_save`
    (peft/utils/save_and_load.py, save_embedding_layers="auto").
    """
    adapter, tensors = read_adapter(side), sort_tensors(side)
    named = adapter.get("modules_to_save")
    names = named if isinstance(named, list) else []
    if any(not isinstance(name, str) or name not in _CLASSIFIERS for name in names):
        return True
    if tensors is None:
        return False if adapter else None
    return bool(tensors.saved)


def count_added_tokens(adapter: Side, model: Side) -> int | None:
    """Return how many tokens it adds beyond the model's rows; None where those are not known.

    SGLang takes them from added_tokens.json (sglang/srt/lora/lora_config.py); where
    tokenizer_config.json repeats them that one was read.
    """
    rows = model.config.get("vocab_size") or model.architecture.vocab_rows
    added = adapter.side_files.get(ADDED)
    numbers: list[Any] = list(added.values()) if isinstance(added, dict) else []
    if not numbers and adapter.listing.find(ADDED):
        listed = adapter.side_files.get("tokenizer_config.json")
        table = listed.get("added_tokens_decoder") if isinstance(listed, dict) else None
        numbers = [int(one) for one in table if one.isdigit()] if isinstance(table, dict) else []
    if not numbers:
        return 0
    if type(rows) is not int:
        return None
    return sum(type(number) is int and number >= rows for number in numbers)
