"""Checkpoints of truths.toml as Hub repositories in memory: config, tokenizer, header, card."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from functools import cache
from math import prod
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from checkpoint.folders import RecordingSource, make_header
from comparison.pairs import open_source
from famtree.identification.subject import Subject
from famtree.sources.reference import parse_reference
from famtree.types.checkpoint import Listing
from gguf_files import TYPES, decoder_tensors, design_of, write_gguf

TRUTHS: dict[str, Any] = tomllib.loads((Path(__file__).parent / "truths.toml").read_text())
CHECKPOINTS: dict[str, dict[str, Any]] = {one["repo"]: one for one in TRUTHS["checkpoint"]}
_SHAPE = (
    "num_hidden_layers", "hidden_size", "num_attention_heads", "num_key_value_heads",
    "intermediate_size", "vocab_size", "max_position_embeddings",
)  # fmt: skip


class RecordedSource(RecordingSource):
    """One repository, with the card it was published with."""

    def __init__(
        self, repo: str, files: Mapping[str, Any], card: dict[str, Any], sizes: dict[str, int]
    ) -> None:
        super().__init__(files, sizes=sizes)
        self.ref = parse_reference(repo)
        self._card = card

    def list_files(self) -> Listing:
        commit = f"{abs(hash(self.ref.text)) % 16**8:08x}" * 5
        return replace(super().list_files(), card=self._card, revision=commit)


@cache
def recall(repo: str) -> Subject:
    """Return the recorded checkpoint, examined as any other."""
    record = CHECKPOINTS[repo]
    card: dict[str, Any] = {}
    if "base" in record:
        card = {"base_model": record["base"]}
        if "relation" in record:
            card["base_model_relation"] = record["relation"]
    files: dict[str, Any] = {}
    sizes: dict[str, int] = {}
    if "gguf" in record:
        files["model.gguf"], sizes["model.gguf"] = _write_gguf(record)
    else:
        files["config.json"] = config_of(record)
        if "tokenizer" in record:
            begin = TRUTHS["tokenizer"][record["tokenizer"]]["begin"]
            stated: dict[str, Any] = {"add_bos_token": begin, "add_eos_token": False}
            if "template" in record:
                stated["chat_template"] = record["template"]
            files["tokenizer_config.json"] = stated
            files["tokenizer.json"] = _tokenizer_json(record["tokenizer"])
        if record.get("weights"):
            shapes = decoder_shapes(files["config.json"])
            header = make_header(shapes)
            files["model.safetensors"] = header
            sizes["model.safetensors"] = len(header) + 2 * sum(map(prod, shapes.values()))
    return open_source(RecordedSource(repo, files, card, sizes))


def config_of(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return config.json: the design's, the shape, and what is the checkpoint's own."""
    shape = dict(zip(_SHAPE, record.get("shape", ()), strict=False))
    stated = {**TRUTHS["design"][record["design"]], **shape, **record.get("config", {})}
    return {key: None if value == "null" else value for key, value in stated.items()}


