"""Facts about the two tokenizers."""

from __future__ import annotations

from famtree.interchange.pair import Fact, Pair


def _same_kind(pair: Pair) -> bool | None:
    if pair.a is pair.b:
        return True
    left = pair.a.tokenizer.kind if pair.a.tokenizer else None
    right = pair.b.tokenizer.kind if pair.b.tokenizer else None
    return None if left is None or right is None else left == right


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
