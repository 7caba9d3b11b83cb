"""Folders, cards, recipes, adapters and weights that are not what their names say."""

from __future__ import annotations

import io
import os
import socket
import zipfile
from pathlib import Path
from typing import Any

from hostile_input.case import Case, Content, config, dump, header, sound_config, sparse

README = "README.md"
RECIPE = "mergekit_config.yml"
NO_WEIGHTS: dict[str, Content] = {"model.safetensors": None}


def _fifo(path: Path) -> None:
    os.mkfifo(path)


def _folder(path: Path) -> None:
    path.mkdir()


def _device(path: Path) -> None:
    os.symlink("/dev/zero", path)


def _loop(path: Path) -> None:
    os.symlink(path.name, path)


def _socket(path: Path) -> None:
    here = os.getcwd()
    os.chdir(path.parent)  # a socket's address is short
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(path.name)
    finally:
        os.chdir(here)


def _unreadable(path: Path) -> None:
    path.write_bytes(b"{}")
    path.chmod(0)


def _linked_out(path: Path) -> None:
    outside = path.parent.parent / "outside"
    outside.mkdir(exist_ok=True)
    (outside / path.name).write_bytes(config())
    os.symlink(outside / path.name, path)


_STRANGE = {"a pipe": _fifo, "a folder": _folder, "a device": _device, "a link to itself": _loop,
            "a socket": _socket}  # fmt: skip
_READ = ("config.json", "model.safetensors", "tokenizer.json", README, "generation_config.json")


def _many(count: int, name: str = "part-{}.json") -> dict[str, Content]:
    return {name.format(at): b"" for at in range(count)}


FOLDERS = [
    *(Case(f"folder: {file} is {what}", "ambiguous" if file == "config.json" else "identified",
           {file: make})
      for what, make in _STRANGE.items() for file in _READ),
    *(Case(f"folder: gguf is {what}", "empty", {"m.gguf": make}, sound=False)
      for what, make in _STRANGE.items()),
    *(Case(f"folder: {file} may not be read", "access", {file: _unreadable})
      for file in ("config.json", "model.safetensors")),
    Case("folder: README.md may not be read", "access", {README: _unreadable}),
    Case("folder: empty", "empty", {}, sound=False),
    Case("folder: config.json leads out", "unknown", {"config.json": _linked_out} | NO_WEIGHTS,
         warns="config-unread"),
    Case("folder: a shard leads out", "identified", {"model.safetensors": _linked_out},
         warns="header-unread"),
    Case("folder: the tokenizer leads out", "identified", {"tokenizer.json": _linked_out}),
    Case("folder: names that differ in case", "identified",
         {"CONFIG.JSON": b"[", "Config.json": b"{", "MODEL.SAFETENSORS": b"",
          "Tokenizer.JSON": b""}),
    Case("folder: names of escapes", "identified",
         {"\x1b]0;owned\x07.safetensors": header(b"{}"), "a\nb.json": b"", "\u202egpj.json": b""}),
    Case("folder: a shard named of escapes", "unknown",
         {"\x1b[2J.safetensors": header(b"{}")}, sound=False),
    Case("folder: a broken shard named of escapes", "bad-header",
         {"\x1b[2J\u202e.safetensors": b"x"}, sound=False),
    Case("folder: a name that is no Unicode", "bad-header",
         {os.fsdecode(b"\xff\xfe.safetensors"): b"x"}, sound=False),
    Case("folder: 30,000 files", "identified", _many(3000) | {
        f"d{at}/e/f.json": b"" for at in range(300)}),
    Case("folder: 3,000 shards", "unknown",
         {f"w{at}.safetensors": header(b"{}") for at in range(3000)}, sound=False),
    Case("folder: nested 60 deep", "identified", {"/".join("d" * 60) + "/config.json": b"["}),
    Case("folder: spiece.model is a tiktoken file", "identified", {"spiece.model": b"YQ== 0\n"}),
    Case("folder: thousand vocabularies", "identified", _many(1000, "v{}.tiktoken"),
         warns="bad-tokenizer"),
]  # fmt: skip


def _card(name: str, text: bytes, expects: str = "identified") -> Case:
    return Case(f"card: {name}", expects, {README: b"---\n" + text + b"\n---\n"})


def _doubling(spelling: str, levels: int, width: int) -> bytes:
    """Return YAML in which every level holds `width` aliases of the level before."""
    lines = ["x0: &x0 {a: b}"]
    for at in range(1, levels):
        inner = ",".join([f"*x{at - 1}"] * width)
        lines.append(f"x{at}: &x{at} " + spelling.format(inner))
    return "\n".join(lines).encode()


