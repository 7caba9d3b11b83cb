from __future__ import annotations

from typing import Any

from famtree.fingerprints.architecture import build_architecture
from famtree.fingerprints.config import normalise_config
from famtree.types.fingerprint import Architecture

CONFIG = {
    "model_type": "oak",
    "num_hidden_layers": 4,
    "hidden_size": 64,
    "num_attention_heads": 8,
    "vocab_size": 100,
}


def merge(config: dict[str, Any], **observed: Any) -> Architecture:
    return build_architecture(normalise_config(config, {}), observed)


def test_header_is_believed_and_the_config_heard() -> None:
    found = merge(CONFIG, vocab_rows=128, layers=4)
    assert found.vocab_rows == 128
    assert found.seen_in["vocab_rows"] == ["header"]
    assert found.seen_in["layers"] == ["header", "config"]
    (one,) = found.disagreements
    assert (one.trait, one.believed, one.other) == ("architecture.vocab_rows", "128", "100")


def test_traits_that_may_differ_honestly_are_no_disagreement() -> None:
    assert merge(CONFIG | {"intermediate_size": 9}, ffn=10).disagreements == []


def test_saved_head_does_not_untie() -> None:
    assert merge(CONFIG | {"tie_word_embeddings": True}, tied=False).tied is True
    assert merge(CONFIG, tied=False).tied is False


def test_what_arithmetic_settles_is_completed() -> None:
    found = merge(CONFIG)
    assert (found.head_dim, found.kv_heads) == (8, 8)
    assert found.seen_in["head_dim"] == found.seen_in["kv_heads"] == ["default"]
    assert merge(CONFIG | {"num_attention_heads": 7}).head_dim is None
    assert merge(CONFIG | {"num_attention_heads": 0}).head_dim is None
    assert merge(CONFIG | {"kv_lora_rank": 512}).head_dim is None


def test_digest_is_the_same_with_and_without_a_header() -> None:
    assert merge(CONFIG).digest == merge(CONFIG, layers=4, qk_norm=False, o_bias=False).digest
    assert merge(CONFIG).digest != merge(CONFIG | {"num_hidden_layers": 5}).digest


def test_nothing_known() -> None:
    assert merge({}).model_dump(exclude_defaults=True).keys() == {"digest"}
