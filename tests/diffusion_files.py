"""Headers of image and video models as they are published: names and shapes, no weights.

Names and shapes: github.com/huggingface/diffusers (loaders/single_file_utils.py,
loaders/lora_conversion_utils.py, scripts/convert_*), github.com/comfyanonymous/ComfyUI
(comfy/model_detection.py, comfy/lora.py), github.com/kohya-ss/sd-scripts (networks/lora.py),
github.com/KohakuBlueleaf/LyCORIS. Of each stack every block is there, of each block what its
width is told by.
"""

from __future__ import annotations

from collections.abc import Iterable

Shapes = dict[str, tuple[int, ...]]


def join(*parts: Shapes) -> Shapes:
    return {name: shape for part in parts for name, shape in part.items()}


def under(prefix: str, shapes: Shapes) -> Shapes:
    return {f"{prefix}{name}": shape for name, shape in shapes.items()}


def attention(width: int, context: int, names: Iterable[str] = ("attn1", "attn2")) -> Shapes:
    found: Shapes = {}
    for name in names:
        states = context if name == "attn2" else width
        found[f"{name}.to_q"] = (width, width)
        found[f"{name}.to_k"] = found[f"{name}.to_v"] = (width, states)
        found[f"{name}.to_out.0"] = (width, width)
    return found


def unet(
    context: int,
    depths: tuple[int, ...],
    middle: int,
    *,
    original: bool,
    names: Iterable[str] = ("attn1", "attn2"),
    width: int = 320,
) -> Shapes:
    """The attention of a U-Net: `depths` are transformer blocks of the stages, 0 for none."""
    found: Shapes = {}
    stages = len(depths)
    for stage, depth in enumerate(depths):
        wide = width * min(2**stage, 4)
        for block in range(depth):
            body = attention(wide, context, names)
            for at in range(2):
                down = f"input_blocks.{1 + 3 * stage + at}.1" if original else (
                    f"down_blocks.{stage}.attentions.{at}")  # fmt: skip
                found |= under(f"{down}.transformer_blocks.{block}.", body)
            for at in range(3):
                back = stages - 1 - stage
                up = f"output_blocks.{3 * back + at}.1" if original else (
                    f"up_blocks.{back}.attentions.{at}")  # fmt: skip
                found |= under(f"{up}.transformer_blocks.{block}.", body)
    place = "middle_block.1" if original else "mid_block.attentions.0"
    wide = width * min(2 ** (stages - 1), 4)
    for block in range(middle):
        found |= under(f"{place}.transformer_blocks.{block}.", attention(wide, context, names))
    return found


def sd1(**how: object) -> Shapes:
    return unet(768, (1, 1, 1, 0), 1, **how)  # type: ignore[arg-type]


def sd2(**how: object) -> Shapes:
    return unet(1024, (1, 1, 1, 0), 1, **how)  # type: ignore[arg-type]


def sdxl(**how: object) -> Shapes:
    return unet(2048, (0, 2, 10), 10, **how)  # type: ignore[arg-type]


def refiner(**how: object) -> Shapes:
    return unet(1280, (0, 4, 4, 0), 4, width=384, **how)  # type: ignore[arg-type]


CLIP_L: Shapes = under(
    "text_model.",
    {
        "embeddings.token_embedding": (49408, 768),
        "encoder.layers.0.self_attn.q_proj": (768, 768),
        "encoder.layers.11.mlp.fc1": (3072, 768),
    },
)
OPEN_CLIP: Shapes = {
    "token_embedding": (49408, 1280), "transformer.resblocks.0.attn.out_proj": (1280, 1280),
    "transformer.resblocks.31.mlp.c_fc": (5120, 1280),
}  # fmt: skip
T5: Shapes = {
    "shared": (32128, 4096), "encoder.block.0.layer.0.SelfAttention.q": (4096, 4096),
    "encoder.block.23.layer.1.DenseReluDense.wi_0": (10240, 4096),
}  # fmt: skip


def image_prompts(context: int, width: int) -> Shapes:
    """github.com/tencent-ailab/IP-Adapter: keys and values of image tokens beside a U-Net's."""
    found: Shapes = {"image_proj.proj.weight": (4 * context, 1024)}
    for at in range(1, 32, 2):
        found[f"ip_adapter.{at}.to_k_ip.weight"] = (width, context)
        found[f"ip_adapter.{at}.to_v_ip.weight"] = (width, context)
    return found


