"""Checkpoint folders, and a source that serves them as the Hub would while it records each read."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from math import prod
from pathlib import Path
from typing import Any, Literal

from examining import identify_source
from famtree.registry.registry import Registry
from famtree.sources.hashes import hash_blob
from famtree.types.checkpoint import CheckpointRef, Cost, FileEntry, Listing, Missing, SourceKind
from famtree.types.identification import Identification
from famtree.types.source import FileSpan, Report

CONFIG: dict[str, Any] = {
    "model_type": "llama",
    "architectures": ["LlamaForCausalLM"],
    "num_hidden_layers": 32,
    "hidden_size": 4096,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "intermediate_size": 14336,
    "vocab_size": 128256,
    "rope_theta": 500000.0,
    "rms_norm_eps": 1e-05,
    "max_position_embeddings": 8192,
    "hidden_act": "silu",
    "bos_token_id": 128000,
    "eos_token_id": 128001,
    "tie_word_embeddings": False,
    "attention_bias": False,
    "torch_dtype": "bfloat16",
}
"""Llama 3 8B, as its config.json states it."""


def encode(content: Any) -> bytes:
    if isinstance(content, bytes):
        return content
    return (content if isinstance(content, str) else json.dumps(content)).encode()


def write_folder(folder: Path, files: Mapping[str, Any]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(encode(content))
    return folder


def make_header(
    tensors: Mapping[str, tuple[int, ...]],
    *,
    dtype: Literal["BF16", "F32"] = "BF16",
    metadata: Mapping[str, str] | None = None,
) -> bytes:
    """Return length and JSON of a safetensors file, without its data."""
    table: dict[str, Any] = {"__metadata__": metadata} if metadata else {}
    end, width = 0, 2 if dtype == "BF16" else 4
    for name, shape in tensors.items():
        size = width * prod(shape)
        table[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [end, end + size]}
        end += size
    text = json.dumps(table).encode()
    return len(text).to_bytes(8, "little") + text


def llama_tensors(
    layers: int = 32, hidden: int = 4096, rows: int = 128256
) -> dict[str, tuple[int, ...]]:
    tensors: dict[str, tuple[int, ...]] = {"model.embed_tokens.weight": (rows, hidden)}
    for layer in range(layers):
        stem = f"model.layers.{layer}."
        for name in ("self_attn.q_proj", "self_attn.o_proj"):
            tensors[f"{stem}{name}.weight"] = (hidden, hidden)
        for name in ("self_attn.k_proj", "self_attn.v_proj"):
            tensors[f"{stem}{name}.weight"] = (hidden // 4, hidden)
        for name in ("mlp.gate_proj", "mlp.up_proj"):
            tensors[f"{stem}{name}.weight"] = (14336, hidden)
        tensors[f"{stem}mlp.down_proj.weight"] = (hidden, 14336)
        for name in ("input_layernorm", "post_attention_layernorm"):
            tensors[f"{stem}{name}.weight"] = (hidden,)
    tensors["model.norm.weight"] = (hidden,)
    tensors["lm_head.weight"] = (rows, hidden)
    return tensors


class RecordingSource:
    """Serves files from memory as a Hub repository, and remembers every byte asked for."""

    def __init__(self, files: Mapping[str, Any], *, sizes: Mapping[str, int] | None = None) -> None:
        self.files = {name: encode(content) for name, content in files.items()}
        self.sizes = dict(sizes or {})
        self.ref = CheckpointRef("acme/some-model", repo_id="acme/some-model")
        self.kind: SourceKind = "hub"
        self.whole: list[str] = []
        self.ranges: list[tuple[str, int, int]] = []

    near = False
    origin = None

    def find_path(self, name: str) -> None:
        return None

    def list_files(self) -> Listing:
        entries = tuple(
            FileEntry(name, self.sizes.get(name, len(data)), blob_id=hash_blob(data))
            for name, data in sorted(self.files.items())
        )
        return Listing(entries, revision="0" * 40)

    def read_wave(
        self, names: Iterable[str], prefixes: Mapping[str, int], *, limit: int
    ) -> dict[str, bytes | Missing]:
        found: dict[str, bytes | Missing] = {}
        for name in names:
            self.whole.append(name)
            found[name] = self.files.get(name) or Missing(name, "no such file")
        for name, stop in prefixes.items():
            found[name] = self._cut(name, 0, stop)
        return found

    def read_ranges(self, ranges: Mapping[str, tuple[int, int]]) -> dict[str, bytes | Missing]:
        return {name: self._cut(name, *span) for name, span in ranges.items()}

    def read_spans(self, spans: Iterable[FileSpan]) -> dict[FileSpan, bytes | Missing]:
        return {span: self._cut(*span) for span in spans}

    def hash_files(self, names: Iterable[str], report: Report) -> int:
        raise AssertionError("nothing is hashed here")

    def _cut(self, name: str, start: int, stop: int) -> bytes:
        self.ranges.append((name, start, stop))
        return self.files[name][start:stop]

    @property
    def cost(self) -> Cost:
        return Cost(len(self.whole) + len(self.ranges), 0, 0.0)


def identify_recorded(source: RecordingSource, registry: Registry | None = None) -> Identification:
    return identify_source(source, registry)
