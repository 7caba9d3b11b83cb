from __future__ import annotations

import time

import pytest

from famtree.checkpoint.readme import read_text_claims

HUB = "https://huggingface.co"


@pytest.mark.parametrize(
    ("text", "parent", "relation"),
    [
        (f"a fine-tuned version of [Oak]({HUB}/acme/Oak-7B) on x", "acme/Oak-7B", "finetune"),
        ("**Finetuned from model :** acme/oak-7b-bnb-4bit", "acme/oak-7b-bnb-4bit", "finetune"),
        (f"GPTQ model files for [Acme's Oak]({HUB}/acme/Oak-7B).", "acme/Oak-7B", "quantized"),
        ("A 4-bit quantized version of `acme/Oak-7B`", "acme/Oak-7B", "quantized"),
        ("converted to MLX format from [`acme/Oak-7B`]()", "acme/Oak-7B", "converted"),
        ("a LoRA adapter for acme/Oak-7B, trained on", "acme/Oak-7B", "adapter"),
        ("distilled from acme/Oak-70B", "acme/Oak-70B", "distill"),
        (f"* **Original model:** [Oak]({HUB}/acme/Oak-7B)", "acme/Oak-7B", None),
        (f"Base model: {HUB}/acme/Oak-7B", "acme/Oak-7B", None),
    ],
)
def test_set_phrases_name_a_parent(text: str, parent: str, relation: str | None) -> None:
    (claim,) = read_text_claims(text)
    assert (claim.parent, claim.relation, claim.source) == (parent, relation, "readme")


@pytest.mark.parametrize(
    "text",
    [
        "We compare it to acme/Oak-7B.",
        "fine-tuned on either/or tasks",
        "fine-tuned from a model of our own and/or others",
        "Finetuned from model [optional]: [More Information Needed]",
        f"fine-tuned from [data]({HUB}/datasets/acme/Oak-7B)",
        "fine-tuned from ./checkpoints/Oak-7B",
        "",
    ],
)
def test_a_mention_is_no_claim(text: str) -> None:
    assert list(read_text_claims(text)) == []


@pytest.mark.parametrize(
    "text", ["base model" + " " * 60000, "fine-tuned of " * 5000, "gguf a-" * 9000, "[a" * 30000]
)
def test_hostile_text_is_read_in_time(text: str) -> None:
    started = time.process_time()
    list(read_text_claims(text))
    assert time.process_time() - started < 3


def test_claims_are_bounded() -> None:
    text = "\n".join(f"fine-tuned from acme/Oak-{number}" for number in range(50))
    assert len(list(read_text_claims(text))) == 8
