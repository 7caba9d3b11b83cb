"""What the formats' own libraries read, in the terms of the targets; None for what they refuse.

Slow and trusting: only for the few bytes of a fuzzed input.
"""

from __future__ import annotations

import io
import json
import re
import tomllib
import zipfile
from base64 import b64decode
from math import isfinite, prod
from typing import Any

MAX_DOCUMENTS_DEPTH = 15
"""Levels of nesting that every reader has to take."""
_DIGITS = re.compile(r"[\d_.:]{40}")
_STORAGE = re.compile(r"(?:.*/)?data/\d+")


def read_json(data: bytes, *, finite: bool = False) -> Any:
    """Return what Python's json reads, None for what it refuses.

    Where all is to be `finite`, a number beyond all floats is None as well.
    """
    try:
        return json.loads(data.decode("utf-8-sig"), parse_float=_read_finite if finite else None)
    except (ValueError, RecursionError):
        return None


def _read_finite(text: str) -> float | None:
    value = float(text)
    return value if isfinite(value) else None


def read_toml(text: str) -> dict[str, Any] | None:
    """Return what tomllib reads."""
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError):
        return None


def read_yaml(text: str) -> list[Any] | None:
    """Return the documents that libyaml and PyYAML read, where they are JSON-like and small.

    Dates, sets, bytes, keys that are no strings and merge keys are read in another way on purpose.
    """
    import yaml

    if "<<" in text or _DIGITS.search(text):
        return None
    try:
        found = list(yaml.load_all(text, Loader=yaml.CSafeLoader))
    except (yaml.YAMLError, ValueError, TypeError, LookupError, AttributeError, RecursionError):
        return None
    left = [2000]
    return found if all(_is_json_like(one, 0, left) for one in found) else None


def _is_json_like(value: Any, depth: int, left: list[int]) -> bool:
    left[0] -= 1
    if left[0] < 0 or depth > MAX_DOCUMENTS_DEPTH:
        return False
    if isinstance(value, dict):
        return all(
            isinstance(key, str) and _is_json_like(item, depth + 1, left)
            for key, item in value.items()
        )
    if isinstance(value, list):
        return all(_is_json_like(item, depth + 1, left) for item in value)
    return value is None or isinstance(value, str | int | float | bool)


def read_tiktoken(data: bytes) -> dict[bytes, int] | None:
    """Return token -> rank as tiktoken's own loader does (tiktoken, load.py: load_tiktoken_bpe)."""
    found = {}
    try:
        for line in data.splitlines():
            if line:
                token, rank = line.split()
                found[b64decode(token)] = int(rank)
    except ValueError:
        return None
    return found


def read_tekken(data: bytes) -> tuple[dict[bytes, int], dict[str, int]] | None:
    """Return (bytes -> id, special token -> id) as mistral-common counts them.

    An id is the rank behind the special tokens; ranks that are not in use are dropped
    (mistral-common, tokens/tokenizers/tekken.py).
    """
    try:
        table = json.loads(data)
        special = table["config"]["default_num_special_tokens"]
        used = table["config"]["default_vocab_size"] - special
        tokens = {
            b64decode(entry["token_bytes"], validate=True): entry["rank"] + special
            for entry in table["vocab"]
            if 0 <= entry["rank"] < used
        }
        return tokens, {one["token_str"]: one["rank"] for one in table.get("special_tokens") or ()}
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
        return None


def read_onnx(data: bytes) -> dict[str, Any] | None:
    """Return what the onnx package reads of a model with a graph."""
    import onnx
    from google.protobuf.message import DecodeError

    try:
        model = onnx.ModelProto.FromString(data)
        if not model.HasField("graph"):
            return None
        opsets = [one for one in model.opset_import if one.domain in ("", "ai.onnx")]
        known = opsets[-1:] if opsets and opsets[-1].HasField("version") else []
        dims = [list(one.dims) for one in model.graph.initializer]
        signed = any(one < 0 for row in dims for one in row)
        return {
            "producer": f"{model.producer_name} {model.producer_version}".strip(),
            "opset": known[0].version if known else None,
            "nodes": len(model.graph.node),
            "weights": len(dims),
            "parameters": None if signed else sum(map(prod, dims)),
            "inputs": [one.name for one in model.graph.input if one.HasField("name")],
        }  # fmt: skip
    except (DecodeError, UnicodeDecodeError):
        return None


def read_archive(data: bytes) -> tuple[int, int] | None:
    """Return (storages, bytes of them) of a PyTorch archive, whose storages zipfile reads whole."""
    total = count = 0
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for member in archive.infolist():
                if not _STORAGE.fullmatch(member.filename):
                    continue
                with archive.open(member) as stream:
                    # No mutated content keeps its checksum, and none is looked at.
                    stream._expected_crc = None  # type: ignore[attr-defined]
                    total += len(stream.read())
                    count += 1
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, RuntimeError, EOFError):
        return None
    except Exception as fault:
        # Unpackers have errors of their own (zlib.error, lzma.LZMAError, struct.error).
        if type(fault).__module__ in ("zlib", "_lzma", "struct"):
            return None
        raise
    return count, total
