"""Checkpoint folders with real headers over holes, and comparisons of them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from math import prod
from pathlib import Path
from typing import Any

from checkpoint.folders import RecordingSource, make_header, write_folder
from examining import examine_source, load_once
from famtree.comparison.compare import Request, compare_subjects
from famtree.identification.subject import Subject
from famtree.interchange.answer import choose_engines
from famtree.interchange.engine import Engine
from famtree.interchange.load import load_engines
from famtree.interchange.side import Plan
from famtree.sources.local import LocalSource
from famtree.sources.reference import parse_reference
from famtree.types.checkpoint import FileEntry, Listing
from famtree.types.comparison import Answer, Comparison

SMALL: dict[str, Any] = {
    "model_type": "llama",
    "architectures": ["LlamaForCausalLM"],
    "num_hidden_layers": 2,
    "hidden_size": 64,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "intermediate_size": 96,
    "vocab_size": 12,
    "rope_theta": 10000.0,
    "rms_norm_eps": 1e-05,
    "max_position_embeddings": 256,
    "hidden_act": "silu",
    "bos_token_id": 0,
    "eos_token_id": 1,
    "tie_word_embeddings": False,
    "torch_dtype": "bfloat16",
}


def small_tensors(layers: int = 2, hidden: int = 64, rows: int = 12) -> dict[str, tuple[int, ...]]:
    tensors: dict[str, tuple[int, ...]] = {"model.embed_tokens.weight": (rows, hidden)}
    for layer in range(layers):
        stem = f"model.layers.{layer}."
        for name, shape in {
            "self_attn.q_proj": (hidden, hidden),
            "self_attn.k_proj": (hidden // 2, hidden),
            "self_attn.v_proj": (hidden // 2, hidden),
            "self_attn.o_proj": (hidden, hidden),
            "mlp.gate_proj": (96, hidden),
            "mlp.up_proj": (96, hidden),
            "mlp.down_proj": (hidden, 96),
            "input_layernorm": (hidden,),
            "post_attention_layernorm": (hidden,),
        }.items():
            tensors[f"{stem}{name}.weight"] = shape
    return {**tensors, "model.norm.weight": (hidden,), "lm_head.weight": (rows, hidden)}


def make_tokenizer(*words: str, added: Mapping[str, int] | None = None) -> dict[str, Any]:
    """Return a tokenizer.json of the given words, in order of id."""
    return {
        "version": "1.0",
        "added_tokens": [
            {"id": at, "content": name, "special": True} for name, at in (added or {}).items()
        ],
        "pre_tokenizer": {"type": "ByteLevel"},
        "model": {
            "type": "BPE",
            "vocab": {word: at for at, word in enumerate(words)},
            "merges": [],
        },
    }


WORDS = ("<s>", "</s>", *"abcdefghij")


def make_weights(tensors: Mapping[str, tuple[int, ...]], fill: bytes = b"\0") -> bytes:
    """Return a whole safetensors file of bf16 tensors, every byte of which is `fill`."""
    return make_header(tensors) + fill * (2 * sum(prod(shape) for shape in tensors.values()))


def small_files(
    *, fill: bytes = b"\0", weights: bool = True, parent: str | None = None, **config: Any
) -> dict[str, Any]:
    """Return the files of a tiny checkpoint; `config` replaces values, None takes them away."""
    stated = {key: value for key, value in {**SMALL, **config}.items() if value is not None}
    files: dict[str, Any] = {
        "config.json": stated,
        "tokenizer.json": make_tokenizer(*WORDS),
        "tokenizer_config.json": {"add_bos_token": True, "chat_template": "[INST] {{ m }}"},
        "generation_config.json": {"eos_token_id": 1},
    }
    if weights:
        tensors = small_tensors(
            stated["num_hidden_layers"], stated["hidden_size"], stated["vocab_size"]
        )
        files["model.safetensors"] = make_weights(tensors, fill)
    if parent:
        files["README.md"] = f"---\nbase_model: {parent}\n---\n"
    return files


def make_folder(folder: Path, **options: Any) -> Path:
    return write_folder(folder, small_files(**options))


class HashedSource(RecordingSource):
    """A Hub repository that lists content hashes of its weights, as the Hub does."""

    def __init__(self, repo: str, files: Mapping[str, Any], sha256: str, commit: str) -> None:
        super().__init__(files)
        self.ref = parse_reference(repo)
        self._sha256, self._commit = sha256, commit

    def list_files(self) -> Listing:
        entries = [
            FileEntry(one.name, one.size, sha256=self._sha256 * 64)
            if one.name.endswith(".safetensors")
            else one
            for one in super().list_files().files
        ]
        return Listing(tuple(entries), revision=self._commit * 40)


@cache
def _load_engines() -> dict[str, Engine]:
    return load_engines()


def make_request(*engines: str, verify: bool = False, plan: Plan | None = None) -> Request:
    known = _load_engines()
    chosen, notices = choose_engines(engines, known)
    return Request(known, tuple(chosen), plan or Plan(), verify, notices=tuple(notices))


def open_folder(folder: Path) -> Subject:
    return examine_source(LocalSource(parse_reference(str(folder))), load_once())


def open_source(source: RecordingSource) -> Subject:
    return examine_source(source, load_once())


def compare_folders(a: Path, b: Path, *engines: str, verify: bool = False) -> Comparison:
    request = make_request(*engines, verify=verify)
    return compare_subjects(open_folder(a), open_folder(b), request)


def find_answer(found: Comparison, question: str, engine: str | None = None) -> Answer:
    (answer,) = (
        one for one in found.interchange if one.question == question and one.engine == engine
    )
    return answer
