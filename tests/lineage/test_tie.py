"""A declared parent settles which of the designs it is that a checkpoint's own files leave open."""

from __future__ import annotations

from typing import Any

import pytest

from famtree.api import identify, lineage
from famtree.types.identification import Identification
from gguf_files import Tensors, write_gguf
from hub.repository import make_sparse
from hub.server import HubServer

_ARCHITECTURE = "deepseek2"
_DESIGN: dict[str, Any] = {
    "block_count": 61, "context_length": 163840, "embedding_length": 7168,
    "feed_forward_length": 18432, "attention.head_count": 128, "attention.head_count_kv": 1,
    "attention.kv_lora_rank": 512, "attention.q_lora_rank": 1536, "attention.key_length": 576,
    "attention.value_length": 512, "attention.key_length_mla": 192,
    "attention.value_length_mla": 128, "rope.dimension_count": 64, "rope.freq_base": 10000.0,
    "rope.scaling.type": "yarn", "rope.scaling.factor": 40.0,
    "rope.scaling.original_context_length": 4096, "expert_count": 256, "expert_used_count": 8,
    "expert_shared_count": 1, "expert_feed_forward_length": 2048, "leading_dense_block_count": 3,
    "vocab_size": 129280, "attention.layer_norm_rms_epsilon": 1e-6,
}  # fmt: skip
"""What V3 and V3.2 share in a GGUF."""
_TENSORS: Tensors = {
    "token_embd.weight": ("Q8_0", (129280, 7168)),
    "blk.0.attn_q_a.weight": ("Q8_0", (1536, 7168)),
    "blk.0.attn_kv_a_mqa.weight": ("Q8_0", (576, 7168)),
}


def name_by(hub: HubServer, **card: Any) -> Identification:
    """Return the answer on a GGUF that is of either design, whose card is `card`."""
    told: dict[str, Any] = {"general.architecture": _ARCHITECTURE, "general.name": "Some model"}
    told |= {f"{_ARCHITECTURE}.{key}": value for key, value in _DESIGN.items()}
    told |= {"tokenizer.ggml.model": "gpt2", "tokenizer.ggml.pre": "deepseek-v3"}
    header = write_gguf(told, _TENSORS, data=False)
    hub.add("me/some-GGUF", {"some-Q8_0.gguf": make_sparse("g", 1 << 31, header)}, card=card)
    return identify("me/some-GGUF")


def generation_of(answer: Identification) -> str | None:
    return answer.generation.key if answer.generation is not None else None


@pytest.mark.parametrize(
    ("parent", "generation"),
    [
        ("deepseek-ai/DeepSeek-R1-0528", "deepseek-v3"),
        ("deepseek-ai/DeepSeek-V3.2", "deepseek-v3.2"),
        ("deepseek-ai/DeepSeek-V3.2-Exp-Base", "deepseek-v3.2"),
    ],
)
def test_the_declared_parent_says_which(hub: HubServer, parent: str, generation: str) -> None:
    answer = name_by(hub, base_model=parent, base_model_relation="quantized")
    assert (answer.outcome, generation_of(answer)) == ("identified", generation)
    assert (answer.decided_by, answer.candidates[0].decided_by) == ("declared", "declared")
    assert answer.candidates[0].generation == generation
    assert answer.confidence <= 0.88
    [told] = [one for one in answer.evidence if one.signal == "claim"]
    assert parent in told.seen
    assert parent in answer.reason


@pytest.mark.parametrize(
    "card",
    [
        {},
        {"base_model": "acme/deepseek-v3.2-tuned"},  # only words of a stranger's name
        {"base_model": "meta-llama/Llama-3.1-8B"},  # none of the designs that are left
        {"base_model": ["deepseek-ai/DeepSeek-R1", "deepseek-ai/DeepSeek-V3.2"]},
    ],
    ids=["none", "words", "stranger", "both"],
)
def test_it_stays_open_where_no_parent_says(hub: HubServer, card: dict[str, Any]) -> None:
    answer = name_by(hub, **card)
    assert generation_of(answer) is None
    assert {one.generation for one in answer.candidates} >= {"deepseek-v3", "deepseek-v3.2"}


def test_the_ancestry_says_the_same(hub: HubServer) -> None:
    name_by(hub, base_model="deepseek-ai/DeepSeek-R1-0528")
    node = lineage("me/some-GGUF").nodes[0]
    assert (node.family, node.generation) == ("deepseek", "deepseek-v3")
