"""Denoisers by names and shapes alone: designs, layouts and formats of adapters."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from famtree.fingerprints.denoiser_tensors import MOST_NAMES, Denoiser, observe_denoiser
from famtree.types.checkpoint import TensorIndex, TensorInfo

Shapes = dict[str, tuple[int, ...]]
FLUX: Shapes = {
    "double_blocks.0.img_attn.qkv": (9216, 3072),
    "single_blocks.0.linear1": (21504, 3072),
}
FLUX_DIFFUSERS: Shapes = {
    "transformer_blocks.0.attn.to_q": (3072, 3072),
    "single_transformer_blocks.0.attn.to_q": (3072, 3072),
}
FLUX_2: Shapes = {name: (out, 6144) for name, (out, _) in FLUX.items()}
QWEN: Shapes = {
    "transformer_blocks.0.attn.to_q": (3072, 3072),
    "transformer_blocks.0.img_mlp.net.0.proj": (12288, 3072),
}
SD3: Shapes = {"joint_blocks.0.x_block.attn.qkv": (4608, 1536)}
WAN: Shapes = {"blocks.0.self_attn.q": (5120, 5120), "blocks.0.cross_attn.k": (5120, 5120)}
Z_IMAGE: Shapes = {
    "noise_refiner.0.attention.qkv": (11520, 3840),
    "layers.0.adaLN_modulation.0": (15360, 256),
}
ANIMA: Shapes = {
    "blocks.0.self_attn.q_proj": (2048, 2048),
    "blocks.0.adaln_modulation_self_attn.1": (256, 2048),
}


def unet(width: int, *, original: bool = False) -> Shapes:
    place = "input_blocks.4.1" if original else "down_blocks.1.attentions.0"
    block = f"{place}.transformer_blocks.0"
    return {f"{block}.attn1.to_q": (640, 640), f"{block}.attn2.to_k": (640, width)}


def plain(shapes: Shapes) -> Shapes:
    return {f"{name}.weight": shape for name, shape in shapes.items()}


def comfy(shapes: Shapes) -> Shapes:
    return {f"model.diffusion_model.{name}.weight": shape for name, shape in shapes.items()}


def peft(shapes: Shapes) -> Shapes:
    found: Shapes = {}
    for name, shape in shapes.items():
        module = f"transformer.{name}"
        found |= {f"{module}.lora_A.weight": (8, shape[1])}
        found |= {f"{module}.lora_B.weight": (shape[0], 8)}
    return found


def kohya(shapes: Shapes) -> Shapes:
    found: Shapes = {}
    for name, shape in shapes.items():
        module = "lora_unet_" + name.replace(".", "_")
        found |= {
            f"{module}.lora_down.weight": (8, shape[1]),
            f"{module}.lora_up.weight": (shape[0], 8),
            f"{module}.alpha": (),
        }
    return found


def loha(shapes: Shapes) -> Shapes:
    found: Shapes = {}
    for name, shape in shapes.items():
        module = "lora_unet_" + name.replace(".", "_")
        found |= {f"{module}.hada_w1_a": (shape[0], 4), f"{module}.hada_w1_b": (4, shape[1])}
    return found


def lokr(shapes: Shapes) -> Shapes:
    found: Shapes = {}
    for name, shape in shapes.items():
        module = f"diffusion_model.{name}"
        found |= {
            f"{module}.lokr_w1": (16, 32),
            f"{module}.lokr_w2": (shape[0] // 16, shape[1] // 32),
        }
    return found


def ask(shapes: Shapes) -> Denoiser | None:
    tensors = {name: TensorInfo(name, "BF16", shape, 0, 0, "x") for name, shape in shapes.items()}
    return observe_denoiser(TensorIndex(tensors=tensors, names=frozenset(tensors), complete=True))


DESIGNS: list[tuple[str, Shapes, str, int | None]] = [
    ("flux 1", FLUX, "FluxTransformer2DModel", 3072),
    ("flux 1, diffusers", FLUX_DIFFUSERS, "FluxTransformer2DModel", 3072),
    ("flux 2", FLUX_2, "Flux2Transformer2DModel", 6144),
    ("qwen image", QWEN, "QwenImageTransformer2DModel", 3072),
    ("sd 3", SD3, "SD3Transformer2DModel", 1536),
    ("wan", WAN, "WanTransformer3DModel", 5120),
    ("z-image", Z_IMAGE, "ZImageTransformer2DModel", 3840),
    ("sd 1", unet(768), "UNet2DConditionModel", None),
    ("sd xl, original", unet(2048, original=True), "UNet2DConditionModel", None),
]
WHOLE = [plain, comfy]
ADAPTERS = [peft, kohya, loha, lokr]


@pytest.mark.parametrize("write", [*WHOLE, *ADAPTERS], ids=lambda write: write.__name__)
@pytest.mark.parametrize("case", DESIGNS, ids=lambda case: case[0])
def test_each_design_in_each_layout(
    write: Callable[[Shapes], Shapes], case: tuple[str, Shapes, str, int | None]
) -> None:
    _, shapes, design, width = case
    found = ask(write(shapes))
    assert found is not None
    assert found.observed["class_name"] == design
    assert found.observed.get("hidden_size") == width
    assert found.kind == ("adapter" if write in ADAPTERS else "model")


@pytest.mark.parametrize("width", [768, 1024, 2048])
@pytest.mark.parametrize("write", [plain, comfy, peft, kohya], ids=lambda write: write.__name__)
def test_text_states_of_a_u_net_are_read(write: Callable[[Shapes], Shapes], width: int) -> None:
    found = ask(write(unet(width)))
    assert found is not None
    assert found.observed["context_width"] == width


def test_control_networks_are_components() -> None:
    found = ask(plain({**unet(768), "controlnet_down_blocks.0": (320, 320)}))
    assert found == Denoiser("component", {"class_name": "ControlNetModel", "context_width": 768})


def test_a_design_is_whole_with_all_its_parts_alone() -> None:
    assert ask(plain(ANIMA)) is None
    whole = ask(plain({**ANIMA, "llm_adapter.blocks.0.mlp.0": (4096, 1024)}))
    adapter = ask(kohya(ANIMA))
    assert whole is not None
    assert adapter is not None
    assert (whole.kind, adapter.kind) == ("model", "adapter")


LANGUAGE = {
    "model.layers.0.self_attn.q_proj": (4096, 4096),
    "model.layers.0.mlp.gate_proj": (11008, 4096),
    "transformer.h.0.attn.c_attn": (2304, 768),
    "encoder.block.0.layer.0.SelfAttention.q": (512, 512),
    "decoder.block.0.layer.1.EncDecAttention.k": (512, 512),
    "layers.0.attention.wq": (4096, 4096),
    "layers.0.feed_forward.w1": (11008, 4096),
    "transformer.blocks.0.attn.Wqkv": (12288, 4096),
    "gpt_neox.layers.0.attention.query_key_value": (6144, 2048),
    "backbone.layers.0.mixer.in_proj": (3352, 768),
    "vision_model.encoder.layers.0.self_attn.k_proj": (768, 768),
}


@pytest.mark.parametrize("write", [plain, *ADAPTERS], ids=lambda write: write.__name__)
@pytest.mark.parametrize("name", LANGUAGE)
def test_no_language_model_is_a_denoiser(write: Callable[[Shapes], Shapes], name: str) -> None:
    assert ask(write({name: LANGUAGE[name]})) is None


def test_more_names_than_any_denoiser_has_are_not_read() -> None:
    many: Shapes = {
        f"double_blocks.{at}.img_attn.qkv": (9216, 3072) for at in range(MOST_NAMES + 1)
    }
    assert ask(plain(many)) is None