VAE: Shapes = {
    "encoder.conv_in": (128, 3, 3, 3), "encoder.down.0.block.0.conv1": (128, 128, 3, 3),
    "encoder.mid.attn_1.q": (512, 512, 1, 1), "encoder.conv_out": (8, 512, 3, 3),
    "decoder.conv_in": (512, 4, 3, 3), "decoder.up.0.block.0.conv1": (128, 256, 3, 3),
    "decoder.conv_out": (3, 128, 3, 3), "quant_conv": (8, 8, 1, 1), "post_quant_conv": (4, 4, 1, 1),
}  # fmt: skip
VAE_DIFFUSERS: Shapes = {
    "encoder.conv_in": (128, 3, 3, 3), "encoder.down_blocks.0.resnets.0.conv1": (128, 128, 3, 3),
    "encoder.mid_block.attentions.0.to_q": (512, 512), "encoder.conv_out": (8, 512, 3, 3),
    "decoder.conv_in": (512, 4, 3, 3), "decoder.up_blocks.0.resnets.0.conv1": (512, 512, 3, 3),
    "quant_conv": (8, 8, 1, 1), "post_quant_conv": (4, 4, 1, 1),
}  # fmt: skip
VAE_16: Shapes = {
    name: (32, 512, 3, 3) if name == "encoder.conv_out" else shape
    for name, shape in VAE.items()
    if "quant" not in name
} | {"decoder.conv_in": (512, 16, 3, 3)}
WAN_VAE: Shapes = {
    "encoder.conv1": (96, 3, 3, 3, 3), "encoder.downsamples.0.residual.2": (96, 96, 3, 3, 3),
    "encoder.middle.0.residual.2": (384, 384, 3, 3, 3), "conv1": (32, 32, 1, 1, 1),
    "decoder.middle.0.residual.2": (384, 384, 3, 3, 3), "decoder.head.2": (3, 96, 3, 3, 3),
}  # fmt: skip


def mmdit(width: int, depth: int) -> Shapes:
    """Stable Diffusion 3 as its authors name it."""
    found: Shapes = {"x_embedder.proj": (width, 16, 2, 2), "context_embedder": (width, 4096)}
    for at in range(depth):
        for side in ("x_block", "context_block"):
            found[f"joint_blocks.{at}.{side}.attn.qkv"] = (3 * width, width)
            found[f"joint_blocks.{at}.{side}.adaLN_modulation.1"] = (6 * width, width)
        found[f"joint_blocks.{at}.x_block.attn.proj"] = (width, width)
        found[f"joint_blocks.{at}.x_block.mlp.fc1"] = (4 * width, width)
    return found


def sd35(width: int, depth: int) -> Shapes:
    norms: Shapes = {f"joint_blocks.{at}.x_block.attn.ln_q": (64,) for at in range(depth)}
    return join(mmdit(width, depth), norms)


def joint(width: int, depth: int, *, normed: bool = False) -> Shapes:
    """Blocks of two streams as diffusers names them."""
    found: Shapes = {}
    for at in range(depth):
        block = f"transformer_blocks.{at}."
        for name in ("to_q", "to_k", "to_v", "to_out.0", "add_q_proj", "add_k_proj", "add_v_proj"):
            found[f"{block}attn.{name}"] = (width, width)
        if normed:
            found[f"{block}attn.norm_q"] = (64,)
    return found


def sd3_diffusers(width: int, depth: int, *, normed: bool) -> Shapes:
    ends: Shapes = {"pos_embed.proj": (width, 16, 2, 2), "context_embedder": (width, 4096)}
    return join(ends, joint(width, depth, normed=normed))


def streams(
    width: int,
    double: int,
    single: int,
    *,
    ffn: str = "img_mlp.0",
    qkv: str = "img_attn.qkv",
    wide: int = 7,
    mlp: int = 4,
) -> Shapes:
    """Blocks of FLUX as its authors name them."""
    found: Shapes = {}
    for at in range(double):
        found[f"double_blocks.{at}.{qkv}"] = (3 * width, width)
        found[f"double_blocks.{at}.{ffn}"] = (mlp * width, width)
    for at in range(single):
        found[f"single_blocks.{at}.linear1"] = (wide * width, width)
        found[f"single_blocks.{at}.linear2"] = (width, 5 * width)
    return found


