"""Small whole checkpoints of several designs, as parts that a test can damage before writing."""

from __future__ import annotations

import json
from collections.abc import Callable
from math import prod
from pathlib import Path
from typing import Any

LAYERS, HIDDEN, FFN, HEADS, KEYS, WIDTH, ROWS, EXPERTS = 6, 64, 128, 4, 2, 16, 520, 4
TOKENS = 500
BITS = {"F32": 32, "BF16": 16, "F16": 16, "F8_E4M3": 8, "I32": 32, "U32": 32, "U8": 8}
SPECIAL = {"<s>": 500, "</s>": 501, "<|im_end|>": 502}
INDEX = "model.safetensors.index.json"
Tensor = tuple[str, tuple[int, ...]]
TEMPLATE = (
    "{{ bos_token }}{% for m in messages %}{{ m['role'] + m['content'] + '<|im_end|>' }}"
    "{% endfor %}"
)


class Parts:
    """Everything that makes one checkpoint; `files` are weight files, by name."""

    def __init__(self, config: dict[str, Any], tensors: dict[str, Tensor], shards: int) -> None:
        self.config = config
        self.files = _split(tensors, shards)
        self.index = _make_index(self.files) if shards > 1 else None
        self.json: dict[str, Any] = {
            "config.json": config,
            "tokenizer.json": _make_tokenizer(),
            "tokenizer_config.json": {
                "tokenizer_class": "PreTrainedTokenizerFast",
                "bos_token": "<s>",
                "eos_token": "<|im_end|>",
                "add_bos_token": True,
                "chat_template": TEMPLATE,
                "added_tokens_decoder": {
                    str(number): {"content": text, "special": True}
                    for text, number in SPECIAL.items()
                },
            },
            "generation_config.json": {"bos_token_id": 500, "eos_token_id": [501, 502]},
        }
        self.lengths: dict[str, int] = {}
        """Bytes by which a file is longer or, below zero, shorter than its header says."""
        self.headers: dict[str, Callable[[dict[str, Any]], None]] = {}
        """What is done to a header before it is written."""

    @property
    def tensors(self) -> dict[str, Tensor]:
        return {name: one for file in self.files.values() for name, one in file.items()}

    def find(self, *tails: str) -> list[str]:
        return [name for name in self.tensors if name.endswith(tails)]

    def drop(self, name: str) -> None:
        for file in self.files.values():
            file.pop(name, None)
        self.renew()

    def renew(self) -> None:
        """Bring the index up to the files."""
        if self.index is not None:
            self.index = _make_index(self.files)

    def write(self, folder: Path) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        table = {**self.json, INDEX: self.index}
        for name, content in table.items():
            if content is not None:
                (folder / name).write_text(json.dumps(content), encoding="utf-8")
        for name, tensors in self.files.items():
            _write_sparse(folder / name, tensors, self.lengths.get(name, 0), self.headers.get(name))
        return folder


def _split(tensors: dict[str, Tensor], shards: int) -> dict[str, dict[str, Tensor]]:
    if shards == 1:
        return {"model.safetensors": dict(tensors)}
    names, found = list(tensors), {}
    step = -(-len(names) // shards)
    for at in range(shards):
        file = f"model-{at + 1:05d}-of-{shards:05d}.safetensors"
        found[file] = {name: tensors[name] for name in names[at * step : (at + 1) * step]}
    return found


def count_bytes(tensor: Tensor) -> int:
    return BITS[tensor[0]] * prod(tensor[1]) // 8


def _make_index(files: dict[str, dict[str, Tensor]]) -> dict[str, Any]:
    size = sum(count_bytes(one) for tensors in files.values() for one in tensors.values())
    places = {name: file for file, tensors in files.items() for name in tensors}
    return {"metadata": {"total_size": size}, "weight_map": places}


def _write_sparse(
    path: Path,
    tensors: dict[str, Tensor],
    length: int,
    change: Callable[[dict[str, Any]], None] | None,
) -> None:
    at, table = 0, {}
    for name, (dtype, shape) in tensors.items():
        size = count_bytes((dtype, shape))
        table[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [at, at + size]}
        at += size
    if change is not None:
        change(table)
    text = json.dumps(table).encode()
    with path.open("wb") as stream:
        stream.write(len(text).to_bytes(8, "little") + text)
        stream.truncate(8 + len(text) + at + length)


def _make_tokenizer() -> dict[str, Any]:
    return {
        "version": "1.0",
        "added_tokens": [
            {"id": number, "content": text, "special": True} for text, number in SPECIAL.items()
        ],
        "normalizer": None,
        "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False, "use_regex": True},
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [
                {"SpecialToken": {"id": "<s>", "type_id": 0}},
                {"Sequence": {"id": "A", "type_id": 0}},
            ],
        },
        "decoder": {"type": "ByteLevel"},
        "model": {
            "type": "BPE",
            "vocab": {f"t{at}": at for at in range(TOKENS)},
            "merges": [["t0", f"t{at}"] for at in range(1, 20)],
        },
    }


