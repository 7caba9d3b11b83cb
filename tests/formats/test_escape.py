from __future__ import annotations

import sys
import unicodedata

import pytest

from famtree.formats.escape import UNSAFE, clip_name, clip_text, escape_text


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("\x1b[31m", "\\x1b[31m"),
        ("a\nb\tc", "a\\nb\\tc"),
        ("\x9b2J", "\\x9b2J"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("a\u200bb", "a\\u200bb"),
        ("\U000e0041", "\\U000e0041"),
        ("\ud800", "\\ud800"),
        ("通义 [bold] ü 🦙", "通义 [bold] ü 🦙"),
    ],
)
def test_each_kind_is_spelled_out(raw: str, shown: str) -> None:
    assert escape_text(raw) == shown


def test_every_control_and_format_character_is_unsafe() -> None:
    unsafe_kinds = {"Cc", "Cf", "Cs", "Zl", "Zp"}
    missed = [
        f"U+{code:04X}"
        for code in range(sys.maxunicode + 1)
        if unicodedata.category(chr(code)) in unsafe_kinds and not UNSAFE.fullmatch(chr(code))
    ]
    assert missed == []


def test_printable_ascii_is_safe() -> None:
    text = "".join(map(chr, range(0x20, 0x7F)))
    assert escape_text(text) == text


def test_clip() -> None:
    assert clip_text("x" * 10, 10) == "x" * 10
    assert clip_text("x" * 11, 10) == "x" * 9 + "…"


def test_a_long_name_keeps_head_and_tail() -> None:
    names = [f"DavidAU/{'Llama-3.2-' * 12}{kind}-18.4B-GGUF" for kind in ("Dark", "Mild")]
    cut = [clip_name(name, 80) for name in names]
    assert len(set(cut)) == 2
    assert all(
        len(one) == 80 and one.startswith("DavidAU/") and one.endswith("-GGUF") for one in cut
    )
    assert clip_name("a/b", 80) == "a/b"
    assert "\x1b" not in clip_name("\x1b" * 500, 80)
