"""Published image and video models by names and shapes alone: designs, layouts and formats."""

from __future__ import annotations

from math import prod
from pathlib import Path

import pytest

import diffusion_files as made
from diffusion_files import Shapes
from diffusion_forms import ask, comfy, control, kohya, loha, lokr, old_diffusers, peft, plain
from famtree import Identification, Session
from gguf_files import write_gguf

CLIP = plain(made.CLIP_L, "cond_stage_model.transformer.")
BOTH_CLIPS = {
    **plain(made.CLIP_L, "conditioner.embedders.0.transformer."),
    **plain(made.OPEN_CLIP, "conditioner.embedders.1.model."),
}
ENCODERS = {
    **plain(made.CLIP_L, "text_encoders.clip_l.transformer."),
    **plain(made.T5, "text_encoders.t5xxl.transformer."),
}
FIRST = plain(made.VAE, "first_stage_model.")
SELF = ("attn1",)

SELF_ONLY = {name: shape for name, shape in made.sd1(original=False).items() if "attn1" in name}

WHOLE: dict[str, tuple[Shapes, str, str]] = {
    "sd 1, original": (comfy(made.sd1(original=True), CLIP, FIRST), "stable-diffusion", "sd-1"),
    "sd 1, original, u-net": (comfy(made.sd1(original=True)), "stable-diffusion", "sd-1"),
    "sd 1, diffusers": (plain(made.sd1(original=False)), "stable-diffusion", "sd-1"),
    "sd 2, original": (comfy(made.sd2(original=True), FIRST), "stable-diffusion", "sd-2"),
    "sd 2, diffusers": (plain(made.sd2(original=False)), "stable-diffusion", "sd-2"),
    "sd xl, original": (
        comfy(made.sdxl(original=True), BOTH_CLIPS, FIRST), "stable-diffusion", "sdxl",
    ),
    "sd xl, u-net": (comfy(made.sdxl(original=True)), "stable-diffusion", "sdxl"),
    "sd xl, diffusers": (plain(made.sdxl(original=False)), "stable-diffusion", "sdxl"),
    "sd xl refiner": (comfy(made.refiner(original=True)), "stable-diffusion", "sdxl"),
    "sd 3, original": (comfy(made.mmdit(1536, 24)), "stable-diffusion", "sd-3"),
    "sd 3, with encoders": (
        comfy(made.mmdit(1536, 24), ENCODERS, FIRST), "stable-diffusion", "sd-3",
    ),
    "sd 3, diffusers": (
        plain(made.sd3_diffusers(1536, 24, normed=False)), "stable-diffusion", "sd-3",
    ),
    "sd 3.5 large": (comfy(made.sd35(2432, 38)), "stable-diffusion", "sd-3.5"),
    "sd 3.5 medium": (comfy(made.sd35(1536, 24)), "stable-diffusion", "sd-3.5"),
    "sd 3.5, diffusers": (
        plain(made.sd3_diffusers(2432, 38, normed=True)), "stable-diffusion", "sd-3.5",
    ),
    "cascade c, original": (made.cascade_c(original=True), "stable-cascade", "stable-cascade"),
    "cascade c, diffusers": (made.cascade_c(original=False), "stable-cascade", "stable-cascade"),
    "cascade b, original": (made.cascade_b(original=True), "stable-cascade", "stable-cascade"),
    "flux, original": (plain(made.flux()), "flux", "flux-1"),
    "flux, all in one": (
        comfy(made.flux(), ENCODERS, plain(made.VAE_16, "vae.")), "flux", "flux-1",
    ),
    "flux, diffusers": (
        plain({**made.flux_diffusers(), "context_embedder": (3072, 4096)}), "flux", "flux-1",
    ),
    "flux 2, dev": (plain(made.flux2(6144, 8, 48, 15360)), "flux", "flux-2"),
    "flux 2, klein 9b": (plain(made.flux2(4096, 8, 24, 12288)), "flux", "flux-2"),
    "flux 2, klein 4b": (comfy(made.flux2(3072, 5, 20, 7680)), "flux", "flux-2"),
    "chroma": (plain(made.chroma()), "chroma", "chroma"),
    "pixart, original": (plain(made.pixart()), "pixart", ""),
    "pixart, diffusers": (plain(made.pixart_diffusers()), "pixart", ""),
    "kolors, original": (
        comfy({**made.sdxl(original=True), "encoder_hid_proj": (2048, 4096)}), "kolors", "kolors",
    ),
    "kolors, diffusers": (
        plain({**made.sdxl(original=False), "encoder_hid_proj": (2048, 4096)}), "kolors", "kolors",
    ),
    "hunyuan-dit, original": (plain(made.hunyuan_dit()), "hunyuan-dit", "hunyuan-dit"),
    "hunyuan-dit, diffusers": (plain(made.hunyuan_dit_diffusers()), "hunyuan-dit", "hunyuan-dit"),
    "hunyuan-video, original": (plain(made.hunyuan_video()), "hunyuan-video", ""),
    "hunyuan-video, comfyui": (comfy(made.hunyuan_video_comfy()), "hunyuan-video", ""),
    "hunyuan-video, diffusers": (plain(made.hunyuan_video_diffusers()), "hunyuan-video", ""),
    "qwen-image": (plain(made.qwen_image()), "qwen-image", "qwen-image"),
    "qwen-image, comfyui": (comfy(made.qwen_image()), "qwen-image", "qwen-image"),
    "wan 14b": (plain(made.wan(5120, 40)), "wan", ""),
    "wan 1.3b, comfyui": (comfy(made.wan(1536, 30)), "wan", "wan-2.1"),
    "wan 5b": (plain(made.wan(3072, 30, 48)), "wan", "wan-2.2"),
    "wan, diffusers": (plain(made.wan_diffusers(5120, 40)), "wan", ""),
    "z-image, comfyui": (comfy(made.z_image(fused=True)), "z-image", "z-image"),
    "z-image, diffusers": (plain(made.z_image(fused=False)), "z-image", "z-image"),
}  # fmt: skip
ADAPTERS: dict[str, tuple[Shapes, str, str, str]] = {
    "sd 1, kohya": (kohya(made.sd1(original=False)), "stable-diffusion", "sd-1", "kohya"),
    "sd 1, kohya with encoder": (
        {**kohya(made.sd1(original=False)), **kohya(made.CLIP_L, "lora_te_")},
        "stable-diffusion", "sd-1", "kohya",
    ),
    "sd 1, old diffusers": (
        old_diffusers(made.sd1(original=False)), "stable-diffusion", "sd-1", "diffusers",
    ),
    "sd 1, peft": (
        peft(made.sd1(original=False), "unet."), "stable-diffusion", "sd-1", "diffusers",
    ),
    "sd 2, kohya": (kohya(made.sd2(original=False)), "stable-diffusion", "sd-2", "kohya"),
    "sd 1 or 2, self-attention": (
        kohya(made.sd1(original=False, names=SELF)), "stable-diffusion", "", "kohya",
    ),
    "sd xl, kohya": (kohya(made.sdxl(original=True)), "stable-diffusion", "sdxl", "kohya"),
    "sd xl, kohya, diffusers' names": (
        kohya(made.sdxl(original=False)), "stable-diffusion", "sdxl", "kohya",
    ),
    "sd xl, peft": (
        peft(made.sdxl(original=False), "unet."), "stable-diffusion", "sdxl", "diffusers",
    ),
    "sd xl, self-attention": (
        kohya(made.sdxl(original=True, names=SELF)), "stable-diffusion", "sdxl", "kohya",
    ),
    "sd xl, self-attention, peft": (
        peft(made.sdxl(original=False, names=SELF), "unet."),
        "stable-diffusion", "sdxl", "diffusers",
    ),
    "sd xl, loha": (loha(made.sdxl(original=True)), "stable-diffusion", "sdxl", "kohya"),
    "sd 1, lokr": (lokr(made.sd1(original=False)), "stable-diffusion", "sd-1", "lycoris"),
    "sd 3, peft": (peft(made.joint(1536, 24)), "stable-diffusion", "", "diffusers"),
    "sd 3.5 large, peft": (
        peft(made.joint(2432, 38)), "stable-diffusion", "sd-3.5", "diffusers",
    ),
    "flux, kohya": (kohya(made.streams(3072, 19, 38)), "flux", "flux-1", "kohya"),
    "flux, ai-toolkit": (peft(made.flux_diffusers()), "flux", "flux-1", "diffusers"),
    "flux, two streams alone": (peft(made.joint(3072, 19)), "flux", "flux-1", "diffusers"),
    "flux, lokr": (
        lokr(made.streams(3072, 19, 38)), "flux", "flux-1", "lycoris",
    ),
    "hunyuan-video, musubi": (
        kohya(made.streams(3072, 20, 40, ffn="img_mlp.fc1", qkv="img_attn_qkv")),
        "hunyuan-video", "", "kohya",
    ),
    "hunyuan-video, attention alone": (
        peft(made.flux_diffusers(3072, 20, 40)), "hunyuan-video", "", "diffusers",
    ),
    "qwen-image, attention alone": (peft(made.joint(3072, 60)), "qwen-image", "qwen-image",
                                    "diffusers"),
    "qwen-image, kohya": (kohya(made.qwen_image()), "qwen-image", "qwen-image", "kohya"),
    "wan, comfyui": (peft(made.wan(5120, 40), "diffusion_model."), "wan", "", "ai-toolkit"),
    "wan, musubi": (kohya(made.wan(5120, 40)), "wan", "", "kohya"),
    "wan, diffusers": (peft(made.wan_diffusers(1536, 30)), "wan", "wan-2.1", "diffusers"),
    "z-image, ai-toolkit": (
        peft(made.z_image(fused=False), "diffusion_model."), "z-image", "z-image", "ai-toolkit",
    ),
    "pixart, peft": (peft(made.pixart_diffusers()), "pixart", "", "diffusers"),
}  # fmt: skip
COMPONENTS: dict[str, tuple[Shapes, str | None]] = {
    "sd 1 control, original": (control(made.sd1(original=True), original=True), "stable-diffusion"),
    "sd 1 control, diffusers": (
        control(made.sd1(original=False), original=False), "stable-diffusion",
    ),
    "sd xl control": (control(made.sdxl(original=False), original=False), "stable-diffusion"),
    "vae, original": (plain(made.VAE), None),
    "vae, diffusers": (plain(made.VAE_DIFFUSERS), None),
    "vae of sixteen channels": (plain(made.VAE_16), None),
    "wan vae": (plain(made.WAN_VAE), None),
    "sd 1 image prompts": (made.image_prompts(768, 320), "stable-diffusion"),
    "sd xl image prompts": (made.image_prompts(2048, 640), "stable-diffusion"),
    "clip alone": (plain(made.CLIP_L), "clip"),
    "t5 alone": (plain(made.T5), "t5"),
}  # fmt: skip