def decoder_shapes(config: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    """Return the tensors of a plain gated decoder of this config."""
    hidden, heads, kv_heads = (config[_SHAPE[at]] for at in (1, 2, 3))
    width = config.get("head_dim", hidden // heads)
    ffn = config["intermediate_size"]
    found: dict[str, tuple[int, ...]] = {
        "model.embed_tokens.weight": (config["vocab_size"], hidden),
        "model.norm.weight": (hidden,),
    }
    if not config["tie_word_embeddings"]:
        found["lm_head.weight"] = (config["vocab_size"], hidden)
    block: dict[str, tuple[int, ...]] = {
        "self_attn.q_proj.weight": (heads * width, hidden),
        "self_attn.k_proj.weight": (kv_heads * width, hidden),
        "self_attn.v_proj.weight": (kv_heads * width, hidden),
        "self_attn.o_proj.weight": (hidden, heads * width),
        "mlp.gate_proj.weight": (ffn, hidden),
        "mlp.up_proj.weight": (ffn, hidden),
        "mlp.down_proj.weight": (hidden, ffn),
        "input_layernorm.weight": (hidden,),
        "post_attention_layernorm.weight": (hidden,),
    }
    if config["model_type"] == "qwen2":
        for name, rows in (("q", heads * width), ("k", kv_heads * width), ("v", kv_heads * width)):
            block[f"self_attn.{name}_proj.bias"] = (rows,)
    if config["model_type"] == "qwen3":
        block |= {"self_attn.q_norm.weight": (width,), "self_attn.k_norm.weight": (width,)}
    for layer in range(config["num_hidden_layers"]):
        found |= {f"model.layers.{layer}.{name}": shape for name, shape in block.items()}
    return found


def list_words(key: str) -> tuple[list[str], dict[str, int]]:
    """Return the trained tokens in order of id, and the added ones with their ids."""
    facts = TRUTHS["tokenizer"][key]
    stem, base = facts["stem"], facts["base"]
    controls = [f"[control{at}]" for at in range(facts.get("controls", 0))]
    first = ["<unk>", "<s>", "</s>"]
    words = [*first, *controls, *(f"{stem}{at}" for at in range(len(first), base))]
    names = facts.get("names", {})
    extra = [
        names.get(str(at), f"<|reserved{at}|>") for at in range(facts.get("reserved", 0))
    ] + facts.get("added", [])
    return words, {name: len(words) + at for at, name in enumerate(extra)}


@cache
def _tokenizer_json(key: str) -> bytes:
    words, added = list_words(key)
    table = {
        "version": "1.0",
        "added_tokens": [
            {"id": at, "content": name, "special": True} for name, at in added.items()
        ],
        "pre_tokenizer": {"type": "ByteLevel"},
        "model": {
            "type": "BPE",
            "vocab": {word: at for at, word in enumerate(words)},
            "merges": [[words[3], words[4]]],
        },
    }
    return json.dumps(table).encode()


def _write_gguf(record: Mapping[str, Any]) -> tuple[bytes, int]:
    """Return the header, and the size of the whole file."""
    facts = record["gguf"]
    words, added = list_words(record["tokenizer"])
    tokens = [*words, *added]
    tokens += [f"[PAD{at}]" for at in range(len(tokens), facts["rows"])]
    design = design_of(
        "qwen3",
        block_count=facts["layers"],
        context_length=facts["context"],
        embedding_length=facts["hidden"],
        feed_forward_length=facts["ffn"],
        attention__head_count=facts["heads"],
        attention__head_count_kv=facts["kv"],
        attention__key_length=facts["hidden"] // facts["heads"],
        attention__value_length=facts["hidden"] // facts["heads"],
        attention__layer_norm_rms_epsilon=1e-6,
        rope__freq_base=facts["theta"],
    )
    design |= {
        "general.file_type": 15,
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": "qwen2",
        "tokenizer.ggml.tokens": tokens,
        "tokenizer.ggml.token_type": [1] * len(words) + [3] * (len(tokens) - len(words)),
        "tokenizer.ggml.merges": [f"{words[3]} {words[4]}"],
        "tokenizer.ggml.eos_token_id": 151645,
        "tokenizer.ggml.bos_token_id": 151643,
        "tokenizer.ggml.add_bos_token": False,
    }
    tensors = decoder_tensors(
        layers=facts["layers"], hidden=facts["hidden"], heads=facts["heads"], kv=facts["kv"],
        ffn=facts["ffn"], rows=facts["rows"], kind=facts["kind"],
    )  # fmt: skip
    width = facts["hidden"] // facts["heads"]
    for block in range(facts["layers"]):
        for part in ("q", "k"):
            tensors[f"blk.{block}.attn_{part}_norm.weight"] = ("F32", (width,))
    header = write_gguf(design, tensors, data=False)
    size = len(header)
    for kind, shape in tensors.values():
        _, weights, width = TYPES[kind]
        size += -(-(prod(shape) // weights * width) // 32) * 32
    return header, size
