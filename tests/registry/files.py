"""Small registry folders, sound and broken."""

from __future__ import annotations

from pathlib import Path

GENERIC = """\
schema = "famtree/generic/1"
traits = {}
wrappers = {}

[groups.training]
cap = 2.5
reason = "the group of traits without an entry of their own"
"""

OAK = """\
schema = "famtree/family/1"
key = "oak"
name = "Oak"
maker = "Acme"
sources = ["https://example.org/oak"]

[[generation]]
key = "oak-1"
name = "Oak 1"

[[generation.rule]]
when = {architecture.text_model_type = "oak", architecture.vocab_rows = 50000}

[[generation.size]]
name = "8B"
layers = 32
hidden_size = 4096

[[generation]]
key = "oak-2"
name = "Oak 2"
parents = [{family = "oak", generation = "oak-1", relation = "successor"}]

[[generation.rule]]
[generation.rule.when]
architecture.text_model_type = {one_of = ["oak2", "oak"]}
architecture.vocab_rows = {between = [60000, 61000]}
recipe.logit_cap = {absent = true}
recipe.chat_markers = {contains = ["<|a|>"]}

[[tokenizer]]
name = "oak 50k"
generations = ["oak-1"]
source = "https://example.org/oak"
files = ["ab"]

[[exemplar]]
repo = "acme/oak-8b"
generation = "oak-1"
source = "https://example.org/oak"
traits.architecture = {text_model_type = "oak", vocab_rows = 50000, layers = 32}
"""


def write_folder(folder: Path, **texts: str) -> Path:
    """Write a registry folder; `oak` is there unless replaced, and so is the generic file."""
    folder.mkdir(parents=True, exist_ok=True)
    for stem, text in {"_generic": GENERIC, "oak": OAK, **texts}.items():
        (folder / f"{stem}.toml").write_text(text, encoding="utf-8")
    return folder


def find_line(text: str, part: str) -> int:
    """Return the 1-based number of the one line that holds `part`."""
    found = [at for at, line in enumerate(text.splitlines(), start=1) if part in line]
    assert len(found) == 1, f"{part!r} stands in {len(found)} lines"
    return found[0]
