"""Sides made of a config and tokens, without files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from checkpoint.folders import CONFIG, llama_tensors
from famtree.fingerprints.build import CheckpointFacts, build_fingerprint
from famtree.fingerprints.tensors import observe_tensors
from famtree.fingerprints.vocabulary import AddedToken, Vocabulary
from famtree.interchange.pair import Pair
from famtree.interchange.side import Side
from famtree.interchange.structure import compare_structure
from famtree.interchange.tokens import compare_tokens
from famtree.types.checkpoint import CheckpointFormat, TensorIndex, TensorInfo
from famtree.types.comparison import LineageVerdict
from famtree.types.identification import CheckpointSummary, Identification
from famtree.types.quantization import Quantization

CHAT = {"tokenizer_config.json": {"chat_template": "<|im_start|>{{ text }}<|im_end|>"}}


def make_index(
    tensors: Mapping[str, tuple[int, ...]], dtype: str = "BF16", *, complete: bool = True
) -> TensorIndex:
    table = {
        name: TensorInfo(name, dtype, shape, 0, 0, "model.safetensors")
        for name, shape in tensors.items()
    }
    return TensorIndex(table, frozenset(table), complete, ("model.safetensors",))


def make_words(*words: str, added: Mapping[str, int] | None = None) -> Vocabulary:
    extra = {name: AddedToken(at, True) for name, at in (added or {}).items()}
    return Vocabulary(
        kind="bpe",
        form="byte-level",
        tokens={word: at for at, word in enumerate(words)},
        added=extra,
        lists_added=True,
    )


def make_side(
    *,
    index: TensorIndex | None = None,
    side_files: Mapping[str, Any] | None = None,
    vocabulary: Vocabulary | None = None,
    quantization: Quantization | None = None,
    parameters: int | None = 8_000_000_000,
    form: CheckpointFormat = "safetensors",
    **config: Any,
) -> Side:
    """Return a side of the 8B config, with `config` on top; None takes a key away."""
    stated = {key: value for key, value in {**CONFIG, **config}.items() if value is not None}
    if index is None and form == "safetensors":
        index = make_index(llama_tensors(rows=stated.get("vocab_size", 8)))
    index = index or TensorIndex()
    files = dict(side_files or {})
    facts = CheckpointFacts(stated, files, observe_tensors(index))
    result = Identification.model_construct(
        famtree="0",
        checkpoint=CheckpointSummary.model_construct(ref="x", source="local", format=form),
        outcome="unknown",
        reason="",
        confidence=0.0,
        parameters=parameters,
        fingerprint=build_fingerprint(facts),
        quantization=quantization,
    )
    return Side(result, stated, files, index, vocabulary=vocabulary)


def make_config_side(config: dict[str, Any], form: CheckpointFormat = "config-only") -> Side:
    """Return a side of nothing but a config, as published."""
    result = Identification.model_construct(
        famtree="0",
        checkpoint=CheckpointSummary.model_construct(ref="x", source="local", format=form),
        outcome="unknown",
        reason="",
        confidence=0.0,
        fingerprint=build_fingerprint(CheckpointFacts(config)),
    )
    return Side(result, config)


UNDETERMINED = LineageVerdict.model_construct(verdict="undetermined", status="unresolved")
SAME = LineageVerdict.model_construct(verdict="same-weights", status="verified", reason="equal")
CHILD = LineageVerdict.model_construct(
    verdict="b-derives-from-a", status="consistent", reason="b is a fine-tune of a"
)


def make_pair(
    a: Side, b: Side, lineage: LineageVerdict = UNDETERMINED, *, light: bool | None = None
) -> Pair:
    return Pair(a, b, compare_structure(a, b), compare_tokens(a, b), lineage, light)