def check(found: Identification, family: str, generation: str) -> None:
    assert found.family is not None
    assert found.family.key == family
    key = found.generation.key if found.generation else None
    assert key == (generation or key)
    if not generation and key is None:
        assert {one.family for one in found.candidates} == {family}


@pytest.mark.parametrize("name", WHOLE)
def test_a_whole_model_is_named(name: str, tmp_path: Path) -> None:
    tensors, family, generation = WHOLE[name]
    found = ask(tmp_path, tensors)
    assert found.kind == "model"
    check(found, family, generation)


@pytest.mark.parametrize("name", ADAPTERS)
def test_an_adapter_is_named_by_its_base(name: str, tmp_path: Path) -> None:
    tensors, family, generation, layout = ADAPTERS[name]
    found = ask(tmp_path, tensors)
    assert found.kind == "adapter"
    check(found, family, generation)
    assert found.for_ is not None
    assert (found.for_.family, found.for_.layout) == (family, layout)


@pytest.mark.parametrize("name", COMPONENTS)
def test_what_works_beside_a_model_is_a_component(name: str, tmp_path: Path) -> None:
    tensors, family = COMPONENTS[name]
    found = ask(tmp_path, tensors)
    assert found.kind == "component"
    assert (found.family.key if found.family else None) == family


