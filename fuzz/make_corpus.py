"""Writes the seeds that fuzzing starts from: small sound files and their near relatives.

    python fuzz/make_corpus.py

All are made here, by the writers of the tests; files are named by the hash of their content.
"""

from __future__ import annotations

import json
import struct
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests")]

from fingerprints.vocabularies import (  # noqa: E402
    BYTE_LEVEL,
    sentencepiece,
    tokenizer_json,
)
from gguf_files import Raw, write_gguf  # noqa: E402
from redirect_target import make_seeds  # noqa: E402

CORPUS = ROOT / "fuzz" / "corpus"


def _header(table: Any) -> bytes:
    text = json.dumps(table, separators=(",", ":")).encode()
    return len(text).to_bytes(8, "little") + text


def _tensor(dtype: str, shape: list[int], begin: int, end: int) -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


def make_safetensors() -> list[bytes]:
    """Return headers with every part a header can have."""
    return [
        _header({}),
        _header({"a": _tensor("F32", [], 0, 4)}),
        _header({"__metadata__": {"format": "pt"}, "a": _tensor("BF16", [2, 3], 0, 12)}),
        _header({"a": _tensor("F4", [2], 0, 1), "b": _tensor("F8_E4M3", [0], 1, 1)}),
        _header({"a": _tensor("I64", [1], 8, 16), "b": _tensor("U8", [8], 0, 8)}),
        _header({'a\\u0000"': _tensor("BOOL", [1], 0, 1)}),
        b"version https://git-lfs.github.com/spec/v1\n",
    ]


def make_gguf() -> list[bytes]:
    """Return headers of both versions and byte orders, with and without a vocabulary."""
    words = {
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.tokens": ["a", "b", "ab"],
        "tokenizer.ggml.token_type": [1, 1, 3],
        "tokenizer.ggml.merges": ["a b"],
    }
    scores = {"tokenizer.ggml.scores": Raw("f32", [0.5, -1.0])}
    return [
        write_gguf({}, {}),
        write_gguf({"a": 1, "b": -1, "c": True, "d": 0.5, "e": "x"}, {"t": ("F32", (2,))}),
        write_gguf({"general.alignment": 8}, {"t": ("Q4_0", (1, 32))}, version=2),
        write_gguf({"a": [1, 2], "b": ["x", "y"]}, {"t": ("F16", (1,))}, mark=">"),
        write_gguf(words | {"general.architecture": "oak"}, {}, data=False),
        write_gguf({"tokenizer.ggml.model": "llama"} | scores, {}),
        b"GGUF" + struct.pack("<IQQ", 3, 1, 0) + struct.pack("<Q", 1) + b"t" + bytes(20),
    ]


def make_tokenizer_json() -> list[bytes]:
    """Return a tokenizer of each kind, and both spellings of merges."""
    plain: dict[str, Any] = {
        "added_tokens": [], "normalizer": None, "pre_tokenizer": None, "decoder": None,
    }  # fmt: skip
    piece = {"type": "WordPiece", "vocab": {"[UNK]": 0, "a": 1, "##b": 2}, "unk_token": "[UNK]"}
    pairs = {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2}, "merges": [["a", "b"]]}
    lines = {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2}, "merges": ["a b"]}
    sequence = {"type": "Sequence", "pretokenizers": [BYTE_LEVEL, {"type": "Digits"}]}
    return [
        json.dumps({"model": {"vocab": {}}}).encode(),
        tokenizer_json(model=pairs, **plain),
        tokenizer_json(model=lines, **plain),
        tokenizer_json(model=piece, **plain),
        tokenizer_json(model={"type": "Unigram", "vocab": [["<unk>", 0.0], ["a", -1.5]]}, **plain),
        tokenizer_json(model={"type": "WordLevel", "vocab": {"a": 0}}, **plain),
        tokenizer_json(model=pairs, **(plain | {"pre_tokenizer": sequence})),
        json.dumps(json.loads(tokenizer_json(model=pairs, **plain)), indent=2).encode(),
        '\ufeff{"model": {"vocab": {"\\u00e9": 0}, "merges": ["\\" \\\\"]}}'.encode(),
    ]


def make_sentencepiece() -> list[bytes]:
    """Return models with pieces of every type and with further fields."""
    pieces = [("<unk>", 2), ("<s>", 3), ("<0x0A>", 6), ("\u2581the", 1), ("[X]", 4), ("u", 5)]
    long = sentencepiece([("\u2581" * 60, 1), ("a", 1)], 1)
    return [
        sentencepiece([("a", 1)]),
        sentencepiece(pieces),
        sentencepiece(pieces[3:], 1),
        long,
        sentencepiece(pieces) + b"\x1a\x03abc\x28\x05\x35abcd\x31abcdefgh",
    ]


def make_card() -> list[bytes]:
    """Return cards with claims in the front matter and in the text."""
    return [
        b"---\n---\n",
        b"---\nbase_model: org/base\nlicense: mit\n---\n",
        b"---\nbase_model:\n- org/a\n- org/b\nbase_model_relation: merge\n---\n",
        b"---\nbase_model: &a org/a\ntags: [*a, x, 1, 1.5, null, yes]\n---\n",
        b"---\na: {b: [c, 'd', \"e\\n\"]}\n? f\n: |\n  g\n---\n",
        b"---\nmodel-index:\n- name: x\nbase_model: https://huggingface.co/o/n\n---\n",
        b"---\nn: 0x1f\no: 1:30\nd: 2024-01-01\nt: !!set {a}\n<<: {z: 1}\n---\n",
        b"# Title\n\nA fine-tuned version of [org/Base-1](https://huggingface.co/org/Base-1).\n",
        b"Quantized version of org/Base-7B; base model: `org/other-1`\n",
        "\ufeff---\r\nbase_model: org/x\r\n---\r\n".encode(),
    ]


SEEDS = {
    "safetensors": make_safetensors,
    "gguf": make_gguf,
    "tokenizer-json": make_tokenizer_json,
    "sentencepiece": make_sentencepiece,
    "card": make_card,
    "redirect": make_seeds,
}


def main() -> None:
    for target, make in SEEDS.items():
        folder = CORPUS / target
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.iterdir():
            old.unlink()
        for data in make():
            (folder / sha256(data).hexdigest()[:16]).write_bytes(data)


if __name__ == "__main__":
    main()
