"""Shapes of cards, recipes, adapters and chat templates."""

from __future__ import annotations

from collections.abc import Callable

from hostile_input.shapes.shape import CONFIG, MIB, Shape, fill, give_json, number


def _text(parser: str, file: str, name: str, make: Callable[[int], bytes], largest: int) -> Shape:
    return Shape(parser, name, lambda size: {"config.json": CONFIG, file: make(size)}, largest)


_YAML = {
    "aliases": lambda size: fill(b"a: &a x\nbase_model: [", b"*a,", b"*a]", size),
    "flow lists": lambda size: fill(b"base_model: [", b"a/b,", b"a/c]", size),
    "flow lists of lists": lambda size: fill(b"base_model: [", b"[],", b"[]]", size),
    "flow tables": lambda size: fill(b"base_model: [", b"{a: b},", b"{}]", size),
    "open brackets": lambda size: fill(b"base_model: ", b"[", b"", size),
    "open braces": lambda size: fill(b"base_model: ", b"{a: ", b"", size),
    "question marks": lambda size: fill(b"base_model:\n", b"? ", b"", size),
    "dashes": lambda size: fill(b"base_model:\n", b"- ", b"", size),
    "lines": lambda size: fill(b"base_model:\n", b"- a/b\n", b"- a/c", size),
    "one word": lambda size: fill(b"base_model: ", b"a", b"", size),
    "one word of escapes": lambda size: fill(b'base_model: "', b"\\x41", b'"', size),
    "an open quote": lambda size: fill(b'base_model: "', b"a ", b"", size),
    "folded lines": lambda size: fill(b"base_model: >\n", b"  a\n", b"", size),
    "plain lines": lambda size: fill(b"base_model: a\n", b"  a\n", b"", size),
    "a quote of lines": lambda size: fill(b"base_model: 'a\n", b"\n", b"'", size),
    "keys": lambda size: b"\n".join(b"k%d: v" % at for at in range(size // 10)),
    "colons": lambda size: fill(b"base_model: ", b"a:", b"", size),
    "hashes": lambda size: fill(b"base_model: a\n", b"#\n", b"", size),
    "anchors": lambda size: b"base_model:\n" + b"\n".join(
        b"- &a%d x" % at for at in range(size // 12)),
    "tags": lambda size: fill(b"base_model:\n", b"- !!str a\n", b"", size),
    "directives": lambda size: fill(b"", b"%a b\n", b"base_model: a", size),
    "documents": lambda size: fill(b"base_model: a\n", b"--- a\n", b"", size),
    "digits": lambda size: fill(b"base_model: ", b"9", b"", size),
    "number-like words": lambda size: fill(b"base_model: ", b"1_", b"x", size),
    "sixties": lambda size: fill(b"base_model: 1", b":59", b"x", size),
    "deep blocks": lambda size: b"\n".join(b" " * at + b"a:" for at in range(700)),
    "tabs": lambda size: fill(b"base_model: a", b"\t", b"b", size),
}  # fmt: skip

_PROSE = (
    b"fine-tuned from ", b"quantized version of ", b"int4 ", b"4-bit a,a/a ", b"adapter ",
    b"converted to a ", b"base model : ", b"original model card", b"[a](https://hf.co/",
    b"https://huggingface.co/a", b"base model: a.a.a", b"lora adapters for ", b"\xc2\xa0 ",
    b"converted to " + b"a " * 15, b"[" + b"a" * 119, b"based on top of [`*_",
    b"adapter for x" + b" y" * 29, b"gptq" + b"-" * 40, b"8-bit", b"fp8 int8 awq ",
)  # fmt: skip

TEXTS = [
    *(_text("card", "README.md", name, lambda size, make=make: b"---\n" + make(size - 8)  # type: ignore[misc]
            + b"\n---\n", 256 << 10) for name, make in _YAML.items()),
    *(_text("card", "README.md", f"prose of {unit[:20]!r}", lambda size, unit=unit: fill(  # type: ignore[misc]
        b"---\na: b\n---\n", unit, b"", size), 256 << 10) for unit in _PROSE),
    _text("card", "README.md", "lines that end nowhere", lambda size: fill(
        b"---\n", b"a\x0b\x0c\x1c", b"", size), 256 << 10),
    *(_text("mergekit", "mergekit_config.yml", name, lambda size, make=make: make(size), 256 << 10)  # type: ignore[misc]
      for name, make in _YAML.items()),
    _text("mergekit", "mergekit_config.yml", "256 parents x slices", lambda size: (
        b"merge_method: passthrough\nslices:\n" + b"".join(
            b"- {sources: [{model: a/b%d, layer_range: [0,9]},{model: a/c%d}]}\n" % (at, at)
            for at in range(min(1400, size // 60)))), 90_000),
    _text("mergekit", "mergekit_config.yml", "weights of 256 numbers", lambda size: (
        b"merge_method: linear\nmodels:\n" + b"".join(
            b"- {model: a/b%d, parameters: {weight: [%s]}}\n" % (at, b"1," * 60 + b"1")
            for at in range(min(256, size // 170)))), 45_000),
    *(_text("adapter", "adapter_config.json", name, make, 4 * MIB) for name, make in (
        ("a target pattern", lambda size: fill(b'{"r":1,"target_modules":"', b"(a|a)*", b'"}',
                                               size)),
        ("a target pattern that backtracks", lambda size: b'{"r":1,"target_modules":"'
         + b"((a*)*)*" * 900 + b'$"}'),
        ("targets", lambda size: number(b'{"r":1,"target_modules":[', b'"m%d"', b"]}", size)),
        ("ranks", lambda size: number(b'{"r":1,"rank_pattern":{', b'"m%d":1', b"}}", size)))),
    *give_json("adapter", "adapter_config.json", 4 * MIB, b'{"r":1,'),
    *(_text("template", "chat_template.jinja", f"of {unit[:12]!r}",
            lambda size, unit=unit: fill(b"", unit, b"", size), 4 * MIB)  # type: ignore[misc]
      for unit in (b"<|", b"{#", b"{# #}", b" ", b"<a_", b"[A", b"]~a[", b"[|a", b"### A", b"</",
                   b"\xef\xbd\x9c<", b"USER", b"<|im_start|>", b"<" + b"a" * 29, b"[" + b"A" * 31,
                   b"<|" + b"a" * 40, b"[|" + b"a" * 4000, b"\xe2\x80\x83", b"\xf0\x9f\x98\x80")),
]  # fmt: skip