CARDS = [
    _card(
        "Python object",
        b"base_model: !!python/object/apply:os.system ['touch /tmp/famtree-ran-code']",
    ),
    _card("Python name", b"a: !!python/name:os.system"),
    _card("unknown tag", b"a: !evil x"),
    _card("binary", b"a: !!binary aGVsbG8="),
    _card("set and omap", b"a: !!set {b, c}\nd: !!omap [e: 1]"),
    _card("aliases doubling", _doubling("[{}]", 30, 10)),
    _card("merge keys doubling", _doubling("{{<<: [{}]}}", 30, 10)),
    _card("merge keys by the thousand", _doubling("{{<<: [{}]}}", 8, 1000)),
    _card("an alias of itself", b"base_model: &a [*a]"),
    _card("a table that is its own key", b"a: &a {*a : 1}"),
    _card("nested 10,000 deep", b"a: " + b"[" * 10_000),
    _card("nested blocks 2,000 deep", b"\n".join(b" " * at + b"a:" for at in range(600))),
    _card("200 kB of items", b"a:\n" + b"- b\n" * 50_000),
    _card("200 kB of keys", b"\n".join(b"k%d: 1" % at for at in range(24_000))),
    _card("a number of 200,000 digits", b"base_model: " + b"9" * 200_000),
    _card("a hexadecimal number of 200,000 digits", b"base_model: 0x" + b"f" * 200_000),
    _card("a number of 60,000 sixties", b"base_model: 1" + b":59" * 60_000),
    _card("a fraction of 60,000 sixties", b"base_model: 1" + b":59" * 60_000 + b".5"),
    _card("a date out of range", b"date: 9999-99-99"),
    _card("unclosed quotes", b'base_model: "abc'),
    _card("tabs", b"\tbase_model:\tx"),
    _card("base_model a table", b"base_model: {a: b}\nlicense: [1]\ntags: {a: 1}"),
    _card("base_model lists in lists", b"base_model: [[[[a]]], {b: c}, 1, null, .nan]"),
    _card("base_model of escapes", b'base_model: "\\e]0;owned\\a"\ntags: ["\\e[2J"]'),
    _card("base_model a path", b"base_model: ../../../../etc/passwd"),
    _card("10,000 bases", b"base_model: [" + b",".join(b"a/b%d" % at for at in range(10_000))
          + b"]"),
    _card("a surrogate", b'base_model: "\\ud800/x"'),
    Case("card: unclosed", "identified", {README: b"---\nbase_model: a/b\n" + b"x: y\n" * 60_000}),
    Case("card: a gigabyte", "identified", {README: sparse(b"---\n", 1 << 30)}),
    Case("card: not UTF-8", "identified", {README: b"---\n\xff\xfe: \x80\n---\n"}),
    Case("card: UTF-16", "identified", {README: "---\na: b\n---\n".encode("utf-16")}),
]  # fmt: skip


def _recipe(name: str, text: bytes) -> Case:
    return Case(f"recipe: {name}", "identified", {RECIPE: text})


_NESTED = b"\n".join(
    [b"a0: &a0 [" + b"1," * 255 + b"1]"]
    + [b"a%d: &a%d [" % (at, at) + b",".join([b"*a%d" % (at - 1)] * 255) + b"]"
       for at in range(1, 8)]
)  # fmt: skip
_LINEAR = b"\nmerge_method: linear\nmodels: [{model: org/a, parameters: {weight: %s}}]"

RECIPES = [
    _recipe("Python object", b"merge_method: !!python/object/apply:os.system [id]"),
    _recipe("a list", b"[1, 2]"),
    _recipe("odd values", b"merge_method: linear\nmodels: {a: 1}\nslices: 3\nmodules: [1]\n"
            b"base_model: [1]\ndtype: {}"),
    _recipe("names that are lists", b"merge_method: linear\nname: [1]\nmodels: [{model: a/b}]\n"
            b"---\nmerge_method: linear\nname: {a: b}\nmodels: [{model: a/c}]"),
    _recipe("weights nested by aliases", _NESTED + _LINEAR % b"*a7"),
    _recipe("weights that hold themselves", _LINEAR.lstrip() % b"&a [*a]"),
    _recipe("a weight that is its own value", _LINEAR.lstrip() % b"&a {value: *a}"),
    _recipe("a number of 100,000 digits", _LINEAR.lstrip() % (b"0x" + b"f" * 100_000)),
    _recipe("a number of 60,000 sixties", _LINEAR.lstrip() % (b"1" + b":59" * 60_000)),
    _recipe("merge keys by the thousand", _doubling("{{<<: [{}]}}", 8, 1000)),
    _recipe("100,000 models", b"merge_method: linear\nmodels:\n" + b"- {model: a}\n" * 18_000),
    _recipe("10,000 documents", b"---\nmerge_method: x\n" * 10_000),
    _recipe("layer ranges huge", b"merge_method: passthrough\nslices: [{sources: "
            b"[{model: a/b, layer_range: [0, 99999999999999999999]}]}]"),
    _recipe("experts of odd kinds", b"experts: [1, {source_model: [a]}, {source_model: {b: c}}]"),
    _recipe("not UTF-8", bytes(range(256)) * 10),
]  # fmt: skip

