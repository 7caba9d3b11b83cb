"""How the weights are stored, when not as plain floats."""

from typing import Literal

from pydantic import Field

from famtree.types.model import FrozenModel

Granularity = Literal["tensor", "channel", "group", "block", "codebook"]
"""What shares one scale: the whole matrix, an output row, a run of `group_size` inputs, a
two-dimensional `block_shape`; `codebook` where codes stand for vectors."""


class ActivationScheme(FrozenModel):
    """How inputs of the quantized modules are rounded while running."""

    bits: float | None = None
    type: str | None = None
    """int or float."""
    dynamic: bool | None = None
    """Scales are taken from each input; False where the checkpoint stores them."""
    granularity: str | None = None
    """tensor, token, group, block: the word of the declaration."""
    source: Literal["config", "header"] = "config"


class CacheScheme(FrozenModel):
    """How keys and values are meant to be cached."""

    bits: float | None = None
    type: str | None = None
    """int, float, or the tool's own word (FP8, NVFP4)."""
    source: Literal["config", "header"] = "config"
    """`header` where scales for keys and values are stored; they do not tell the width."""


class StoredForm(FrozenModel):
    """The modules of a checkpoint that are stored in one form."""

    packing: str
    """Layout by its name in `data/packings.json` (GGUF: the tensor type); `plain` for floats,
    `unknown` where no layout fits."""
    bits: float | None = None
    """Nominal bits a weight, scales not counted."""
    group_size: int | None = None
    """Inputs that share a scale."""
    weight_type: str | None = None
    """What a code stands for: int, nf4, fp4, e2m1, e4m3, e5m2, ternary, codebook, bf16, ..."""
    modules: int = 0
    weights: int | None = None
    """Logical weights of these modules; None where one of them cannot be unpacked."""
    bytes: int = 0
    """All that is stored for them: codes, scales, zeros, order."""
    paths: list[str] = Field(default_factory=list)
    """Module paths with numbers as `#`, sorted, at most 32."""


class Quantization(FrozenModel):
    """Method and widths of a quantized checkpoint, and which witness said so.

    `bits`, `group_size`, `packing` and what follows them describe the form most quantized weights
    have; `forms` has all of them. None means not told by tensors or declaration, never "no".
    """

    method: str
    """Tool or format by transformers' quant_method word: gptq, awq, compressed-tensors, ..."""
    bits: float | None = None
    group_size: int | None = None
    scheme: str | None = None
    """The method's own name of the variant: W4A16, NVFP4, nf4, block-128x128, Q4_K_M."""
    effective_bits_per_weight: float | None = None
    """8 x bytes of all tensors / logical parameters, over the whole checkpoint."""
    source: Literal["config", "header", "gguf"] = "config"
    packing: str | None = None
    """As in `StoredForm`; None where no tensors were read."""
    checkpoint_format: str | None = None
    """Variant of the layout that decides which kernels read it: gptq, gptq_v2, marlin, gemm, gemv,
    pack-quantized, auto_round:auto_gptq."""
    weight_type: str | None = None
    """As in `StoredForm`."""
    granularity: Granularity | None = None
    block_shape: list[int] | None = None
    """Rows and columns that share a scale (FP8 by block)."""
    symmetric: bool | None = None
    """No zero point; GPTQ stores zeros even so, and only a declaration tells."""
    act_order: bool | None = None
    """GPTQ's desc_act: columns were quantized by importance, so groups are not contiguous."""
    nested_scales: bool | None = None
    """Scales are quantized themselves (bitsandbytes double quantization)."""
    sparsity: str | None = None
    """`2:4` where half of each four weights are zero and left out or declared so."""
    activations: ActivationScheme | None = None
    """None: weights only, or not told."""
    kv_cache: CacheScheme | None = None
    ignored: list[str] = Field(default_factory=list)
    """Modules the declaration leaves out, in its own words, sorted, at most 64."""
    unquantized: list[str] = Field(default_factory=list)
    """Weight matrices stored as plain floats, numbers as `#`, sorted, at most 64."""
    quantized_bits_per_weight: float | None = None
    """The same ratio over the quantized modules alone: codes, scales, zeros."""
    forms: list[StoredForm] = Field(default_factory=list)
    """All forms, most logical weights first."""
