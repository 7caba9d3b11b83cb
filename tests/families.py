"""An invented registry: two families that no real one resembles."""

from __future__ import annotations

from famtree.registry.load import build_registry
from famtree.registry.registry import Registry
from famtree.types.family import Family

OAK = """
schema = "famtree/family/1"
key = "oak"
name = "Oak"
maker = "Acme"
sources = ["https://example.org/oak", "https://example.org/oak-2"]
publishers = ["acme"]
hard_to_tell_from = ["elm"]

[[generation]]
key = "oak-1"
name = "Oak 1"
released = "2023-04"
[[generation.rule]]
when = {architecture.vocab_rows = 50000, recipe.rope_theta = 10000.0}
[[generation.size]]
name = "8B"
parameters = 8030261248
layers = 32
hidden_size = 4096
heads = 32
kv_heads = 8

[[generation]]
key = "oak-2"
name = "Oak 2"
hard_to_tell_from = ["elm/elm-1"]
parents = [{family = "oak", generation = "oak-1", relation = "successor", size = "8B"}]
[[generation.rule]]
name = "chat"
variant = "chat"
[generation.rule.when]
architecture.vocab_rows = {between = [50000, 50300]}
architecture.tied = false
recipe.rope_theta = {one_of = [1e6, 5e6]}
recipe.chat_markers = {contains = ["<|a|>", "<|b|>"]}
recipe.logit_cap = {absent = true}

[[tokenizer]]
name = "oak 50k"
generations = ["oak-1", "oak-2"]
kind = "bpe"
entries = 50000
source = "https://example.org/oak"

[[exemplar]]
repo = "acme/oak-2-8b"
generation = "oak-2"
traits = {architecture.vocab_rows = 50000}
source = "https://example.org/oak"
"""

ELM = """
schema = "famtree/family/1"
key = "elm"
name = "Elm [beta]"
maker = "Evil\\u001b[31m Corp"
sources = ["https://example.org/elm"]
[[generation]]
key = "elm-1"
name = "Elm 1"
[[generation.rule]]
when = {architecture.vocab_rows = 7}
"""

GENERIC = """
schema = "famtree/generic/1"
traits = {}
groups = {}
wrappers = {}
"""


def make_registry() -> Registry:
    """Return a registry of the families `oak` and `elm`."""
    texts = {"_generic.toml": GENERIC, "elm.toml": ELM, "oak.toml": OAK}
    return build_registry({name: text.encode() for name, text in texts.items()})


def make_family(key: str = "oak") -> Family:
    """Return one of them."""
    return make_registry().by_key[key]
