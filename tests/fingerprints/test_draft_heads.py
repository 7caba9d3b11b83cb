"""Draft heads of every method by class, keys and tensors; models that look like one are none."""

from __future__ import annotations

from typing import Any

import pytest

from famtree.fingerprints.draft_heads import DraftHead, find_draft_head
from famtree.types.checkpoint import TensorIndex, TensorInfo

BLOCK = ("self_attn.q_proj", "self_attn.o_proj", "mlp.down_proj", "input_layernorm")
LLAMA = {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 64}


def index(*names: str, **shapes: tuple[int, ...]) -> TensorIndex:
    """Return an index; names of `shapes` have `__` for a dot."""
    known = {name.replace("__", "."): shape for name, shape in shapes.items()}
    return TensorIndex(
        tensors={name: TensorInfo(name, "BF16", shape, 0, 0, "m") for name, shape in known.items()},
        names=frozenset([*names, *known]),
    )


def blocks(number: int, prefix: str = "") -> list[str]:
    return [f"{prefix}layers.{at}.{part}.weight" for at in range(number) for part in BLOCK]


@pytest.mark.parametrize(
    ("config", "method"),
    [
        ({"architectures": ["LlamaForCausalLMEagle3"], "num_hidden_layers": 1}, "eagle3"),
        ({"architectures": ["Eagle3DeepseekV2ForCausalLM"], "num_hidden_layers": 1}, "eagle3"),
        ({"architectures": ["EagleLlamaForCausalLM"], "num_hidden_layers": 1}, "eagle"),
        ({"architectures": ["EAGLEModel"], "model_type": "eagle", "model": LLAMA}, "eagle"),
        ({**LLAMA, "num_hidden_layers": 1, "draft_vocab_size": 32000}, "eagle3"),
        ({"speculators_model_type": "eagle3", "transformer_layer_config": LLAMA}, "eagle3"),
        ({"architectures": ["DFlashDraftModel"], "num_hidden_layers": 8}, "dflash"),
        ({**LLAMA, "num_hidden_layers": 5, "dflash_config": {"mask_token_id": 3}}, "dflash"),
        ({"architectures": ["DSparkDraftModel"], "dflash_config": {}}, "dspark"),
        ({"base_model_name_or_path": "a/b", "medusa_num_heads": 3}, "medusa"),
        ({"architectures": ["MedusaModel"], "model_type": "medusa"}, "medusa"),
        ({"architectures": ["MLPSpeculatorPreTrainedModel"]}, "mlp-speculator"),
        ({"architectures": ["ArcticLSTMSpeculatorPreTrainedModel"]}, "mlp-speculator"),
        ({"architectures": ["DeepseekV3ForCausalLMNextN"], "num_hidden_layers": 1}, "mtp"),
        ({"architectures": ["Qwen3NextMTP"], "num_hidden_layers": 1}, "mtp"),
        ({"model_type": "eagle3", "num_hidden_layers": 1}, "eagle3"),
    ],
)
def test_class_and_keys_tell_the_method(config: dict[str, Any], method: str) -> None:
    found = find_draft_head(config, TensorIndex())
    assert found is not None
    assert found.method == method


@pytest.mark.parametrize(
    "config",
    [
        {},
        LLAMA,
        {**LLAMA, "num_hidden_layers": 1},
        {"architectures": ["EagleLlamaForCausalLM"], "num_hidden_layers": 32},
        {"architectures": ["Eagle2_5_VLForConditionalGeneration"], "text_config": LLAMA},
        {"architectures": ["EagleChatModel"], "num_hidden_layers": 4},
        {**LLAMA, "num_hidden_layers": 61, "num_nextn_predict_layers": 1},
        {**LLAMA, "num_hidden_layers": 32, "medusa_num_heads": 4},
        {"architectures": [7, None], "model_type": []},
        {"architectures": "x" * 100_000},
    ],
)
def test_models_are_no_heads(config: dict[str, Any]) -> None:
    assert find_draft_head(config, TensorIndex()) is None


def test_an_eagle_head_under_a_plain_class() -> None:
    """EAGLE 1 and 2 keep the target's class; a layer joins states and embedding."""
    config = {**LLAMA, "num_hidden_layers": 1, "vocab_size": 500}
    head = index("embed_tokens.weight", *blocks(1), fc__weight=(64, 128))
    assert find_draft_head(config, head) == DraftHead("eagle", 64, 500, 1)
    for other in (
        index("embed_tokens.weight", *blocks(9), fc__weight=(64, 128)),
        index("embed_tokens.weight", "lm_head.weight", *blocks(1), fc__weight=(64, 128)),
        index("embed_tokens.weight", *blocks(1), fc__weight=(2, 64)),
        index("embed_tokens.weight", fc__weight=(64, 128)),
    ):
        assert find_draft_head(config, other) is None


def test_tensors_tell_what_a_config_does_not() -> None:
    assert find_draft_head({}, index("d2t", "t2d", "midlayer.self_attn.q_proj.weight")) is not None
    medusa = index(**{"medusa_head__0__0__linear__weight": (64, 64)})
    assert find_draft_head({}, medusa) == DraftHead("medusa", 64, None, 0)
    prediction = index(*blocks(1, "model."), **{"model__layers__0__eh_proj__weight": (64, 128)})
    assert find_draft_head({}, prediction) == DraftHead("mtp", 32 * 2, None, 1)
    model = index(*blocks(3, "model."), **{"model__layers__2__eh_proj__weight": (64, 128)})
    assert find_draft_head({}, model) is None


def test_files_of_heads_alone() -> None:
    config = {**LLAMA, "num_hidden_layers": 32, "medusa_num_heads": 4, "vocab_size": 500}
    head = find_draft_head(config, TensorIndex(), ["medusa_lm_head.pt"])
    assert head == DraftHead("medusa", 64, 500, None)
    both = ["medusa_lm_head.pt", "pytorch_model-00001-of-00002.bin"]
    assert find_draft_head(config, TensorIndex(), both) is None


@pytest.mark.parametrize(
    ("config", "shape", "width"),
    [
        ({"architectures": ["LlamaForCausalLMEagle3"], "hidden_size": 48}, (48, 192), 64),
        ({"architectures": ["LlamaForCausalLMEagle3"], "hidden_size": 48}, (48, 191), 48),
        (
            {"architectures": ["Eagle3Model"], "hidden_size": 48, "target_hidden_size": 80},
            (48, 192),
            80,
        ),
        (
            {"architectures": ["DFlashDraftModel"], "hidden_size": 48,
             "dflash_config": {"target_layer_ids": [1, 9, 17, 25]}},
            (48, 256),
            64,
        ),
    ],
)  # fmt: skip
def test_the_width_of_the_target(
    config: dict[str, Any], shape: tuple[int, int], width: int
) -> None:
    """The first layer reads states of the target side by side; the head may have another width."""
    found = find_draft_head(config, index(*blocks(1), fc__weight=shape))
    assert found is not None
    assert found.hidden_size == width


def test_the_named_target() -> None:
    verifier = {"verifier": {"name_or_path": "acme/oak"}}
    config = {"speculators_model_type": "eagle3", "speculators_config": verifier}
    assert find_draft_head(config, TensorIndex()) == DraftHead("eagle3", target="acme/oak")
