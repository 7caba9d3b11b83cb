"""config.json, tokenizer files and other JSON beside them."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from hostile_input.case import Case, Content, config, dump, sound_config, sparse

NAN = float("nan")


def _config(name: str, content: Content, expects: str, **more: Any) -> Case:
    return Case(f"config: {name}", expects, {"config.json": content}, **more)


_NUMBERS = ("zero", "minus one", "1e308", "text")
"""What a shape or a word may be, so that it speaks against what the header shows."""
_ODD: Mapping[str, Any] = {
    "null": None, "true": True, "zero": 0, "minus one": -1, "huge": 10**4000, "1e308": 1e308,
    "NaN": NAN, "Infinity": float("inf"), "text": "\x1b[31m", "list": [1, [2]], "table": {"a": {}},
}  # fmt: skip

CONFIGS = [
    _config("empty", b"", "bad-config"),
    _config("blank", b"  \n", "bad-config"),
    _config("null", b"null", "bad-config"),
    _config("a list", b"[1]", "bad-config"),
    _config("a number", b"1e308", "bad-config"),
    _config("truncated", config()[:50], "bad-config"),
    _config("HTML", b"<!doctype html><title>Sign in</title>", "bad-config", says="HTML"),
    _config("UTF-16", json.dumps(sound_config()).encode("utf-16"), "bad-config"),
    _config("UTF-32", json.dumps(sound_config()).encode("utf-32"), "bad-config"),
    _config("byte-order mark", b"\xef\xbb\xbf" + config(), "identified"),
    _config("not UTF-8", b'{"model_type": "\xff"}', "bad-config"),
    _config("zeros", bytes(10_000), "bad-config"),
    _config("nested 65 deep", b'{"a":' * 65 + b"1" + b"}" * 65, "bad-config"),
    _config("nested 100,000 deep", b'{"a":' * 100_000, "bad-config"),
    _config("nested lists 1,000,000 deep", b"[" * 1_000_000, "bad-config"),
    _config("integer of 5,000 digits", b'{"hidden_size": ' + b"9" * 5000 + b"}", "bad-config"),
    _config("sparse terabyte", sparse(b"{", 1 << 40), "ambiguous", warns="config-unread"),
    _config("60 MB of empty lists", lambda _: b'{"a":[' + b"[]," * 20_000_000 + b"[]]}",
            "ambiguous", warns="config-unread"),
    _config("4 MB of empty lists", lambda _: b'{"a":[' + b"[]," * 1_300_000 + b"[]]}",
            "bad-config"),
    _config("4 MB of keys", lambda _: dump({f"{at}": at for at in range(280_000)}), "ambiguous"),
    _config("duplicate keys", config()[:-1] + b', "model_type": "llama"}', "identified"),
    _config("a key that is no Unicode", config(**{"\ud800": "\udfff"}), "identified"),
    _config("model_type that is no Unicode", config(model_type="\ud800"), "identified"),
    _config("class of escapes", config(architectures=["\x1b]0;owned\x07\u202e"]), "identified"),
    _config("model_type of a megabyte", config(model_type="x" * 1_000_000), "identified"),
    _config("classes by the thousand", config(architectures=["GPT2LMHeadModel"] * 100_000),
            "identified"),
    _config("layer pattern of 4 MB without a period",
            lambda _: config(hybrid_override_pattern="M" * 3_900_000 + "*"), "identified"),
    _config("layer types of 100,000 kinds",
            lambda _: config(layer_types=["full_attention"] * 99_999 + ["mamba"]), "identified"),
    _config("blocks by the million", config(block_configs=[0] * 1_000_000), "bad-config"),
    _config("text_config in itself", dump({"text_config": {"text_config": {"text_config": {}}}}),
            "ambiguous"),
    *(_config(f"every value {name}", dump(dict.fromkeys(sound_config(), odd)),
              "unknown" if name in _NUMBERS else "ambiguous")
      for name, odd in _ODD.items()),
    *(_config(f"every table {name}", config(**dict.fromkeys(
        ("text_config", "vision_config", "rope_scaling", "rope_parameters", "quantization_config",
         "quantization", "compression_config", "auto_map", "attn_config", "ffn_config",
         "pretrained_config", "mapping"), odd)), "identified") for name, odd in _ODD.items()),
    *(_config(f"{method} values {name}", config(quantization_config=dict.fromkeys(
        ("bits", "group_size", "w_bit", "weight_block_size", "config_groups", "ignore",
         "desc_act", "sym", "modules_to_not_convert", "num_bits", "kv_cache_scheme",
         "nbits_per_codebook", "num_codebooks", "in_group_size", "sparsity_config",
         "activation_scheme", "fmt", "format", "algorithm"), odd) | {"quant_method": method}),
        "identified") for name, odd in _ODD.items() for method in ("gptq", "aqlm")),
]  # fmt: skip


def _side(name: str, file: str, content: Content, warns: str = "", **more: Any) -> Case:
    return Case(f"{file}: {name}", "identified", {file: content}, warns=warns, **more)


_SIDES = ("generation_config.json", "tokenizer_config.json", "chat_template.json",
          "quantize_config.json", "quant_config.json", "hf_quant_config.json",
          "quanto_qmap.json")  # fmt: skip

_SIDE_VALUES: tuple[Any, ...] = (10**4000, [[{}]], "\ud800")

SIDES = [
    *(_side("a list", file, b"[]", "side-file-unreadable") for file in _SIDES),
    *(_side("nested deep", file, b"[" * 100_000, "side-file-unreadable") for file in _SIDES),
    *(_side(f"odd values {str(odd)[:9]!a}", file, dump(dict.fromkeys(
        ("bits", "quant_method", "group_size", "quantization", "producer", "eos_token_id",
         "chat_template", "tokenizer_class", "added_tokens_decoder", "bos_token",
         "additional_special_tokens", "weights"), odd))) for file in _SIDES
      for odd in _SIDE_VALUES),
    _side("100,000 modules of as many kinds", "quanto_qmap.json",
          lambda _: dump({f"m{at}": {"weights": f"q{at}"} for at in range(100_000)})),
    _side("unclosed comments", "chat_template.jinja", b"{#" * 500_000),
    _side("unclosed comments with braces", "chat_template.jinja", b"{# }" * 250_000),
    _side("4 MB of brackets", "chat_template.jinja", b"<|" * 2_000_000),
    _side("code", "chat_template.jinja",
          b"{{ cycler.__init__.__globals__.os.system('touch /tmp/famtree-ran-code') }}"),
    _side("not UTF-8", "chat_template.jinja", bytes(range(256)) * 100),
    _side("added tokens that are no Unicode", "added_tokens.json", b'{"\\ud800": 5}'),
    _side("ids of 10 digits", "tokenizer_config.json", dump({"added_tokens_decoder": {
        "9999999999": {"content": "a"}, "-1": {"content": "b"}, "x": 3, "\u0663": {}}})),
]  # fmt: skip


def _tokenizer(name: str, content: Content, file: str = "tokenizer.json",
               warns: str = "bad-tokenizer") -> Case:  # fmt: skip
    return Case(f"{file}: {name}", "identified", {file: content}, warns=warns)


def _bpe(vocab: Any, merges: Any = (), **more: Any) -> bytes:
    return dump({"model": {"type": "BPE", "vocab": vocab, "merges": merges}} | more)


def _sequence(depth: int) -> bytes:
    start = b'{"type":"Sequence","pretokenizers":[' * depth
    return b'{"model":{"vocab":{"a":0}},"pre_tokenizer":' + start + b"]}" * depth + b"}"


def _piece(text: bytes, kind: int = 1) -> bytes:
    inner = b"\x0a" + bytes([len(text)]) + text + b"\x18" + bytes([kind])
    return b"\x0a" + bytes([len(inner)]) + inner


_B64 = base64.b64encode(b"ab").decode()
SPM = "tokenizer.model"
TIKTOKEN = "qwen.tiktoken"
TEKKEN = "tekken.json"
_TEK = {"default_vocab_size": 10, "default_num_special_tokens": 2}

TOKENIZERS = [
    _tokenizer("empty", b""),
    _tokenizer("truncated", _bpe({"a": 0, "b": 1})[:-9]),
    _tokenizer("a list", b"[]"),
    _tokenizer("model a list", dump({"model": []})),
    _tokenizer("vocab a number", _bpe(1)),
    _tokenizer("ids text", _bpe({"a": "0"})),
    _tokenizer("ids negative", _bpe({"a": -1})),
    _tokenizer("ids past 2^31", _bpe({"a": 1 << 31})),
    _tokenizer("ids past 2^64", _bpe({"a": 1 << 70})),
    _tokenizer("ids NaN", _bpe({"a": float("nan")})),
    _tokenizer("ids twice", _bpe({"a": 0, "b": 0}), warns=""),
    _tokenizer("added id negative", _bpe({"a": 0}, added_tokens=[{"id": -1, "content": "x"}])),
    _tokenizer("added tokens a table", _bpe({"a": 0}, added_tokens={})),
    _tokenizer("merges that are cyclic", _bpe({"a": 0}, [["a", "a"]] * 1000 + [["aa", "a"]]),
               warns=""),
    _tokenizer("merges of unknown tokens", _bpe({"a": 0}, ["x y", "y x"]), warns=""),
    _tokenizer("merges of three", _bpe({"a": 0}, [["a", "b", "c"]])),
    _tokenizer("merges in two spellings", _bpe({"a": 0}, ["a b", ["c", "d"]])),
    _tokenizer("merges without a blank", _bpe({"a": 0}, ["ab"])),
    _tokenizer("merges numbers", _bpe({"a": 0}, [1, 2])),
    _tokenizer("nested deep", b'{"model":' + b"[" * 1_000_000),
    _tokenizer("a string of backslashes", b'{"model":{"vocab":{"a":0},"merges":["'
               + b"\\\\" * 1_000_000 + b'"]}}'),
    *(_tokenizer(f"blocks nested {depth} deep", _sequence(depth), warns="")
      for depth in (60,)),
    *(_tokenizer(f"blocks nested {depth} deep", _sequence(depth)) for depth in (400, 900, 100_000)),
    _tokenizer("20 MB of empty lists", lambda _: b'{"model":{"vocab":{"a":0}},"normalizer":['
               + b"[]," * 6_600_000 + b"[]]}"),
    _tokenizer("500,000 tokens",
               lambda _: _bpe({f"t{at}": at for at in range(500_000)}), warns=""),
    _tokenizer("1,500,000 tokens",
               lambda _: b'{"model":{"vocab":{' + b",".join(
                   b'"%x":%d' % (at, at) for at in range(1_500_000)) + b"}}}"),
    _tokenizer("HTML", b"<html></html>"),
    _tokenizer("empty", b"", SPM),
    _tokenizer("noise", bytes(range(256)) * 40, SPM),
    _tokenizer("pickle", b"\x80\x04\x95\x00\x00\x00.", SPM),
    _tokenizer("a piece past the end", b"\x0a\x7f\x0a\x01a", SPM),
    _tokenizer("a length of ten bytes", b"\x0a" + b"\xff" * 9 + b"\x01", SPM),
    _tokenizer("a number without end", b"\x0a" + b"\xff" * 1000, SPM),
    _tokenizer("pieces that are not UTF-8", _piece(b"\xff\xfe"), SPM),
    _tokenizer("a million empty pieces", (b"\x0a\x02\x0a\x00") * 1_000_000, SPM, warns=""),
    _tokenizer("pieces of type 120", _piece(b"a", 120) * 3, SPM, warns=""),
    _tokenizer("groups", b"\x0b" * 100, SPM),
    _tokenizer("only a trainer", b"\x12\x02\x18\x02", SPM),
    _tokenizer("text", b"hello world\n" * 100, SPM),
    _tokenizer("truncated", (_piece(b"abc") * 9)[:-1], SPM),
    _tokenizer("empty", b"", TIKTOKEN),
    _tokenizer("rank negative", f"{_B64} 0\n{_B64} -5\n".encode(), TIKTOKEN),
    _tokenizer("rank of 5,000 digits", f"{_B64} 0\n{_B64} {'9' * 5000}\n".encode(), TIKTOKEN),
    _tokenizer("rank text", f"{_B64} 0\n{_B64} x\n".encode(), TIKTOKEN),
    _tokenizer("no base64", f"{_B64} 0\n!!!! 1\n".encode(), TIKTOKEN),
    _tokenizer("half a line", f"{_B64} 0\n{_B64}".encode(), TIKTOKEN),
    _tokenizer("a list", b"[]", TEKKEN),
    _tokenizer("sizes huge", dump({"config": _TEK | {"default_vocab_size": 1 << 62}, "vocab": []}),
               TEKKEN),
    _tokenizer("sizes negative", dump({"config": _TEK | {"default_vocab_size": -1}, "vocab": []}),
               TEKKEN),
    _tokenizer("ranks negative", dump({"config": _TEK, "vocab": [
        {"rank": -5, "token_bytes": _B64}]}), TEKKEN, warns=""),
    _tokenizer("no base64", dump({"config": _TEK, "vocab": [
        {"rank": 0, "token_bytes": "!!"}]}), TEKKEN),
    _tokenizer("a special token below 0", dump({"config": _TEK, "vocab": [
        {"rank": 0, "token_bytes": _B64}], "special_tokens": [{"rank": -1, "token_str": "x"}]}),
        TEKKEN),
    _tokenizer("ids text", dump({"a": "b"}), "vocab.json"),
    _tokenizer("code", b"0 __import__('os').system('x') 1\n", "rwkv_vocab_v1.txt"),
    _tokenizer("an expression nested deep", b"0 " + b"(" * 4000 + b" 1\n", "rwkv_vocab_v1.txt"),
    _tokenizer("a minus tower", b"0 " + b"-" * 4000 + b"1 1\n", "rwkv_vocab_v1.txt"),
    _tokenizer("zeros", bytes(1000), "vocab.txt"),
]  # fmt: skip

JSON = [*CONFIGS, *SIDES, *TOKENIZERS]
