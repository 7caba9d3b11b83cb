"""Two vocabularies against each other: from digests where they are equal, else token by token."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import replace

from famtree.fingerprints.vocabulary import Vocabulary, digest_merges
from famtree.interchange.side import Side
from famtree.types.comparison import TokenizerRelation, VocabularyCounts
from famtree.types.fingerprint import Tokenizer

OVERLAPPING = 0.5
"""Share of the smaller vocabulary's strings from which on two vocabularies count as overlapping.
Byte alphabets and the commonest English words alone make up less of any released vocabulary."""
FIRST_COMPARED = 5
"""llama.cpp compares token texts from this id on (common/speculative.cpp,
SPEC_VOCAB_CHECK_START_TOKEN_ID)."""
_WHOLE = "tokenizer.json"


class TokenComparison(Struct, frozen=True):
    """What two tokenizers have in common; None where it could not be seen."""

    relation: TokenizerRelation = "unknown"
    """Of the tokenizers: equal tables are `overlapping` where texts are split otherwise."""
    table: TokenizerRelation = "unknown"
    """Of the tables of tokens alone."""
    counts: VocabularyCounts | None = None
    same_ids: bool | None = None
    """Every shared string has one id."""
    same_texts: bool | None = None
    """Every id from `FIRST_COMPARED` on, up to the smaller number of rows, has one text; rows
    without a token count as the filler that llama.cpp's converter writes there."""
    same_merges: bool | None = None
    same_splitting: bool | None = None
    """Normaliser and pre-tokenizer do the same; None where one of them was not seen."""


def need_vocabularies(a: Tokenizer | None, b: Tokenizer | None) -> bool:
    """Return whether the token lists must be read: digests do not already show them equal."""
    return a is None or b is None or not _equal_digests(a, b)


def compare_tokens(a: Side, b: Side) -> TokenComparison:
    """Compare what `a` and `b` say of their tokenizers."""
    if a is b:
        return _identical(a.tokenizer, splitting=True)
    left, right = a.tokenizer, b.tokenizer
    splitting = compare_splitting(left, right) if left is not None and right is not None else None
    if left is not None and right is not None and _equal_digests(left, right):
        return _identical(left, splitting)
    if a.vocabulary is not None and b.vocabulary is not None:
        rows = a.architecture.vocab_rows, b.architecture.vocab_rows
        return _compare_read(a.vocabulary, b.vocabulary, *rows, splitting)
    merges = None
    if left is not None and right is not None and left.merges and right.merges:
        merges = left.merges == right.merges
    return TokenComparison(same_merges=merges, same_splitting=splitting)


def compare_splitting(a: Tokenizer, b: Tokenizer) -> bool | None:
    """Return whether both split texts in the same way before merging; None where it is not seen.

    A block that one tokenizer.json has and another lacks is a difference. Where both blocks
    differ in that way the same may be meant: the normaliser of Llama 2 became a pre-tokenizer.
    """
    own = a.files.get(_WHOLE)
    if own is not None and own == b.files.get(_WHOLE):
        return True
    if a.pre is not None and b.pre is not None:
        return a.pre == b.pre
    pairs = [(a.pre_tokenizer, b.pre_tokenizer), (a.normalizer, b.normalizer)]
    if any(left and right and left != right for left, right in pairs):
        return False
    if not all(one.status == "read" and _WHOLE in one.files for one in (a, b)):
        return None
    unlike = [left != right for left, right in pairs]
    return None if all(unlike) else not any(unlike)


def _equal_digests(a: Tokenizer, b: Tokenizer) -> bool:
    """Vocabulary, merges and added tokens are known to be equal on both sides.

    tokenizer.json holds all three, so that equal files need no reading.
    """
    own = a.files.get(_WHOLE)
    if own is not None and own == b.files.get(_WHOLE):
        return True
    if a.vocabulary is None or a.vocabulary != b.vocabulary or a.added is None:
        return False
    return a.added == b.added and a.merges == b.merges


def _identical(tokenizer: Tokenizer | None, splitting: bool | None) -> TokenComparison:
    """Filler rows have equal texts too, whatever their number."""
    entries = tokenizer.entries if tokenizer is not None else None
    merges = True if tokenizer is not None and tokenizer.merges else None
    counts = None
    if entries is not None:
        counts = VocabularyCounts.model_construct(
            a=entries,
            b=entries,
            shared=entries,
            same_id=entries,
            same_merges=merges,
            same_added=True,
            same_splitting=splitting,
        )
    return _finish(TokenComparison("identical", "identical", counts, True, True, merges, splitting))


def _finish(found: TokenComparison) -> TokenComparison:
    """Tables that are alike make no tokenizers that are, where texts are split otherwise."""
    alike = found.relation in ("identical", "extended")
    return (
        replace(found, relation="overlapping") if alike and found.same_splitting is False else found
    )


def _compare_read(
    a: Vocabulary,
    b: Vocabulary,
    rows_a: int | None,
    rows_b: int | None,
    splitting: bool | None,
) -> TokenComparison:
    left, right = list_tokens(a), list_tokens(b)
    shared = len(left.keys() & right.keys())
    same = len(left.items() & right.items())
    merges = digest_merges(a.merges) == digest_merges(b.merges) if a.merges and b.merges else None
    counts = VocabularyCounts.model_construct(
        a=len(left),
        b=len(right),
        shared=shared,
        same_id=same,
        same_merges=merges,
        same_added=_added_ids(a) == _added_ids(b),
        same_splitting=splitting,
    )
    relation = _relate(counts)
    texts = _same_texts(left, right, rows_a, rows_b)
    return _finish(
        TokenComparison(relation, relation, counts, same == shared, texts, merges, splitting)
    )


def _relate(counts: VocabularyCounts) -> TokenizerRelation:
    smaller = min(counts.a, counts.b)
    if smaller == 0:
        return "unknown"
    if counts.same_id == smaller and counts.same_merges is not False:
        return "identical" if counts.a == counts.b else "extended"
    if counts.same_id == smaller and counts.a != counts.b:
        return "extended"  # new tokens that are no added tokens come with merges of their own
    return "overlapping" if counts.shared >= OVERLAPPING * smaller else "different"


def list_tokens(vocabulary: Vocabulary) -> dict[str, int]:
    """Return every token string and its id, added tokens included."""
    added = {content: token.id for content, token in vocabulary.added.items()}
    return {**vocabulary.tokens, **added}


def _added_ids(vocabulary: Vocabulary) -> dict[str, int]:
    return {content: token.id for content, token in vocabulary.added.items()}


def _same_texts(
    a: Mapping[str, int], b: Mapping[str, int], rows_a: int | None, rows_b: int | None
) -> bool | None:
    if rows_a is None or rows_b is None:
        return None
    left = {number: text for text, number in a.items()}
    right = {number: text for text, number in b.items()}
    compared = range(FIRST_COMPARED, min(rows_a, rows_b))
    return all(left.get(at) == right.get(at) for at in compared)
