"""Facts about the two tokenizers."""

from __future__ import annotations

from famtree.interchange.pair import Fact, Pair
from famtree.interchange.side import Side


def _same_kind(pair: Pair) -> bool | None:
    if pair.tokens.relation == "identical":
        return True
    left, right = _kind(pair.a), _kind(pair.b)
    return None if left is None or right is None else left == right


def _kind(side: Side) -> str | None:
    """The signature's, else that of the vocabulary, which may have been read only for the pair."""
    kind = side.tokenizer.kind if side.tokenizer else None
    return kind or (side.vocabulary.kind if side.vocabulary else None)


def _relation(pair: Pair) -> str | None:
    relation = pair.tokens.relation
    return None if relation == "unknown" else relation


def _count(pair: Pair) -> str | None:
    counts = pair.tokens.counts
    if counts is None:
        return None
    if counts.a == counts.b == counts.same_id:
        return f"all {counts.a:,} tokens"
    return (
        f"{counts.same_id:,} of {counts.a:,} and {counts.b:,} tokens with the same id"
        if counts.same_id == counts.shared
        else f"{counts.shared:,} of {counts.a:,} and {counts.b:,} tokens, "
        f"{counts.same_id:,} with the same id"
    )


def _same_vocabulary(pair: Pair) -> bool | None:
    """The whole token-to-id table is equal, whatever merges made it."""
    counts = pair.tokens.counts
    if counts is not None:
        return counts.a == counts.b == counts.same_id
    return True if pair.tokens.relation == "identical" else None


TOKEN_FACTS: dict[str, Fact] = {
    "tokenizer.relation": Fact("the whole vocabulary of both", _relation),
    "tokenizer.counts": Fact("the whole vocabulary of both", _count),
    "vocabulary.same": Fact("the whole vocabulary of both", _same_vocabulary),
    "ids.same": Fact("the token ids of both", lambda p: p.tokens.same_ids),
    "texts.same": Fact("the token at every id of both", lambda p: p.tokens.same_texts),
    "merges.same": Fact("the merges of both", lambda p: p.tokens.same_merges),
    "kind.same": Fact("the kind of both tokenizers", _same_kind),
}