@pytest.mark.parametrize("name", ["sd 1, kohya", "sd xl, kohya", "flux, kohya"])
def test_what_the_trainer_says_never_decides_alone(name: str, tmp_path: Path) -> None:
    tensors, family, generation, _ = ADAPTERS[name]
    told = {"ss_base_model_version": "qwen_image", "modelspec.architecture": "wan2.1"}
    check(ask(tmp_path, tensors, told), family, generation)


def test_a_header_of_another_design_is_told(tmp_path: Path) -> None:
    found = ask(tmp_path, ADAPTERS["flux, kohya"][0], {"ss_base_model_version": "sd_v1"})
    assert "header-disagrees" in {one.code for one in found.warnings}
    found = ask(tmp_path, ADAPTERS["flux, kohya"][0], {"ss_base_model_version": "flux1"})
    assert "header-disagrees" not in {one.code for one in found.warnings}


LEFT_OPEN = {
    "sd_v1": ("sd_v1", kohya(SELF_ONLY), "sd-1"),
    "sd_v2": ("sd_v2_v", kohya(SELF_ONLY), "sd-2"),
    "sd3": ("stable-diffusion-3-medium/lora", kohya(made.mmdit(1536, 24)), "sd-3"),
    "sd3.5": ("stable-diffusion-3-5-large/lora", kohya(made.mmdit(1536, 24)), "sd-3.5"),
}


