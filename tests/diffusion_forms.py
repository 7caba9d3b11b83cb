"""Forms in which tensors of `diffusion_files` lie in files: layouts, adapters, control networks."""

from __future__ import annotations

from math import prod
from pathlib import Path

from checkpoint.folders import make_header
from diffusion_files import Shapes, join
from famtree import Identification, Session

RANK = 8


def plain(shapes: Shapes, prefix: str = "") -> Shapes:
    found: Shapes = {}
    for name, shape in shapes.items():
        full = name if name.endswith("weight") else f"{name}.weight"
        found[f"{prefix}{full}"] = shape
    return found


def comfy(shapes: Shapes, *beside: Shapes) -> Shapes:
    return join(plain(shapes, "model.diffusion_model."), *beside)


def modules(shapes: Shapes) -> Shapes:
    return {name: shape for name, shape in shapes.items() if len(shape) == 2}


def peft(shapes: Shapes, prefix: str = "transformer.") -> Shapes:
    found: Shapes = {}
    for name, (out, inner) in modules(shapes).items():
        found[f"{prefix}{name}.lora_A.weight"] = (RANK, inner)
        found[f"{prefix}{name}.lora_B.weight"] = (out, RANK)
    return found


def kohya(shapes: Shapes, prefix: str = "lora_unet_") -> Shapes:
    found: Shapes = {}
    for name, (out, inner) in modules(shapes).items():
        module = prefix + name.replace(".", "_")
        found[f"{module}.lora_down.weight"] = (RANK, inner)
        found[f"{module}.lora_up.weight"] = (out, RANK)
        found[f"{module}.alpha"] = ()
    return found


def loha(shapes: Shapes, prefix: str = "lora_unet_") -> Shapes:
    found: Shapes = {}
    for name, (out, inner) in modules(shapes).items():
        module = prefix + name.replace(".", "_")
        for half in ("w1", "w2"):
            found[f"{module}.hada_{half}_a"] = (out, RANK)
            found[f"{module}.hada_{half}_b"] = (RANK, inner)
        found[f"{module}.alpha"] = ()
    return found


def lokr(shapes: Shapes, prefix: str = "lycoris_") -> Shapes:
    found: Shapes = {}
    for name, (out, inner) in modules(shapes).items():
        module = prefix + name.replace(".", "_")
        found[f"{module}.lokr_w1"] = (8, 8)
        found[f"{module}.lokr_w2_a"] = (out // 8, RANK)
        found[f"{module}.lokr_w2_b"] = (RANK, inner // 8)
        found[f"{module}.alpha"] = ()
    return found


def old_diffusers(shapes: Shapes) -> Shapes:
    """Attention processors, before diffusers took peft's names."""
    found: Shapes = {}
    for name, (out, inner) in modules(shapes).items():
        module, _, matrix = name.rpartition(".to_")
        if not module:
            continue
        part = f"unet.{module}.processor.to_{matrix.removesuffix('.0')}_lora"
        found[f"{part}.down.weight"] = (4, inner)
        found[f"{part}.up.weight"] = (out, 4)
    return found


def control(shapes: Shapes, *, original: bool) -> Shapes:
    """A control network beside the first half of a U-Net."""
    half = {name: one for name, one in shapes.items() if not name.startswith(("up", "output"))}
    if original:
        hint: Shapes = {"zero_convs.0.0": (320, 320, 1, 1), "input_hint_block.0": (16, 3, 3, 3)}
        return plain(join(hint, half), "control_model.")
    hint = {"controlnet_down_blocks.0": (320, 320, 1, 1),
            "controlnet_cond_embedding.conv_in": (16, 3, 3, 3)}  # fmt: skip
    return plain(join(hint, half))


def write(path: Path, tensors: Shapes, metadata: dict[str, str] | None = None) -> Path:
    """Write a sparse file with a true header."""
    header = make_header(tensors, metadata=metadata)
    with path.open("wb") as stream:
        stream.write(header)
        stream.truncate(len(header) + 2 * sum(map(prod, tensors.values())))
    return path


def ask(folder: Path, tensors: Shapes, metadata: dict[str, str] | None = None) -> Identification:
    path = write(folder / "file.safetensors", tensors, metadata)
    return Session(offline=True).identify(str(path))
