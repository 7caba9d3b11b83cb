"""Every check of a checkpoint's files against each other. A new one is a function and a line."""

from __future__ import annotations

from famtree.checkpoint.consistency import (
    blocks,
    embeddings,
    roles,
    shards,
    splitting,
    turns,
    widths,
)
from famtree.checkpoint.consistency.examined import Check

_ANY = ("model", "adapter", "draft-head", "pipeline", "component", "vocabulary")

CHECKS: tuple[Check, ...] = (
    Check("shard-missing", shards.find_missing_shards, kinds=_ANY),
    Check("shard-misnumbered", shards.find_wrong_numbers, kinds=_ANY),
    Check("shards-of-two-sets", shards.find_two_sets, kinds=_ANY),
    Check("stray-weights", shards.find_strays, kinds=_ANY),
    Check("index-disagrees", shards.find_lost_entries, ("index", "headers"), kinds=_ANY),
    Check("tensor-twice", shards.find_copies, ("headers",), kinds=_ANY),
    Check("total-size-wrong", shards.find_wrong_total, ("index",), kinds=_ANY),
    Check("config-disagrees", widths.find_disagreements, ("headers",), kinds=_ANY),
    Check("heads-disagree", widths.find_wrong_heads, ("headers",)),
    Check("ffn-disagrees", widths.find_wrong_ffn, ("headers",)),
    Check("layer-missing", blocks.find_missing_blocks, ("index", "headers")),
    Check("module-missing", blocks.find_missing_modules, ("index", "headers")),
    Check("tower-missing", blocks.find_missing_towers, ("index", "headers")),
    Check("tied-head-stored", embeddings.find_stored_head, ("index", "headers")),
    Check("head-missing", embeddings.find_missing_head, ("index", "headers")),
    Check("tokens-beyond-rows", embeddings.find_tokens_beyond_rows, ("headers", "tokenizer")),
    Check("added-beyond-rows", embeddings.find_added_beyond_rows, ("headers",)),
    Check("turn-not-stopped", turns.find_unstopped_turn),
    Check("end-tokens-disagree", turns.find_unequal_ends),
    Check("begin-doubled", turns.find_doubled_begin, ("tokenizer",)),
    Check("pre-tokenizer-missing", splitting.find_missing_pre, ("tokenizer",)),
    Check("pre-tokenizer-wrong", splitting.find_wrong_pre, ("tokenizer",)),
    Check("model-and-adapter", roles.find_model_and_adapter, kinds=_ANY),
)
"""In the order in which warnings are told."""