@pytest.mark.parametrize("name", LEFT_OPEN)
def test_the_header_chooses_among_what_the_tensors_leave_open(name: str, tmp_path: Path) -> None:
    stated, tensors, generation = LEFT_OPEN[name]
    key = "modelspec.architecture" if "/" in stated else "ss_base_model_version"
    assert ask(tmp_path, tensors).outcome == "ambiguous"
    found = ask(tmp_path, tensors, {key: stated})
    check(found, "stable-diffusion", generation)
    assert (found.decided_by, found.confidence < 0.9) == ("declared", True)
    assert ask(tmp_path, tensors, {key: "wan2.1"}).outcome == "ambiguous"


def test_the_header_chooses_between_adapters_of_equal_u_nets(tmp_path: Path) -> None:
    tensors = ADAPTERS["sd xl, kohya"][0]
    found = ask(tmp_path, tensors, {"modelspec.architecture": "kolors/lora"})
    check(found, "kolors", "kolors")
    assert (found.decided_by, found.confidence < 0.9) == ("declared", True)
    assert "header-disagrees" not in {one.code for one in found.warnings}
    whole = ask(tmp_path, WHOLE["sd xl, u-net"][0], {"modelspec.architecture": "kolors"})
    check(whole, "stable-diffusion", "sdxl")


def test_a_header_alone_is_a_candidate(tmp_path: Path) -> None:
    module = "lora_te_text_model_encoder_layers_0_mlp_fc1"
    tensors: Shapes = {
        f"{module}.lora_down.weight": (8, 768),
        f"{module}.lora_up.weight": (3072, 8),
    }
    found = ask(tmp_path, tensors, {"ss_base_model_version": "sdxl_base_v1-0"})
    assert (found.kind, found.outcome, found.family) == ("adapter", "unknown", None)
    assert [(one.generation, one.score) for one in found.candidates] == [("sdxl", 0.5)]


GGUF = {
    "flux": ("flux", plain(made.flux()), "flux"),
    "flux without a name": (None, plain(made.flux()), "flux"),
    "sd 1": ("sd1", plain(made.sd1(original=True)), "stable-diffusion"),
    "sd xl": ("sdxl", plain(made.sdxl(original=True)), "stable-diffusion"),
    "sd 3.5": ("sd3", plain(made.sd35(2432, 38)), "stable-diffusion"),
    "wan": ("wan", plain(made.wan(5120, 40)), "wan"),
    "qwen-image": ("qwen_image", plain(made.qwen_image()), "qwen-image"),
    "hunyuan-video": ("hyvid", plain(made.hunyuan_video()), "hunyuan-video"),
    "z-image": ("lumina2", plain(made.z_image(fused=True)), "z-image"),
}


@pytest.mark.parametrize("name", GGUF)
def test_a_gguf_of_a_denoiser_is_named(name: str, tmp_path: Path) -> None:
    architecture, tensors, family = GGUF[name]
    path = tmp_path / "file.gguf"
    metadata = {"general.architecture": architecture} if architecture else {}
    stored = {name: ("F16", shape) for name, shape in tensors.items()}
    with path.open("wb") as stream:
        stream.write(write_gguf(metadata, stored, data=False))
        stream.truncate(stream.tell() + sum(2 * prod(shape) + 32 for shape in tensors.values()))
    found = Session(offline=True).identify(str(path))
    assert found.kind == "model"
    check(found, family, "")
