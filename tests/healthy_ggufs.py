"""A healthy GGUF, as parts that a test can damage before writing."""

from __future__ import annotations

from copy import deepcopy
from math import prod
from pathlib import Path
from typing import Any

from gguf_files import Raw, write_gguf


class GgufParts:
    """A GGUF of Llama 3.1 8B's shape, in as many parts as asked; holes for data."""

    layers = 32

    def __init__(self) -> None:
        self.metadata: dict[str, Any] = {
            "general.architecture": "llama", "general.type": "model",
            "general.name": "Llama 3.1 8B Instruct", "general.file_type": 15,
            "llama.block_count": self.layers, "llama.context_length": 131072,
            "llama.embedding_length": 4096, "llama.feed_forward_length": 14336,
            "llama.attention.head_count": 32, "llama.attention.head_count_kv": 8,
            "llama.rope.freq_base": 500000.0, "llama.attention.layer_norm_rms_epsilon": 1e-5,
            "llama.vocab_size": 128256, "tokenizer.ggml.model": "gpt2",
            "tokenizer.ggml.pre": "llama-bpe",
            "tokenizer.ggml.tokens": [f"t{at}" for at in range(128256)],
            "tokenizer.ggml.token_type": [1] * 128000 + [3] * 256,
            "tokenizer.ggml.merges": ["t0 t1"], "tokenizer.ggml.bos_token_id": 128000,
            "tokenizer.ggml.eos_token_id": 128009,
        }  # fmt: skip
        self.tensors: dict[str, tuple[str, tuple[int, ...]]] = {
            "token_embd.weight": ("Q6_K", (128256, 4096)),
            "rope_freqs.weight": ("F32", (64,)),
        }
        for at in range(self.layers):
            self.tensors |= {f"blk.{at}.{name}": one for name, one in _GGUF_BLOCK.items()}
        self.tensors["output_norm.weight"] = ("F32", (4096,))
        self.tensors["output.weight"] = ("Q6_K", (128256, 4096))

    def write(self, path: Path, *, cut: int = 0) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        data = write_gguf(self.metadata, self.tensors, data=False)
        size = len(data) + sum(-(-_count_gguf(one) // 32) * 32 for one in self.tensors.values())
        with path.open("wb") as stream:
            stream.write(data)
            stream.truncate(size - cut)
        return path

    def write_split(self, folder: Path, count: int) -> list[Path]:
        names, paths = list(self.tensors), []
        step = -(-len(names) // count)
        for at in range(count):
            part = deepcopy(self)
            kept = names[at * step : (at + 1) * step]
            part.tensors = {name: self.tensors[name] for name in kept}
            part.metadata = (self.metadata if at == 0 else {}) | {
                "split.no": Raw("u32", at), "split.count": Raw("u32", count),
            }  # fmt: skip
            paths.append(part.write(folder / f"m-Q4_K_M-{at + 1:05d}-of-{count:05d}.gguf"))
        return paths


_GGUF_BLOCK: dict[str, tuple[str, tuple[int, ...]]] = {
    "attn_norm.weight": ("F32", (4096,)), "ffn_norm.weight": ("F32", (4096,)),
    "attn_q.weight": ("Q4_K", (4096, 4096)), "attn_k.weight": ("Q4_K", (1024, 4096)),
    "attn_v.weight": ("Q4_K", (1024, 4096)), "attn_output.weight": ("Q4_K", (4096, 4096)),
    "ffn_gate.weight": ("Q4_K", (14336, 4096)), "ffn_up.weight": ("Q4_K", (14336, 4096)),
    "ffn_down.weight": ("Q4_K", (4096, 14336)),
}  # fmt: skip
_GGUF_SIZES = {"F32": (1, 4), "Q4_K": (256, 144), "Q6_K": (256, 210)}


def _count_gguf(tensor: tuple[str, tuple[int, ...]]) -> int:
    weights, size = _GGUF_SIZES[tensor[0]]
    return prod(tensor[1]) // weights * size