def make_config(**more: Any) -> dict[str, Any]:
    return {
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": HIDDEN,
        "num_hidden_layers": LAYERS, "num_attention_heads": HEADS, "num_key_value_heads": KEYS,
        "head_dim": WIDTH, "intermediate_size": FFN, "vocab_size": ROWS, "hidden_act": "silu",
        "tie_word_embeddings": False, "bos_token_id": 500, "eos_token_id": 501,
        "max_position_embeddings": 2048, "rms_norm_eps": 1e-5, "rope_theta": 10000.0,
        "torch_dtype": "bfloat16",
    } | more  # fmt: skip


Block = Callable[[int], dict[str, Tensor]]


def _matrix(rows: int, columns: int) -> Tensor:
    return "BF16", (rows, columns)


def _attention(_: int) -> dict[str, Tensor]:
    return {
        "self_attn.q_proj.weight": _matrix(HEADS * WIDTH, HIDDEN),
        "self_attn.k_proj.weight": _matrix(KEYS * WIDTH, HIDDEN),
        "self_attn.v_proj.weight": _matrix(KEYS * WIDTH, HIDDEN),
        "self_attn.o_proj.weight": _matrix(HIDDEN, HEADS * WIDTH),
        "input_layernorm.weight": ("BF16", (HIDDEN,)),
        "post_attention_layernorm.weight": ("BF16", (HIDDEN,)),
    }


def _mlp(stem: str = "mlp", width: int = FFN) -> dict[str, Tensor]:
    return {
        f"{stem}.gate_proj.weight": _matrix(width, HIDDEN),
        f"{stem}.up_proj.weight": _matrix(width, HIDDEN),
        f"{stem}.down_proj.weight": _matrix(HIDDEN, width),
    }


def make_dense(at: int) -> dict[str, Tensor]:
    return _attention(at) | _mlp()


def _with_biases(at: int) -> dict[str, Tensor]:
    rows = {"q": HEADS * WIDTH, "k": KEYS * WIDTH, "v": KEYS * WIDTH}
    return make_dense(at) | {f"self_attn.{x}_proj.bias": ("BF16", (rows[x],)) for x in rows}


def _with_head_norms(at: int) -> dict[str, Tensor]:
    return make_dense(at) | {f"self_attn.{x}_norm.weight": ("BF16", (WIDTH,)) for x in "qk"}


