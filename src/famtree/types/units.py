"""Lengths, memory and types as people type them: `32k`, `24GiB`, `sm_90`, `fp16`.

Tokens are counted in powers of two (`32k` is 32,768, `1M` is 1,048,576), bytes as written: GB is
10**9 and GiB 2**30. Everything raises UsageError for what is none of it.
"""

from __future__ import annotations

import re

from famtree.errors import UsageError

MOST_TOKENS = 2**40
MOST_GIGABYTES = 10**9
_TOKENS = re.compile(r"(\d{1,15}(?:\.\d{1,6})?)\s*([kmg]?)i?", re.IGNORECASE)
_BYTES = re.compile(r"(\d{1,15}(?:\.\d{1,6})?)\s*([kmgtp]?)(i?)(b?)", re.IGNORECASE)
_CAPABILITY = re.compile(r"(?:sm|compute)[_-]?(\d{2,3})[af]?", re.IGNORECASE)
_PLAIN = re.compile(r"(\d{1,2})(?:\.(\d))?")
_CACHE_TYPES = {
    "float32": ("fp32", "f32", "float"),
    "bfloat16": ("bf16",),
    "float16": ("fp16", "f16", "half"),
    "fp8": ("fp8_e4m3", "fp8_e5m2", "fp8e4m3", "fp8e5m2", "float8", "float8_e4m3fn", "e4m3", "f8"),
    "int8": ("i8", "int8_per_token_head"),
    "nvfp4": ("fp4", "fp4_e2m1"),
    "int4": ("i4",),
    "q8_0": ("q8",),
    "q5_1": (),
    "q5_0": ("q5",),
    "q4_1": (),
    "q4_0": ("q4",),
    "iq4_nl": (),
}
CACHE_TYPES = tuple(_CACHE_TYPES)
"""Types of keys and values by the names that answers have."""


def read_tokens(text: str) -> int:
    """Return a number of tokens or sequences, at least 1."""
    found = _TOKENS.fullmatch(_clean(text))
    if found is not None:
        count = float(found[1]) * 1024 ** "_kmg".index(found[2].lower() or "_")
        if count == int(count) and 1 <= count <= MOST_TOKENS:
            return int(count)
    raise UsageError(f"{text!r} is no number of tokens", hint="for instance 32768, 32k or 1M")


def read_count(text: str) -> int:
    """Return a whole number, at least 1."""
    plain = _clean(text)
    if plain.isascii() and plain.isdigit() and len(plain) <= 9 and int(plain) >= 1:
        return int(plain)
    raise UsageError(f"{text!r} is no number of at least 1", hint="for instance 8")


def read_memory(text: str) -> float:
    """Return gigabytes (10**9 bytes); a number without a unit is that already."""
    found = _BYTES.fullmatch(_clean(text))
    if found is not None and not (found[3] and not found[2]):
        step = 1024 if found[3] else 1000
        power = "_kmgtp".index(found[2].lower() or "_")
        scale = 10**9 if not found[2] and not found[4] else step**power
        size = float(found[1]) * scale / 10**9
        if 0.001 <= size <= MOST_GIGABYTES:
            return size
    raise UsageError(f"{text!r} is no amount of memory", hint="for instance 24, 24GB or 24GiB")


def read_capability(text: str) -> int:
    """Return a CUDA compute capability times ten: 90 for `9.0`, `sm_90` and `90`."""
    plain = _clean(text)
    found = _CAPABILITY.fullmatch(plain)
    if found is not None:
        value = int(found[1])
    elif (parts := _PLAIN.fullmatch(plain)) is not None:
        value = int(parts[1]) * 10 + int(parts[2] or 0)
        if parts[2] is None and int(parts[1]) >= 30:
            value = int(parts[1])
    elif plain.isascii() and plain.isdigit() and len(plain) == 3:
        value = int(plain)
    else:
        value = 0
    if 10 <= value <= 990:
        return value
    raise UsageError(
        f"{text!r} is no CUDA compute capability", hint="for instance 9.0, sm_90 or sm_120"
    )


def read_cache_type(text: str) -> str | None:
    """Return the type of keys and values by its name, None for `auto`."""
    word = text.strip().lower().removeprefix("torch.")
    if word == "auto":
        return None
    for name, others in _CACHE_TYPES.items():
        if word == name or word in others:
            return name
    raise UsageError(
        f"{text!r} is no type of keys and values", hint=f"one of {', '.join(CACHE_TYPES)}, auto"
    )


def _clean(text: str) -> str:
    """Take away what only groups digits."""
    return re.sub(r"(?<=\d)[,_](?=\d{3}(?!\d))", "", text.strip())
