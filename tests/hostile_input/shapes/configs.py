"""Shapes of config.json and of the small files beside it."""

from __future__ import annotations

from collections.abc import Callable

from hostile_input.shapes.shape import CONFIG, MIB, Shape, fill, give_json, number

SIDES = (
    "generation_config.json", "tokenizer_config.json", "quantize_config.json",
    "quant_config.json", "hf_quant_config.json", "quanto_qmap.json", "special_tokens_map.json",
    "added_tokens.json", "chat_template.json",
)  # fmt: skip
_SMALL = 4 * MIB


def _config(name: str, make: Callable[[int], bytes], file: str = "config.json") -> Shape:
    extra = {} if file == "config.json" else {"config.json": CONFIG}
    return Shape(
        "config" if file == "config.json" else file,
        name,
        lambda size: extra | {file: make(size)},
        _SMALL,
    )


def _within(key: bytes, unit: bytes) -> Callable[[int], bytes]:
    return lambda size: number(b'{"model_type":"unheard-of",' + key, unit, b"]}", size)


CONFIGS = [
    *give_json("config", "config.json", _SMALL, b'{"model_type":"unheard-of",'),
    *(_config(f"{key.decode()} of {what}", _within(b'"%s":[' % key, unit))
      for key in (b"layer_types", b"architectures", b"block_configs", b"eos_token_id",
                  b"layers_block_type")
      for what, unit in (("words", b'"w%d"'), ("tables", b'{"a%d":0}'), ("numbers", b"%d"))),
    _config("a pattern", lambda size: fill(
        b'{"model_type":"unheard-of","hybrid_override_pattern":"', b"M*-", b'"}', size)),
    _config("a pattern of 4,096 without a period", lambda size: fill(
        b'{"model_type":"unheard-of","hybrid_override_pattern":"', b"M", b'*"}', min(size, 4150))),
    _config("a pattern of 4,096 with a late period", lambda size:
            b'{"model_type":"unheard-of","hybrid_override_pattern":"'
            + (b"M" * 1023 + b"*") * 3 + b"M" * 1023 + b'-"}'),
    *(_config(f"{method.decode()} ignores {what}", lambda size, method=method, unit=unit: number(  # type: ignore[misc]
        b'{"model_type":"unheard-of","quantization_config":{"quant_method":"%s","ignore":['
        % method, unit, b"]}}", size))
      for method in (b"compressed-tensors", b"awq", b"fp8")
      for what, unit in (("names", b'"model.layers.%d.x"'), ("patterns", b'"re:(a|a)*%d"'))),
    _config("groups", lambda size: number(
        b'{"model_type":"unheard-of","quantization_config":{"quant_method":"compressed-tensors",'
        b'"config_groups":{', b'"g%d":{"weights":{"num_bits":4,"type":"int"}}', b"}}}", size)),
    _config("own bits", lambda size: number(
        b'{"model_type":"unheard-of","quantization":{"bits":4,"group_size":64,',
        b'"model.layers.%d.x":{"bits":8}', b"}}", size)),
    _config("an extra_config", lambda size: number(
        b'{"model_type":"unheard-of","quantization_config":{"quant_method":"auto-round",'
        b'"extra_config":{', b'"model.layers.%d.x":{"bits":16}', b"}}}", size)),
    *give_json(SIDES[1], SIDES[1], _SMALL),
    _config("modules", lambda size: number(b"{", b'"m%d":{"weights":"qint8"}', b"}", size),
            "quanto_qmap.json"),
    _config("added tokens", lambda size: number(
        b'{"added_tokens_decoder":{', b'"%d":{"content":"<|a%d|>"}', b"}}", size),
        "tokenizer_config.json"),
    _config("added tokens of one content", lambda size: number(
        b'{"added_tokens_decoder":{', b'"%d":{"content":"<|\\u0041|>"}', b"}}", size),
        "tokenizer_config.json"),
    _config("special tokens", lambda size: number(
        b'{"additional_special_tokens":[', b'"<|a%d|>"', b"]}", size), "tokenizer_config.json"),
    _config("roles", lambda size: number(b"{", b'"r%d_token":"<|a%d|>"', b"}", size),
            "tokenizer_config.json"),
    _config("markers", lambda size: number(b"{", b'"<|%x>%x|>":%d', b"}", size),
            "added_tokens.json"),
    _config("markers of 64 signs", lambda size: number(
        b"{", b'"<' + b"|" * 50 + b"1" * 8 + b'%d":%d', b"}", size), "added_tokens.json"),
    _config("named templates", lambda size: number(
        b'{"chat_template":[', b'{"name":"n%d","template":"<|x|>"}', b"]}", size),
        "tokenizer_config.json"),
    *(_config(f"a template of {unit[:12]!r}", lambda size, unit=unit: fill(  # type: ignore[misc]
        b'{"chat_template":"', unit, b'"}', size), "tokenizer_config.json")
      for unit in (b"\\u0041", b"<|", b"{#", b"{# #}", b" ", b"<a_", b"[A", b"]~a[", b"<<SYS>>",
                   b"[|a", b"### A", b"\\u3000", b"</", b"USER", b"<|im_start|>",
                   b"<" + b"a" * 29, b"[" + b"A" * 31, b"<|" + b"a" * 40, b"[|" + b"a" * 4000)),
    Shape("every small file", "empty lists", lambda size: {"config.json": CONFIG} | {
        name: fill(b'{"x":[', b"{},", b"0]}", size // 9) for name in SIDES[:-1]
    }, 8 * _SMALL),
    Shape("every small file", "keys", lambda size: {"config.json": CONFIG} | {
        name: number(b"{", b'"%x":{}', b"}", size // 9) for name in SIDES[:-1]
    }, 8 * _SMALL),
]  # fmt: skip