def flux() -> Shapes:
    ends: Shapes = {
        "img_in": (3072, 64), "txt_in": (3072, 4096), "vector_in.in_layer": (3072, 768),
        "guidance_in.in_layer": (3072, 256), "double_blocks.0.img_mod.lin": (18432, 3072),
    }  # fmt: skip
    return join(ends, streams(3072, 19, 38))


def flux_diffusers(width: int = 3072, double: int = 19, single: int = 38) -> Shapes:
    found = joint(width, double)
    for at in range(single):
        for name in ("to_q", "to_k", "to_v"):
            found[f"single_transformer_blocks.{at}.attn.{name}"] = (width, width)
        found[f"single_transformer_blocks.{at}.proj_mlp"] = (4 * width, width)
    return found


def flux2(width: int, double: int, single: int, context: int) -> Shapes:
    ends: Shapes = {
        "img_in": (width, 128), "txt_in": (width, context),
        "double_stream_modulation_img.lin": (6 * width, width),
        "single_stream_modulation.lin": (3 * width, width),
    }  # fmt: skip
    return join(ends, streams(width, double, single, wide=9, mlp=6))


def chroma() -> Shapes:
    ends: Shapes = {
        "img_in": (3072, 64), "txt_in": (3072, 4096),
        "distilled_guidance_layer.in_proj": (5120, 64),
        "distilled_guidance_layer.layers.0.in_layer": (5120, 5120),
    }  # fmt: skip
    return join(ends, streams(3072, 19, 38))


def pixart() -> Shapes:
    found: Shapes = {
        "x_embedder.proj": (1152, 4, 2, 2), "y_embedder.y_proj.fc1": (1152, 4096),
        "t_block.1": (6912, 1152),
    }  # fmt: skip
    for at in range(28):
        found[f"blocks.{at}.attn.qkv"] = (3456, 1152)
        found[f"blocks.{at}.cross_attn.q_linear"] = (1152, 1152)
        found[f"blocks.{at}.cross_attn.kv_linear"] = (2304, 1152)
    return found


def pixart_diffusers() -> Shapes:
    found: Shapes = {
        "pos_embed.proj": (1152, 4, 2, 2), "caption_projection.linear_1": (1152, 4096),
        "adaln_single.linear": (6912, 1152),
    }  # fmt: skip
    for at in range(28):
        found |= under(f"transformer_blocks.{at}.", attention(1152, 1152))
    return found


def hunyuan_dit() -> Shapes:
    found: Shapes = {
        "x_embedder.proj": (1408, 4, 2, 2), "mlp_t5.0": (8192, 2048),
        "text_embedding_padding": (333, 1024), "extra_embedder.0": (5632, 3968),
    }  # fmt: skip
    for at in range(40):
        found[f"blocks.{at}.attn1.Wqkv"] = (4224, 1408)
        found[f"blocks.{at}.attn2.q_proj"] = (1408, 1408)
        found[f"blocks.{at}.attn2.kv_proj"] = (2816, 1024)
    return found | {f"blocks.{at}.skip_linear": (1408, 2816) for at in range(21, 40)}


def hunyuan_dit_diffusers() -> Shapes:
    found: Shapes = {
        "pos_embed.proj": (1408, 4, 2, 2), "text_embedder.linear_1": (8192, 2048),
        "text_embedding_padding": (333, 1024),
    }  # fmt: skip
    for at in range(40):
        found |= under(f"blocks.{at}.", attention(1408, 1024))
    return found | {f"blocks.{at}.skip_linear": (1408, 2816) for at in range(21, 40)}


def hunyuan_video() -> Shapes:
    ends: Shapes = {
        "img_in.proj": (3072, 16, 1, 2, 2), "txt_in.input_embedder": (3072, 4096),
        "txt_in.individual_token_refiner.blocks.0.self_attn_qkv": (9216, 3072),
        "vector_in.in_layer": (3072, 768), "double_blocks.0.img_mod.linear": (18432, 3072),
    }  # fmt: skip
    return join(ends, streams(3072, 20, 40, ffn="img_mlp.fc1", qkv="img_attn_qkv"))


