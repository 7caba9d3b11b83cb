"""Facts about the two tokenizers."""

from __future__ import annotations

from famtree.interchange.pair import Fact, Pair
from famtree.interchange.side import Side


def _same_kind(pair: Pair) -> bool | None:
    if pair.tokens.table == "identical":
        return True
    left, right = _kind(pair.a), _kind(pair.b)
    return None if left is None or right is None else left == right


def _kind(side: Side) -> str | None:
    """The signature's, else that of the vocabulary, which may have been read only for the pair."""
    kind = side.tokenizer.kind if side.tokenizer else None
    return kind or (side.vocabulary.kind if side.vocabulary else None)


def _relation(pair: Pair) -> str | None:
    table = pair.tokens.table
    return None if table == "unknown" else table


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
    return True if pair.tokens.table == "identical" else None


def _same_tokens(pair: Pair) -> bool | None:
    """Equal texts become equal ids, as far as the files of both show."""
    return False if pair.tokens.same_splitting is False else _same_vocabulary(pair)


def _differing_splitting(pair: Pair) -> str | None:
    """Which of the steps before the table differ, by the names that the files have for them."""
    left, right = pair.a.tokenizer, pair.b.tokenizer
    if pair.tokens.same_splitting is not False or left is None or right is None:
        return None
    if left.pre is not None and left.pre != right.pre:
        return f"tokenizer.ggml.pre {right.pre} instead of {left.pre}"
    steps = [
        name
        for name in ("pre_tokenizer", "normalizer")
        if getattr(left, name) != getattr(right, name)
    ]
    return f"another {' and '.join(steps)}"


TOKEN_FACTS: dict[str, Fact] = {
    "tokenizer.relation": Fact("the whole vocabulary of both", _relation),
    "tokenizer.counts": Fact("the whole vocabulary of both", _count),
    "vocabulary.same": Fact("the whole vocabulary of both", _same_vocabulary),
    "tokens.same": Fact("vocabulary and pre-tokenizer of both", _same_tokens),
    "splitting.same": Fact("the pre-tokenizers of both", lambda p: p.tokens.same_splitting),
    "splitting.differ": Fact("the pre-tokenizers of both", _differing_splitting),
    "ids.same": Fact("the token ids of both", lambda p: p.tokens.same_ids),
    "texts.same": Fact("the token at every id of both", lambda p: p.tokens.same_texts),
    "merges.same": Fact("the merges of both", lambda p: p.tokens.same_merges),
    "kind.same": Fact("the kind of both tokenizers", _same_kind),
}
