"""Writes the seeds that fuzzing starts from: small sound files and their near relatives.

    python fuzz/make_corpus.py

All are made here, by the writers of the tests; files are named by the hash of their content.
"""

from __future__ import annotations

import io
import json
import struct
import sys
import zipfile
from hashlib import sha256
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests")]

from fingerprints.vocabularies import (  # noqa: E402
    BYTE_LEVEL,
    sentencepiece,
    tekken,
    tiktoken,
    tokenizer_json,
)
from gguf_files import Raw, write_gguf  # noqa: E402
from onnx_files import model, part, tensor  # noqa: E402
from redirect_target import make_seeds  # noqa: E402

CORPUS = ROOT / "fuzz" / "corpus"


def _header(table: Any) -> bytes:
    text = _dump(table)
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


def make_hub_listing() -> list[bytes]:
    """Return descriptions with small and large files, and everything else that is kept."""
    commit, large = "0" * 40, "f" * 64
    small = {"rfilename": "config.json", "size": 2, "blobId": commit}
    stored = {"rfilename": "a/m.safetensors", "lfs": {"sha256": large, "size": 9}}
    whole = {
        "id": "o/n", "sha": commit, "tags": ["x", 1], "createdAt": "2024-01-01T00:00:00.000Z",
        "gated": "auto", "config": {"model_type": "oak"}, "cardData": {"base_model": ["o/b"]},
        "downloads": 1, "siblings": [small],
    }  # fmt: skip
    return [
        _dump({"siblings": []}),
        _dump({"siblings": [small, stored]}),
        _dump(whole),
        _dump({"siblings": [{"rfilename": "../a"}, {"rfilename": "a", "size": -1}, 3, None]}),
        b'{"siblings":[{"rfilename":"\\ud800.json"},{"rfilename":"b"}],"sha":1,"tags":{}}',
        b'{"siblings":[{"rfilename":"a","size":1e3,"lfs":null}],"cardData":{"x":NaN}}',
        b"<!DOCTYPE html><html></html>",
    ]


def make_tekken() -> list[bytes]:
    """Return files with ranks in and out of use, with and without special tokens."""
    bare = {"default_vocab_size": 2, "default_num_special_tokens": 1}
    return [
        tekken([b"a"], 0, 1),
        tekken([b"a", b"\xff", b"c"], 2, 2),
        tekken([b"a", b""], 3, 1, pattern=None),
        _dump({"config": bare, "vocab": [{"rank": 0, "token_bytes": "YQ=="}]}),
    ]


def make_tiktoken() -> list[bytes]:
    """Return files of both line ends, with the empty token and without a last line end."""
    return [
        tiktoken([b"a", b"b", b"ab", b"\xff\x00"]),
        tiktoken([b"a", b""]),
        b"YQ== 0\r\nYg== 1",
        b"YQ== 7\n\nYg== 7\nYQ== 8\n",
    ]


def make_mergekit() -> list[bytes]:
    """Return a recipe of each form: models, slices, modules, experts, several documents."""
    return [
        b"merge_method: linear\nmodels:\n- model: o/a\n  parameters: {weight: 0.3}\n"
        b"- model: o/b+o/l\n  parameters: {weight: [0, 1]}\n",
        b"merge_method: slerp\nbase_model: o/a@v1\nmodels: [{model: o/a}, {model: o/b}]\n"
        b"parameters:\n  t:\n  - {filter: x, value: [0, 0.5]}\n  - value: 0.5\n",
        b"merge_method: passthrough\nslices:\n- sources: [{model: o/a, layer_range: [0, 8]}]\n"
        b"- sources: [{model: o/b, layer_range: [4, 9]}]\n  base_model: o/c\n",
        b"merge_method: ties\nmodules:\n  text: {models: [{model: o/a}]}\n  v: {slices: []}\n",
        b"base_model: o/a\nexperts:\n- source_model: o/b\n- {source_model: o/c}\n",
        b"name: s\nmerge_method: task\nmodels: [{model: o/a}]\n---\nmerge_method: della\n"
        b"models: [{model: s}, {model: {model: {path: o/b, revision: r}, lora: o/l}}]\n",
        b"merge_method: x\nmodels: [{model: {model: {revision: r}, lora: o/l}}]\n---\n"
        b"merge_method: x\nmodels: [{model: None@v}]\n",
        b"merge_method: x\n=: e\nmodels: [{model: o/a}]\n",
        b"merge_method: &m x\nbase_model: *m\nmodels: [&a {model: o/a}, *a]\n",
    ]


