"""The three signatures of a checkpoint: architecture, tokenizer, recipe.

Field names are transformers' and the Hub's own where they have one. Every field that may be
unknown is `None` when it is; `seen_in` says where each known value was seen, most trusted first:
`header` (tensor names and shapes), `config`, `tokenizer`, `generation_config`, `default` (the
class default of transformers, when the file is silent).
"""

from typing import NewType

from pydantic import Field

from famtree.types.model import FrozenModel

Digest = NewType("Digest", str)
"""sha256 over canonical JSON, lower-case hex, as made by `famtree.fingerprints.digest`."""


class Disagreement(FrozenModel):
    """Two sources give different values for one trait; the first one is believed."""

    trait: str
    believed: str
    believed_from: str
    other: str
    other_from: str


class Architecture(FrozenModel):
    """What the model computes: kind of blocks, depth, widths, experts, modalities."""

    digest: Digest
    model_type: str | None = None
    """`model_type` of the outermost config."""
    text_model_type: str | None = None
    """`model_type` of the language tower of a wrapper; equals `model_type` where not nested."""
    wrapper: str | None = None
    """Outer `model_type` when the language tower sits in a multimodal wrapper."""
    class_name: str | None = None
    """`architectures[0]`."""
    layers: int | None = None
    hidden_size: int | None = None
    heads: int | None = None
    kv_heads: int | None = None
    head_dim: int | None = None
    ffn: int | None = None
    """intermediate_size of a dense MLP."""
    experts: int | None = None
    """Routed experts a layer."""
    experts_per_token: int | None = None
    expert_ffn: int | None = None
    shared_experts: int | None = None
    vocab_rows: int | None = None
    """Rows of the input embedding (header), else config's vocab_size."""
    tied: bool | None = None
    """lm_head shares the input embedding."""
    qk_norm: bool | None = None
    qkv_bias: bool | None = None
    o_bias: bool | None = None
    mlp_bias: bool | None = None
    fused_qkv: bool | None = None
    gated_mlp: bool | None = None
    norm_type: str | None = None
    """`rmsnorm` or `layernorm`."""
    kv_lora_rank: int | None = None
    q_lora_rank: int | None = None
    qk_rope_head_dim: int | None = None
    state_size: int | None = None
    """SSM state size (Mamba, Mamba-2, hybrids)."""
    linear_heads: int | None = None
    """Value heads of linear-attention layers (gated DeltaNet, KDA, lightning)."""
    encoder_layers: int | None = None
    decoder_layers: int | None = None
    context_width: int | None = None
    """Width of the text states that a denoiser of images or video attends to."""
    vision_layers: int | None = None
    vision_hidden_size: int | None = None
    seen_in: dict[str, list[str]] = Field(default_factory=dict)
    disagreements: list[Disagreement] = Field(default_factory=list)


class Tokenizer(FrozenModel):
    """What text becomes: vocabulary, merges, added tokens, pre-tokenizer."""

    digest: Digest
    status: str = "read"
    """`read`, `recognised` (known file hash), `partial` (side files only)."""
    reason: str | None = None
    """Why the vocabulary was not read, if it was not."""
    kind: str | None = None
    """bpe, spm-unigram, spm-bpe, wordpiece, tiktoken, tekken, rwkv-trie."""
    tokenizer_class: str | None = None
    entries: int | None = None
    """Distinct token strings, added tokens included."""
    base_entries: int | None = None
    """Tokens of the trained vocabulary itself, control tokens that lie inside it included."""
    max_id: int | None = None
    vocabulary: Digest | None = None
    """Digest of the sorted (token, id) pairs, added tokens left out."""
    merges: Digest | None = None
    """Digest of the ordered merges, each as a pair."""
    merges_sorted: Digest | None = None
    merges_count: int | None = None
    added: Digest | None = None
    """Digest of the sorted (content, id, special) of added tokens."""
    added_count: int | None = None
    pre_tokenizer: Digest | None = None
    pre: str | None = None
    """llama.cpp's word for the pre-tokenizer (`tokenizer.ggml.pre`); `default` where a vocabulary
    that needs one names none, which is what llama.cpp then takes."""
    normalizer: Digest | None = None
    sketch: str = ""
    """Bottom-k sketch of the byte-normalised base vocabulary: base64 of up to 256 little-endian
    records (u64 hash, u32 token id), ascending by hash; see
    `famtree.fingerprints.vocabulary_sketch`."""
    special_tokens: dict[str, str] = Field(default_factory=dict)
    """bos, eos, pad, unk token strings as declared."""
    special_ids: dict[str, int] = Field(default_factory=dict)
    """Ids of the same, where the files that were read tell them."""
    prefix: list[str] = Field(default_factory=list)
    """Tokens that the post-processor of tokenizer.json puts in front of a single text."""
    markers: list[str] = Field(default_factory=list)
    """Added tokens that name a line (`<|im_start|>`, `<think>`, ...), sorted, at most 64."""
    files: dict[str, str] = Field(default_factory=dict)
    """File name to sha256 (or `git:<blob id>`) of every tokenizer file seen."""


class Recipe(FrozenModel):
    """How it was trained and is run: rope, norm, scalars, windows, ids, chat template."""

    digest: Digest
    rope_theta: float | None = None
    rope_type: str | None = None
    """`default` when there is rope and no scaling; None when unknown."""
    rope_factor: float | None = None
    rope_original_context: int | None = None
    rope_local_theta: float | None = None
    """theta of sliding-window layers where it differs."""
    partial_rotary: float | None = None
    position: str | None = None
    """rope, alibi, learned, relative, none."""
    norm_eps: float | None = None
    activation: str | None = None
    context: int | None = None
    sliding_window: int | None = None
    layer_pattern: str | None = None
    """Run-length word of the layer kinds, e.g. `5S1F` repeated; None when uniform."""
    logit_cap: float | None = None
    attention_cap: float | None = None
    embedding_scale: float | None = None
    residual_scale: float | None = None
    logit_scale: float | None = None
    dtype: str | None = None
    bos_id: int | None = None
    eos_ids: list[int] = Field(default_factory=list)
    pad_id: int | None = None
    chat_template: Digest | None = None
    chat_markers: list[str] = Field(default_factory=list)
    generation: dict[str, float] = Field(default_factory=dict)
    """Sampling defaults of generation_config.json that are numbers."""
    seen_in: dict[str, list[str]] = Field(default_factory=dict)


class Fingerprint(FrozenModel):
    """All three signatures, kept apart."""

    architecture: Architecture
    tokenizer: Tokenizer | None = None
    recipe: Recipe
