"""What a checkpoint is trained for, as far as its own files show."""

from __future__ import annotations

from famtree.matchers.classify import Classification
from famtree.matchers.observation import CLASS_NAME
from famtree.registry.conditions import fits
from famtree.types.fingerprint import Fingerprint
from famtree.types.identification import Variant

_HEADS: tuple[tuple[str, Variant], ...] = (
    ("ForSequenceClassification", "reward"),
    ("RewardModel", "reward"),
    ("ForTokenClassification", "other"),
    ("ForQuestionAnswering", "other"),
)
"""Heads that replace the language head, by the ending of transformers' class names. A sequence
classifier on a decoder is a reward model or a reranker; on an encoder it is just a classifier."""
_REASONING_MARKERS = frozenset({"<think>", "[THINK]", "<|begin_of_thought|>"})


def find_variant(
    fingerprint: Fingerprint, result: Classification, *, embeds: bool = False
) -> Variant | None:
    """Return the variant, or None when the files do not show it.

    `embeds` tells whether a file says that the model makes embeddings.
    """
    class_name = fingerprint.architecture.class_name or ""
    decoder = fingerprint.recipe.position == "rope" or fingerprint.recipe.rope_theta is not None
    for ending, variant in _HEADS:
        if class_name.endswith(ending):
            return variant if decoder or variant == "other" else "other"
    stated = result.best.rule.rule.variant if result.best is not None else None
    if stated is not None:
        return stated
    if fingerprint.architecture.vision_layers is not None:
        return "vision"
    plain = fingerprint.architecture.wrapper is None
    if embeds or (decoder and plain and _lacks_head(class_name, result)):
        return "embedding"
    if fingerprint.recipe.chat_template is not None:
        markers = set(fingerprint.recipe.chat_markers)
        return "reasoning" if markers & _REASONING_MARKERS else "instruct"
    tokenizer = fingerprint.tokenizer
    if tokenizer is not None and tokenizer.tokenizer_class and class_name.endswith("ForCausalLM"):
        # tokenizer_config.json was read and has no template: a released chat model carries one.
        return "base"
    return None


def _lacks_head(class_name: str, result: Classification) -> bool:
    """Return whether a decoder was saved without the head that makes it write.

    The only class that some designs have is called so as well.
    """
    if result.best is None or not class_name.endswith("Model") or class_name.endswith("HeadModel"):
        return False
    stated = [rule.when.get(CLASS_NAME) for rule in result.best.generation.rules]
    known = [one for one in stated if one is not None]
    return bool(known) and not any(fits(one, class_name) for one in known)
