"""Secrets taken out of texts: the one place that does it.

A secret is a token, or the user name and password in an address of the user's own (HF_ENDPOINT, a
proxy). A server that was given one may send it back, plain or encoded; every error passes
`redact`, and no answer is taken in that `holds_secret`.
"""

from __future__ import annotations

import json
import os
import re
from base64 import b64encode
from functools import lru_cache
from urllib.parse import unquote, unquote_to_bytes

MARK = "[redacted]"
SHORTEST = 4
"""Characters; what is shorter would be found everywhere, and guessed at once."""
LONGEST_DECODED = 4 << 20
"""Bytes of an answer in which encoded characters are looked at as well."""
MOST_QUOTED = 3
"""Times that percent encoding may have been done: an address in an address is encoded twice."""

_TOKENS = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")
_ADDRESSES = ("HF_ENDPOINT", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
_AUTHORITY = r"(?s)(?:[A-Za-z][\w+.-]*://)?(.*)@"
_USERINFO = r"//[^/?#\s\\]*@"
_JSON_ESCAPE = rb"\\u00([0-7][0-9a-fA-F])"
_remembered: dict[str, None] = {}


def remember(secret: str | None) -> None:
    """Take `secret` out of all that is told from now on."""
    if secret:
        _remembered[secret] = None


def remember_address(address: str) -> None:
    """Take what stands before the `@` of `address` out of all that is told from now on."""
    for secret in _read_userinfo(address):
        remember(secret)


def redact(text: str) -> str:
    """Return `text` with every known secret, and whatever stands before a host, replaced."""
    pattern = _compile(_list_secrets())
    if pattern is not None:
        text = pattern.sub(MARK, text)
    return re.sub(_USERINFO, f"//{MARK}@", text)


def holds_secret(data: bytes | bytearray) -> bool:
    """Return whether `data` holds a known secret that no file would hold by chance.

    Plain, in base64 or hexadecimal digits, in percent encoding or in JSON's escapes.
    """
    needles = _list_needles(_list_secrets())
    if not needles:
        return False
    if any(needle in data for needle in needles):
        return True
    if len(data) > LONGEST_DECODED:
        return False
    decoded, text = [], bytes(data)
    for _ in range(MOST_QUOTED):
        if b"%" not in text:
            break
        decoded.append(text := unquote_to_bytes(text))
    if b"\\u00" in data:
        decoded.append(re.sub(_JSON_ESCAPE, lambda found: bytes([int(found[1], 16)]), data))
    return any(needle in text for text in decoded for needle in needles)


def _list_secrets() -> tuple[str, ...]:
    """Return what is remembered and what the environment holds."""
    found = dict(_remembered)
    environment = os.environ
    for name in _TOKENS:
        if token := environment.get(name, "").strip():
            found[token] = None
    for name in _ADDRESSES:
        for key in (name, name.lower()):
            found |= dict.fromkeys(_read_userinfo(environment.get(key, "")))
    return tuple(secret for secret in found if len(secret) >= SHORTEST)


@lru_cache(maxsize=64)
def _read_userinfo(address: str) -> tuple[str, ...]:
    """Return `user:password` and the password (the user alone where there is none), decoded too."""
    found = re.match(_AUTHORITY, address)
    if found is None:
        return ()
    whole = found[1]
    secret = whole.partition(":")[2] or whole
    return tuple(dict.fromkeys((whole, unquote(whole), secret, unquote(secret))))


@lru_cache(maxsize=8)
def _compile(secrets: tuple[str, ...]) -> re.Pattern[str] | None:
    """Return what finds every form of `secrets`, the longest first."""
    forms = [
        form
        for secret in sorted(secrets, key=len, reverse=True)
        for form in (
            *("".join(map(_spell, text)) for text in _quote(secret)),
            *map(re.escape, _encode_base64(secret)),
            f"(?i:{secret.encode('utf-8', 'replace').hex()})",
        )
    ]
    # Names of hosts are put in lower case.
    return re.compile("|".join(forms), re.IGNORECASE) if forms else None


def _quote(secret: str) -> tuple[str, ...]:
    """Return `secret` as a string of JSON may hold it, of JSON in JSON too, the longest first."""
    once = json.dumps(secret)[1:-1]
    plain = json.dumps(secret, ensure_ascii=False)[1:-1]
    found = {secret, once, plain, json.dumps(once)[1:-1], json.dumps(plain)[1:-1]}
    found |= {text.replace("/", "\\/") for text in found}
    return tuple(sorted(found, key=lambda text: (-len(text), text)))


def _spell(character: str) -> str:
    """Return what finds a character, plain, percent-encoded or escaped as in JSON."""
    encoded = "".join(f"%(?:25)*{byte:02x}" for byte in character.encode("utf-8", "replace"))
    return f"(?:{re.escape(character)}|(?i:{encoded}|\\\\u{ord(character):04x}))"


@lru_cache(maxsize=8)
def _list_needles(secrets: tuple[str, ...]) -> tuple[bytes, ...]:
    found: dict[bytes, None] = {}
    for secret in filter(_is_distinct, secrets):
        data = secret.encode("utf-8", "replace")
        texts = (data.hex(), data.hex().upper(), *_encode_base64(secret))
        texts += _quote(secret)
        found |= dict.fromkeys(text.encode("utf-8", "replace") for text in texts)
    return tuple(found)


def _is_distinct(secret: str) -> bool:
    """Return whether `secret` is none of the words that files hold anyway."""
    mixed = any(map(str.isdigit, secret)) and any(map(str.isalpha, secret))
    return len(secret) >= 16 or (len(secret) >= 8 and mixed)


def _encode_base64(secret: str) -> list[str]:
    """Return the digits that `secret` alone decides, wherever in a text it is encoded with."""
    data = secret.encode("utf-8", "replace")
    found: dict[str, None] = {}
    for before, first in ((0, 0), (1, 2), (2, 3)):
        text = b64encode(bytes(before) + data).decode()[first : (before + len(data)) * 8 // 6]
        if len(text) >= 8:
            found |= dict.fromkeys((text, text.replace("+", "-").replace("/", "_")))
    return list(found)
