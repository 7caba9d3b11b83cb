"""Text found on the machine, as token arrays: Python's library, documentation, other packages.

Three corpora of different character, and two tokenizers that share none of their training text
but the documentation. What is found differs between machines, so a digest of it is part of every
recipe's key: a zoo is reproducible on one machine, and comparable across machines.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import random
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

VOCABULARY = 2048
END = "<|end|>"
CHARACTERS = {"library": 8_000_000, "documentation": 5_000_000, "packages": 5_000_000}
TRAINED_ON = {"first": ("library", "documentation"), "second": ("packages", "documentation")}
TOKENIZER_CHARACTERS = 2_500_000
CHUNK = 50_000
UNREADABLE = {".gz", ".png", ".html", ".svg", ".xz", ".bz2", ".jpg", ".gif", ".pdf"}
DOCUMENTATION = Path("/usr/share/doc")
PACKAGES = ("torch", "numpy", "sympy", "networkx")


@dataclass(frozen=True, slots=True)
class Text:
    """Token ids by (tokenizer, corpus), the tokenizer files, and a digest of all of it."""

    folder: Path
    digest: str

    def tokenizer(self, name: str) -> Path:
        """Return the tokenizer.json of that name."""
        return self.folder / f"{name}.json"

    def tokens(self, tokenizer: str, corpus: str) -> np.ndarray:
        """Return a corpus as one array of ids, mapped from disk."""
        tokens: np.ndarray = np.load(self.folder / f"{tokenizer}-{corpus}.npy", mmap_mode="r")
        return tokens


def _walk_python(folder: Path) -> Iterator[Path]:
    for path in folder.rglob("*.py"):
        if not {"site-packages", "test", "tests"} & set(path.parts[len(folder.parts) :]):
            yield path


def _find_files(corpus: str) -> list[Path]:
    if corpus == "library":
        return list(_walk_python(Path(sysconfig.get_paths()["stdlib"])))
    if corpus == "documentation":
        return [
            path
            for path in DOCUMENTATION.rglob("*")
            if path.is_file() and path.suffix not in UNREADABLE
        ]
    specs = (importlib.util.find_spec(name) for name in PACKAGES)
    folders = [Path(spec.origin).parent for spec in specs if spec and spec.origin]
    return [path for folder in folders for path in _walk_python(folder)]


def _collect(corpus: str) -> str:
    """Return about `CHARACTERS[corpus]` characters of files in an order fixed by their names."""
    files = sorted(_find_files(corpus))
    random.Random(corpus).shuffle(files)
    parts, size = [], 0
    for path in files:
        try:
            part = path.read_text(encoding="utf-8", errors="ignore")
        except OSError:
            continue
        parts.append(part)
        size += len(part)
        if size > CHARACTERS[corpus]:
            break
    if size < CHARACTERS[corpus] // 10:
        raise SystemExit(f"too little text for the {corpus} corpus: {size} characters found")
    return "\n".join(parts)


def _split(text: str, size: int) -> list[str]:
    return [text[start : start + size] for start in range(0, len(text), size)]


def _train_tokenizer(texts: list[str]) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=[END],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    pieces = [piece for text in texts for piece in _split(text[:TOKENIZER_CHARACTERS], CHUNK)]
    tokenizer.train_from_iterator(pieces, trainer)
    return tokenizer


def prepare_text(folder: Path) -> Text:
    """Collect, tokenize and store the corpora under `folder`, once."""
    record = folder / "text.json"
    if not record.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        corpora = {corpus: _collect(corpus) for corpus in CHARACTERS}
        joined = hashlib.sha256()
        for text in corpora.values():
            joined.update(text.encode())
        for name, sources in TRAINED_ON.items():
            tokenizer = _train_tokenizer([corpora[source] for source in sources])
            tokenizer.save(str(folder / f"{name}.json"))
            for corpus, text in corpora.items():
                encoded = tokenizer.encode_batch(_split(text, CHUNK))
                ids = np.concatenate([np.array(one.ids, dtype=np.uint16) for one in encoded])
                np.save(folder / f"{name}-{corpus}.npy", ids)
        sizes = {corpus: len(text) for corpus, text in corpora.items()}
        record.write_text(json.dumps({"sha256": joined.hexdigest(), "characters": sizes}))
    return Text(folder, json.loads(record.read_text())["sha256"])
