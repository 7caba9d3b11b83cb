"""Embedding and output head: whether they are one, and whether every token has a row."""

from __future__ import annotations

from collections.abc import Iterator

from famtree.checkpoint.consistency.examined import Contradiction, Examined, join
from famtree.fingerprints.tensor_names import Module
from famtree.packings.sizes import FLOATS

_ANSWERING = ("ForCausalLM", "LMHeadModel", "ForConditionalGeneration", "ForImageTextToText")
"""Endings of classes that cannot do without a head over the vocabulary."""
_EMBEDDER_FILES = ("modules.json", "config_sentence_transformers.json")


def find_stored_head(one: Examined) -> Iterator[Contradiction]:
    """A head of its own where config.json says that the embedding is the head.

    A maker whose own files hold the tied head twice is on record (`stores_head`).
    """
    heads = one.layout.outside.get("head", ())
    embeddings = one.layout.outside.get("embedding", ())
    best = one.findings.result.best
    size = best.size.size if best is not None and best.size is not None else None
    twice = size is not None and size.stores_head
    if not heads or not embeddings or not _states_tie(one, tied=True) or one.is_gguf or twice:
        return
    yield Contradiction(
        f"tie_word_embeddings is true, but the files hold {heads[0].path} beside "
        f"{embeddings[0].path}: engines use the embedding as head and leave the stored one out, "
        f"so a head that was trained apart is lost{_count(heads[0])}",
        "no stored head",
        heads[0].path,
    )


def _count(head: Module) -> str:
    leaf = head.leaves.get("weight")
    return f" ({leaf.numel:,} weights)" if leaf is not None and leaf.dtype in FLOATS else ""


def find_missing_head(one: Examined) -> Iterator[Contradiction]:
    """No head although config.json says that the embedding is not the head."""
    layout, a = one.layout, one.architecture
    answering = (a.class_name or "").endswith(_ANSWERING)
    if not layout.names_known or not answering or not _states_tie(one, tied=False):
        return
    if layout.outside.get("head") or layout.outside.get("other_head") or one.is_gguf:
        return
    embeddings = layout.outside.get("embedding")
    listed = any(one.found.listing.find(name) for name in _EMBEDDER_FILES)
    bare = layout.main is None or "." not in layout.main.path
    named = any("head" in module.path.rpartition(".")[2] for module in layout.modules)
    if not embeddings or bare or listed or named or a.encoder_layers:
        return
    yield Contradiction(
        "tie_word_embeddings is false, but the files hold no head (lm_head.weight): engines make "
        "one of random numbers or refuse the model",
        "a stored head",
        f"{embeddings[0].path} alone",
    )


def _states_tie(one: Examined, *, tied: bool) -> bool:
    """Return whether config.json says so, of the whole and of its language tower alike."""
    stated = {
        value
        for table in (one.found.config, one.text_config)
        if isinstance(value := table.get("tie_word_embeddings"), bool)
    }
    return stated == {tied}


def find_tokens_beyond_rows(one: Examined) -> Iterator[Contradiction]:
    """Tokens of the trained vocabulary whose id has no row in the embedding."""
    rows, tokenizer = one.architecture.vocab_rows, one.tokenizer
    if not rows or not one.is_from_header("vocab_rows") or tokenizer is None:
        return
    if tokenizer.max_id is not None and tokenizer.max_id >= rows and not _is_added(one, rows):
        yield _tell("the vocabulary's tokens", rows, tokenizer.max_id)


def find_added_beyond_rows(one: Examined) -> Iterator[Contradiction]:
    """Added tokens whose id has no row in the embedding."""
    rows, tokenizer = one.architecture.vocab_rows, one.tokenizer
    if not rows or not one.is_from_header("vocab_rows") or _is_as_published(one):
        return
    beyond = sorted((number, text) for text, number in one.added_ids.items() if number >= rows)
    if beyond:
        names = join(f"{text} ({number})" for number, text in beyond)
        yield _tell(f"the added tokens {names}", rows, beyond[-1][0])
    elif tokenizer is not None and (tokenizer.max_id or 0) >= rows and _is_added(one, rows):
        yield _tell("added tokens", rows, tokenizer.max_id or 0)


def _is_added(one: Examined, rows: int) -> bool:
    """Return whether the trained vocabulary itself has a row for every token."""
    tokenizer = one.tokenizer
    base = tokenizer.base_entries if tokenizer is not None else None
    return base is not None and base <= rows


def _is_as_published(one: Examined) -> bool:
    """Return whether the vocabulary is the very one that the model's maker ships with it.

    Some ship tokens without a row, which a text model never meets: images in Gemma 3's.
    """
    best, tokenizer = one.findings.result.best, one.tokenizer
    if best is None or tokenizer is None or tokenizer.added is None:
        return False
    return any(
        known.added == tokenizer.added and tokenizer.vocabulary in (None, known.vocabulary)
        for known in best.family.tokenizers
    )


def _tell(what: str, rows: int, highest: int) -> Contradiction:
    return Contradiction(
        f"{what} reach id {highest}, but the embedding has {rows} rows: such a token stops the "
        "engine or reads another row",
        f"at least {highest + 1} rows",
        f"{rows} rows",
    )
