"""A family of somebody's own, and a checkpoint of it."""

from __future__ import annotations

import json
from pathlib import Path

FAMILY = """
schema = "famtree/family/1"
key = "oakling"
name = "Oakling"
maker = "Acme"
sources = ["https://example.org/oakling"]

[[generation]]
key = "oakling-1"
name = "Oakling 1"

[[generation.rule]]
[generation.rule.when]
architecture.model_type = "oakling"
architecture.class_name = "OaklingForCausalLM"
architecture.vocab_rows = 48000

[[generation.size]]
name = "tiny"
layers = 6
hidden_size = 256
heads = 4
kv_heads = 2
ffn = 768
"""

CONFIG = {
    "model_type": "oakling",
    "architectures": ["OaklingForCausalLM"],
    "vocab_size": 48000,
    "num_hidden_layers": 6,
    "hidden_size": 256,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "intermediate_size": 768,
}


def write_family(
    folder: Path,
    *,
    key: str = "oakling",
    name: str = "Oakling",
    edit: tuple[str, str] | None = None,
) -> Path:
    """Write `folder`/KEY.toml, with one of its texts replaced, and return the folder."""
    text = FAMILY.replace('key = "oakling"', f'key = "{key}"', 1)
    text = text.replace('name = "Oakling"', f'name = "{name}"', 1)
    if edit is not None:
        old, new = edit
        assert old in text
        text = text.replace(old, new, 1)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{key}.toml").write_text(text, encoding="utf-8")
    return folder


def write_checkpoint(folder: Path) -> Path:
    """Write a checkpoint of the family, of a config alone."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(CONFIG), encoding="utf-8")
    return folder