def hunyuan_video_comfy() -> Shapes:
    ends: Shapes = {
        "img_in.proj": (3072, 16, 1, 2, 2), "txt_in.input_embedder": (3072, 4096),
        "txt_in.individual_token_refiner.blocks.0.self_attn.qkv": (9216, 3072),
        "vector_in.in_layer": (3072, 768),
    }  # fmt: skip
    return join(ends, streams(3072, 20, 40))


def hunyuan_video_diffusers() -> Shapes:
    ends: Shapes = {
        "x_embedder.proj": (3072, 16, 1, 2, 2), "context_embedder.proj_in": (3072, 4096),
        "context_embedder.token_refiner.refiner_blocks.0.attn.to_q": (3072, 3072),
    }  # fmt: skip
    return join(ends, flux_diffusers(3072, 20, 40))


def qwen_image() -> Shapes:
    found: Shapes = {"img_in": (3072, 64), "txt_in": (3072, 3584), "txt_norm": (3584,)}
    for at in range(60):
        found[f"transformer_blocks.{at}.img_mod.1"] = (18432, 3072)
        found[f"transformer_blocks.{at}.img_mlp.net.0.proj"] = (12288, 3072)
    return join(found, joint(3072, 60))


def wan(width: int, depth: int, channels: int = 16) -> Shapes:
    found: Shapes = {
        "patch_embedding": (width, channels, 1, 2, 2), "text_embedding.0": (width, 4096),
    }  # fmt: skip
    for at in range(depth):
        for name in ("q", "k", "v", "o"):
            found[f"blocks.{at}.self_attn.{name}"] = (width, width)
            found[f"blocks.{at}.cross_attn.{name}"] = (width, width)
    return found


def wan_diffusers(width: int, depth: int) -> Shapes:
    found: Shapes = {
        "patch_embedding": (width, 16, 1, 2, 2),
        "condition_embedder.text_embedder.linear_1": (width, 4096),
    }
    for at in range(depth):
        found |= under(f"blocks.{at}.", attention(width, width))
    return found


def z_image(*, fused: bool) -> Shapes:
    found: Shapes = {
        "cap_embedder.1": (3840, 2560), "noise_refiner.0.attention.out": (3840, 3840),
        "context_refiner.0.feed_forward.w1": (10240, 3840),
    }  # fmt: skip
    for at in range(30):
        if fused:
            found[f"layers.{at}.attention.qkv"] = (11520, 3840)
        else:
            found |= {f"layers.{at}.attention.to_{one}": (3840, 3840) for one in "qkv"}
        found[f"layers.{at}.feed_forward.w1"] = (10240, 3840)
        found[f"layers.{at}.adaLN_modulation.0"] = (15360, 256)
    return found


def cascade_c(*, original: bool) -> Shapes:
    query = "attention.attn.in_proj_weight" if original else "attention.to_q.weight"
    out = 6144 if original else 2048
    found: Shapes = {
        "clip_txt_mapper.weight": (8192, 1280), "clip_txt_pooled_mapper.weight": (8192, 1280),
        "clip_img_mapper.weight": (8192, 768), "embedding.1.weight": (2048, 16, 1, 1),
        "clf.1.weight": (16, 2048, 1, 1),
    }  # fmt: skip
    for stage, blocks in enumerate((8, 24)):
        for at in range(blocks):
            found[f"down_blocks.{stage}.{3 * at}.channelwise.0.weight"] = (8192, 2048)
            found[f"down_blocks.{stage}.{3 * at + 2}.{query}"] = (out, 2048)
    return found


def cascade_b(*, original: bool) -> Shapes:
    query = "attention.attn.in_proj_weight" if original else "attention.to_q.weight"
    found: Shapes = {
        "clip_mapper.weight": (5120, 1280), "effnet_mapper.0.weight": (1280, 16, 1, 1),
        "pixels_mapper.0.weight": (1280, 3, 1, 1), "embedding.1.weight": (320, 16, 1, 1),
    }  # fmt: skip
    for stage, width in enumerate((320, 640, 1280, 1280)):
        found[f"down_blocks.{stage}.0.channelwise.0.weight"] = (4 * width, width)
    found[f"down_blocks.3.2.{query}"] = (3840 if original else 1280, 1280)
    return found