def make_onnx() -> list[bytes]:
    """Return graphs with weights in both spellings of dims, and fields of every wire type."""
    value = part(11, part(1, b"x") + part(2, part(1, part(1, 1))))
    return [
        model(tensor([2, 3], bytes(4)), tensor([300], b"", packed=True)),
        part(7, b""),
        part(7, part(1, part(4, b"Add")) + value) + part(2, b"acme") + part(8, part(2, 21)),
        part(7, part(5, part(1, 2) + b"\x1d" + bytes(4) + b"\x51" + bytes(8))),
        part(3, b"1") + part(2, b"a") + part(8, part(1, b"ai.onnx") + part(2, 9)) + part(7, b""),
    ]


def make_archive() -> list[bytes]:
    """Return archives of stored members, one in zip64 form and one that claims to be packed."""
    plain = _archive({"a/data.pkl": b"\x80\x02.", "a/data/0": b"1234", "a/data/1": b""})
    at = plain.rindex(b"PK\x01\x02")
    return [
        plain,
        plain[: at + 10] + b"\x08" + plain[at + 11 :],
        _archive({"data/0": b"12"}),
        _archive({"data/0": b"12"}, zip64=True),
        _archive({"a/data/0": b"x", "b/data/1x": b"y"}),
        _archive({"a/data/0": b"12345678"})[:-30],
        b"\x80\x02c__main__\nx\n.",
    ]


def make_adapter() -> list[bytes]:
    """Return configs of each trainer, alone and behind a header of adapter tensors."""
    config = {
        "peft_type": "LORA", "r": 8, "lora_alpha": 16.0, "target_modules": ["q_proj", "v_proj"],
        "base_model_name_or_path": "o/b", "modules_to_save": None, "use_dora": False,
    }  # fmt: skip
    apple = {"fine_tune_type": "lora", "lora_parameters": {"rank": 4, "keys": ["a"]}, "model": "b"}
    place = "base_model.model.model.layers.0.mlp.up_proj"
    parts = {
        f"{place}.lora_A.weight": _tensor("F32", [2, 8], 0, 64),
        f"{place}.lora_B.weight": _tensor("F32", [16, 2], 64, 192),
    }
    head = {"base_model.model.lm_head.weight": _tensor("I8", [4, 8], 4, 36)}
    return [
        _dump(config),
        _dump(apple),
        _dump({"base_model_name_or_path": "'@"}),
        _dump({"peft_type": "IA3", "target_modules": "all-linear", "r": True, "lora_alpha": 1e300}),
        _header(parts),
        _header(parts) + _dump(config),
        _header({f"{place}.lora_magnitude_vector": _tensor("F16", [2], 0, 4)} | head),
        _header({"a.trainable_tokens_delta": _tensor("U8", [], 0, 1)}),
    ]


def make_policy() -> list[bytes]:
    """Return policies with defaults, every condition and each way of writing a table."""
    head = b'schema = "famtree/policy/1"\n'
    return [
        head + b'[[checkpoint]]\nref = "o/n"\nmin_confidence = 0.9\n',
        head + b'[defaults]\nmax_status = "consistent"\n[[checkpoint]]\nref = "./x"\n',
        head + b'checkpoint = [{ref = "o/n", expect_parent = "o/b"}, {ref = "o/m@r"}]\n'
        b"defaults.require_licence_compatible = true\n",
        head + b'[[checkpoint]]\nref = "o/n"\nrevision = "v"\nallow_families = []\n'
        b"deny_families = [\n  'x',\n]\n",
        head + b'[[checkpoint]]\nexpect = "x/y"\nref = """o/n"""\n',
        b'schema = 1\n[[checkpoint]]\nrfe = "a"\n',
        b"a.b.'c'.\"d\" = 1979-05-27T07:32:00Z\nx = [1, 0x2, inf, {y = '''z'''}]\n",
    ]


def _dump(table: Any) -> bytes:
    return json.dumps(table, separators=(",", ":")).encode()


def _archive(members: dict[str, bytes], *, zip64: bool = False) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as out:
        for name, data in members.items():
            with out.open(zipfile.ZipInfo(name), "w", force_zip64=zip64) as member:
                member.write(data)
    return stream.getvalue()


SEEDS = {
    "safetensors": make_safetensors,
    "gguf": make_gguf,
    "tokenizer-json": make_tokenizer_json,
    "sentencepiece": make_sentencepiece,
    "card": make_card,
    "redirect": make_seeds,
    "hub-listing": make_hub_listing,
    "tekken": make_tekken,
    "tiktoken": make_tiktoken,
    "mergekit": make_mergekit,
    "onnx": make_onnx,
    "archive": make_archive,
    "adapter": make_adapter,
    "policy": make_policy,
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
