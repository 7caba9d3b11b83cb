"""How the vocabularies of two checkpoints are related."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from famtree.errors import TokenizerError
from famtree.fingerprints.tokenizer import choose_vocabulary_files
from famtree.fingerprints.vocabulary_sketch import compare_sketches
from famtree.types.family import KnownTokenizer
from famtree.types.fingerprint import Tokenizer

Kind = Literal["identical", "extended", "overlapping", "different", "unknown"]
CONTAINED = 0.98
"""Share of the parent's sampled tokens that an extension still has, under the same ids."""
STRANGE = 0.45
"""Overlap below which no vocabulary grew from the other. Vocabularies trained apart overlap by 0.1
to 0.8 (all pairs of the registry's), so above it nothing is ruled out."""


class VocabularyRelation(Struct, frozen=True):
    """The verdict, and by how many tokens the child is larger (negative: smaller)."""

    kind: Kind
    added: int = 0


def relate_vocabularies(
    child: Tokenizer | KnownTokenizer | None, parent: Tokenizer | KnownTokenizer | None
) -> VocabularyRelation:
    """Return how the child's vocabulary descends from the parent's, as far as both were read."""
    if child is None or parent is None:
        return VocabularyRelation("unknown")
    if _vocabulary_files(child) & _vocabulary_files(parent):
        return VocabularyRelation("identical")
    if child.vocabulary is not None and child.vocabulary == parent.vocabulary:
        if child.added is not None and child.added == parent.added:
            return VocabularyRelation("identical")
        added = (child.added_count or 0) - (parent.added_count or 0)
        return VocabularyRelation("extended" if added > 0 else "identical", added)
    if not child.sketch or not parent.sketch:
        return VocabularyRelation("unknown")
    try:
        match = compare_sketches(parent.sketch, child.sketch)
    except TokenizerError:
        return VocabularyRelation("unknown")
    added = (child.base_entries or 0) - (parent.base_entries or 0)
    if match.containment_ab >= CONTAINED and (match.id_agreement or 0.0) >= CONTAINED:
        return VocabularyRelation("extended" if added > 0 else "identical", added)
    return VocabularyRelation("different" if match.jaccard < STRANGE else "overlapping", added)


def _vocabulary_files(tokenizer: Tokenizer | KnownTokenizer) -> set[str]:
    """Return the hashes of files that hold a whole vocabulary; side files say too little."""
    if isinstance(tokenizer, KnownTokenizer):
        return set(tokenizer.files)
    return {tokenizer.files[name] for name in choose_vocabulary_files(tokenizer.files)}