ADAPTER = "adapter_config.json"


def _adapter(name: str, stated: Any, expects: str = "unknown", **more: Any) -> Case:
    files: dict[str, Content] = {ADAPTER: stated if isinstance(stated, bytes) else dump(stated)}
    return Case(f"adapter: {name}", expects, files, sound=False, **more)


_ODD: tuple[Any, ...] = (
    None,
    True,
    -1,
    10**400,
    1e308,
    float("nan"),
    "\x1b[31m",
    [1, [2]],
    {"a": {}},
    "\ud800",
)
_FIELDS = ("peft_type", "r", "lora_alpha", "target_modules", "modules_to_save", "rank_pattern",
           "base_model_name_or_path", "task_type", "lora_parameters", "rank", "alpha", "keys",
           "revision", "model")  # fmt: skip

ADAPTERS = [
    *(_adapter(f"every value {value!r:.12}", dict.fromkeys(_FIELDS, value)) for value in _ODD),
    _adapter("a list", b"[]", "nothing-readable"),
    _adapter("alpha huge in MLX's place", {"lora_parameters": {"alpha": 10**400, "rank": -1}}),
    _adapter("100,000 targets", {"r": 1, "target_modules": [f"m{at}" for at in range(100_000)]}),
    Case("adapter: parts of odd shapes", "unknown", {
        ADAPTER: dump({"r": 1}), "adapter_model.safetensors": header({
            f"base_model.model.layers.0.q.{part}.weight":
                {"dtype": "F32", "shape": shape, "data_offsets": [0, 0]}
            for part, shape in (("lora_A", [0]), ("lora_B", [0, 0, 0]), ("lora_magnitude", [0, 9]))
        })}, sound=False),
    Case("adapter: broken header", "bad-header",
         {ADAPTER: b"{}", "adapter_model.safetensors": b"x"}, sound=False),
]  # fmt: skip


def _bomb() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("archive/data.pkl", bytes(50_000_000))
    return packed.getvalue()


_PICKLES: dict[str, Content] = {
    "zip bomb": lambda _: _bomb(),
    "code": b"cos\nsystem\n(S'touch /tmp/famtree-ran-code'\ntR.",
    "fake zip": b"PK\x03\x04" + b"\xff" * 100,
    "empty": b"",
    "HTML": b"<html>",
}

PICKLES = [
    *(Case(f"pickle: {what}", "identified", NO_WEIGHTS | {"pytorch_model.bin": content})
      for what, content in _PICKLES.items()),
    Case("pickle: code alone", "unknown", {"pytorch_model.bin": b"cos\nsystem\n(S'id'\ntR."},
         sound=False),
]  # fmt: skip


def _other(name: str, files: dict[str, Content], expects: str = "unknown", **more: Any) -> Case:
    return Case(f"other: {name}", expects, files, sound=False, **more)


OTHERS = [
    _other("params.json odd", {"params.json": dump(dict.fromkeys(
        ("dim", "n_layers", "n_heads", "multiple_of", "ffn_dim_multiplier", "vocab_size",
         "norm_eps", "yarn", "moe"), 1e308))}, "ambiguous"),
    *(_other(f"params.json {value!r:.12}", {"params.json": dump(
        {"dim": 4096, "n_layers": value, "n_heads": value, "multiple_of": 256,
         "ffn_dim_multiplier": value, "norm_eps": value, "vocab_size": value, "yarn": {},
         "moe": {"num_experts": value}})}, "nothing-readable" if value == -1 else "unknown")
      for value in (-1, 10**400, float("nan"), [1], {"a": 1})),
    _other("params.json a list", {"params.json": b"[]"}, "nothing-readable"),
    _other("model_index.json odd", {"model_index.json": dump(
        {"_class_name": ["\x1b"], "text_encoder": ["\x1b[2J", "\x1b[2J"], "text_encoder_2": 3})}),
    _other("modules.json odd", {"modules.json": b"\xff", "0_T/config.json": b"["}),
    _other("an engine's config", {"config.json": dump({"pretrained_config": {
        "architecture": "\x1b[2J", "mapping": {"world_size": 10**400}, "quantization": {
            "quant_algo": [1]}}})}),
    _other("a design of nothing but one key", {"config.json": dump(
        {"model_type": sound_config()["model_type"]})}, "identified"),
]  # fmt: skip

FOLDER = [*FOLDERS, *CARDS, *RECIPES, *ADAPTERS, *PICKLES, *OTHERS]
