"""What works beside many image models: its names tell the kind, and not whose it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from diffusion_files import Shapes
from diffusion_forms import ask

MOTION = "down_blocks.{}.motion_modules.0."
PARTS: dict[str, tuple[Shapes, str]] = {
    "motion, original": (
        {
            f"{MOTION.format(at)}temporal_transformer.transformer_blocks.0.attention_blocks.0"
            ".to_q.weight": (320, 320)
            for at in range(4)
        },
        "component",
    ),
    "motion, diffusers": (
        {f"{MOTION.format(at)}transformer_blocks.0.attn1.to_q.weight": (320, 320) for at in (0, 1)},
        "component",
    ),
    "motion, low rank": (
        {
            f"{MOTION.format(0)}temporal_transformer.transformer_blocks.0.attention_blocks.0"
            f".processor.to_q_lora.{way}.weight": shape
            for way, shape in (("down", (8, 320)), ("up", (320, 8)))
        },
        "adapter",
    ),
    "t2i, original": (
        {"conv_in.weight": (320, 192, 3, 3), "body.0.block1.weight": (320, 320, 3, 3)}, "component",
    ),
    "t2i, diffusers": (
        {
            "adapter.conv_in.weight": (320, 768, 3, 3),
            "adapter.body.0.resnets.0.block1.weight": (320, 320, 3, 3),
        },
        "component",
    ),
    "words, one encoder": ({"emb_params": (8, 768)}, "adapter"),
    "words, two encoders": ({"clip_g": (4, 1280), "clip_l": (4, 768)}, "adapter"),
    "words, diffusers": ({"<cat-toy>": (768,)}, "adapter"),
    "words beside a model": ({"emb_params": (8, 768), "model.norm.weight": (768,)}, "model"),
}  # fmt: skip


@pytest.mark.parametrize("name", PARTS)
def test_what_works_beside_many_models_is_told_by_its_kind(name: str, tmp_path: Path) -> None:
    tensors, kind = PARTS[name]
    found = ask(tmp_path, tensors)
    assert (found.kind, found.outcome, found.family) == (kind, "unknown", None)