def _with_experts(at: int) -> dict[str, Tensor]:
    if at == 0:
        return make_dense(at)
    found = _attention(at) | {"mlp.gate.weight": _matrix(EXPERTS, HIDDEN)}
    for expert in range(EXPERTS):
        found |= _mlp(f"mlp.experts.{expert}", FFN // 2)
    return found


def _fused(at: int) -> dict[str, Tensor]:
    norms = {name: one for name, one in _attention(at).items() if "norm" in name}
    return norms | {
        "self_attn.qkv_proj.weight": _matrix((HEADS + 2 * KEYS) * WIDTH, HIDDEN),
        "self_attn.o_proj.weight": _matrix(HIDDEN, HEADS * WIDTH),
        "mlp.gate_up_proj.weight": _matrix(2 * FFN, HIDDEN),
        "mlp.down_proj.weight": _matrix(HIDDEN, FFN),
    }


def _in_fp8(at: int) -> dict[str, Tensor]:
    found: dict[str, Tensor] = {}
    for name, (dtype, shape) in make_dense(at).items():
        plain = "proj" not in name or at == LAYERS - 1  # the last layer stays as it was
        found[name] = (dtype if plain else "F8_E4M3", shape)
        if not plain:
            found[name + "_scale_inv"] = ("F32", (shape[0] // 32, shape[1] // 32))
    return found


def _in_awq(at: int) -> dict[str, Tensor]:
    found: dict[str, Tensor] = {}
    for name, (dtype, shape) in make_dense(at).items():
        if "proj" not in name:
            found[name] = (dtype, shape)
            continue
        rows, columns = shape
        stem = name.removesuffix("weight")
        found[stem + "qweight"] = ("I32", (columns, rows // 8))
        found[stem + "qzeros"] = ("I32", (columns // 32, rows // 8))
        found[stem + "scales"] = ("F16", (columns // 32, rows))
    return found


def build(block: Block, *, head: bool = True, prefix: str = "model") -> dict[str, Tensor]:
    found: dict[str, Tensor] = {f"{prefix}.embed_tokens.weight": _matrix(ROWS, HIDDEN)}
    for at in range(LAYERS):
        found |= {f"{prefix}.layers.{at}.{name}": one for name, one in block(at).items()}
    found[f"{prefix}.norm.weight"] = ("BF16", (HIDDEN,))
    if head:
        found["lm_head.weight"] = _matrix(ROWS, HIDDEN)
    return found


def _dense_sharded() -> Parts:
    return Parts(make_config(), build(make_dense), 3)


def _dense_single() -> Parts:
    return Parts(make_config(model_type="mistral", architectures=["MistralForCausalLM"]),
                 build(make_dense), 1)  # fmt: skip


def _tied() -> Parts:
    config = make_config(
        model_type="qwen2", architectures=["Qwen2ForCausalLM"], tie_word_embeddings=True
    )
    return Parts(config, build(_with_biases, head=False), 2)


def _normed() -> Parts:
    config = make_config(model_type="qwen3", architectures=["Qwen3ForCausalLM"])
    return Parts(config, build(_with_head_norms), 4)


def _fused_projections() -> Parts:
    config = make_config(model_type="phi3", architectures=["Phi3ForCausalLM"])
    del config["head_dim"]
    return Parts(config, build(_fused), 2)


def _mixture() -> Parts:
    config = make_config(
        model_type="qwen3_moe", architectures=["Qwen3MoeForCausalLM"], num_experts=EXPERTS,
        num_experts_per_tok=2, moe_intermediate_size=FFN // 2, mlp_only_layers=[0],
    )  # fmt: skip
    return Parts(config, build(_with_experts), 3)


def _fp8() -> Parts:
    stored = {"quant_method": "fp8", "weight_block_size": [32, 32], "fmt": "e4m3"}
    return Parts(make_config(quantization_config=stored), build(_in_fp8), 2)


def _awq() -> Parts:
    stored = {"quant_method": "awq", "bits": 4, "group_size": 32, "zero_point": True,
              "version": "gemm"}  # fmt: skip
    return Parts(make_config(quantization_config=stored), build(_in_awq), 2)


def _vision() -> Parts:
    text = make_config(model_type="qwen2", architectures=["Qwen2ForCausalLM"])
    config = {
        "architectures": ["LlavaForConditionalGeneration"], "model_type": "llava",
        "text_config": text, "tie_word_embeddings": False, "eos_token_id": 501,
        "vision_config": {"model_type": "clip_vision_model", "num_hidden_layers": 4,
                          "hidden_size": 32},
    }  # fmt: skip
    tensors = build(_with_biases, prefix="language_model.model")
    tensors["language_model.lm_head.weight"] = tensors.pop("lm_head.weight")
    for at in range(4):
        stem = f"vision_tower.vision_model.encoder.layers.{at}"
        for name in ("q_proj", "k_proj", "v_proj", "out_proj"):
            tensors[f"{stem}.self_attn.{name}.weight"] = _matrix(32, 32)
        tensors[f"{stem}.layer_norm1.weight"] = ("BF16", (32,))
        tensors[f"{stem}.mlp.fc1.weight"] = _matrix(64, 32)
        tensors[f"{stem}.mlp.fc2.weight"] = _matrix(32, 64)
    return Parts(config, tensors, 2)


def _hybrid() -> Parts:
    """Every third layer attends with fewer parts, and the last layer guesses ahead."""
    kinds = ["sliding_attention", "sliding_attention", "full_attention"] * 2

    def block(at: int) -> dict[str, Tensor]:
        found = make_dense(at)
        if kinds[at] == "full_attention":
            del found["self_attn.v_proj.weight"]
        return found

    config = make_config(model_type="gemma4_text", architectures=["Gemma4ForCausalLM"],
                     layer_types=kinds, attention_k_eq_v=True)  # fmt: skip
    tensors = build(block)
    ahead = f"model.layers.{LAYERS}"
    tensors |= {f"{ahead}.{name}": one for name, one in make_dense(0).items()}
    tensors |= {f"{ahead}.enorm.weight": ("BF16", (HIDDEN,)),
                f"{ahead}.eh_proj.weight": _matrix(HIDDEN, 2 * HIDDEN)}  # fmt: skip
    return Parts(config, tensors, 2)


HEALTHY: dict[str, Callable[[], Parts]] = {
    "dense-sharded": _dense_sharded, "dense-single": _dense_single, "tied": _tied,
    "head-norms": _normed, "fused": _fused_projections, "experts": _mixture, "fp8": _fp8,
    "awq": _awq, "vision": _vision, "hybrid": _hybrid,
}  # fmt: skip
